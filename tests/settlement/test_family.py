"""Bills that relatives pay (家庭共济): nothing else changes, and refunds find their way."""

import asyncio
from datetime import timedelta

import pytest

from tests.accounts.builders import balance_of, let_pay, parts_of, unit, withdraw
from tests.settlement.builders import RESIDENT, Town, key_of
from yibao.accounts.family import service as family
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import RefusalCode
from yibao.ledger import service as ledger
from yibao.ledger.model import AccountState, owed_account
from yibao.platform.commands.model import Done
from yibao.platform.commands.service import Commands
from yibao.settlement import service as settlements
from yibao.settlement.model import SettlementFacts
from yibao.settlement.service import REQUESTS


@pytest.fixture
async def second(town: Town) -> Commands:
    """The commands of another process on the same database."""
    return Commands(
        town.database.writer,
        town.clock,
        NumberSource(200),
        dict.fromkeys(REQUESTS, town.room.handle),
    )


async def child_of(town: Town, **account: str) -> tuple[str, str]:
    """An owner with an account, and a child who is a resident."""
    owner = await town.insure(**account)
    child = await town.insure("1501", RESIDENT)
    return owner, child


async def billed(town: Town, child: str, amount: str) -> SettlementFacts:
    """A whole visit of a resident with one line, settled."""
    return await town.bill(child, amount, scheme=RESIDENT)


async def test_a_parent_pays_what_the_child_has_to_pay(town: Town) -> None:
    parent, child = await child_of(town, account="100", carried="50")
    alone = await billed(town, child, "80")
    assert (alone.family, alone.cash) == (0, 8_000)
    await let_pay(town, parent, child)
    shared = await billed(town, child, "80")
    assert (shared.account, shared.family, shared.cash) == (0, 8_000, 0)
    assert (shared.payments, shared.personal) == (alone.payments, alone.personal)
    assert shared.balance == 0, "balc is the patient's own"
    assert await parts_of(town, parent) == {"2025:carried": 0, "2026:current": 7_000}
    assert await balance_of(town, f"institution:{shared.institution}:claimed") == 8_000
    assert await town.faults() == []


async def test_the_own_account_pays_first(town: Town) -> None:
    parent = await town.insure(account="100")
    child = await town.insure(account="30")
    await let_pay(town, parent, child)
    bill = await town.bill(child, "80")
    assert (bill.account, bill.family, bill.cash, bill.balance) == (3_000, 5_000, 0, 0)


async def test_owners_pay_in_their_order_and_within_their_limits(town: Town) -> None:
    father, child = await child_of(town, account="100")
    mother = await town.insure(account="100")
    await let_pay(town, father, child, bill_limit="20", place=2)
    await let_pay(town, mother, child, year_limit="45", place=1)
    bills = [await billed(town, child, "70") for _ in range(2)]
    assert [bill.family for bill in bills] == [6_500, 2_000]
    assert await town.balance(mother) == 5_500
    assert await town.balance(father) == 6_000
    await town.do(town.cancellation(bills[0]))
    again = await billed(town, child, "70")
    assert again.family == 6_500, "the year's limit is free again"


async def test_an_owner_may_let_only_what_is_left_of_earlier_years_pay(town: Town) -> None:
    parent, child = await child_of(town, account="100", carried="50")
    await let_pay(town, parent, child, origins=("carried",))
    bill = await billed(town, child, "80")
    assert (bill.family, bill.cash) == (5_000, 3_000)


async def test_the_trial_is_the_settlement(town: Town) -> None:
    parent, child = await child_of(town, account="50")
    await let_pay(town, parent, child, year_limit="40")
    visit = await town.open_visit(child, scheme=RESIDENT)
    await town.charge(visit, "80")
    tried = await town.trial(town.settlement(visit, "80"))
    settled: SettlementFacts = await town.do(town.settlement(visit, "80"))
    assert (tried.family, tried.cash) == (settled.family, settled.cash) == (4_000, 4_000)
    assert tried.snapshot == settled.snapshot


async def test_without_the_account_no_relative_pays_either(town: Town) -> None:
    parent, child = await child_of(town, account="50")
    await let_pay(town, parent, child)
    visit = await town.open_visit(child, scheme=RESIDENT)
    await town.charge(visit, "80")
    settled = await town.do(town.settlement(visit, "80", use_account=False))
    assert (settled.family, settled.cash) == (0, 8_000)


async def test_a_link_pays_from_its_first_day_to_the_day_before_its_end(town: Town) -> None:
    parent, child = await child_of(town, account="500")
    day = town.clock.now().date()
    await let_pay(town, parent, child, start=day + timedelta(days=1), end=day + timedelta(days=2))
    paid = []
    for _ in range(3):
        paid.append((await billed(town, child, "10")).family)
        town.clock.set(town.clock.now() + timedelta(days=1))
    assert paid == [0, 1_000, 0]


async def test_withdrawal_stops_new_use_and_refunds_still_go_back(town: Town) -> None:
    parent, child = await child_of(town, account="100", carried="50")
    link = await let_pay(town, parent, child)
    bill = await billed(town, child, "80")
    await withdraw(town, link)
    assert (await billed(town, child, "80")).family == 0
    mirror = await town.do(town.cancellation(bill))
    assert (mirror.family, mirror.cash) == (-8_000, 0)
    assert await parts_of(town, parent) == {"2025:carried": 5_000, "2026:current": 10_000}
    assert await town.faults() == []


async def test_a_refund_to_a_closed_account_is_owed_to_its_owner(town: Town) -> None:
    parent, child = await child_of(town, account="80")
    await let_pay(town, parent, child)
    bill = await billed(town, child, "80")
    async with unit(town) as u:
        await ledger.lock_parts(u, [parent])
        await ledger.set_state(u, parent, AccountState.CLOSED)
    await town.do(town.cancellation(bill))
    assert await town.balance(parent) == 0
    assert await balance_of(town, owed_account(parent)) == 8_000
    assert await town.faults() == []


async def test_a_frozen_account_pays_nothing_and_takes_refunds(town: Town) -> None:
    parent, child = await child_of(town, account="100")
    await let_pay(town, parent, child)
    bill = await billed(town, child, "80")
    async with unit(town) as u:
        await ledger.lock_parts(u, [parent])
        await ledger.set_state(u, parent, AccountState.FROZEN)
    assert (await billed(town, child, "10")).family == 0
    assert (await town.bill(parent, "10")).account == 0
    await town.do(town.cancellation(bill))
    assert await town.balance(parent) == 10_000


async def test_a_reversed_cancellation_takes_from_the_relative_again(town: Town) -> None:
    parent, child = await child_of(town, account="100")
    await let_pay(town, parent, child, year_limit="90")
    bill = await billed(town, child, "80")
    mirror = await town.do(town.cancellation(bill))
    await town.do(town.reversal(mirror, "2208"))
    assert await town.balance(parent) == 2_000
    assert (await billed(town, child, "80")).family == 1_000


async def test_a_cancellation_is_not_reversed_when_the_relative_has_spent_the_refund(
    town: Town,
) -> None:
    parent, child = await child_of(town, account="80")
    await let_pay(town, parent, child)
    mirror = await town.do(town.cancellation(await billed(town, child, "80")))
    await town.bill(parent, "80")
    refusal = await town.refused(town.reversal(mirror, "2208"))
    assert refusal.code is RefusalCode.BALANCE_SHORT


async def test_a_bill_comes_out_again_with_the_relatives_who_paid(town: Town) -> None:
    parent, child = await child_of(town, account="50")
    link = await let_pay(town, parent, child, year_limit="40")
    bill = await billed(town, child, "80")
    await withdraw(town, link)
    async with town.database.reader(None) as connection:
        stored = await settlements.settlement(connection, key_of(bill))
        assert stored is not None
        recomputed = await settlements.explained(connection, stored)
    assert recomputed.differences == ()
    assert recomputed.decision.statement.family == 4_000


async def test_own_and_relatives_bills_at_once_equal_the_serial_result(
    town: Town, second: Commands
) -> None:
    parent, child = await child_of(town, account="100", carried="35")
    await let_pay(town, parent, child, year_limit="70")
    people = [parent, child] * 6
    visits = [
        await town.open_visit(who, scheme=RESIDENT if who == child else "310") for who in people
    ]
    for visit in visits:
        await town.charge(visit, "33.33")
    outcomes = await asyncio.gather(
        *(
            (town.commands if i % 3 else second).submit(
                town.command(town.settlement(visit, "33.33"))
            )
            for i, visit in enumerate(visits)
        )
    )
    bills: list[SettlementFacts] = [o.result for o in outcomes if isinstance(o, Done)]
    assert len(bills) == 12
    spent = sum(bill.account + bill.family for bill in bills)
    assert spent == 13_500
    assert sum(bill.family for bill in bills) <= 7_000
    assert await parts_of(town, parent) == {"2025:carried": 0, "2026:current": 0}
    for bill in bills:
        await town.do(town.cancellation(bill))
    assert await parts_of(town, parent) == {"2025:carried": 3_500, "2026:current": 10_000}
    assert await town.faults() == []


async def test_a_withdrawal_between_reading_and_locking_is_seen(town: Town) -> None:
    parent, child = await child_of(town, account="100")
    link = await let_pay(town, parent, child)
    visit = await town.open_visit(child, scheme=RESIDENT)
    await town.charge(visit, "80")
    async with unit(town) as u:
        await ledger.lock_parts(u, [parent])
        settling = asyncio.create_task(town.do(town.settlement(visit, "80")))
        await asyncio.sleep(0.3)  # it has read the link and waits for the account
        assert not settling.done()
        await family.withdraw(u, link.number, "测试")
    settled: SettlementFacts = await settling
    assert settled.family == 0
