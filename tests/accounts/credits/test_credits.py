"""Monthly credits and the year's end: what is due is credited once, and corrected to the fen."""

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest

from tests.accounts.builders import balance_of, parts_of, unit
from tests.settlement.builders import (
    BEIJING,
    EMPLOYEE,
    POOL,
    Town,
    laws_of_beijing,
)
from yibao.accounts.credits import service as credits_
from yibao.accounts.credits import year_ends
from yibao.accounts.credits.model import Run
from yibao.accounts.credits.rules import months_due, movement
from yibao.accounts.credits.service import Desk
from yibao.accounts.events import service as events
from yibao.kernel import frozen
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refused
from yibao.ledger.model import Part, owed_account
from yibao.policy.law_book import LawBook
from yibao.policy.parameters import Parameter
from yibao.policy.terms import PersonType
from yibao.registry.people import service as people
from yibao.registry.premiums.model import Premium
from yibao.registry.service import ReferenceCache

JULY = date(2026, 7, 1)


def month(number: int, paid_on: date | None = None, base: int | None = 1_000_000) -> Premium:
    """The premium of one month of 2026, on a base of 10,000 yuan."""
    start = date(2026, number, 1)
    return Premium(
        EMPLOYEE, Period(start, date(2026, number + 1, 1)), paid_on or start, 100_000, base
    )


async def paid(town: Town, member: str, *booked: Premium) -> None:
    """Record premiums; what they entitle to is not asked here."""
    async with unit(town) as u:
        await u.connection.executemany(
            """INSERT INTO registry.premium (pool, member, scheme, valid_from, valid_until, paid_on,
                                             amount, base, recorded_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            [
                (
                    POOL, member, one.scheme, one.period.start, one.period.end, one.paid_on,
                    one.amount, one.base, u.now,
                )
                for one in booked
            ],
        )  # fmt: skip


async def take_back(town: Town, member: str, start: date) -> None:
    """Take a premium back."""
    async with unit(town) as u:
        await u.connection.execute(
            """UPDATE registry.premium SET superseded_at = $3
               WHERE member = $1 AND valid_from = $2""",
            member,
            start,
            u.now,
        )


async def credit(town: Town, of: date = JULY) -> Run:
    """Credit a month to everybody in the town."""
    desk = Desk(
        town.database, town.clock, ReferenceCache(town.vault, laws_of_beijing()), town.vault
    )
    return await credits_.credit_month(desk, POOL, of)


async def test_two_percent_of_the_base_are_credited_once(town: Town) -> None:
    member = await town.insure()
    await paid(town, member, month(7))
    first, again = await credit(town), await credit(town)
    assert (first.rows, first.amount) == (1, 20_000)
    assert (again.rows, again.amount) == (0, 0)
    assert await parts_of(town, member) == {"2026:current": 20_000}
    assert await town.faults() == []


async def test_a_month_that_is_paid_late_is_credited_by_the_next_run(town: Town) -> None:
    member = await town.insure()
    await credit(town)
    await paid(town, member, month(5, date(2026, 7, 20)), month(7, date(2026, 7, 20)))
    run = await credit(town)
    assert (run.rows, run.amount) == (2, 40_000)


async def test_what_an_older_system_credited_is_not_credited_again(town: Town) -> None:
    member = await town.insure()
    await paid(town, member, month(4), month(5), month(6))
    assert (await credit(town)).rows == 0


async def test_a_premium_taken_back_takes_the_credit_back(town: Town) -> None:
    member = await town.insure()
    await paid(town, member, month(7))
    await credit(town)
    await take_back(town, member, JULY)
    assert (await credit(town)).amount == -20_000
    assert await town.balance(member) == 0


async def test_what_is_spent_is_owed_and_set_off_against_the_next_credit(town: Town) -> None:
    member = await town.insure()
    await paid(town, member, month(7))
    await credit(town)
    await town.bill(member, "150")
    await take_back(town, member, JULY)
    await credit(town)
    assert await town.balance(member) == 0
    assert await balance_of(town, owed_account(member)) == -15_000
    town.clock.set(datetime(2026, 8, 10, 4, tzinfo=UTC))
    await paid(town, member, month(8))
    await credit(town, date(2026, 8, 1))
    assert await balance_of(town, owed_account(member)) == 0
    assert await town.balance(member) == 5_000
    assert await town.faults() == []


async def test_who_cannot_be_credited_is_named_with_the_reason(town: Town) -> None:
    no_base = await town.insure()
    retired = await town.insure("1201")
    await paid(town, no_base, month(7, base=None))
    run = await credit(town)
    assert {one.member for one in run.skipped} == {no_base, retired}
    assert "没有缴费基数" in next(one.reason for one in run.skipped if one.member == no_base)


async def test_a_frozen_account_is_credited_and_a_closed_one_s_owner_is_owed(town: Town) -> None:
    frozen, closed = await town.insure(account="1"), await town.insure(account="1")
    async with unit(town) as u:
        await events.freeze(u, frozen, "核查")
        await events.close(u, closed, "注销", pay_out=True)
    for member in (frozen, closed):
        await paid(town, member, month(7))
    await credit(town)
    assert await town.balance(frozen) == 20_100
    assert await town.balance(closed) == 0
    assert await balance_of(town, owed_account(closed)) == 20_100


async def test_retirement_changes_the_credit_of_the_months_after_it(town: Town) -> None:
    member = await town.insure()
    await paid(town, member, month(7), month(8))
    async with unit(town) as u:
        await people.change_person_type(
            u.connection, POOL, member, EMPLOYEE, PersonType("1201"), date(2026, 8, 1), now=u.now
        )
    town.clock.set(datetime(2026, 8, 10, 4, tzinfo=UTC))
    assert (await credit(town)).amount == 20_000
    run = await credit(town, date(2026, 8, 1))
    assert (run.amount, len(run.skipped)) == (0, 1), "the area's fixed sum is not known"


def test_a_correction_takes_the_newest_parts_first_and_never_more_than_there_is() -> None:
    parts = [
        Part("m", "2024:carried", "carried", 50),
        Part("m", "2025:carried", "carried", 30, held=10),
        Part("m", "2026:current", "current", 7),
    ]
    moved = movement("m", EMPLOYEE, -60, "2026:current", parts, 0)
    assert dict(moved.entries) == {
        "contributions:310": 60,
        "account:m:2026:current": -7,
        "account:m:2025:carried": -20,
        "account:m:2024:carried": -33,
    }
    assert movement("m", EMPLOYEE, -100, "2026:current", parts, 0).short == 23


def test_months_before_the_first_run_are_looked_at_only_when_they_were_paid_late() -> None:
    old = month(3)
    late = frozen.replace(month(4), paid_on=date(2026, 7, 9))
    assert months_due(JULY, date(2026, 8, 1), [old, late]) == [
        date(2026, 4, 1),
        date(2026, 7, 1),
        date(2026, 8, 1),
    ]


# -------------------------------------------------------------------------------------- year's end


def with_interest() -> LawBook:
    """Beijing's law with interest of 1.5 %."""
    law = laws_of_beijing().law_on(BEIJING, EMPLOYEE, JULY)
    known: Any = law.account.parts.versions[0]
    rate = replace(known, by=(), cases={(): Fraction("0.015")})
    account = replace(law.account, interest=Parameter("account.interest", (rate,)))
    return LawBook({(BEIJING, EMPLOYEE): replace(law, account=account)})


async def close(town: Town, members: list[str], laws: LawBook) -> Run:
    """Close 2026."""
    async with unit(town) as u:
        return await year_ends.carry_over(u, town.vault, laws, members, 2026)


async def test_a_year_is_not_closed_before_it_is_over(town: Town) -> None:
    member = await town.insure(account="100")
    with pytest.raises(Refused, match="不能结转"):
        await close(town, [member], laws_of_beijing())


async def test_what_is_left_is_carried_over_once_with_interest_on_the_year_s_end(
    town: Town,
) -> None:
    member = await town.insure(account="100", carried="50")
    town.clock.set(datetime(2027, 1, 5, 4, tzinfo=UTC))
    await town.bill(member, "30")  # after the year's end: it bears interest all the same
    laws = with_interest()
    assert (await close(town, [member], laws)).amount == 225
    assert (await close(town, [member], laws)).rows == 0
    assert await parts_of(town, member) == {
        "2025:carried": 5_000,
        "2026:carried": 7_225,
        "2026:current": 0,
    }
    assert await balance_of(town, "interest:310") == -225
    assert await town.faults() == []


async def test_where_the_law_has_no_rate_there_is_no_interest(town: Town) -> None:
    member = await town.insure(account="100")
    town.clock.set(datetime(2027, 1, 5, 4, tzinfo=UTC))
    assert (await close(town, [member], laws_of_beijing())).amount == 0
    assert await parts_of(town, member) == {"2026:carried": 10_000, "2026:current": 0}


async def test_a_refund_into_a_closed_year_is_carried_over_by_the_next_run(town: Town) -> None:
    member = await town.insure(account="100")
    bill = await town.bill(member, "40")
    town.clock.set(datetime(2027, 1, 5, 4, tzinfo=UTC))
    await close(town, [member], laws_of_beijing())
    await town.do(town.cancellation(bill))
    assert (await parts_of(town, member))["2026:current"] == 4_000
    await close(town, [member], laws_of_beijing())
    assert (await parts_of(town, member))["2026:carried"] == 10_000
