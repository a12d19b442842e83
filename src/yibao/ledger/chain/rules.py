"""What a block hashes. Pure; ``0015_ledger.sql`` writes the same for what is older than the chain.

Canonical bytes, integers big-endian and signed:

====== ==========================================================================================
entry  pool (UTF-8) · posting (8) · line (2) · amount in fen (8) · day as days since 2000-01-01 (4)
       · account (UTF-8)
occasion  pool, posting (decimal), newline, kind, newline, reference (JSON without blanks, keys in
       order), newline, reason; all UTF-8
content  pool (UTF-8) · writer (2) · microseconds since 1970-01-01 UTC (8) · for each posting the
       SHA-256 of its occasion (32 zero bytes when it has none) and of each of its entries
block  hash of the block before (32 zero bytes for the first) · number (8) · content's SHA-256 (32)
====== ==========================================================================================

The whole content is hashed by SHA-256; of each part only 8 bytes are kept, which are enough to find
what was changed, while the block's hash proves that something was.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import msgspec

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.ledger.model import Occasion, Posting

SHORT = 8
"""Bytes of a digest that are kept."""
NO_HASH = bytes(32)
"""Before the first block, and for a posting without an occasion."""
BEFORE_THE_CHAIN = -1
"""The writer of blocks that were made of older entries."""

_ENTRY = struct.Struct(">qhqi")
_HEAD = struct.Struct(">hq")
_NUMBER = struct.Struct(">q")
_FIRST_DAY = date(2000, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_json = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Content:
    """What a block says beside its place in the chain."""

    postings: list[int]
    lines: list[int]
    """How many entries each posting has."""
    digests: bytes
    """Short digests: of each posting its occasion's, then one of each entry."""
    hash: bytes


def entry_digests(
    pool: Pool, posting: int, day: date, entries: Iterable[tuple[str, Fen]], first: int = 0
) -> list[bytes]:
    """SHA-256 of the canonical bytes of a posting's entries (account, amount), from a line on."""
    begin, days = pool.encode(), day.toordinal() - _FIRST_DAY
    return [
        sha256(begin + _ENTRY.pack(posting, line, amount, days) + account.encode()).digest()
        for line, (account, amount) in enumerate(entries, first)
    ]


def occasion_digest(pool: Pool, posting: int, occasion: Occasion | None) -> bytes:
    """SHA-256 of what a posting was made for; zero bytes when a settlement tells it."""
    if occasion is None:
        return NO_HASH
    reference = _json.encode(occasion.reference).decode()
    text = f"{pool}{posting}\n{occasion.kind}\n{reference}\n{occasion.reason}"
    return sha256(text.encode()).digest()


def content_of(pool: Pool, writer: int, now: datetime, postings: Sequence[Posting]) -> Content:
    """What a block says that is written for these postings."""
    digests: list[bytes] = []
    for posting in postings:
        digests.append(occasion_digest(pool, posting.number, posting.occasion))
        digests += entry_digests(pool, posting.number, posting.day, posting.entries)
    return Content(
        [posting.number for posting in postings],
        [len(posting.entries) for posting in postings],
        b"".join([digest[:SHORT] for digest in digests]),
        content_hash(pool, writer, now, digests),
    )


def content_hash(pool: Pool, writer: int, now: datetime, digests: Sequence[bytes]) -> bytes:
    """SHA-256 over a block's pool, writer, time and whole digests."""
    head = pool.encode() + _HEAD.pack(writer, (now - _EPOCH) // _MICROSECOND)
    return sha256(head + b"".join(digests)).digest()


def link(previous: bytes, number: int, content: bytes) -> bytes:
    """The hash of a block; ``store.py`` computes the same in SQL when it writes one."""
    return sha256(previous + _NUMBER.pack(number) + content).digest()
