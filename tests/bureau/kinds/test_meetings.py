"""Clerks and hospitals at the same bill at once: nothing is paid twice, and nothing is lost."""

import asyncio
from typing import Any

import pytest

from tests.bureau.builders import SECOND, Bureau
from tests.bureau.kinds.test_corrections import owed, told
from tests.bureau.kinds.test_manual_claims import line as claimed_line
from tests.bureau.kinds.test_manual_claims import paper
from tests.bureau.meeting import every_book_is_right, unit, waiting
from tests.settlement.builders import POOL, Town, key_of
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.bureau import service
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.commands.model import Done, Outcome
from yibao.platform.commands.service import Commands
from yibao.settlement.model import SettlementKind


@pytest.fixture
async def second(bureau: Bureau) -> Commands:
    """The bureau's commands of another process."""
    town = bureau.town
    return Commands(
        town.database.writer, town.clock, NumberSource(200), service.handlers(bureau.office)
    )


async def lock(held: Any, table: str, member: str) -> None:
    """Hold the rows of a member."""
    await held.connection.execute(
        f"SELECT FROM settlement.{table} WHERE member = $1 FOR UPDATE",
        member,
    )


async def flagged_chain(town: Town) -> tuple[str, Any]:
    """A member whose second bill would come out 40 yuan better now."""
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure(account="20")
    first, second = await town.bill(member, "100"), await town.bill(member, "100")
    await town.do(town.cancellation(first))
    return member, second


async def test_a_bill_cancelled_while_it_is_settled_again_leaves_no_supplement(
    bureau: Bureau,
) -> None:
    town = bureau.town
    member, bill = await flagged_chain(town)
    key = await bureau.propose("corrections.resettle", pool=POOL, member=member)
    async with unit(town) as held:
        await lock(held, "accumulator", member)
        again = asyncio.create_task(bureau.approve(key))
        await waiting(town, 1)
        cancelled = asyncio.create_task(town.send(town.cancellation(bill)))
        await waiting(town, 2)
    outcomes = await asyncio.gather(again, cancelled)
    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
    rows = await told(town, member)
    assert sum(row.funds for row in rows) == 0
    assert await owed(town, member) == 0
    assert await town.balance(member) == 2_000
    assert await town.counters(member) == {}
    await every_book_is_right(town)


async def test_a_bill_being_cancelled_is_not_settled_again(bureau: Bureau) -> None:
    town = bureau.town
    member, bill = await flagged_chain(town)
    key = await bureau.propose("corrections.resettle", pool=POOL, member=member)
    async with unit(town) as held:
        await lock(held, "accumulator", member)
        cancelled = asyncio.create_task(town.send(town.cancellation(bill)))
        await waiting(town, 1)
        again = asyncio.create_task(bureau.approve(key))
        await waiting(town, 2)
    assert isinstance(await cancelled, Done)
    refused = await again
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.SETTLEMENT_UNKNOWN
    assert await owed(town, member) == 0
    await every_book_is_right(town)


async def test_two_clerks_who_settle_a_chain_again_pay_its_difference_once(
    bureau: Bureau, second: Commands
) -> None:
    """The law of this one counts nothing, so that no counter keeps the two apart."""
    town = bureau.town
    await let_count(town, law())
    member = await town.insure()
    await town.bill(member, "100")
    await let_count(town, law(capped("1000", "0.8"), counters=SPENT))
    content = {"pool": POOL, "member": member, "by": "law"}
    keys = [await bureau.propose("corrections.resettle", **content) for _ in range(2)]
    async with unit(town) as held:
        await lock(held, "visit", member)
        one = asyncio.create_task(bureau.approve(keys[0]))
        two = asyncio.create_task(second.submit(service.approving(keys[1], SECOND)))
        await waiting(town, 2)
    outcomes = await asyncio.gather(one, two)
    assert [type(outcome) for outcome in sorted_outcomes(outcomes)] == [Done, Refusal], outcomes
    supplements = [row for row in await told(town, member) if row.kind is SettlementKind.SUPPLEMENT]
    assert len(supplements) == 1
    assert await owed(town, member) == 3_000
    await every_book_is_right(town)
    await second.drain()


async def test_two_clerks_who_cancel_one_bill_cancel_it_once(
    bureau: Bureau, second: Commands
) -> None:
    town = bureau.town
    member, bill = await flagged_chain(town)
    keys = [
        await bureau.propose("corrections.cancel", settlement=key_of(bill).text()) for _ in range(2)
    ]
    async with unit(town) as held:
        await lock(held, "visit", member)
        one = asyncio.create_task(bureau.approve(keys[0]))
        two = asyncio.create_task(second.submit(service.approving(keys[1], SECOND)))
        three = asyncio.create_task(town.send(town.cancellation(bill)))
        await waiting(town, 3)
    outcomes = await asyncio.gather(one, two, three)
    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 1, outcomes
    assert await town.counters(member) == {}
    await every_book_is_right(town)
    await second.drain()


async def test_one_invoice_claimed_by_two_people_at_once_is_paid_once(
    bureau: Bureau, second: Commands
) -> None:
    town = bureau.town
    await let_count(town, law(capped("1000"), counters=SPENT))
    members = [await town.insure() for _ in range(2)]
    keys = [
        await bureau.propose("manual_claims.enter", **paper(one, invoice=invoice))
        for one, invoice in zip(members, ("F0001", "f0001"), strict=True)
    ]
    async with unit(town) as held:
        await held.connection.execute(
            "SELECT pg_advisory_xact_lock("
            "hashtextextended('settlement.invoice ' || $1 || 'F0001', 0))",
            POOL,
        )
        one = asyncio.create_task(bureau.approve(keys[0]))
        two = asyncio.create_task(second.submit(service.approving(keys[1], SECOND)))
        await waiting(town, 2)
    outcomes = sorted_outcomes(await asyncio.gather(one, two))
    assert isinstance(outcomes[0], Done)
    assert isinstance(outcomes[1], Refusal)
    assert outcomes[1].code is RefusalCode.CLAIM_DOUBLE
    assert sum([await owed(town, one) for one in members]) == 5_000
    await every_book_is_right(town)
    await second.drain()


async def test_a_bill_that_is_settled_while_its_paper_is_claimed_is_found(bureau: Bureau) -> None:
    town = bureau.town
    await let_count(town, law(capped("1000"), counters=SPENT))
    member = await town.insure()
    await town.bill(member, "7")  # there are counters to meet at
    visit = await town.open_visit(member)
    await town.charge(visit, "100")
    day = town.clock.now().date().isoformat()
    content = paper(member, claimed_line("100", day=day), first_day=day)
    key = await bureau.propose("manual_claims.enter", **content)
    async with unit(town) as held:
        await lock(held, "accumulator", member)
        online = asyncio.create_task(town.send(town.settlement(visit, "100")))
        await waiting(town, 1)
        claim = asyncio.create_task(bureau.approve(key, "已核对"))
        await waiting(town, 2)
    assert isinstance(await online, Done)
    refused = await claim
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.CLAIM_DOUBLE
    assert await owed(town, member) == 0
    await every_book_is_right(town)


def sorted_outcomes(outcomes: list[Outcome]) -> list[Outcome]:
    """What was done first, what was refused last."""
    return sorted(outcomes, key=lambda one: isinstance(one, Refusal))
