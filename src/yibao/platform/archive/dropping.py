"""Let months go whose files were found right: in one transaction, whole or not at all.

The months are closed to writers first and compared once more with what was written, while readers
go on. Only then, for a moment, the tables are locked whole: everything that can be done before that
is, and the rest is told to PostgreSQL at once, so that nobody waits for our process meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from yibao.platform.archive import rules
from yibao.platform.archive.model import TOGETHER, ArchiveFault, Manifest, Owner, Table
from yibao.platform.archive.store import hot, known

if TYPE_CHECKING:
    from asyncpg import Connection

HELD_UP = 100
"""Milliseconds that a settlement is held up at most by a try to lock the tables, all together."""
TRIES = 40
PAUSE = 1.0
"""Seconds between two tries: who was held up is answered meanwhile, and who came behind too."""

Carry: TypeAlias = "Callable[[Connection[Any], int, int], Awaitable[None]]"
"""A room's: carries over sums of what leaves, the numbers ``low`` ≤ number < ``high``."""

Tell = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much; whoever raises from it stops the run."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What goes."""

    tables: Sequence[Table]
    parts: Sequence[Sequence[str]]
    """The partitions of each table that go as a whole; quoted."""
    rests: Sequence[str]
    """Of each table the partition that keeps what no month covers."""
    written: Sequence[tuple[int, int]]
    """Each table's rows and their versions, as they were written."""
    kept: Collection[hot.Kept]
    """What has to stay because rows need it that were not fresh then."""
    manifests: Sequence[Manifest]
    low: int
    high: int
    """Numbers from ``low`` to below ``high``."""
    through: date
    now: datetime
    carries: Sequence[Carry]


async def drop(owner: Owner, leaving: Leaving, tell: Tell) -> int:
    """Drop rows and partitions, note files and horizon; how many numbers had to stay.

    Raises ArchiveFault when a row was changed since it was written, or the tables could not be had.
    """
    tables, low, high = leaving.tables, leaving.low, leaving.high
    # not one that gives way: whoever waits for its locks would wait for all others too
    async with owner(urgent=True) as connection:
        await connection.execute(
            f"BEGIN; SET LOCAL lock_timeout = {HELD_UP};"
            " SET LOCAL max_parallel_workers_per_gather = 0"  # one of the machine's cores is enough
        )
        filled = await _close(connection, leaving)
        for table, written in zip(tables, leaving.written, strict=True):
            if await hot.versions(connection, table, low, high) != written:
                raise ArchiveFault(
                    f"{table.full_name} was changed while it was written: the month stays in the"
                    " database; run it again"
                )
        tell("compared once more", len(tables), len(tables))
        kept = await _kept_now(connection, leaving)
        aside = await hot.set_aside(connection, tables, kept, low, high, leaving.now)
        for carry in leaving.carries:
            await carry(connection, low, high)
        for manifest in leaving.manifests:
            await known.record(connection, manifest)
        await known.move_horizon(connection, high, leaving.through, leaving.now)
        for table, rest in filled:
            await hot.empty_rest(connection, rest, table, low, high)
        tell("set aside", len(tables), len(tables))
        # writers lock visits before all else (decision 0006): while we wait for that table what is
        # under way can end, and who would begin waits there, holding nothing of the other tables
        in_order = sorted(tables, key=lambda table: table.name != TOGETHER)
        parts = [part for of_table in leaving.parts for part in of_table]
        names = [*(f"ONLY {table.quoted}" for table in in_order), *leaving.rests, *parts]
        gone = f"{hot.dropped(parts)} {hot.put_back_aside(tables, aside)}"
        await _with_all(connection, names, "ACCESS EXCLUSIVE", f"{gone} COMMIT")
    tell("dropped", len(tables), len(tables))
    return len({(pool, number) for pool, number, _ in kept})


async def _close(connection: "Connection[Any]", leaving: Leaving) -> list[tuple[Table, str]]:
    """Let nobody write into what goes until the transaction ends; all may read.

    Says of which tables the rest has some of it.
    """
    filled = [
        (table, rest)
        for table, rest in zip(leaving.tables, leaving.rests, strict=True)
        if await hot.holds(connection, rest, table, leaving.low, leaving.high)
    ]
    closed = [part for of_table in leaving.parts for part in of_table]
    closed += [rest for _, rest in filled]
    if closed:
        await _with_all(connection, closed, "SHARE ROW EXCLUSIVE")
    return filled


async def _kept_now(connection: "Connection[Any]", leaving: Leaving) -> set[hot.Kept]:
    """What has to stay: what had to when the month was written, and what fresh rows need."""
    kept = set(leaving.kept)
    later = await hot.visits_with_later_rows(
        connection, leaving.tables, leaving.high, low=rules.first_fresh_number(leaving.now)
    )
    later -= {(pool, visit) for pool, _, visit in kept}
    return kept | await hot.kept_of(connection, leaving.tables, later, leaving.low, leaving.high)


async def _with_all(
    connection: "Connection[Any]", names: Sequence[str], mode: str, then: str = ""
) -> None:
    """Lock tables together and do what is to be done then, giving way to others again and again.

    All of it is one message: when a table cannot be had PostgreSQL lets go of the others by itself.
    Raises ArchiveFault.
    """
    usual = await connection.fetchval("SELECT current_setting('statement_timeout')")
    for left in reversed(range(TRIES)):
        try:
            await connection.execute(
                f"""SAVEPOINT trying;
                    SET LOCAL statement_timeout = {HELD_UP};
                    LOCK TABLE {", ".join(names)} IN {mode} MODE;
                    SET LOCAL statement_timeout = '{usual}';
                    {then}"""
            )
        except (
            asyncpg.LockNotAvailableError,
            asyncpg.QueryCanceledError,
            asyncpg.DeadlockDetectedError,
        ):
            await connection.execute("ROLLBACK TO SAVEPOINT trying; RELEASE SAVEPOINT trying")
            if left:
                await asyncio.sleep(PAUSE)
        else:
            return
    raise ArchiveFault(
        "the month was written, but its tables were in use whenever they were to go: it stays in"
        " the database; run it again"
    )
