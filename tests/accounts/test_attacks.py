"""Ways to spend a fen of a personal account twice: holds, families, credits and years' ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.accounts.builders import balance_of, let_pay, parts_of, unit, withdraw
from tests.accounts.credits.test_credits import month, paid
from tests.bureau.meeting import every_book_is_right, waiting
from tests.settlement.builders import POOL, RESIDENT, Town, laws_of_beijing
from yibao.accounts.credits import year_ends
from yibao.accounts.credits.service import Desk, credit_month
from yibao.accounts.events import service as events
from yibao.accounts.events.model import Heir
from yibao.accounts.family import service as family
from yibao.accounts.family.model import PremiumFromFamily
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource, PoolKey
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import HoldState, Reservation
from yibao.ledger.model import AccountState, owed_account
from yibao.platform.commands.model import Done, Unit
from yibao.platform.commands.service import Commands
from yibao.registry.people import service as people
from yibao.registry.service import ReferenceCache
from yibao.settlement.openings import service as openings
from yibao.settlement.openings.model import BroughtPart
from yibao.settlement.service import REQUESTS

CURRENT = "2026:current"


@pytest.fixture
async def second(town: Town) -> AsyncIterator[Commands]:
    """The commands of another process."""
    commands = Commands(
        town.database.writer, town.clock, NumberSource(200),
        dict.fromkeys(REQUESTS, town.room.handle),
    )  # fmt: skip
    yield commands
    await commands.drain()


async def both_at(town: Town, member: str, *works: Any) -> list[Any]:
    """Works that meet at the parts of an account, in this order; what each came to, or raised."""
    async with unit(town) as held:
        await ledger.lock_parts(held, [member])
        tasks = []
        for place, work in enumerate(works, 1):
            tasks.append(asyncio.create_task(work))
            await waiting(town, place)
    return await asyncio.gather(*tasks, return_exceptions=True)


async def in_unit(town: Town, work: Any) -> Any:
    """Do something in a unit of its own, by a writer of its own."""
    numbers = await town.database.numbers()
    async with town.database.writer() as connection, connection.transaction():
        return await work(Unit(POOL, connection, town.clock.now(), numbers))


def wanted(town: Town, member: str, amount: int, name: str = "h1") -> Reservation:
    """A hold of an hour."""
    until = town.clock.now() + timedelta(hours=1)
    return Reservation(name, member, amount, (CURRENT,), "测试", until)


async def child_of(town: Town, **account: str) -> tuple[str, str]:
    """An owner with an account, and a child who is a resident."""
    return await town.insure(**account), await town.insure("1501", RESIDENT)


def codes(outcomes: list[Any]) -> list[RefusalCode]:
    """Of outcomes those that were refused, by their code."""
    refusals = [one.refusal if isinstance(one, Refused) else one for one in outcomes]
    return [one.code for one in refusals if isinstance(one, Refusal)]


# ------------------------------------------------------------------------------------------- holds


async def test_a_hold_captured_and_released_at_once_ends_once(town: Town) -> None:
    member = await town.insure(account="30")
    async with unit(town) as u:
        await holds.reserve(u, wanted(town, member, 2_000))
    outcomes = await both_at(
        town,
        member,
        in_unit(town, lambda u: holds.capture(u, "h1", 2_000, "bank:test")),
        in_unit(town, lambda u: holds.release(u, "h1")),
        in_unit(town, lambda u: holds.capture(u, "h1", 2_000, "bank:test")),
    )
    assert codes(outcomes) == [RefusalCode.HOLD_ENDED] * 2
    assert await town.balance(member) == 1_000
    await every_book_is_right(town)


async def test_a_hold_that_expires_while_it_is_captured_ends_once(town: Town) -> None:
    member = await town.insure(account="30")
    async with unit(town) as u:
        await holds.reserve(u, wanted(town, member, 2_000))
    later = town.clock.now() + timedelta(hours=2)

    async def expire() -> int:
        async with town.database.writer() as connection, connection.transaction():
            return await holds.expire(connection, later)

    async with unit(town) as u:
        await holds.capture(u, "h1", 1_500, "bank:test")
        assert await expire() == 0, "whoever holds the account comes first"
    assert await expire() == 0
    async with town.database.reader(None) as connection:
        (hold,) = await holds.holds_of(connection, POOL, member)
    assert hold.state is HoldState.CAPTURED
    assert await town.balance(member) == 1_500
    await every_book_is_right(town)


async def test_one_refund_asked_twice_at_once_is_given_once(town: Town) -> None:
    member = await town.insure(account="30")
    async with unit(town) as u:
        await holds.reserve(u, wanted(town, member, 2_000))
        await holds.capture(u, "h1", 2_000, "bank:test")
    outcomes = await both_at(
        town,
        member,
        in_unit(town, lambda u: holds.refund(u, "h1", "r1", 1_500)),
        in_unit(town, lambda u: holds.refund(u, "h1", "r1", 1_500)),
        in_unit(town, lambda u: holds.refund(u, "h1", "r2", 1_500)),
    )
    assert outcomes[0] == outcomes[1]
    assert codes(outcomes) == [RefusalCode.HOLD_EXCEEDED]
    assert await town.balance(member) == 2_500
    await every_book_is_right(town)


async def test_what_is_held_is_not_paid_out_moved_or_inherited(town: Town) -> None:
    member = await town.insure(account="30")
    async with unit(town) as u:
        await holds.reserve(u, wanted(town, member, 2_000))
    for work in (
        lambda u: events.close(u, member, "测试", pay_out=True),
        lambda u: events.move_out(u, member, "T1", Pool("430100"), "4301", "测试"),
    ):
        with pytest.raises(Refused) as refused:
            await in_unit(town, work)
        assert refused.value.refusal.code is RefusalCode.ACCOUNT_STATE
    assert await town.balance(member) == 3_000


# ---------------------------------------------------------------------------------------- families


async def test_a_year_limit_is_not_passed_by_bills_and_a_premium_at_once(
    town: Town, second: Commands
) -> None:
    parent, child = await child_of(town, account="500")
    await let_pay(town, parent, child, year_limit="70")
    visits = [await town.open_visit(child, scheme=RESIDENT) for _ in range(2)]
    for visit in visits:
        await town.charge(visit, "50")
    outcomes = await both_at(
        town,
        parent,
        town.send(town.settlement(visits[0], "50")),
        second.submit(town.command(town.settlement(visits[1], "50"))),
    )
    bills = [one.result for one in outcomes if isinstance(one, Done)]
    assert sum(bill.family for bill in bills) == 7_000
    assert await town.balance(parent) == 43_000
    await every_book_is_right(town)


@pytest.mark.parametrize("what", ["freeze", "close", "withdraw"])
async def test_what_happens_to_an_owner_between_reading_and_paying_counts(
    town: Town, what: str
) -> None:
    parent, child = await child_of(town, account="100")
    link = await let_pay(town, parent, child)
    visit = await town.open_visit(child, scheme=RESIDENT)
    await town.charge(visit, "80")
    works = {
        "freeze": lambda u: events.freeze(u, parent, "测试"),
        "close": lambda u: events.close(u, parent, "测试", pay_out=True),
        "withdraw": lambda u: family.withdraw(u, link.number, "测试"),
    }
    _, settled = await both_at(
        town, parent, in_unit(town, works[what]), town.send(town.settlement(visit, "80"))
    )
    assert settled.result.family == 0
    left = {"freeze": 10_000, "close": 0, "withdraw": 10_000}[what]
    assert await town.balance(parent) == left
    await every_book_is_right(town)


@pytest.mark.parametrize("what", ["frozen", "closed", "moved", "dead"])
async def test_a_childs_refund_finds_its_way_whatever_became_of_the_owner(
    town: Town, what: str
) -> None:
    parent, child = await child_of(town, account="100")
    heir = await town.insure()
    await let_pay(town, parent, child)
    bill = await town.bill(child, "80", scheme=RESIDENT)
    if what == "frozen":
        await in_unit(town, lambda u: events.freeze(u, parent, "测试"))
    elif what == "closed":
        await in_unit(town, lambda u: events.close(u, parent, "测试", pay_out=True))
    elif what == "moved":
        await in_unit(
            town, lambda u: events.move_out(u, parent, "T1", Pool("430100"), "4301", "测试")
        )
    else:
        async with town.database.writer() as connection, connection.transaction():
            known = (await people.load_members(connection, town.vault, POOL, [parent]))[parent]
            await people.record_death(
                connection, known.identity.id, town.clock.now().date(), now=town.clock.now()
            )
        await in_unit(
            town, lambda u: events.inherit(u, town.vault, parent, [Heir(heir, 2_000)], "测试")
        )
    mirror = await town.do(town.cancellation(bill))
    assert (mirror.family, mirror.cash) == (-8_000, 0)
    kept = 10_000 if what == "frozen" else 0
    before = {"closed": 2_000}.get(what, 0)
    assert await town.balance(parent) == kept
    assert await balance_of(town, owed_account(parent)) == (0 if kept else 8_000 + before)
    await every_book_is_right(town)


async def test_owner_and_relative_cancel_in_any_order(town: Town) -> None:
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        parent, child = await child_of(town, account="100", carried="20")
        await let_pay(town, parent, child, year_limit="60")
        bills = [
            await town.bill(parent, "50"),
            await town.bill(child, "80", scheme=RESIDENT),
            await town.bill(parent, "50"),
        ]
        for place in order:
            await town.do(town.cancellation(bills[place]))
        assert await parts_of(town, parent) == {"2025:carried": 2_000, CURRENT: 10_000}
    await every_book_is_right(town)


async def test_a_bill_does_not_stand_again_beyond_the_owners_limit(town: Town) -> None:
    """The limit was free while the bill was cancelled, and another bill has used it."""
    parent, child = await child_of(town, account="500")
    await let_pay(town, parent, child, year_limit="80")
    mirror = await town.do(town.cancellation(await town.bill(child, "80", scheme=RESIDENT)))
    await town.bill(child, "60", scheme=RESIDENT)
    refusal = await town.refused(town.reversal(mirror, "2208"))
    assert refusal.code is RefusalCode.NOT_REVERSIBLE
    assert await town.balance(parent) == 44_000


async def test_a_bill_does_not_stand_again_at_the_cost_of_an_owner_who_withdrew(
    town: Town,
) -> None:
    parent, child = await child_of(town, account="100")
    link = await let_pay(town, parent, child)
    mirror = await town.do(town.cancellation(await town.bill(child, "80", scheme=RESIDENT)))
    await withdraw(town, link)
    refusal = await town.refused(town.reversal(mirror, "2208"))
    assert refusal.code is RefusalCode.NOT_REVERSIBLE
    assert await town.balance(parent) == 10_000


async def test_one_premium_paid_by_both_parents_at_once_is_paid_once(town: Town) -> None:
    father = await town.insure(account="900")
    child = await town.insure("1501", RESIDENT, period=Period(date(2026, 1, 1)))
    mother = await town.insure(account="900")
    works = []
    for owner in (father, mother):
        link = await let_pay(town, owner, child)
        premium = PremiumFromFamily(
            link.number, child, RESIDENT, Period(date(2026, 1, 1), date(2027, 1, 1)), 40_000
        )
        works.append(
            in_unit(
                town,
                lambda u, premium=premium: family.pay_premium(
                    u, town.vault, laws_of_beijing(), premium
                ),
            )
        )
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert len([one for one in outcomes if isinstance(one, Refused)]) == 1, outcomes
    assert await town.balance(father) + await town.balance(mother) == 140_000
    await every_book_is_right(town)


# ------------------------------------------------------------------------- credits and years' ends


def credit(town: Town, of: date) -> Awaitable[Any]:
    """A run over everybody."""
    references = ReferenceCache(town.vault, laws_of_beijing())
    return credit_month(Desk(town.database, town.clock, references, town.vault), POOL, of)


async def test_a_month_credited_by_two_runs_at_once_is_credited_once(town: Town) -> None:
    member = await town.insure(account="1")
    fresh = await town.insure()
    for one in (member, fresh):
        await paid(town, one, month(7))
    await asyncio.gather(*(credit(town, date(2026, 7, 1)) for _ in range(3)))
    assert await town.balance(member) == 100 + await town.balance(fresh)
    await credit(town, date(2026, 7, 1))
    assert await town.balance(member) == 100 + await town.balance(fresh)
    assert await town.balance(fresh) > 0
    await every_book_is_right(town)


async def test_a_month_that_has_not_begun_is_not_credited(town: Town) -> None:
    await town.insure("1201")
    with pytest.raises(Refused) as refused:
        await credit(town, date(2026, 8, 1))
    assert refused.value.refusal.code is RefusalCode.DATE_NOT_ALLOWED


async def test_a_year_closed_while_a_bill_is_settled_carries_what_the_bill_leaves(
    town: Town,
) -> None:
    member = await town.insure(account="100", carried="20")
    town.clock.move(timedelta(days=200))
    visit = await town.open_visit(member)
    await town.charge(visit, "50")
    for first in ("bill", "year"):
        works = {
            "bill": town.send(town.settlement(visit, "50")),
            "year": in_unit(
                town,
                lambda u: year_ends.carry_over(u, town.vault, laws_of_beijing(), [member], 2026),
            ),
        }
        other = "year" if first == "bill" else "bill"
        outcomes = await both_at(town, member, works[first], works[other])
        bill = next(one.result for one in outcomes if isinstance(one, Done))
        parts = await parts_of(town, member)
        assert sum(parts.values()) >= 12_000 - bill.account
        assert parts[CURRENT] == 0
        await town.do(town.cancellation(bill))
        refunded = await parts_of(town, member)
        assert sum(refunded.values()) == sum(parts.values()) + bill.account
    await in_unit(
        town, lambda u: year_ends.carry_over(u, town.vault, laws_of_beijing(), [member], 2026)
    )
    assert (await parts_of(town, member))[CURRENT] == 0, "the next run carries the refund over"
    await every_book_is_right(town)


# ---------------------------------------------------------------------------------------- openings


async def test_an_opening_is_not_taken_back_out_of_what_is_held(town: Town) -> None:
    member = await town.insure()
    reference = await references_of(town)
    keys: list[PoolKey] = await in_unit(
        town,
        lambda u: openings.bring_in(
            u, "old", [BroughtPart(member, 2026, "current", 5_000)], {}, reference
        ),
    )
    async with unit(town) as u:
        await holds.reserve(u, wanted(town, member, 2_000))
    with pytest.raises(Refused) as refused:
        await in_unit(town, lambda u: openings.take_back(u, "old", keys))
    assert refused.value.refusal.code is RefusalCode.BALANCE_SHORT
    assert await town.balance(member) == 5_000
    await every_book_is_right(town)


async def test_an_opening_into_a_closed_account_is_refused(town: Town) -> None:
    member = await town.insure(account="1")
    await in_unit(town, lambda u: events.close(u, member, "测试", pay_out=True))
    reference = await references_of(town)
    brought = [BroughtPart(member, 2025, "carried", 5_000)]
    with pytest.raises(Refused) as refused:
        await in_unit(town, lambda u: openings.bring_in(u, "old", brought, {}, reference))
    assert refused.value.refusal.code is RefusalCode.ACCOUNT_STATE


async def test_a_part_opened_while_its_account_is_frozen_is_frozen(town: Town) -> None:
    member = await town.insure(account="1")
    reference = await references_of(town)
    brought = [BroughtPart(member, 2025, "carried", 5_000)]
    outcomes = await both_at(
        town,
        member,
        in_unit(town, lambda u: events.freeze(u, member, "测试")),
        in_unit(town, lambda u: openings.bring_in(u, "old", brought, {}, reference)),
    )
    assert not [one for one in outcomes if isinstance(one, BaseException)], outcomes
    async with town.database.reader(None) as connection:
        parts = (await ledger.balances(connection, POOL, [member]))[member]
    assert {part.state for part in parts} == {AccountState.FROZEN}
    assert (await town.bill(member, "10")).account == 0


async def references_of(town: Town) -> Any:
    """What is known of laws and catalogue."""
    async with town.database.reader(None) as connection:
        return await ReferenceCache(town.vault, laws_of_beijing()).current(connection)


# ------------------------------------------------------------------------------------------- moves


async def test_a_balance_does_not_move_to_somebody_else(town: Town) -> None:
    owner = await town.insure(account="80")
    _, there = await town.insure_twice()
    with pytest.raises(Refused) as refused:
        await in_unit(
            town, lambda u: events.move_out(u, owner, "T1", Pool("430100"), there, "测试")
        )
    assert refused.value.refusal.code is RefusalCode.PERSON_UNKNOWN
    assert await town.balance(owner) == 8_000
