"""Growing pauses for who fails to prove who it is: by account and address, never by account alone.

A wrong signature costs the address that it came from. The hospital whose account it named calls
from elsewhere and notices nothing: otherwise anybody could shut a hospital out by naming it.

The processes of a server count together, in a file of fixed size: a pair's digest finds a bucket of
eight places, and the pair that failed longest ago gives way. Who is proved pays for a look into
memory, no more.
"""

import hashlib
import struct
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from yibao.platform.mapped import mapped

FREE_FAILURES = 10
"""In a row: a wrong clock or a mistyped key should be seen and mended in peace."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds; each failure after a pause doubles it."""
FORGOTTEN_AFTER = 3600.0
LOCKOUTS_FILE = "lockouts"
"""In the data folder."""

_PLACE = struct.Struct("<16sddq")
"""Digest of the pair; when it failed last and until when it pauses (Unix seconds); how often."""
_KEY = 16
_PLACES = 8
_BUCKET = _PLACES * _PLACE.size
_BUCKETS = 1 << 10
"""With eight places each: 8,192 pairs in 320 KB."""


class _Failures(NamedTuple):
    last: float = 0.0
    until: float = 0.0
    number: int = 0


class Lockout:
    """Counts failures, together with every process that has the same file."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        free: int | None = FREE_FAILURES,
        path: Path | None = None,
    ) -> None:
        """``free``: failures in a row that cost nothing; None: none ever costs anything.

        ``path`` is the file that the processes share; None: this process counts alone.
        """
        self._clock = clock
        self._free = free
        self._memory = mapped(path, _BUCKETS * _BUCKET)

    def pause(self, account: str, address: str) -> float:
        """Seconds for which a call of this account from this address is refused unread; 0: none."""
        at = self._find(_digest(account, address))
        return 0.0 if at < 0 else max(0.0, self._read(at).until - self._clock())

    def failed(self, account: str, address: str) -> None:
        """A proof was wrong."""
        if self._free is None:
            return
        now, key = self._clock(), _digest(account, address)
        at = self._find(key)
        before = _Failures() if at < 0 else self._read(at)
        number = 1 if now - before.last > FORGOTTEN_AFTER else before.number + 1
        doubled, until = number - self._free, 0.0
        if doubled >= 0:
            until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(doubled, 30))
        place = self._longest_ago(key) if at < 0 else at
        _PLACE.pack_into(self._memory, place, key, now, until, number)

    def proved(self, account: str, address: str) -> None:
        """The sender was proved: what failed before was a mistake."""
        at = self._find(_digest(account, address))
        if at >= 0:
            self._memory[at : at + _PLACE.size] = bytes(_PLACE.size)

    def under_way(self) -> int:
        """How many pairs of account and address are refused unread now."""
        now = self._clock()
        whole = _PLACE.iter_unpack(self._memory)
        return sum(now < until <= now + LONGEST_PAUSE for _, _, until, _ in whole)

    def _find(self, key: bytes) -> int:
        """Where the pair's place begins; -1: it has none."""
        start = _bucket_of(key)
        bucket = self._memory[start : start + _BUCKET]  # bytes are searched quicker than a file
        within = bucket.find(key)
        return within if within < 0 else start + within

    def _read(self, at: int) -> _Failures:
        """What is known of a pair; nothing when the clock has been set back since."""
        _, *found = _PLACE.unpack_from(self._memory, at)
        failures = _Failures(*found)
        return failures if failures.last <= self._clock() else _Failures()

    def _longest_ago(self, key: bytes) -> int:
        start = _bucket_of(key)
        places = range(start, start + _BUCKET, _PLACE.size)
        return min(places, key=lambda at: _PLACE.unpack_from(self._memory, at)[1])


def _bucket_of(key: bytes) -> int:
    return int.from_bytes(key[:4]) % _BUCKETS * _BUCKET


@lru_cache(maxsize=4096)
def _digest(account: str, address: str) -> bytes:
    return hashlib.blake2b(f"{account}\n{address}".encode(), digest_size=_KEY).digest()
