"""Files go up and come down again, byte for byte, to their own institution."""

import base64
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY


def zipped(name: str = "a.txt", content: bytes = b"1\t2\n") -> bytes:
    """A ZIP of one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


async def test_a_file_comes_back_byte_for_byte(counter: Counter) -> None:
    content = zipped()
    answer = await counter.done("9101", counter.file("a.zip", content))
    assert answer["filename"] == "a.zip"
    assert answer["fixmedins_code"] == counter.institution
    assert answer["dld_endtime"] == "2026-08-14 12:00:00"
    assert len(answer["file_qury_no"]) <= 30
    assert await counter.download(answer["file_qury_no"]) == content


async def test_bytes_may_come_as_numbers_signed_or_not(counter: Counter) -> None:
    content = zipped(content=bytes(range(256)))
    signed = [value - 256 if value > 127 else value for value in content]
    data_url = f"data:application/zip;base64,{base64.b64encode(content).decode()}"
    for form in (list(content), signed, data_url, base64.encodebytes(content).decode()):
        sent = counter.file("a.zip", b"")
        sent["fsUploadIn"]["in"] = form
        number = (await counter.done("9101", sent))["file_qury_no"]
        assert await counter.download(number) == content


async def test_plain_text_may_carry_the_request(counter: Counter) -> None:
    number = await counter.upload("a.zip", zipped())
    message = json.dumps(counter.envelope("9102", counter.wanted(number))).encode()
    headers = counter.headers() | {"content-type": "text/plain"}
    assert await counter.exchange(message, headers=headers) == (
        "application/octet-stream",
        zipped(),
    )


async def test_a_repeated_upload_gets_the_same_number(counter: Counter) -> None:
    message, sent = counter.message_id(), counter.file("a.zip", zipped())
    first = await counter.done("9101", sent, message=message)
    assert await counter.done("9101", sent, message=message) == first
    assert await counter.done("9101", sent) != first
    other = counter.file("a.zip", zipped(content=b"other"))
    assert (await counter.refused("9101", other, message=message))[0] == 1020


async def test_bad_uploads_are_refused(counter: Counter) -> None:
    def sent(**changes: Any) -> Json:
        return {"fsUploadIn": counter.file("a.zip", zipped())["fsUploadIn"] | changes}

    bomb = base64.b64encode(zipped(content=bytes(16 * 1024 * 1024))).decode()
    nested = base64.b64encode(zipped(name="dir/a.txt")).decode()
    text = base64.b64encode(b"no zip").decode()
    for changes, code, word in (
        ({"in": None}, 1010, "文件数据"),
        ({"in": ""}, 1010, "文件数据"),
        ({"in": "###"}, 1012, "Base64"),
        ({"in": {"a": 1}}, 1012, "Base64"),
        ({"in": [1, 2, 300]}, 1012, "0至255"),
        ({"in": [1, -200]}, 1012, "0至255"),
        ({"in": [1, "x"]}, 1012, "0至255"),
        ({"in": 7}, 1012, "Base64"),
        ({"in": []}, 6003, "为空"),
        ({"in": text}, 6003, "不是有效的ZIP"),
        ({"in": bomb}, 6003, "压缩炸弹"),
        ({"in": nested}, 6003, "不得含目录"),
        ({"filename": "../a.zip"}, 6003, "不得含路径"),
        ({"filename": None}, 1010, "filename"),
        ({"filename": "x" * 201}, 1011, "filename"),
        ({"fixmedins_code": OTHER_TERTIARY}, 2011, "fixmedins_code"),
    ):
        refused, message = await counter.refused("9101", sent(**changes))
        assert (refused, word in message) == (code, True), (changes, refused, message)
    assert await counter.town.rows("platform.visible_file") == 0


async def test_bad_downloads_are_refused_in_an_envelope(counter: Counter) -> None:
    number = await counter.upload("a.zip", zipped())
    for wrong in ("nonsense", number[:-1] + "x", "000000" + "9" * 18 + "0", "ML1301xx"):
        code, text = await counter.refused("9102", counter.wanted(wrong))
        assert code == 6001, text
        assert "file_qury_no" in text
    counter.institution = OTHER_TERTIARY
    assert (await counter.refused("9102", counter.wanted(number)))[0] == 6001


async def test_an_expired_file_is_refused(counter: Counter) -> None:
    number = await counter.upload("a.zip", zipped())
    counter.town.clock.move(timedelta(days=31))
    assert (await counter.refused("9102", counter.wanted(number)))[0] == 6002


@pytest.mark.parametrize(
    "number", ["ML1301" + "0" * 21, "ML1301" + "Z" * 11 + "0" * 11, "ML9999" + "0" * 22]
)
async def test_an_invented_catalogue_file_is_refused(counter: Counter, number: str) -> None:
    assert (await counter.refused("9102", counter.wanted(number)))[0] == 6001
