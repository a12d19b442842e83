"""Hold every settlement against its posting, and every posting against what it was made for."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import first_number_of
from yibao.kernel.periods import instant_of
from yibao.ledger import service as ledger
from yibao.ledger.verification.model import KEPT, Findings, Progress, silent
from yibao.settlement.books import rules, store

if TYPE_CHECKING:
    from asyncpg import Connection


async def examine(
    connection: "Connection[Any]",
    findings: Findings,
    *,
    pool: Pool | None = None,
    since: date | None = None,
    progress: Progress = silent,
) -> None:
    """Add what is wrong between settlements and ledger, in the caller's snapshot, streamed."""
    first = 0
    if since is not None:
        first = first_number_of(instant_of(datetime.combine(since, datetime.min.time())))
    total = await store.count(connection, pool, first)
    async for some in store.settled(connection, pool, first):
        for where in dict.fromkeys(one.pool for one in some):
            own = [one for one in some if one.pool == where]
            entries = await ledger.entries_of(connection, where, [one.number for one in own])
            for one in own:
                for text in rules.differences(one, entries.get(one.number, ())):
                    findings.tell(where, text, one.number)
        findings.add("settlements", len(some))
        progress("settlements", findings.figures["settlements"], total)
    progress("what belongs together", 0, 0)
    for orphan in await store.orphans(connection, pool, first, KEPT):
        findings.tell(orphan.pool, orphan.text, orphan.number)
    progress("postings without a reason", 0, 0)
    for where, number in await store.without_reason(connection, pool, first, KEPT):
        findings.tell(where, "it is no settlement's, and nothing says what it was made for", number)
