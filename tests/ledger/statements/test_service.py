"""Statements add up: opening, what moved and what for, closing."""

from datetime import date, timedelta

import pytest

from tests.settlement.builders import POOL, TERTIARY, Town
from yibao.kernel.areas import Pool
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import Reservation
from yibao.ledger.model import OccasionKind, transit_account
from yibao.ledger.statements import service as statements
from yibao.ledger.statements.model import TITLES, AccountStatement, Sum
from yibao.platform.commands.model import Unit

FIRST, NEXT, AFTER = date(2026, 7, 15), date(2026, 7, 16), date(2026, 7, 17)


async def test_a_person_reads_every_entry_with_what_it_was_for(town: Town) -> None:
    member = await town.insure(account="300", carried="20")
    settled = await town.bill(member, "50")
    town.clock.move(timedelta(days=1))
    await town.do(town.cancellation(settled))
    async with town.database.reader(None) as connection:
        carried, current = await statements.person(connection, POOL, member, FIRST, AFTER)
        later = await statements.person(connection, POOL, member, NEXT, AFTER)
        before = await statements.person(connection, POOL, member, date(2026, 1, 1), FIRST)
    told = [(one.day, one.what, one.amount, one.institution) for one in current.movements]
    assert told[0] == (FIRST, "credit", 30_000, None)
    assert [one[:2] for one in told[1:]] in (
        [(FIRST, "settlement"), (NEXT, "cancellation")],
        [],
    )
    moved = [one for part in (carried, current) for one in part.movements if one.institution]
    assert sum(one.amount for one in moved) == 0
    assert {one.institution for one in moved} == {TERTIARY}
    for part in (carried, current):
        assert part.opening == 0
        assert part.movements[-1].balance == part.closing
    assert (carried.closing, current.closing) == (2_000, 30_000)
    assert [part.opening for part in later] == [
        sum(one.amount for one in part.movements if one.day < NEXT) for part in (carried, current)
    ]
    assert all((part.opening, part.movements, part.closing) == (0, (), 0) for part in before)


async def test_what_is_held_is_told(town: Town) -> None:
    member = await town.insure(account="300")
    async with town.database.writer() as connection, connection.transaction():
        unit = Unit(POOL, connection, town.clock.now(), town.numbers)
        until = unit.now + timedelta(hours=1)
        wanted = Reservation("h", member, 100, ("2026:current",), "代缴保费", until)
        await holds.reserve(unit, wanted)
        await holds.reserve(unit, Reservation("g", member, 7, ("2026:current",), "", until))
        await holds.capture(unit, "g", 7, transit_account("x"))
    async with town.database.reader(None) as connection:
        (part,) = await statements.person(connection, POOL, member, FIRST, NEXT)
    assert (part.held, part.closing) == (100, 29_993)
    assert [one.what for one in part.movements] == ["credit", "capture"]


async def test_an_institution_and_the_funds_add_up(town: Town) -> None:
    member = await town.insure()
    one = await town.bill(member, "25000")
    other = await town.bill(member, "30", batch="B2")
    await town.do(town.cancellation(other))
    funds = sum(payment.amount for payment in one.payments)
    async with town.database.reader(None) as connection:
        purses = await statements.institution(connection, TERTIARY, FIRST, NEXT)
        of_funds = await statements.funds(connection, FIRST, NEXT, pool=POOL)
        later = await statements.funds(connection, NEXT, AFTER)
        elsewhere = await statements.funds(connection, FIRST, NEXT, pool=Pool("430100"))
        pooled = await statements.funds(connection, FIRST, NEXT, fund="330100")
    by_name = {purse.account.rsplit(":", 1)[1]: purse for purse in purses}
    assert by_name["claimed"].closing == funds + one.account
    assert {moved.what for moved in by_name["collected"].sums} == {"settlement", "cancellation"}
    assert sum(fund.closing for fund in of_funds) == -funds
    assert sum(fund.opening for fund in later) == -funds
    assert all(fund.sums == () for fund in later)
    assert elsewhere == []
    assert [fund.account for fund in pooled] == ["fund:330100"]


async def test_who_has_no_account_has_no_statement(town: Town) -> None:
    async with town.database.reader(None) as connection:
        assert await statements.person(connection, POOL, "11000000000000009999", FIRST, NEXT) == []


def test_closing_is_opening_and_what_moved() -> None:
    assert AccountStatement(POOL, "fund:330100", 5, (Sum("settlement", 2, -3),)).closing == 2


@pytest.mark.parametrize("kind", OccasionKind)
def test_every_occasion_has_its_word(kind: OccasionKind) -> None:
    assert TITLES[kind]
