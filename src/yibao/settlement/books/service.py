"""Hold every settlement against its posting, and every posting against what it was made for."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import first_number_of
from yibao.kernel.periods import instant_of
from yibao.ledger import service as ledger
from yibao.ledger.model import Entry
from yibao.ledger.verification.model import KEPT, Findings, Progress, silent
from yibao.platform.archive.reading import ColdRows
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


async def examine_put_away(
    connection: "Connection[Any]",
    findings: Findings,
    cold: ColdRows,
    *,
    pool: Pool | None = None,
    progress: Progress = silent,
) -> None:
    """Add what is wrong between settlements and entries that were put away, from their files.

    After the chain was looked through: that counts which entries were asked for.
    """
    heirs: dict[Pool, dict[str, list[str]]] = {}
    async for where, rows in cold.days("settlement.settlement", pool):
        if where not in heirs:
            heirs[where] = await store.heirs(connection, where)
        entries: dict[int, list[Entry]] = {}
        for row in await cold.rows("ledger.entry", where, [row["id"] for row in rows]):
            entries.setdefault(row["posting"], []).append(Entry(row["account"], row["amount"]))
        for row in rows:
            settled = store.settled_of(where, row, heirs[where].get(row["member"], ()))
            for text in rules.differences(settled, entries.get(settled.number, ())):
                findings.tell(where, text, settled.number)
        findings.add("settlements put away", len(rows))
        progress("settlements put away", findings.figures["settlements put away"], 0)
