"""A ZIP from outside is opened only when it is sound; all else is refused with its reason."""

import io
import struct
import zipfile

import pytest

from yibao.kernel.refusals import Refused
from yibao.platform.files import rules


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of members by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def refusal(content: bytes, name: str = "a.zip") -> str:
    """The text with which a file is refused."""

    def read() -> None:
        rules.check_content(name, content)
        rules.the_text_in(content)

    with pytest.raises(Refused) as refused:
        read()
    return refused.value.refusal.message


def test_a_zip_with_one_text_is_read() -> None:
    content = zipped({"a.txt": "结算".encode()})
    rules.check_content("a.zip", content)
    assert rules.the_text_in(content) == "结算".encode()


def test_what_we_pack_can_be_read_and_is_the_same_each_time() -> None:
    assert rules.the_text_in(rules.packed("a.txt", b"1\t2\n")) == b"1\t2\n"
    assert rules.packed("a.txt", b"1") == rules.packed("a.txt", b"1")


def test_what_only_calls_itself_a_zip_is_refused() -> None:
    assert "不是有效的ZIP" in refusal(b"setl_id\t1")
    assert "不是有效的ZIP" in refusal(zipped({"a.txt": b"1"})[:-10])


def test_a_file_of_another_kind_need_not_be_a_zip() -> None:
    rules.check_content("a.txt", b"setl_id\t1")


def test_empty_and_large_files_are_refused() -> None:
    assert "为空" in refusal(b"")
    assert "不得超过5MB" in refusal(b"x" * (rules.SIZE_LIMIT + 1), "a.txt")


@pytest.mark.parametrize("name", ["dir/a.txt", "../a.txt", "/etc/passwd", "dir/"])
def test_folders_in_a_zip_are_refused(name: str) -> None:
    assert "不得含目录" in refusal(zipped({name: b""}))


@pytest.mark.thorough
def test_a_zip_that_unpacks_to_too_much_is_refused() -> None:
    bomb = zipped({f"{i}.txt": bytes(8 * 1024 * 1024) for i in range(9)}, zipfile.ZIP_BZIP2)
    assert "解压后不得超过64MB" in refusal(bomb)


def test_a_zip_that_unpacks_to_a_thousand_times_its_size_is_refused() -> None:
    assert "压缩炸弹" in refusal(zipped({"a.txt": bytes(16 * 1024 * 1024)}))


def test_a_zip_that_lies_about_its_size_is_refused() -> None:
    content = bytearray(zipped({"a.txt": bytes(4096)}))
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, directory + 24, 10)  # uncompressed size in the directory
    text = refusal(bytes(content))
    assert "损坏" in text or "不符" in text


def test_a_damaged_member_is_refused() -> None:
    content = bytearray(zipped({"a.txt": bytes(range(256)) * 40}))
    content[45:60] = b"\xff" * 15
    assert "损坏" in refusal(bytes(content))


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(zipped({"a.txt": b"1"}))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    assert "加密" in refusal(bytes(content))


def test_a_table_comes_alone() -> None:
    assert "实有2个" in refusal(zipped({"a.txt": b"1", "b.txt": b"2"}))
    assert "实有0个" in refusal(zipped({}))


@pytest.mark.parametrize(
    "name", ["a/b.zip", "..\\b.zip", "C:b.zip", "..", "a|b", "*.zip", "a\nb", "\u202egpj.exe"]
)
def test_a_name_with_a_path_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="FILE_INVALID"):
        rules.check_name(name)


def test_a_plain_name_is_taken() -> None:
    rules.check_name("H11000000001_对账 20260715.zip")
