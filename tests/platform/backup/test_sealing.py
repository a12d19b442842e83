"""A sealed file is read back as it was written, or refused."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import examples
from yibao.platform.backup import sealing
from yibao.platform.backup.model import BackupFault
from yibao.platform.backup.sealing import Passphrase, SealedReader, SealedWriter, VaultSecret
from yibao.platform.keyring import ring_of

SECRET = Passphrase("correct horse battery staple")
VAULT = VaultSecret(ring_of([b"v" * 32]))
"""Opens at once; a passphrase takes a fifth of a second, on purpose."""
AT = datetime(2026, 7, 15, 4, tzinfo=UTC)
CONTENT = random.Random(1).randbytes(3_000_000)
"""Does not compress, so it has several frames."""


def written(path: Path, content: bytes = CONTENT, secret: object = SECRET) -> Path:
    with path.open("wb") as file:
        sealed = SealedWriter(file, secret, "1.0", "0020", AT)  # type: ignore[arg-type]
        for at in range(0, len(content), 70_000):
            sealed.write(content[at : at + 70_000])
        sealed.close()
    return path


def read(path: Path, secret: object = SECRET) -> bytes:
    return b"".join(SealedReader(path).content(secret))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("backup") / "whole").read_bytes()


@pytest.mark.thorough
@pytest.mark.parametrize("size", [0, 1, 1 << 20, 3_000_000])
def test_what_was_written_is_read(tmp_path: Path, size: int) -> None:
    assert read(written(tmp_path / "b", CONTENT[:size])) == CONTENT[:size]


def test_nothing_of_the_content_can_be_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "b", b"110101199001011234" * 1000)
    assert b"110101" not in path.read_bytes()


@contextmanager
def small_frames() -> Iterator[None]:
    """A short file has several frames."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sealing, "_FRAME", 4096)
        yield


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with small_frames():
        return written(tmp_path_factory.mktemp("backup") / "short", CONTENT[:30_000], VAULT)


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_a_bit_that_was_changed_anywhere_is_found(short: Path, data: st.DataObject) -> None:
    whole = short.read_bytes()
    at = data.draw(
        st.one_of(
            st.integers(0, 400),  # first bytes and head are small, and must be met often
            st.integers(len(whole) - 400, len(whole) - 1),
            st.integers(0, len(whole) - 1),
        )
    )
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(whole)
    changed[at] ^= 1 << bit
    path = short.with_name("changed")
    path.write_bytes(changed)
    with small_frames(), pytest.raises(BackupFault):
        read(path, VAULT)


def test_what_was_not_changed_is_read_in_small_frames_too(short: Path) -> None:
    with small_frames():
        assert read(short, VAULT) == CONTENT[:30_000]


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_an_end_that_is_missing_is_found(short: Path, data: st.DataObject) -> None:
    whole = short.read_bytes()
    path = short.with_name("cut")
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with small_frames(), pytest.raises(BackupFault):
        read(path, VAULT)


@pytest.mark.thorough
def test_frames_that_were_taken_out_or_changed_places_are_found(
    tmp_path: Path, whole: bytes
) -> None:
    begin, frames = frames_of(whole)
    assert len(frames) > 2
    for altered in (frames[1:], frames[:-1], [frames[1], frames[0], *frames[2:]], frames * 2):
        path = tmp_path / "b"
        path.write_bytes(begin + b"".join(altered))
        with pytest.raises(BackupFault):
            read(path)


def test_bytes_behind_the_end_are_found(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "b"
    path.write_bytes(whole + b"\0")
    with pytest.raises(BackupFault):
        read(path)


@pytest.mark.thorough
def test_another_passphrase_opens_nothing(tmp_path: Path) -> None:
    with pytest.raises(BackupFault, match="another passphrase"):
        read(written(tmp_path / "b"), Passphrase("correct horse battery stable"))


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(BackupFault, match="12 characters"):
        Passphrase("secret")


def test_the_vaults_key_seals_and_another_one_is_named(tmp_path: Path) -> None:
    ring = ring_of([b"n" * 32, b"o" * 32])
    path = written(tmp_path / "b", secret=VaultSecret(ring))
    assert read(path, VaultSecret(ring)) == CONTENT
    rotated = ring_of([b"p" * 32, b"n" * 32])
    assert read(path, VaultSecret(rotated)) == CONTENT
    with pytest.raises(BackupFault, match=ring.keys[0].id.hex()):
        read(path, VaultSecret(ring_of([b"q" * 32])))
    with pytest.raises(BackupFault, match="vault"):
        read(path)


def frames_of(whole: bytes) -> tuple[bytes, list[bytes]]:
    """The head, and each frame with its length."""
    at = 12 + int.from_bytes(whole[8:12])
    begin, frames = whole[:at], []
    while at < len(whole):
        end = at + 4 + int.from_bytes(whole[at : at + 4])
        frames.append(whole[at:end])
        at = end
    return begin, frames
