"""What is filled in: right to the last book, and what the server would have written itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from multiprocessing import Pipe
from random import Random
from typing import Any

import pytest

from benchmarks.filling import clearing
from benchmarks.filling.filler import Filler, Span
from benchmarks.filling.room import GIB, LEAST, Room, affordable, check, ran_low
from benchmarks.filling.worker import _portions
from benchmarks.machine import NoRoom
from tests.settlement.builders import BEIJING, NOON, POOL, Town, laws_of_beijing
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey, first_number_of
from yibao.kernel.periods import business_date
from yibao.platform.database import Database
from yibao.platform.months.model import Month
from yibao.registry.service import ReferenceCache
from yibao.settlement.archiving.service import reasons
from yibao.settlement.model import (
    DescribeVisit,
    RegisterVisit,
    Settle,
    SettlementFacts,
    UploadFees,
    VisitFacts,
)
from yibao.settlement.service import lines, settlement, visit

SPAN = Span(NOON - timedelta(days=60), NOON)


@asynccontextmanager
async def filler_of(
    town: Town, database: Database, *, persons: int = 0, lines: int = 3
) -> AsyncIterator[Filler]:
    """A process's worth of filling, as ``worker`` sets it up, with a writer number of its own."""
    references = ReferenceCache(town.vault, laws_of_beijing())
    async with database.writer() as connection:
        reference = await references.current(connection)
        numbers = await database.numbers()
        filler = Filler(connection, numbers, POOL, reference, Random(7))
        await filler.prepare(town.vault, BEIJING, persons, SPAN, lines=lines)
        yield filler


@asynccontextmanager
async def database_beside(town: Town) -> AsyncIterator[Database]:
    """As another process would open it."""
    database = await Database.open(town.database.dsn, writers=1, readers=1)
    yield database
    await database.close()


async def test_twenty_thousand_settlements_leave_the_books_right(town: Town) -> None:
    async with (
        database_beside(town) as database,
        filler_of(town, database, persons=1_500, lines=2) as filler,
    ):
        for portion in range(20):
            settled, refused = await filler.portion(SPAN.first + portion * timedelta(days=3), 1_000)
            assert (settled, refused) == (1_000, [])
    assert await town.rows("settlement.visible_settlement") == 20_000
    assert await town.rows("settlement.visible_line") == 40_000
    async with town.database.writer() as connection:
        assert await connection.fetchval("SELECT count(*) FROM platform.message") == 80_000
    assert await town.faults() == []


async def test_a_month_that_is_over_is_cleared_so_that_it_can_be_put_away(town: Town) -> None:
    month = Month.of(business_date(SPAN.first))
    over, hospitals = month.later().first_day, 3
    async with (
        database_beside(town) as database,
        filler_of(town, database, persons=50) as filler,
    ):
        await filler.portion(SPAN.first, 40)
        async with town.database.owner() as owner:
            assert [stay.count for stay in await reasons(owner, over)] == [0, hospitals, 0, 0]
    references = ReferenceCache(town.vault, laws_of_beijing())
    async with database_beside(town) as database:
        granted = await clearing.clear(database, references, [POOL], [month], NOON)
        assert granted == hospitals
    async with town.database.owner() as owner:
        assert [stay.count for stay in await reasons(owner, over)] == [0, 0, 0, 0]
    assert await town.faults() == []


async def test_numbers_lie_in_the_past_and_under_a_writer_of_their_own(town: Town) -> None:
    async with (
        database_beside(town) as database,
        filler_of(town, database, persons=50) as filler,
    ):
        await filler.portion(SPAN.first, 40)
        later = SPAN.first + timedelta(days=30)
        await filler.portion(later, 40)
        assert (await database.numbers()).writer != town.numbers.writer
    async with town.database.reader(None) as connection:
        rows = await connection.fetch("SELECT id FROM settlement.visible_settlement ORDER BY id")
    numbers = [row["id"] for row in rows]
    begin, end = first_number_of(SPAN.first), first_number_of(later + timedelta(seconds=1))
    assert all(begin <= number < end for number in numbers)
    assert sum(number >= first_number_of(later) for number in numbers) == 40


async def test_a_filled_visit_is_what_the_server_would_have_written(town: Town) -> None:
    people = {await town.insure(account="20", carried="5") for _ in range(2)}
    async with database_beside(town) as database, filler_of(town, database) as filler:
        await filler.portion(SPAN.first, 1)
    [filled] = await bills_of(town)
    [twin] = people - {filled.member}
    town.clock.set(SPAN.first)
    served = await served_again(town, filled, twin)
    assert alike(await kept(town, filled)) == alike(await kept(town, served))


async def test_a_counter_runs_on_from_bill_to_bill(town: Town) -> None:
    async with (
        database_beside(town) as database,
        filler_of(town, database, persons=10, lines=20) as filler,
    ):
        for day in range(50):
            await filler.portion(SPAN.first + timedelta(days=day), 10)
    bills = [bill for bill in await bills_of(town) if bill.funds]
    assert bills, "nobody came beyond the deductible"
    assert len(bills) < 500, "nobody had to pay the deductible first"
    assert await town.faults() == []


async def test_who_is_told_to_stop_begins_no_further_portion(town: Town) -> None:
    ours, theirs = Pipe()
    async with (
        database_beside(town) as database,
        filler_of(town, database, persons=10) as filler,
    ):
        await _portions(filler, theirs, SPAN.first, timedelta(days=1), 20)
        ours.send(None)
        await _portions(filler, theirs, SPAN.last, timedelta(days=1), 20)
    assert await town.rows("settlement.visible_settlement") == 20


def test_the_number_asked_for_is_taken_where_there_is_room() -> None:
    count, why = affordable(1_000_000, 8_000, 6_000, 500, 100 * GIB, 3 * 3600)
    assert (count, why) == (1_000_000, "it was asked for")


def test_a_small_disk_takes_fewer_and_says_so() -> None:
    count, why = affordable(5_000_000, 8_000, 6_000, 500, 16 * GIB, 9 * 3600)
    assert 500_000 < count < 5_000_000
    assert "disk has 16.0 GiB free" in why


def test_a_short_evening_takes_fewer_and_says_so() -> None:
    count, why = affordable(5_000_000, 8_000, 6_000, 500, 900 * GIB, 3600)
    assert count == 8_000 + 3600 * 500
    assert "1.0 h are left" in why


def test_below_the_least_nothing_is_filled() -> None:
    with pytest.raises(NoRoom, match="because the disk"):
        affordable(5_000_000, 8_000, 6_000, 500, 7 * GIB, 9 * 3600)


def test_it_stops_when_somebody_else_fills_the_disk() -> None:
    assert ran_low(Room(disk=20 * GIB, memory=GIB)) is None
    assert ran_low(Room(disk=5 * GIB, memory=GIB)) == "the disk has 5.0 GiB free"


def test_a_machine_without_room_is_told_before_anything_starts() -> None:
    with pytest.raises(NoRoom, match="500,000 settlements need about"):
        check(Room(disk=3 * GIB, memory=16 * GIB), 10 * LEAST)
    with pytest.raises(NoRoom, match="of memory are available"):
        check(Room(disk=300 * GIB, memory=GIB), 10 * LEAST)
    check(Room(disk=300 * GIB, memory=16 * GIB), 10 * LEAST)


# ------------------------------------------------------------------------------------- the likeness


async def bills_of(town: Town) -> list[SettlementFacts]:
    """All settlements, in order."""
    async with town.database.reader(None) as connection:
        rows = await connection.fetch("SELECT id FROM settlement.visible_settlement ORDER BY id")
        found = [await settlement(connection, PoolKey(POOL, row["id"])) for row in rows]
    return [bill for bill in found if bill is not None]


async def kept(town: Town, bill: SettlementFacts) -> dict[str, Any]:
    """A bill with all that was written for it."""
    assert bill.key is not None
    async with town.database.reader(None) as connection:
        seen = await visit(connection, bill.visit)
        references = ReferenceCache(town.vault, laws_of_beijing())
        charged = await lines(
            connection, bill.visit, None, (await references.current(connection)).catalogue
        )
        entries = await connection.fetch(
            "SELECT line, account, amount, posted_on FROM ledger.entry"
            " WHERE posting = $1 ORDER BY line",
            bill.key.number,
        )
        counted = await connection.fetch(
            "SELECT counter, scope, kind, delta FROM settlement.accumulator_entry"
            " WHERE settlement = $1 ORDER BY counter, scope",
            bill.key.number,
        )
    return {"bill": bill, "visit": seen, "lines": charged, "entries": entries, "counted": counted}


async def served_again(town: Town, bill: SettlementFacts, member: str) -> SettlementFacts:
    """The same visit of somebody else, by the calls that a hospital sends."""
    found = await kept(town, bill)
    seen: VisitFacts = found["visit"]
    sent = tuple(facts.line for facts, _ in found["lines"])
    opened: VisitFacts = await town.do(
        RegisterVisit(
            seen.institution, member, seen.scheme, seen.begin, seen.voucher_type,
            town.documents[member], seen.outpatient_number, seen.doctor_code, seen.doctor_name,
            seen.department_code, seen.department_name, seen.speciality,
        )
    )  # fmt: skip
    assert seen.care_kind is not None
    await town.do(
        DescribeVisit(
            seen.institution, member, opened.key, seen.care_kind, seen.begin, seen.condition,
            seen.disease_code, seen.disease_name, seen.diagnoses, seen.maternity,
        )
    )  # fmt: skip
    await town.do(UploadFees(seen.institution, member, opened.key, sent))
    settled: SettlementFacts = await town.do(
        Settle(
            seen.institution, member, opened.key, bill.batch, bill.scheme, bill.care_kind,
            bill.sums.total, True, "01", bill.voucher_type, bill.message_id, None, bill.sums,
        )
    )  # fmt: skip
    async with town.database.reader(None) as connection:
        assert settled.key is not None
        stands = await settlement(connection, settled.key)
    assert stands is not None
    return stands


def alike(found: dict[str, Any]) -> str:
    """What was written, without the names of who it was written for and when it was numbered."""
    bill: SettlementFacts = found["bill"]
    seen: VisitFacts = found["visit"]
    nobody = PoolKey(POOL, 0)
    assert bill.key is not None
    bill = replace(bill, key=nobody, visit=nobody, member="", message_id="", insured=None)
    charged = [facts for facts, _ in found["lines"]]
    entries = [tuple(row) for row in found["entries"]]
    counted = [tuple(row) for row in found["counted"]]
    text = repr((bill, replace(seen, key=nobody, member=""), charged, entries, counted))
    return text.replace(seen.member, "SOMEBODY").replace(seen.key.text(), "A VISIT")
