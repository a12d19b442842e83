"""Identifiers: time-ordered numbers, their text forms that begin with the pool, ID-card numbers."""

from datetime import UTC, datetime
from typing import NamedTuple

from yibao.kernel.areas import Pool, is_pool

EPOCH_MS = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
WRITER_BITS = 8
SEQUENCE_BITS = 14
_DIGITS = 19

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"


class PoolKey(NamedTuple):
    """A row's key below the identity: the pool first, then a time-ordered number."""

    pool: Pool
    number: int

    def text(self) -> str:
        """The form the outside sees (``mdtrt_id``, ``setl_id``): pool, then 19 digits."""
        return self.pool + str(self.number).zfill(_DIGITS)


def parse_pool_key(text: str) -> PoolKey | None:
    """The key behind an id text, or None when the text is not one of ours."""
    pool, digits = text[:6], text[6:]
    if len(digits) != _DIGITS or not digits.isascii() or not digits.isdigit() or not is_pool(pool):
        return None
    number = int(digits)
    return PoolKey(Pool(pool), number) if number < 2**63 else None


class NumberSource:
    """Makes time-ordered 63-bit numbers: 41 bits of milliseconds, the writer, a sequence.

    Two sources never give the same number as long as their ``writer`` differs; the database
    hands out writer numbers at start. A clock that steps back is waited out in numbers, not in
    time: the source goes on from the last millisecond it used.
    """

    def __init__(self, writer: int) -> None:
        if not 0 <= writer < 2**WRITER_BITS:
            raise ValueError(f"writer {writer} is outside 0..{2**WRITER_BITS - 1}")
        self._writer = writer
        self._last_ms = 0
        self._sequence = 0

    @property
    def writer(self) -> int:
        """The number of the process that this source belongs to."""
        return self._writer

    def next(self, now: datetime) -> int:
        """The next number for the aware instant ``now``."""
        milliseconds = int(now.timestamp() * 1000) - EPOCH_MS
        if milliseconds > self._last_ms:
            self._last_ms, self._sequence = milliseconds, 0
        else:
            self._sequence += 1
            if self._sequence >= 2**SEQUENCE_BITS:
                self._last_ms, self._sequence = self._last_ms + 1, 0
        return (
            (self._last_ms << (WRITER_BITS + SEQUENCE_BITS))
            | (self._writer << SEQUENCE_BITS)
            | self._sequence
        )


def first_number_of(instant: datetime) -> int:
    """The smallest number a source can give at ``instant``: the edge of a month's partition."""
    return (int(instant.timestamp() * 1000) - EPOCH_MS) << (WRITER_BITS + SEQUENCE_BITS)


def id_card_check_digit(first17: str) -> str:
    """The check character of a resident identity number (公民身份号码, GB 11643)."""
    total = sum(int(d) * w for d, w in zip(first17, ID_WEIGHTS, strict=True))
    return ID_CHECKS[total % 11]
