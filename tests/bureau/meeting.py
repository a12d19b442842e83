"""Transactions that meet at a lock: a barrier made of the database's own locks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.settlement.builders import POOL, Town
from yibao.platform.commands.model import Unit
from yibao.settlement.accumulators import store as accumulators


@asynccontextmanager
async def unit(town: Town) -> AsyncIterator[Unit]:
    """A unit of the town's pool, committed at the end."""
    numbers = await town.database.numbers()
    async with town.database.writer() as connection, connection.transaction():
        yield Unit(POOL, connection, town.clock.now(), numbers)


async def waiting(town: Town, number: int = 1) -> None:
    """Return when so many transactions wait for a lock that somebody holds."""
    async with town.database.owner() as connection:
        while True:
            found = await connection.fetchval(
                """SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            )
            if found >= number:
                return
            await asyncio.sleep(0.02)


async def every_book_is_right(town: Town) -> None:
    """Ledger, chain and settlements agree, and every counter is the sum of its entries."""
    assert await town.faults() == []
    async with town.database.reader(None) as connection:
        assert await accumulators.inconsistencies(connection) == []
        below_zero = await connection.fetch(
            "SELECT member, counter, amount FROM settlement.accumulator WHERE amount < 0"
        )
    assert below_zero == []
