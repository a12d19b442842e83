"""Sealing what identifies a person, and finding it again, with keys from outside the database.

SM4 (GB/T 32907) in GCM mode seals; HMAC over SM3 (GB/T 32905) makes the keyed hashes by which rows
are found. All keys derive from a master key, so that no use weakens another. The newest key seals;
older ones still open until they are retired (``keyring``, ``vault``).
"""

import os
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from yibao.platform.clock import SystemClock
from yibao.platform.keyring import (
    ID_BYTES,
    KEY_BYTES,
    KEY_FILE,
    KeyRing,
    VaultKey,
    derived,
    load_key,
    read_ring,
    ring_of,
)
from yibao.platform.settings import SettingsFault

__all__ = ["KEY_BYTES", "KEY_FILE", "Unsealable", "Vault", "load_key"]

_NONCE_BYTES, _TAG_BYTES = 12, 16
_LOOK_SECONDS = 1.0
"""How often the key file is looked at."""


class Unsealable(Exception):  # noqa: N818 - reads as a fact
    """A sealed value was changed, or sealed with another key."""


class Vault:
    """Seals texts and makes keyed hashes. A sealed value is key id, nonce, tag, ciphertext."""

    def __init__(self, keys: bytes | KeyRing) -> None:
        """``keys``: one master key of 32 bytes, or a ring, whose file is followed as it changes."""
        self._ring = ring_of([keys]) if isinstance(keys, bytes) else keys
        self._take(self._ring)

    @property
    def ring(self) -> KeyRing:
        """The keys as last read."""
        return self._ring

    @property
    def key_id(self) -> bytes:
        """Id of the key that seals now."""
        return self._current().id

    # ------------------------------------------------------------------------------------- sealing

    def seal(self, text: str, purpose: str = "") -> bytes:
        """Encrypt a text; the same text never looks the same twice.

        What is believed because it opens (a session, a link of a chain) is sealed for a purpose:
        a text that somebody had sealed as the content of a file never opens for it.
        """
        return self.seal_bytes(text.encode(), purpose)

    def seal_bytes(self, content: bytes, purpose: str = "") -> bytes:
        """Encrypt a file's bytes."""
        key = self._current()
        nonce = os.urandom(_NONCE_BYTES)
        sealing = Cipher(key.cipher, GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(key.id + purpose.encode())
        sealed = sealing.update(content) + sealing.finalize()
        return key.id + nonce + sealing.tag + sealed

    def open(self, sealed: bytes, purpose: str = "") -> str:
        """The text again; Unsealable when it was changed, is another key's or purpose's."""
        try:
            return self.open_bytes(sealed, purpose).decode()
        except UnicodeDecodeError:
            raise Unsealable("a sealed value is no text") from None

    def open_bytes(self, sealed: bytes, purpose: str = "") -> bytes:
        """The bytes again; Unsealable when they were changed, are another key's or purpose's."""
        head, tag_end = ID_BYTES + _NONCE_BYTES, ID_BYTES + _NONCE_BYTES + _TAG_BYTES
        key = self._by_id(sealed[:ID_BYTES])
        try:
            mode = GCM(sealed[ID_BYTES:head], sealed[head:tag_end])
            opening = Cipher(key.cipher, mode).decryptor()
            opening.authenticate_additional_data(key.id + purpose.encode())
            return opening.update(sealed[tag_end:]) + opening.finalize()
        except (InvalidTag, ValueError):
            raise Unsealable("a sealed value was changed") from None

    # ------------------------------------------------------------------------------------- finding

    def look_up_key(self, *parts: str) -> bytes:
        """What a row about a person is found by: key id and keyed hash, to be stored.

        For what can be guessed (numbers of documents and cards): it changes with the key.
        """
        key = self._current()
        return key.id + _hashed(key.look_up, parts)

    def look_up_keys(self, *parts: str) -> list[bytes]:
        """Everything that ``look_up_key`` may have made of the parts: look for all of them."""
        self._look()
        made = [key.id + _hashed(key.look_up, parts) for key in self._keys]
        return [*made, self.fingerprint(*parts)]  # rows from before keys could change

    def fingerprint(self, *parts: str) -> bytes:
        """Keyed hash (32 bytes) of the parts that stays the same when keys change.

        For codes and tokens that nobody can guess, and for institutions' own numbers.
        """
        return _hashed(self._labels, parts)

    # ------------------------------------------------------------------------------------- private

    def _take(self, ring: KeyRing) -> None:
        self._ring = ring
        self._keys = [_Derived(key) for key in ring.keys]
        self._labels = HMAC(ring.labels, SM3())
        self._stamp = _stamp(ring)
        self._looked = time.monotonic()
        self._sealing = self._begun()

    def _begun(self) -> "_Derived":
        chosen = self._ring.sealing(SystemClock().now())
        return self._keys[self._ring.keys.index(chosen)]

    def _current(self) -> "_Derived":
        self._look()
        return self._sealing

    def _look(self, *, at_once: bool = False) -> None:
        """Read the key file again when it has changed; look no more than once a second."""
        now = time.monotonic()
        if self._ring.path is None or (now - self._looked < _LOOK_SECONDS and not at_once):
            return
        self._looked = now
        if _stamp(self._ring) != self._stamp:
            try:
                self._take(read_ring(self._ring.path))
            except (OSError, SettingsFault):
                return  # the keys that were read go on
        self._sealing = self._begun()

    def _by_id(self, id: bytes) -> "_Derived":  # noqa: A002 - it is one
        for key in self._keys:
            if key.id == id:
                return key
        self._look(at_once=True)
        for key in self._keys:
            if key.id == id:
                return key
        raise Unsealable("sealed with another key: is this the key file of this database?")


class _Derived:
    """What is made of one master key."""

    def __init__(self, key: VaultKey) -> None:
        self.id = key.id
        self.cipher = SM4(derived(key.secret, b"yibao seal")[:16])
        self.look_up = HMAC(derived(key.secret, b"yibao look-up"), SM3())


def _hashed(keyed: HMAC, parts: tuple[str, ...]) -> bytes:
    digest = keyed.copy()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(4) + data)  # ("ab", "c") is not ("a", "bc")
    return digest.finalize()


def _stamp(ring: KeyRing) -> tuple[int, int] | None:
    if ring.path is None:
        return None
    try:
        found = ring.path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
