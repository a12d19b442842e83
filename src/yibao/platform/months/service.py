"""Months made ahead, for every table that is cut by month. Cold ones leave by ``platform/archive``.

A month is made beside running settlements. What it needs alone, it needs for some milliseconds;
where it cannot have that at once, it lets everybody else go first and tries again.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from yibao.kernel.periods import business_date
from yibao.platform.months import store
from yibao.platform.months.model import Month, Table

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.platform.database import Database

AHEAD = 2
"""Months that are made before they begin, beside the running one."""

_HELD_UP = 100
"""Milliseconds that a settlement is held up at most by waiting for a lock before it."""
_TRIES = 20
_PAUSE = 0.25

log = structlog.get_logger()


async def ensure(connection: "Connection[Any]", today: date) -> list[str]:
    """Make the running month and those ahead that are missing; the partitions that were made.

    Rows that the rest keeps of such a month go over in the same transaction, one a partition.
    Raises LockNotAvailableError when a table could not be had for a moment; what was made stays.
    """
    running = Month.of(today)
    return await make(connection, [running.later(ahead) for ahead in range(AHEAD + 1)])


async def make(connection: "Connection[Any]", months: Sequence[Month]) -> list[str]:
    """The same for any months, past ones too."""
    made = []
    for month in months:
        for table in await store.tables(connection):
            if _can_be_made(table, month):
                made += await _made(connection, table, month)
    return made


async def _made(connection: "Connection[Any]", table: Table, month: Month) -> list[str]:
    """In a transaction of its own that gives way: again while others hold what it needs."""
    for left in reversed(range(_TRIES)):
        try:
            async with connection.transaction():
                await store.wait_at_most(connection, _HELD_UP)
                made = await store.make(connection, table, month)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if not left:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return [f"{table.schema}.{table.name_of(month)}"] if made else []
    raise AssertionError("the last try returned or raised")


async def ensure_in(database: "Database", now: datetime) -> int:
    """``ensure`` as an errand of the server: how many partitions were made."""
    async with database.owner() as connection:
        made = await ensure(connection, business_date(now))
    if made:
        log.info("months_made", partitions=made)
    return len(made)


async def missing(connection: "Connection[Any]") -> float:
    """How many tables have no partition for the running month or the next one, by today."""
    running = Month.of(business_date(datetime.now(UTC)))
    found = await store.tables(connection)
    return float(sum(not (one.has(running) and one.has(running.later())) for one in found))


async def tables(connection: "Connection[Any]") -> list[Table]:
    """The tables that are cut by month, with their partitions."""
    return await store.tables(connection)


def _can_be_made(table: Table, month: Month) -> bool:
    """Whether nothing of the month is covered yet."""
    return not any(one.first < month.end and month.first < one.end for one in table.partitions)
