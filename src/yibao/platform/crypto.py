"""Sealing what identifies a person, and finding it again, with a key from outside the database.

SM4 (GB/T 32907) in GCM mode seals; HMAC over SM3 (GB/T 32905) makes the keyed hashes by which rows
are found. Both keys derive from one master key, so that neither use weakens the other.
"""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from yibao.platform.settings import Settings, SettingsFault

KEY_BYTES = 32
KEY_FILE = "vault.key"
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 4, 12, 16


class Unsealable(Exception):  # noqa: N818 - reads as a fact
    """A sealed value was changed, or sealed with another key."""


class Vault:
    """Seals texts and makes keyed hashes. A sealed value is key id, nonce, tag, ciphertext."""

    def __init__(self, key: bytes) -> None:
        """``key`` is the master key of 32 bytes."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a vault key has {KEY_BYTES} bytes, this one {len(key)}")
        self._cipher = SM4(_hmac(key, b"yibao seal")[:16])
        self._hash = HMAC(_hmac(key, b"yibao fingerprint"), SM3())
        self._id = _hmac(key, b"yibao key id")[:_ID_BYTES]

    def seal(self, text: str) -> bytes:
        """Encrypt a text; the same text never looks the same twice."""
        return self.seal_bytes(text.encode())

    def seal_bytes(self, content: bytes) -> bytes:
        """Encrypt a file's bytes."""
        nonce = os.urandom(_NONCE_BYTES)
        sealing = Cipher(self._cipher, GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(self._id)
        sealed = sealing.update(content) + sealing.finalize()
        return self._id + nonce + sealing.tag + sealed

    def open(self, sealed: bytes) -> str:
        """The text again; Unsealable when the value was changed or is another key's."""
        try:
            return self.open_bytes(sealed).decode()
        except UnicodeDecodeError:
            raise Unsealable("a sealed value is no text") from None

    def open_bytes(self, sealed: bytes) -> bytes:
        """The bytes again; Unsealable when the value was changed or is another key's."""
        head, tag_end = _ID_BYTES + _NONCE_BYTES, _ID_BYTES + _NONCE_BYTES + _TAG_BYTES
        if sealed[:_ID_BYTES] != self._id:
            raise Unsealable("sealed with another key: is this the key file of this database?")
        try:
            mode = GCM(sealed[_ID_BYTES:head], sealed[head:tag_end])
            opening = Cipher(self._cipher, mode).decryptor()
            opening.authenticate_additional_data(self._id)
            return opening.update(sealed[tag_end:]) + opening.finalize()
        except (InvalidTag, ValueError):
            raise Unsealable("a sealed value was changed") from None

    def fingerprint(self, *parts: str) -> bytes:
        """Keyed hash (32 bytes) of the parts: finds a row without knowing its content."""
        digest = self._hash.copy()
        for part in parts:
            data = part.encode()
            digest.update(len(data).to_bytes(4) + data)  # ("ab", "c") is not ("a", "bc")
        return digest.finalize()


def load_key(settings: Settings) -> bytes:
    """The master key: YIBAO_VAULT_KEY (64 hex digits), else the data folder's key file.

    A sandbox makes the file (mode 0600) when there is none; elsewhere a missing key is a
    SettingsFault, because a key made silently would be lost with the folder it lies in.
    """
    if settings.vault_key is not None:
        return _parse(settings.vault_key, "YIBAO_VAULT_KEY")
    path = settings.data / KEY_FILE
    if not path.exists():
        if not settings.sandbox:
            raise SettingsFault(
                "YIBAO_VAULT_KEY",
                f"there is no key to seal personal data with: set YIBAO_VAULT_KEY or write {path} "
                f"(64 hex digits, for example from: openssl rand -hex {KEY_BYTES})",
            )
        _make_key(path)
    return _parse(path.read_text().strip(), str(path))


def _make_key(path: Path) -> None:
    """Written aside and linked, so that of two processes one wins and no half key is ever read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            return
    finally:
        aside.unlink()


def _parse(text: str, place: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsFault(place, f"the vault key in {place} must be {2 * KEY_BYTES} hex digits")
    return key


def _hmac(key: bytes, purpose: bytes) -> bytes:
    made = HMAC(key, SM3())
    made.update(purpose)
    return made.finalize()
