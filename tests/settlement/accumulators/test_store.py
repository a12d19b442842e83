"""Accumulators are read, locked and opened by who asks for them."""

import asyncio
from typing import Any

from tests.settlement.builders import POOL, Town
from yibao.adjudication.model import CounterKey
from yibao.platform.commands.model import Unit
from yibao.settlement.accumulators import store
from yibao.settlement.bills.decision import locked_accumulators

ONE, OTHER = CounterKey("deductible", "2026"), CounterKey("fund", "2027")


async def _locked(town: Town, connection: Any) -> dict[store.MemberCounter, int]:
    unit = Unit(POOL, connection, town.clock.now(), town.numbers)
    return await locked_accumulators(unit, [("A", ONE), ("A", OTHER)])


async def test_a_counter_is_told_to_who_asked_for_it_and_no_other_one(town: Town) -> None:
    amounts = {(who, key): place for place, who in enumerate("AB") for key in (ONE, OTHER)}
    async with town.database.writer() as connection, connection.transaction():
        await store.open_at_zero(connection, POOL, amounts)
        await store.add(connection, POOL, list(amounts.items()))
        asked = [("A", ONE), ("B", OTHER)]
        found = await store.values(connection, POOL, asked, lock=True)
    assert found == {("A", ONE): 0, ("B", OTHER): 1}


async def test_who_opens_counters_is_told_its_own_alone(town: Town) -> None:
    async with town.database.writer() as connection, connection.transaction():
        first = await store.open_at_zero(connection, POOL, [("A", ONE)])
        second = await store.open_at_zero(connection, POOL, [("A", ONE), ("A", OTHER)])
    assert (first, second) == ({("A", ONE)}, {("A", OTHER)})


async def test_a_counter_that_another_opens_meanwhile_is_read_as_that_one_leaves_it(
    town: Town,
) -> None:
    async with (
        town.database.writer() as first,
        town.database.writer() as second,
        second.transaction(),
    ):
        async with first.transaction():
            assert await _locked(town, first) == {("A", ONE): 0, ("A", OTHER): 0}
            await store.add(first, POOL, [(("A", ONE), 500)])
            waiting = asyncio.create_task(_locked(town, second))
            done, _ = await asyncio.wait([waiting], timeout=0.5)
            assert not done, "it did not wait for who had opened the counters"
        assert await waiting == {("A", ONE): 500, ("A", OTHER): 0}


async def test_a_counter_that_another_opened_meanwhile_is_locked(town: Town) -> None:
    async with (
        town.database.writer() as first,
        town.database.writer() as second,
        town.database.writer() as third,
    ):
        async with second.transaction():
            async with first.transaction():
                await _locked(town, first)
                waiting = asyncio.create_task(_locked(town, second))
                await asyncio.wait([waiting], timeout=0.5)
            await waiting
            late = asyncio.create_task(_in_transaction(town, third))
            done, _ = await asyncio.wait([late], timeout=0.5)
            assert not done, "the counters were not locked"
        await late


async def _in_transaction(town: Town, connection: Any) -> None:
    async with connection.transaction():
        await _locked(town, connection)
