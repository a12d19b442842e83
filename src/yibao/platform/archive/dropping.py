"""Let months go whose files were found right: in one transaction, whole or not at all.

The months are closed to writers first and compared once more with what was written, while readers
go on. Only then, for a moment, the tables are locked whole.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from yibao.platform.archive.model import TOGETHER, ArchiveFault, Manifest, Table
from yibao.platform.archive.store import hot, known

if TYPE_CHECKING:
    from asyncpg import Connection

LOCK_WAIT = "100ms"
"""How long a settlement is held up at most by a lock that is waited for before it."""
TRIES = 40
PAUSE = 0.25

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
    """Each table's rows and their fingerprint, as they were written."""
    manifests: Sequence[Manifest]
    low: int
    high: int
    """Numbers from ``low`` to below ``high``."""
    through: date
    now: datetime
    carries: Sequence[Carry]


async def drop(connection: "Connection[Any]", leaving: Leaving, tell: Tell) -> int:
    """Drop rows and partitions, note files and horizon; how many numbers had to stay.

    Raises ArchiveFault when a row was changed since it was written, or the tables could not be had.
    """
    tables, low, high = leaving.tables, leaving.low, leaving.high
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        for table, parts, rest in zip(tables, leaving.parts, leaving.rests, strict=True):
            filled = await hot.holds(connection, rest, table, low, high)
            # nobody may write into what goes until the transaction ends; all may read
            closed = [*parts, rest] if filled else parts
            await _locked(connection, closed, "SHARE ROW EXCLUSIVE")
        for table, written in zip(tables, leaving.written, strict=True):
            if await hot.fingerprint(connection, table, low, high) != written:
                raise ArchiveFault(
                    f"{table.full_name} was changed while it was written: the month stays in the"
                    " database; run it again"
                )
        tell("compared once more", len(tables), len(tables))
        kept = await hot.set_aside(connection, tables, low, high)
        for carry in leaving.carries:
            await carry(connection, low, high)
        for manifest in leaving.manifests:
            await known.record(connection, manifest)
        await known.move_horizon(connection, high, leaving.through, leaving.now)
        # writers lock visits before all else (decision 0006): while we wait for that table what is
        # under way can end, and who would begin waits there, holding nothing of the other tables
        in_order = sorted(tables, key=lambda table: table.name != TOGETHER)
        await _locked(connection, [table.quoted for table in in_order], "ACCESS EXCLUSIVE")
        for table, parts in zip(tables, leaving.parts, strict=True):
            await hot.drop(connection, table, parts, low, high)
        await hot.keep_set_aside(connection, tables, high, leaving.now)
        tell("dropped", len(tables), len(tables))
    return kept


async def _locked(connection: "Connection[Any]", names: Sequence[str], mode: str) -> None:
    """Lock tables together, giving way to others again and again. Raises ArchiveFault."""
    for left in reversed(range(TRIES)):
        try:
            async with connection.transaction():
                for name in names:
                    await connection.execute(f"LOCK TABLE ONLY {name} IN {mode} MODE")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if left:
                await asyncio.sleep(PAUSE)
        else:
            return
    raise ArchiveFault(
        "the month was written, but its tables were in use whenever they were to go: it stays in"
        " the database; run it again"
    )
