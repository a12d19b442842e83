"""Months made ahead, for every table that is cut by month. Cold ones leave by ``platform/archive``.

A month is made beside running settlements. What it needs alone, it needs for some milliseconds;
where it cannot have that at once, it lets everybody else go first and tries again.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from yibao.kernel.periods import business_date
from yibao.platform.clock import SystemClock
from yibao.platform.months import store
from yibao.platform.months.model import Month, Partition, Table

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
            partition = table.partition_of(month)
            if table.lacks(partition):
                made += await _made(connection, table, partition)
    return made


async def _made(connection: "Connection[Any]", table: Table, partition: Partition) -> list[str]:
    """In a transaction of its own that gives way: again while others hold what it needs."""
    for left in reversed(range(_TRIES)):
        try:
            async with connection.transaction():
                await store.wait_at_most(connection, _HELD_UP)
                made = await store.make(connection, table, partition)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if not left:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return [f"{table.schema}.{partition.name}"] if made else []
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
    running = Month.of(business_date(SystemClock().now()))
    found = await store.tables(connection)
    return float(sum(not (one.has(running) and one.has(running.later())) for one in found))


async def tables(connection: "Connection[Any]") -> list[Table]:
    """The tables that are cut by month, with their partitions."""
    return await store.tables(connection)


async def cut(
    connection: "Connection[Any]", schema: str, name: str, wanted: Sequence[Partition]
) -> None:
    """Cut a table as it was cut elsewhere, in the caller's transaction, before it is filled."""
    for table in await store.tables(connection):
        if (table.schema, table.name) == (schema, name):
            for partition in wanted:
                if table.lacks(partition):
                    await store.make(connection, table, partition)
