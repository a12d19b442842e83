"""Whether a block is what was written: its link, and each of its entries. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.ledger.chain.rules import (
    NO_HASH,
    SHORT,
    content_hash,
    entry_digests,
    link,
    occasion_digest,
)
from yibao.ledger.model import Occasion
from yibao.ledger.verification.model import Findings


class Block(NamedTuple):
    """A row of the chain."""

    pool: Pool
    writer: int
    number: int
    postings: Sequence[int]
    lines: Sequence[int]
    digests: bytes
    content: bytes
    previous: bytes
    hash: bytes
    recorded_at: datetime


class Line(NamedTuple):
    """An entry as it is found."""

    line: int
    account: str
    amount: Fen
    day: date


class Before(NamedTuple):
    """The block before one."""

    number: int
    hash: bytes


FIRST = Before(0, NO_HASH)
"""Before the first block of a chain."""


def check_link(block: Block, before: Before, findings: Findings) -> None:
    """Tell when a block does not follow the one before it, or is not what it hashes to."""
    name = f"block {block.number} of writer {block.writer}"
    first = block.postings[0] if block.postings else None
    if block.number != before.number + 1:
        gone = (
            f"block {before.number + 1}"
            if block.number == before.number + 2
            else f"blocks {before.number + 1} to {block.number - 1}"
        )
        findings.tell(block.pool, f"{gone} of writer {block.writer} were removed", first)
    elif block.previous != before.hash:
        findings.tell(
            block.pool,
            f"{name} follows a block that hashed to {_short(block.previous)}, the one before it"
            f" hashes to {_short(before.hash)}: one of the two was changed",
            first,
        )
    if (linked := link(block.previous, block.number, block.content)) != block.hash:
        findings.tell(
            block.pool,
            f"{name} is kept as {_short(block.hash)} and hashes to {_short(linked)}:"
            " the block was changed",
            first,
        )


def check_entries(
    block: Block,
    entries: Mapping[int, Sequence[Line]],
    occasions: Mapping[int, Occasion],
    findings: Findings,
) -> None:
    """Tell which of a block's entries and occasions are not what was written."""
    if len(block.digests) != SHORT * (len(block.postings) + sum(block.lines)):
        findings.tell(
            block.pool,
            f"block {block.number} of writer {block.writer} says of how many entries it is in two"
            " ways: the block was changed",
            block.postings[0] if block.postings else None,
        )
        return
    short = (block.digests[start : start + SHORT] for start in range(0, len(block.digests), SHORT))
    whole: list[bytes] = []
    count = findings.count
    for posting, lines in zip(block.postings, block.lines, strict=True):
        expected = list(islice(short, 1 + lines))
        made_for = occasion_digest(block.pool, posting, occasions.get(posting))
        if made_for[:SHORT] != expected[0]:
            findings.tell(
                block.pool,
                f"what it was made for was changed: it was to hash to {expected[0].hex()} and"
                f" hashes to {made_for[:SHORT].hex()}",
                posting,
            )
        whole.append(made_for)
        whole += _check_posting(
            block.pool, posting, expected[1:], entries.get(posting, ()), findings
        )
    if count == findings.count:
        content = content_hash(block.pool, block.writer, block.recorded_at, whole)
        if content != block.content:
            findings.tell(
                block.pool,
                f"block {block.number} of writer {block.writer} was written for a content of"
                f" {_short(block.content)} and holds {_short(content)}: entries were changed"
                " together with their digests, or the block's time was",
                block.postings[0],
            )


def _check_posting(
    pool: Pool, posting: int, expected: Sequence[bytes], found: Sequence[Line], findings: Findings
) -> list[bytes]:
    """The whole digests of a posting's entries; what differs is told."""
    if rest := sum(line.amount for line in found):
        findings.tell(pool, f"its entries sum to {rest} fen, not to zero", posting)
    there = {line.line: line for line in found}
    digests = []
    for number, short in enumerate(expected):
        line = there.pop(number, None)
        if line is None:
            findings.tell(
                pool, f"the entry that hashed to {short.hex()} was removed", posting, number
            )
            continue
        digest = entry_digests(pool, posting, line.day, [(line.account, line.amount)], number)[0]
        digests.append(digest)
        if digest[:SHORT] != short:
            findings.tell(
                pool,
                f"the entry ({line.account}, {line.amount} fen, {line.day}) was changed: it was to"
                f" hash to {short.hex()} and hashes to {digest[:SHORT].hex()}",
                posting,
                number,
            )
    for line in there.values():
        findings.tell(
            pool,
            f"the entry ({line.account}, {line.amount} fen, {line.day}) was added",
            posting,
            line.line,
        )
    return digests


def _short(digest: bytes) -> str:
    return f"{digest.hex()[:16]}…"
