"""Keys and their hashes, and when a clerk is locked out. Pure but for the drawing of a key."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from yibao.bureau.clerks.model import FAILURES_ALLOWED, LOCKED_FOR

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


def locked_until(tries: Sequence[Try], now: datetime) -> datetime | None:
    """Until when a clerk is locked out; ``tries`` begins with the latest."""
    latest = tries[:FAILURES_ALLOWED]
    if len(latest) < FAILURES_ALLOWED or any(one.succeeded for one in latest):
        return None
    until = latest[0].tried_at + LOCKED_FOR
    return until if now < until else None


def _derive(key: str, salt: bytes) -> bytes:
    return Scrypt(salt, _HASH_BYTES, _WORK, _BLOCK, _LANES).derive(key.encode())
