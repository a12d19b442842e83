"""What somebody still has to do about a month keeps it in the database."""

from datetime import date

import pytest

from tests.settlement.builders import POOL, TERTIARY, Town
from yibao.ledger import service as ledger
from yibao.ledger.model import Entry, Occasion, OccasionKind, Posting, fund_account
from yibao.platform.archive.model import Stay
from yibao.platform.commands.model import Unit
from yibao.settlement.archiving.service import reasons

pytestmark = pytest.mark.database
AUGUST = date(2026, 8, 1)
STAYS, CLEARING, FLAGS, TRANSIT = range(4)


async def kept_by(town: Town, before: date = AUGUST) -> list[int]:
    """How many of each reason there are."""
    async with town.database.owner() as connection:
        found: list[Stay] = list(await reasons(connection, before))
    return [stay.count for stay in found]


async def test_a_month_in_which_all_is_done_may_go(town: Town) -> None:
    await town.bill(await town.insure(), "100")  # below the deductible: nobody has to clear it
    assert await kept_by(town) == [0, 0, 0, 0]


async def test_a_stay_that_has_not_ended_keeps_its_month(town: Town) -> None:
    stay = await town.admit(await town.insure())
    assert (await kept_by(town))[STAYS] == 1
    assert (await kept_by(town, date(2026, 7, 1)))[STAYS] == 0
    await town.do(town.discharge(stay))
    assert (await kept_by(town))[STAYS] == 0


async def test_a_batch_that_was_never_settled_keeps_no_month(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "100")
    assert await kept_by(town) == [0, 0, 0, 0]


async def test_bills_that_were_not_cleared_keep_their_month(town: Town) -> None:
    await town.bill(await town.insure(), "2500")
    assert (await kept_by(town))[CLEARING] == 1
    await approve(town, date(2026, 6, 1), date(2026, 7, 14))
    assert (await kept_by(town))[CLEARING] == 1
    await approve(town, date(2026, 7, 15), date(2026, 7, 31), kind="21")
    assert (await kept_by(town))[CLEARING] == 1
    await approve(town, date(2026, 7, 15), date(2026, 7, 31))
    assert (await kept_by(town))[CLEARING] == 0


async def test_a_bill_that_was_cancelled_has_nothing_to_clear(town: Town) -> None:
    settled = await town.bill(await town.insure(), "2500")
    await town.do(town.cancellation(settled))
    assert (await kept_by(town))[CLEARING] == 0


async def test_a_bill_to_be_settled_again_keeps_its_month(town: Town) -> None:
    member = await town.insure()
    first = await town.bill(member, "2500")
    await town.bill(member, "100")
    await town.do(town.cancellation(first))
    assert (await kept_by(town))[FLAGS] == 1


async def test_money_on_the_way_keeps_its_month(town: Town) -> None:
    async with town.database.writer() as connection, connection.transaction():
        unit = Unit(POOL, connection, town.clock.now(), town.numbers)
        entries = (Entry(fund_account("310100"), -5), Entry("transit:1", 5))
        posting = Posting(
            town.numbers.next(unit.now), unit.day, entries, Occasion(OccasionKind.CREDIT)
        )
        await ledger.post(unit, [posting])
    assert (await kept_by(town))[TRANSIT] == 1
    assert (await kept_by(town, date(2026, 7, 15)))[TRANSIT] == 0


async def approve(town: Town, first: date, last: date, kind: str = "11") -> None:
    """A bureau approves the clearing of the hospital's days."""
    async with town.database.owner() as connection:
        await connection.execute(
            """INSERT INTO settlement.clearing_application (pool, number, institution,
                   clearing_class, way, month, first_day, last_day, visits, total, in_scope, funds,
                   account, cash, family, state, applied_at)
               VALUES ($1, $2, $3, $4, '1', $8, $5, $6, 0, 0, 0, 0, 0, 0, 0,
                       'approved', $7)""",
            POOL,
            town.numbers.next(town.clock.now()),
            TERTIARY,
            kind,
            first,
            last,
            town.clock.now(),
            f"{first:%Y%m}",
        )
