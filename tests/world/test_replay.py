"""The replay accepts what the platform does, in whatever order, and nothing else."""

import asyncio
from typing import Any

from tests.settlement.builders import OTHER_TERTIARY, POOL, Town, key_of, laws_of_beijing
from tests.world.chronicle import Span
from tests.world.replay import Moved, Replayed, State, replayed
from yibao.adjudication.model import CounterKey
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.ledger import service as ledger
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills import store
from yibao.settlement.model import SettlementFacts

LAWS = {law.fingerprint: law for law in laws_of_beijing().laws.values()}


async def lived(town: Town) -> tuple[str, State, list[SettlementFacts]]:
    """A person with three bills, of which one is cancelled and stands again; all of them."""
    member = await town.insure(account="300")
    opening = State({}, await account(town, member))
    first, second = await asyncio.gather(
        town.bill(member, "1500"), town.bill(member, "900", OTHER_TERTIARY)
    )
    cancelled = await town.do(town.cancellation(first))
    await town.do(town.reversal(cancelled, "2208"))
    third = await town.bill(member, "2500")
    async with town.database.reader(None) as connection:
        history = []
        for bill in (first, second, third):
            history += await store.of_visit(connection, POOL, member, bill.visit.number)
    assert len(history) == 5
    return member, opening, history


async def account(town: Town, member: str) -> dict[str, int]:
    async with town.database.reader(None) as connection:
        parts = (await ledger.balances(connection, POOL, [member]))[member]
    return {part.account: part.amount for part in parts}


async def counters(town: Town, member: str) -> dict[tuple[str, CounterKey], int]:
    async with town.database.reader(None) as connection:
        found = await accumulators.of_member(connection, POOL, member)
    return {(member, key): value for key, value in found if value}


def again(history: list[SettlementFacts], opening: State) -> Replayed:
    return replayed(history, opening, LAWS.__getitem__, {})


async def test_a_history_replays_to_where_the_books_stand(town: Town) -> None:
    member, opening, history = await lived(town)
    end = again(history, opening)
    assert end.contradictions == ()
    assert end.end.counters == await counters(town, member)
    assert end.end.account == await account(town, member)


async def test_a_fen_too_much_is_found(town: Town) -> None:
    _, opening, history = await lived(town)
    wrong = replace(history[-1], deductible=history[-1].deductible + 1)
    assert again([*history[:-1], wrong], opening).contradictions


async def test_a_bill_that_saw_other_counters_is_found(town: Town) -> None:
    _, opening, history = await lived(town)
    late = max(history, key=lambda facts: sum(facts.snapshot["counters"].values()))
    stale = replace(late, snapshot={**late.snapshot, "counters": history[0].snapshot["counters"]})
    found = again([one for one in history if one is not late] + [stale], opening)
    assert found.contradictions


async def test_whom_a_cancellation_flags_follows_from_the_order(town: Town) -> None:
    _, opening, history = await lived(town)
    found = again(history, opening)
    flags = [row["flag"] for row in await flagged(town)]
    assert flags
    assert sorted(f"{bill.text()} {cause.text()}" for bill, cause in found.flags) == sorted(flags)


async def flagged(town: Town) -> list[Any]:
    async with town.database.reader(None) as connection:
        rows: list[Any] = await connection.fetch(
            """SELECT pool || lpad(settlement::text, 19, '0') || ' '
                      || pool || lpad(cause::text, 19, '0') AS flag
               FROM settlement.resettlement_flag"""
        )
    return rows


async def test_what_a_clerk_booked_finds_its_place(town: Town) -> None:
    member = await town.insure(account="10")
    opening = State({}, await account(town, member))
    (part,) = opening.account
    poor = await town.bill(member, "30")
    credit = PoolKey(POOL, 1)
    booked = {credit: Moved(member, (), ((part, 500),))}
    assert replayed([poor], opening, LAWS.__getitem__, {}, booked).contradictions == ()
    elsewhere = State({}, {part: opening.account[part] - 500})
    order = replayed([poor], elsewhere, LAWS.__getitem__, {}, booked).order
    assert order == (credit, key_of(poor))


async def test_a_lost_bill_is_found(town: Town) -> None:
    member, opening, history = await lived(town)
    kept = [one for one in history if one.visit != history[-1].visit]
    found = again(kept, opening)
    assert found.contradictions or found.end.counters != await counters(town, member)


async def test_an_order_against_time_is_no_order(town: Town) -> None:
    member = await town.insure(account="0")
    opening = State({}, {})
    first, second = await town.bill(member, "1500"), await town.bill(member, "900")
    spans = {second.message_id: Span(0.0, 1.0), first.message_id: Span(2.0, 3.0)}
    assert key_of(first) < key_of(second)
    told = replayed([first, second], opening, LAWS.__getitem__, spans).contradictions
    assert told, "the second bill was acknowledged before the first was sent"


async def test_the_order_that_the_platform_tells_is_tried_first(town: Town) -> None:
    member = await town.insure(account="0")
    first, second = await town.bill(member, "900"), await town.bill(member, "700")
    mirrors = [await town.do(town.cancellation(bill)) for bill in (second, first)]
    told = [key_of(one) for one in (first, second, mirrors[1], mirrors[0])]
    turns = {key: turn for turn, key in enumerate(told, 1)}
    bills = [first, second, *mirrors]
    found = replayed(bills, State({}, {}), LAWS.__getitem__, {}, None, turns)
    assert found.order == tuple(told)
    assert again(bills, State({}, {})).order == tuple(sorted(told))
