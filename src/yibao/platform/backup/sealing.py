"""One sealed file, written and read as a stream: compressed, encrypted, and whole or refused.

    YIBAOBK1 | length, head (JSON, readable by anyone) | length, frame | length, frame | …

A frame is up to a mebibyte of the compressed content under SM4-GCM. Its nonce is the file's own
random prefix, the frame's number, and whether it is the last one; the head is authenticated with
each. So a bit that was changed, a frame that was moved, taken out or copied in from another backup,
and an end that is missing are all found, and nothing that was not authenticated is ever handed on.

The key is made for this one file: from a passphrase (scrypt) or from the vault's key, each with a
random salt that stands in the head. The vault's key itself is never in it.
"""

import hashlib
import os
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from yibao.platform.backup.model import FORMAT, BackupFault
from yibao.platform.keyring import KeyRing, derived

_MAGIC = b"YIBAOBK1"
_FRAME = 1 << 20
_TAG = 16
_PREFIX = 7
_HEAD_LIMIT = 1 << 16
_LEVEL = 1
"""Of zlib: more would cost more time than it saves room."""
_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
_LOCKED = (
    "the backup does not open: it was sealed with another passphrase (or another vault key),"
    " or it is damaged"
)
_DAMAGED = "the backup is damaged: {}. Take another copy of it"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What anybody may read of a backup: enough to say why it cannot be put back here."""

    format: int
    version: str
    revision: str
    taken_at: datetime
    sealed_with: str
    """``passphrase``, or ``vault``."""
    key: str
    """Hex id of the vault's key; "" with a passphrase."""
    salt: str
    prefix: str


class Secret(Protocol):
    """What a backup is sealed with."""

    def sealing(self) -> tuple[str, str]:
        """``sealed_with`` and ``key`` of a head."""

    def key_for(self, head: Head) -> bytes:
        """The 16 bytes that open this backup. Raises BackupFault."""


class Passphrase:
    """A secret that somebody keeps elsewhere."""

    def __init__(self, text: str) -> None:
        if len(text) < 12:
            raise BackupFault("a passphrase of fewer than 12 characters protects nothing")
        self._text = text

    def sealing(self) -> tuple[str, str]:
        """A passphrase; there is no key to name."""
        return "passphrase", ""

    def key_for(self, head: Head) -> bytes:
        """Made from the passphrase and the head's salt. Raises BackupFault."""
        if head.sealed_with != "passphrase":
            raise BackupFault(
                "the backup was sealed with the vault's key, not with a passphrase: put vault.key "
                "into the new data folder, or set YIBAO_VAULT_KEY"
            )
        kdf = Scrypt(salt=bytes.fromhex(head.salt), length=16, **_SCRYPT)
        return kdf.derive(self._text.encode())


class VaultSecret:
    """The key that seals personal data in the database seals its backup as well."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def sealing(self) -> tuple[str, str]:
        """The vault's newest key, by its id."""
        return "vault", self._ring.keys[0].id.hex()

    def key_for(self, head: Head) -> bytes:
        """Made from the vault's key that the head names. Raises BackupFault."""
        if head.sealed_with != "vault":
            raise BackupFault(
                "the backup was sealed with a passphrase: give its file by --passphrase-file"
            )
        found = self._ring.find(bytes.fromhex(head.key))
        if found is None:
            raise BackupFault(
                f"the backup was sealed with the vault's key {head.key}, which is not here: put "
                "the vault.key of that installation into the new data folder, or set "
                "YIBAO_VAULT_KEY (and YIBAO_VAULT_KEYS_OLD)"
            )
        return derived(found.secret, b"yibao backup " + bytes.fromhex(head.salt))[:16]


class SealedWriter:
    """Writes one backup file. ``close`` is what makes it whole."""

    def __init__(self, file: BinaryIO, secret: Secret, version: str, revision: str, at: datetime):
        sealed_with, key = secret.sealing()
        head = Head(
            format=FORMAT,
            version=version,
            revision=revision,
            taken_at=at,
            sealed_with=sealed_with,
            key=key,
            salt=os.urandom(16).hex(),
            prefix=os.urandom(_PREFIX).hex(),
        )
        written = msgspec.json.encode(head)
        self._file = file
        self._frames = _Frames(secret.key_for(head), head, written)
        self._packer = zlib.compressobj(_LEVEL)
        self._packed = bytearray()
        file.write(_MAGIC + len(written).to_bytes(4) + written)

    def write(self, data: bytes) -> None:
        """Add to the content."""
        self._packed += self._packer.compress(data)
        while len(self._packed) > _FRAME:  # one is kept back: the last one is marked as such
            self._put(bytes(self._packed[:_FRAME]), last=False)
            del self._packed[:_FRAME]

    def close(self) -> None:
        """Write what is left and the mark of the end."""
        self._packed += self._packer.flush()
        while len(self._packed) > _FRAME:
            self._put(bytes(self._packed[:_FRAME]), last=False)
            del self._packed[:_FRAME]
        self._put(bytes(self._packed), last=True)

    def _put(self, plain: bytes, *, last: bool) -> None:
        sealed = self._frames.seal(plain, last=last)
        self._file.write(len(sealed).to_bytes(4) + sealed)


class SealedReader:
    """Reads one backup file. Raises BackupFault as soon as something is not as it was written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.head, self._written, self._begin = _read_head(path)

    def content(self, secret: Secret) -> Iterator[bytes]:
        """The content in pieces, each of them authenticated."""
        frames = _Frames(secret.key_for(self.head), self.head, self._written)
        unpacker = zlib.decompressobj()
        try:
            with self._path.open("rb") as file:
                file.seek(self._begin)
                for sealed, last in _frames_of(file):
                    piece = unpacker.decompress(frames.open(sealed, last=last))
                    if piece:
                        yield piece
                if rest := unpacker.flush():
                    yield rest
        except zlib.error as error:
            raise BackupFault(_DAMAGED.format(error)) from None
        except OSError as error:
            raise BackupFault(f"{self._path} cannot be read: {error.strerror}") from None


class _Frames:
    """Seals and opens frames, one after the other."""

    def __init__(self, key: bytes, head: Head, written: bytes) -> None:
        self._cipher = SM4(key)
        self._prefix = bytes.fromhex(head.prefix)
        self._about = hashlib.sha256(written).digest()
        self._number = 0

    def seal(self, plain: bytes, *, last: bool) -> bytes:
        sealing = Cipher(self._cipher, GCM(self._nonce(last=last))).encryptor()
        sealing.authenticate_additional_data(self._about)
        return sealing.update(plain) + sealing.finalize() + sealing.tag

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        number = self._number
        try:
            nonce = self._nonce(last=last)
            opening = Cipher(self._cipher, GCM(nonce, sealed[-_TAG:])).decryptor()
            opening.authenticate_additional_data(self._about)
            return opening.update(sealed[:-_TAG]) + opening.finalize()
        except (InvalidTag, ValueError):
            if number == 0:
                raise BackupFault(_LOCKED) from None
            what = f"part {number + 1} was changed, or the end is missing"
            raise BackupFault(_DAMAGED.format(what)) from None

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._prefix + self._number.to_bytes(4) + bytes([last])
        self._number += 1
        return nonce


def _frames_of(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Each frame, and whether it is the last one: behind it the file ends."""
    size = file.read(4)
    while True:
        length = int.from_bytes(size)
        if len(size) < 4 or not _TAG <= length <= _FRAME + _TAG:
            raise BackupFault(_DAMAGED.format("a part has no length that can be"))
        sealed = file.read(length)
        if len(sealed) < length:
            raise BackupFault(_DAMAGED.format("its end is missing"))
        size = file.read(4)
        yield sealed, not size
        if not size:
            return


def _read_head(path: Path) -> tuple[Head, bytes, int]:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC) + 4)
            length = int.from_bytes(start[len(_MAGIC) :])
            written = file.read(min(length, _HEAD_LIMIT))
    except OSError as error:
        raise BackupFault(f"{path} cannot be read: {error.strerror}") from None
    if not start.startswith(_MAGIC):
        raise BackupFault(f"{path} is no backup of Yibao, or its first bytes are damaged")
    try:
        head = msgspec.json.decode(written, type=Head)
        if len(bytes.fromhex(head.prefix)) != _PREFIX or len(bytes.fromhex(head.salt)) != 16:
            raise ValueError("salt or prefix")
        bytes.fromhex(head.key)
    except (msgspec.DecodeError, ValueError):
        raise BackupFault(_DAMAGED.format("its head cannot be read")) from None
    if head.format != FORMAT:
        raise BackupFault(
            f"the backup has format {head.format}, this Yibao reads format {FORMAT}: "
            f"use Yibao {head.version}, which took it"
        )
    return head, written, len(start) + len(written)
