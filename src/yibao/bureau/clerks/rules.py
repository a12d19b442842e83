"""Keys and their hashes, and when a clerk is locked out. Pure but for the drawing of a key."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from yibao.bureau.clerks.model import FAILURES_ALLOWED, FAILURES_ANYWHERE, LOCKED_FOR

_SALT_BYTES, _HASH_BYTES = 16, 32
_WORK, _BLOCK, _LANES = 2**14, 8, 1  # 16 MB and some 50 ms a try


class Try(NamedTuple):
    """One try to sign in."""

    succeeded: bool
    tried_at: datetime


def new_key() -> str:
    """A personal key that nobody guesses: 144 bits."""
    return secrets.token_urlsafe(18)


def hashed(key: str) -> tuple[bytes, bytes]:
    """A new salt and the key's hash under it."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return salt, _derive(key, salt)


def matches(key: str, salt: bytes, expected: bytes) -> bool:
    """Whether a key is the one that was hashed."""
    return hmac.compare_digest(_derive(key, salt), expected)


class Tries(NamedTuple):
    """What is known of a clerk's tries to sign in; each list begins with the latest."""

    here: Sequence[Try]
    """From the address that tries now."""
    anywhere: Sequence[Try]
    known_here: bool
    """Whether the clerk has signed in from this address lately."""


def locked_until(tries: Tries, now: datetime) -> datetime | None:
    """Until when a clerk is locked out at an address.

    Who guesses from elsewhere locks out nobody who sits where the clerk mostly sits.
    """
    ends = [_end_of_lock(tries.here, FAILURES_ALLOWED)]
    if not tries.known_here:
        ends.append(_end_of_lock(tries.anywhere, FAILURES_ANYWHERE))
    return max((end for end in ends if end is not None and now < end), default=None)


def _end_of_lock(tries: Sequence[Try], allowed: int) -> datetime | None:
    latest = tries[:allowed]
    if len(latest) < allowed or any(one.succeeded for one in latest):
        return None
    return latest[0].tried_at + LOCKED_FOR


def _derive(key: str, salt: bytes) -> bytes:
    return Scrypt(salt, _HASH_BYTES, _WORK, _BLOCK, _LANES).derive(key.encode())
