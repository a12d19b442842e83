"""Who asks for what was put away is answered as before: lists, sums, corrections."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.settlement.archiving.builders import YEARS_LATER, Years, years_over
from tests.settlement.builders import POOL, TERTIARY, Town, key_of, laws_of_beijing
from tests.settlement.corrections.test_chains import resettle, standing
from tests.settlement.laws import CLAIM_FREE, SPENT, capped, law, let_count
from tests.settlement.test_affected import by_facts, by_law
from yibao.adjudication.model import CounterKey
from yibao.clearing.totals.service import totals
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import PartEntry
from yibao.platform.archive import missing
from yibao.platform.archive.service import RECALLED_FOR
from yibao.platform.archive.store import known as known_files
from yibao.platform.commands.model import Unit
from yibao.registry.people import service as people
from yibao.registry.service import Reference, ReferenceCache
from yibao.settlement import service as settlement
from yibao.settlement.corrections import service as corrections
from yibao.settlement.corrections.model import Resettle
from yibao.settlement.merging import service as merging
from yibao.settlement.model import SettlementFacts
from yibao.settlement.openings import service as openings
from yibao.settlement.openings.model import BroughtCounter, BroughtPart, Opening
from yibao.settlement.reconciliation import service as reconciliation

pytestmark = pytest.mark.database
JULY = (date(2026, 7, 1), date(2026, 7, 31))
ALL = 1 << 62


@pytest.fixture
async def years(town: Town, tmp_path: Path) -> AsyncIterator[Years]:
    async with years_over(town, tmp_path) as built:
        yield built


async def listed(town: Town, member: str, limit: int, before: int = ALL) -> list[SettlementFacts]:
    """A page of a person's bills."""
    async with town.database.reader(None) as connection:
        return await settlement.settlements_of_member(
            connection, POOL, member, before=before, limit=limit
        )


def numbers(bills: Sequence[SettlementFacts]) -> list[int]:
    return [key_of(bill).number for bill in bills]


# --------------------------------------------------------------------------------------- new bills


async def test_a_claim_that_was_put_away_ends_the_years_without_one(years: Years) -> None:
    town = years.town
    await let_count(town, CLAIM_FREE)
    period = Period(date(2020, 3, 1))
    member, other = await town.insure(period=period), await town.insure(period=period)
    await town.bill(member, "100")
    await years.pass_by()
    bill, free = await town.bill(member, "100"), await town.bill(other, "100")
    assert (bill.snapshot["claim_free_years"], free.snapshot["claim_free_years"]) == (2, 8)
    assert (bill.funds, free.funds) == (1000, 9000)


# ------------------------------------------------------------------------------------------- lists


async def test_a_persons_bills_are_listed_page_by_page(years: Years) -> None:
    town = years.town
    member, other = await town.insure(), await town.insure()
    bills = [await town.bill(member, amount) for amount in ("10", "20", "30", "40")]
    await town.bill(other, "50")
    before = await listed(town, member, 10)
    await years.pass_by()
    new = await town.bill(member, "60")
    *_, third, fourth = before
    # of the oldest one alone it is known where it lies; it must not hide the others
    await years.archive.recall(POOL, [key_of(bills[0]).number], YEARS_LATER)
    assert numbers(await listed(town, member, 2)) == numbers([new, before[0]])
    assert await town.rows("settlement.visible_settlement") == 4
    assert await listed(town, member, 2, numbers(before)[1]) == [third, fourth]
    assert numbers(await listed(town, member, 10)) == numbers([new, *before])
    assert numbers(await listed(town, other, 10)) != []
    assert await listed(town, "11000000009999", 10) == []


async def test_what_a_page_has_already_costs_no_look_into_the_files(
    years: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = years.town
    member = await town.insure()
    await town.bill(member, "10")
    await years.pass_by()
    new = await town.bill(member, "20")

    async def fail(*_: object) -> None:
        raise AssertionError("a full page of new bills lacks nothing")

    recalls = years.archive.recalls(town.clock.now)
    monkeypatch.setattr(recalls, "numbers_of", fail)
    missing.use(recalls)
    assert numbers(await listed(town, member, 1)) == numbers([new])


async def test_an_accounts_newest_movements_are_as_before(years: Years) -> None:
    town = years.town
    member = await town.insure(account="500")
    for amount in ("10", "20", "30"):
        await town.bill(member, amount)

    async def told(limit: int) -> list[PartEntry]:
        async with town.database.reader(None) as connection:
            return await ledger.part_entries(connection, POOL, member, limit)

    before = await told(10)
    assert len(before) == 4
    await years.pass_by()
    assert await told(2) == before[:2]
    assert await told(10) == before


async def test_what_an_account_held_when_a_month_began_is_as_before(years: Years) -> None:
    town = years.town
    member = await town.insure(account="500")
    await town.bill(member, "10")

    async def held(day: date) -> int:
        async with town.database.reader(None) as connection:
            parts = await ledger.balances(connection, POOL, [member])
            return (await ledger.held_before(connection, POOL, parts, day))[member]

    assert [await held(date(2026, month, 1)) for month in (7, 8)] == [0, 490_00]
    await years.pass_by()
    assert [await held(date(2026, month, 1)) for month in (7, 8)] == [0, 490_00]


# -------------------------------------------------------------------------------- books of a month


async def test_a_months_totals_and_postings_are_as_before(years: Years) -> None:
    town = years.town
    settled = await town.bill(await town.insure(account="100"), "2500")
    await town.do(town.cancellation(settled))
    await town.bill(await town.insure(account="100"), "40")

    async def told() -> list[object]:
        async with town.database.reader(None) as connection:
            return [
                await totals(connection, TERTIARY, *JULY, daily=True),
                await reconciliation.bookings(connection, TERTIARY, *JULY),
                await reconciliation.originals(connection, TERTIARY, [key_of(settled)]),
                await inquiries.institution_postings(connection, TERTIARY, *JULY),
            ]

    before = await told()
    assert all(before)
    await years.pass_by()
    assert await told() == before


async def test_all_that_was_ever_claimed_counts_what_was_put_away_and_what_came_back_once(
    years: Years,
) -> None:
    town = years.town
    first = await town.bill(await town.insure(account="100"), "2500")
    await town.bill(await town.insure(account="100"), "3000")

    async def claimed() -> tuple[int, int]:
        async with town.database.reader(None) as connection:
            today = town.clock.now().date()
            return (
                await reconciliation.claimed_ever(connection, TERTIARY, POOL, today),
                await inquiries.claimed_balance(connection, POOL, TERTIARY),
            )

    before = await claimed()
    assert before[0] == before[1] > 0
    await years.pass_by()
    assert await claimed() == before
    await years.archive.recall(POOL, [key_of(first).number], YEARS_LATER)
    assert await claimed() == before
    await town.do(town.cancellation(first))
    assert (await claimed())[0] == (await claimed())[1] < before[0]


# --------------------------------------------------------------------------- laws, corrections


async def test_what_a_law_would_touch_is_found(years: Years) -> None:
    town = years.town
    await let_count(town, law(capped("100"), counters=SPENT))
    member = await town.insure()
    for _ in range(3):
        await town.bill(member, "100")
    new = law(capped("100", "0.9"), counters=SPENT)
    before = await by_law(town, new)
    assert len(before) == 2
    await years.pass_by()
    assert await by_law(town, new) == before
    assert await by_facts(town) == []


async def test_bills_are_settled_again_with_all_that_stood_before_them(years: Years) -> None:
    town = years.town
    member = await town.insure("1201")
    bills = [await town.bill(member, amount) for amount in ("1800", "500", "1234.56")]
    await years.pass_by()
    later = await town.bill(member, "300")
    await town.do(town.cancellation(bills[0]))
    await resettle(town, member)
    anew = {key_of(one).number: one for one in await standing(town, [*bills, later])}
    assert anew[key_of(bills[1]).number].deductible == 500_00
    assert anew[key_of(bills[2]).number].deductible == 800_00


async def test_a_member_whose_bills_were_all_put_away_has_bills(years: Years) -> None:
    town = years.town
    member = await town.insure()
    await town.bill(member, "2500")
    await years.pass_by()
    async with town.database.writer() as connection, connection.transaction():
        reference = await ReferenceCache(town.vault, laws_of_beijing()).current(connection)
        unit = Unit(POOL, connection, town.clock.now(), town.numbers)
        by = PoolKey(POOL, town.numbers.next(unit.now))
        with pytest.raises(Refused) as refused:
            await corrections.resettle(unit, Resettle(member), reference, town.vault, by)
    assert refused.value.refusal.code is RefusalCode.NOTHING_TO_CORRECT


async def test_bills_of_two_files_that_become_one_are_found(years: Years) -> None:
    town = years.town
    member, other = await town.insure(), await town.insure()
    bills = [await town.bill(one, "10") for one in (member, other)]
    await years.pass_by()
    async with town.database.writer() as connection, connection.transaction():
        unit = Unit(POOL, connection, town.clock.now(), town.numbers)
        known = await people.load_members(connection, town.vault, POOL, [member, other])
        numbers_ = [(POOL, member), (POOL, other)]
        found = await merging.affected(unit, known[member], known[other], numbers_)
    assert [one.settlement for one in found] == [key_of(bill) for bill in bills]


def brought_of(member: str) -> list[Opening]:
    """What an older system knew of a member."""
    return [
        BroughtCounter(member, CounterKey("spent", "2026"), 300_00),
        BroughtPart(member, 2025, "carried", 500_00),
    ]


@asynccontextmanager
async def a_unit(town: Town) -> AsyncIterator[tuple[Unit, Reference]]:
    """Something written now."""
    async with town.database.writer() as connection, connection.transaction():
        reference = await ReferenceCache(town.vault, laws_of_beijing()).current(connection)
        yield Unit(POOL, connection, town.clock.now(), town.numbers), reference


async def bring_in(town: Town, member: str) -> list[PoolKey]:
    """Load what an older system knew."""
    async with a_unit(town) as (unit, reference):
        known = await people.load_members(unit.connection, town.vault, POOL, [member])
        return await openings.bring_in(unit, "测试旧系统", brought_of(member), known, reference)


async def objected(town: Town, member: str) -> list[str | None]:
    """Which fields of a load of the same are objected to."""
    async with a_unit(town) as (unit, reference):
        known = await people.load_members(unit.connection, town.vault, POOL, [member])
        told = await openings.objections(unit, brought_of(member), known, reference)
    return [None if refusal is None else refusal.field for refusal in told]


async def test_what_was_brought_in_is_taken_back_years_later(years: Years) -> None:
    town = years.town
    member = await town.insure()
    keys = await bring_in(town, member)
    await years.pass_by()
    assert (await town.balance(member), await town.counters(member)) == (
        500_00,
        {"spent@2026": 300_00},
    )
    async with a_unit(town) as (unit, _):
        await openings.take_back(unit, "测试旧系统", keys)
    assert (await town.balance(member), await town.counters(member)) == (0, {})


async def test_what_was_brought_in_years_ago_is_not_brought_in_again(years: Years) -> None:
    town = years.town
    member, other, third = [await town.insure(account="70", carried="70") for _ in range(3)]
    await bring_in(town, member)
    await town.bill(other, "2500")
    await bring_in(town, third)
    before = [await objected(town, member), await objected(town, other)]
    assert before == [["counter", "year"], [None, None]]
    await years.pass_by()
    assert [await objected(town, member), await objected(town, other)] == before
    assert await town.rows("settlement.visible_settlement") == 0, "a bill was no opening"
    assert await town.rows("settlement.accumulator_entry") == 1, "nobody asked for the third"


async def test_what_was_taken_back_may_be_brought_in_again_wherever_its_rows_lie(
    years: Years,
) -> None:
    """The load lies in the archive, what took it back in the database."""
    town = years.town
    member = await town.insure()
    keys = await bring_in(town, member)
    await years.pass_by()
    async with a_unit(town) as (unit, _):
        await openings.take_back(unit, "测试旧系统", keys)
    town.clock.move(RECALLED_FOR + timedelta(days=1))
    assert await years.archive.send_away(town.clock.now()) == len(keys)
    assert await objected(town, member) == [None, None]
    await bring_in(town, member)
    assert await years.archive.send_away(town.clock.now() + 2 * RECALLED_FOR) == len(keys)
    assert await objected(town, member) == ["counter", "year"]


async def test_on_which_days_openings_came_is_looked_up_once(
    years: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = years.town
    member = await town.insure()
    await bring_in(town, member)
    await town.bill(member, "10")
    await years.pass_by()
    assert await objected(town, member) == ["counter", "year"]

    async def fail(*_: object) -> None:
        raise AssertionError("the files do not change")

    monkeypatch.setattr(known_files, "files_of_table", fail)
    assert await objected(town, member) == ["counter", "year"]


async def test_who_had_a_bill_since_a_load_is_named(years: Years) -> None:
    town = years.town
    begun = town.clock.now()
    member, other = await town.insure(), await town.insure()
    await town.bill(member, "10")
    await years.pass_by()
    async with town.database.reader(None) as connection:
        asked = [member, other]
        assert await openings.settled_since(connection, POOL, asked, begun) == [member]
        assert await openings.settled_since(connection, POOL, asked, YEARS_LATER) == []
