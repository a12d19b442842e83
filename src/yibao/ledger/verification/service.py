"""Read all books through: balance, chain, account parts, holds, heads. Changes nothing.

Everything is read in the caller's transaction, which should be one snapshot, and streamed: memory
does not grow with the books, and a server may go on writing meanwhile.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.periods import instant_of
from yibao.ledger.heads import service as heads
from yibao.ledger.heads.model import Head
from yibao.ledger.model import Occasion, OccasionKind
from yibao.ledger.verification import rules, store
from yibao.ledger.verification.model import KEPT, Cold, Findings, Progress, silent
from yibao.ledger.verification.rules import FIRST, Before, Block, Line

if TYPE_CHECKING:
    from asyncpg import Connection


ENTRIES, OCCASIONS = "ledger.entry", "ledger.occasion"


async def examine(
    connection: "Connection[Any]",
    *,
    pool: Pool | None = None,
    since: date | None = None,
    progress: Progress = silent,
    cold: Cold | None = None,
) -> Findings:
    """What the ledger itself shows to be wrong; ``since``: only what was written from that day on.

    Every block follows the one before it; every entry and occasion hashes to what the block kept;
    every posting sums to zero and is in one block; every account part is the sum of its entries,
    and what is held of it the sum of its open holds. ``cold``: entries and occasions that were put
    away, which are held against the chain as well.
    """
    findings = Findings()
    begin = None if since is None else instant_of(datetime.combine(since, datetime.min.time()))
    await _chain(connection, pool, begin, findings, progress, cold)
    if cold is not None and since is None:
        for file, more in cold.never_asked_for(ENTRIES, pool):
            text = f"{more} entries of {file.day} in the archive are in no block: they were added"
            findings.tell(file.pool, text)
    progress("entries outside the chain", 0, 0)
    for where, posting, line, account, amount in await store.outside_the_chain(
        connection, pool, since, KEPT
    ):
        text = f"the entry ({account}, {amount} fen) is in no block: it was added"
        findings.tell(where, text, posting, line)
    for where, posting in await store.chained_twice(connection, pool, begin, KEPT):
        findings.tell(where, "more than one block says it was written", posting)
    progress("account parts", 0, 0)
    for where, member, part, has, entries in await store.part_differences(connection, pool, KEPT):
        findings.tell(where, f"part {part} of {member} holds {has} fen, its entries say {entries}")
    for where, member, part, has, held in await store.hold_differences(connection, pool, KEPT):
        findings.tell(
            where, f"of part {part} of {member} {has} fen are held, its open holds say {held}"
        )
    if pool is None:  # transit meets over the pools
        progress("money on the way", 0, 0)
        findings.on_the_way += await store.on_the_way(connection)
    return findings


on_the_way = store.on_the_way
"""Money that left one place and has not arrived at another one."""


async def examine_heads(
    connection: "Connection[Any]",
    findings: Findings,
    *,
    public_keys: Sequence[bytes],
    exported: Sequence[Head] = (),
    pool: Pool | None = None,
) -> None:
    """Add what the signed heads, those here and those kept elsewhere, show to be wrong."""
    count = await heads.check(connection, public_keys, exported, pool, findings.tell)
    if count:
        findings.add("heads", count)


async def _chain(
    connection: "Connection[Any]",
    pool: Pool | None,
    since: datetime | None,
    findings: Findings,
    progress: Progress,
    cold: Cold | None,
) -> None:
    total = await store.count_blocks(connection, pool, since)
    last: Block | None = None
    async for blocks in store.blocks(connection, pool, since):
        for block in blocks:
            before: Before | None
            if last is not None and (last.pool, last.writer) == (block.pool, block.writer):
                before = Before(last.number, last.hash)
            elif since is not None:
                before = await store.block_before(
                    connection, block.pool, block.writer, block.number
                )
            else:
                before = None
            rules.check_link(block, before or FIRST, findings)
            last = block
        await _entries(connection, blocks, findings, cold)
        findings.add("blocks", len(blocks))
        progress("blocks", findings.figures["blocks"], total)


async def _entries(
    connection: "Connection[Any]", blocks: Sequence[Block], findings: Findings, cold: Cold | None
) -> None:
    """The entries of some blocks; a pool's together, as they may be one statement's."""
    for pool in dict.fromkeys(block.pool for block in blocks):
        own = [block for block in blocks if block.pool == pool]
        postings = [posting for block in own for posting in block.postings]
        lines = await store.lines_of(connection, pool, postings)
        occasions = await store.occasions_of(connection, pool, postings)
        if cold is not None:
            # what came back is judged as it is in the database
            lines = await _put_away_lines(cold, pool, postings) | lines
            occasions = await _put_away_occasions(cold, pool, postings) | occasions
        for block in own:
            rules.check_entries(block, lines, occasions, findings)
        findings.add("postings", len(postings))
        findings.add("entries", sum(map(len, lines.values())))
        findings.add(
            "fen moved", sum(x.amount for found in lines.values() for x in found if x.amount > 0)
        )


async def _put_away_lines(cold: Cold, pool: Pool, postings: Sequence[int]) -> dict[int, list[Line]]:
    found: dict[int, list[Line]] = {}
    for row in await cold.rows(ENTRIES, pool, postings):
        line = Line(row["line"], row["account"], row["amount"], row["posted_on"])
        found.setdefault(row["posting"], []).append(line)
    return found


async def _put_away_occasions(
    cold: Cold, pool: Pool, postings: Sequence[int]
) -> dict[int, Occasion]:
    return {
        row["posting"]: Occasion(
            OccasionKind(row["kind"]),
            json.loads(row["reference"], parse_float=Decimal),
            row["reason"],
        )
        for row in await cold.rows(OCCASIONS, pool, postings)
    }
