"""Bills whose month was put away are cancelled, read, tried and settled as any other."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.gateway.builders import Counter, Json
from tests.gateway.test_reconciliation import Day, Row
from tests.settlement.builders import POOL, TERTIARY
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.refusals import RefusalCode
from yibao.ledger.archiving import service as carried
from yibao.ledger.statements import service as statements
from yibao.ledger.verification import service as verification
from yibao.ledger.verification.model import Findings
from yibao.platform.archive import missing
from yibao.platform.archive.model import PURPOSE
from yibao.platform.archive.reading import ColdRows
from yibao.platform.archive.service import Archive
from yibao.platform.signing import signer_for
from yibao.settlement import service as settlement
from yibao.settlement.books import service as books

YEARS_LATER = datetime(2028, 9, 15, 4, 0, tzinfo=UTC)
TABLES = (
    "settlement.visible_visit",
    "settlement.visible_batch",
    "settlement.visible_settlement",
    "settlement.accumulator_entry",
    "ledger.entry",
)


@dataclass
class Years:
    """A counter whose bills of July 2026 can be put away."""

    counter: Counter
    archive: Archive

    async def pass_by(self) -> None:
        """Two years pass, and the month is put away."""
        self.counter.town.clock.set(YEARS_LATER)
        assert await self.archive.put_away(YEARS_LATER) is not None
        for table in TABLES:
            assert await self.counter.town.rows(table) == 0, table

    async def examined(self) -> Findings:
        """What a verification of all books finds, with those that were put away."""
        async with (
            self.counter.town.database.reader(None) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            cold = await ColdRows.of(connection, self.archive.folder)
            findings = await verification.examine(connection, cold=cold)
            await books.examine(connection, findings)
            await books.examine_put_away(connection, findings, cold)
        for pool, text in await self.archive.verify():
            findings.tell(pool, text)
        return findings


@pytest.fixture
async def years(counter: Counter, tmp_path: Path) -> AsyncIterator[Years]:
    """A counter before a gateway whose database has an archive."""
    town = counter.town
    archive = Archive(
        tmp_path, signer_for(town.vault, PURPOSE), town.database.owner, carries=[carried.carry]
    )
    missing.use(archive.recalls(town.clock.now))
    yield Years(counter, archive)
    missing.use(None)


@dataclass
class Bill:
    """A settled bill and what it was made of."""

    member: str
    visit: str
    settlement: str
    priced: list[Json]
    output: Json


@pytest.fixture
async def bill(counter: Counter) -> Bill:
    """A bill of July 2026 that the fund and the account paid of."""
    member = await counter.town.insure(account="500")
    return await settled(counter, member)


async def settled(counter: Counter, member: str) -> Bill:
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "2500"), ("XB01", "10"))
    output = await counter.done("2207", counter.settlement(member, visit, priced))
    return Bill(member, visit, output["setlinfo"]["setl_id"], priced, output)


def cancellation(bill: Bill) -> Json:
    """``input`` of 2208."""
    return {"data": {"setl_id": bill.settlement, "mdtrt_id": bill.visit, "psn_no": bill.member}}


async def test_a_bill_that_was_put_away_is_cancelled_and_all_books_agree(
    years: Years, bill: Bill
) -> None:
    await years.pass_by()
    done = await years.counter.done("2208", cancellation(bill))
    assert done["setlinfo"]["fund_pay_sumamt"] == -bill.output["setlinfo"]["fund_pay_sumamt"]
    assert await years.counter.town.balance(bill.member) == 500_00
    assert set((await years.counter.town.counters(bill.member)).values()) <= {0}
    findings = await years.examined()
    assert findings.faults == []
    assert findings.figures["settlements"] == 2
    await years.counter.refused("2208", cancellation(bill))


async def test_a_later_bill_that_depended_on_it_is_flagged_though_it_was_put_away(
    years: Years, bill: Bill
) -> None:
    later = await settled(years.counter, bill.member)
    await years.pass_by()
    await years.counter.done("2208", cancellation(bill))
    key = parse_pool_key(later.settlement)
    assert key is not None
    async with years.counter.town.database.reader(None) as connection:
        facts = await settlement.settlement(connection, key)
    assert facts is not None
    assert facts.needs_resettlement


async def test_a_bill_that_was_put_away_is_explained_to_the_cent(years: Years, bill: Bill) -> None:
    key = parse_pool_key(bill.settlement)
    assert key is not None
    await years.pass_by()
    async with years.counter.town.database.reader(None) as connection:
        facts = await settlement.settlement(connection, key)
        assert facts is not None
        again = await settlement.explained(connection, facts)
    assert again.differences == ()
    assert "2510.00" in settlement.told(facts, again)


async def test_its_institution_reads_it_as_before(years: Years, bill: Bill) -> None:
    wanted = {"data": {"psn_no": bill.member, "mdtrt_id": bill.visit, "setl_id": bill.settlement}}
    before = [await years.counter.done(number, wanted) for number in ("5202", "5203", "5204")]
    await years.pass_by()
    after = [await years.counter.done(number, wanted) for number in ("5202", "5203", "5204")]
    assert after == before


async def test_its_visits_are_listed_and_its_days_reconciled_as_before(
    years: Years, bill: Bill
) -> None:
    listed = {
        "psn_no": bill.member,
        "begntime": "2026-07-15 00:00:00",
        "endtime": "2026-07-15 23:59:59",
        "med_type": "11",
    }
    info = bill.output["setlinfo"]
    totals = {
        "insutype": "310",
        "clr_type": "11",
        "setl_optins": "110000",
        "stmt_begndate": "2026-07-15",
        "stmt_enddate": "2026-07-15",
        "medfee_sumamt": str(info["medfee_sumamt"]),
        "fund_pay_sumamt": str(info["fund_pay_sumamt"]),
        "acct_pay": str(info["acct_pay"]),
        "fixmedins_setl_cnt": 1,
    }
    before = await years.counter.done("5201", {"data": listed})
    await years.pass_by()
    assert await years.counter.done("5201", {"data": listed}) == before
    compared = await years.counter.done("3201", {"data": totals})
    assert compared["stmtinfo"]["stmt_rslt"] == "000000"


async def test_its_days_are_compared_line_by_line_as_before(years: Years) -> None:
    day = Day(years.counter)
    await day.cancel(await day.bill("150"))
    await day.bill("7000")
    wrong = [*day.rows[0][:3], "1.00", *day.rows[0][4:]]
    compared = ([], day.rows, [wrong, day.rows[-1]])
    before = [await compare_rows(day, rows) for rows in compared]
    assert all(len(rows) == 3 for rows in before)
    await years.pass_by()
    assert [await compare_rows(day, rows) for rows in compared] == before


async def compare_rows(day: Day, rows: list[Row]) -> list[Row]:
    """The rows that answer 3202 whose file has these."""
    info = (await day.counter.done("3202", await day.message(rows)))["fileinfo"]
    return await day.counter.table(info["file_qury_no"])


async def test_a_line_of_another_day_is_known_as_such(years: Years) -> None:
    day = Day(years.counter)
    row = await day.bill("150")
    elsewhere = {"stmt_begndate": "2026-07-14", "stmt_enddate": "2026-07-14"}

    async def told() -> list[Row]:
        content = await day.message([row], **elsewhere)
        info = (await day.counter.done("3202", content))["fileinfo"]
        return await day.counter.table(info["file_qury_no"])

    before = await told()
    await years.pass_by()
    assert await told() == before


async def test_its_settlement_lists_are_counted_as_before(years: Years, bill: Bill) -> None:
    counter = years.counter
    asked = {
        "fixmedins_code": counter.institution,
        "stt_begntime": "2026-07-01 00:00:00",
        "stt_endtime": "2026-07-31 23:59:59",
    }
    assert bill.settlement
    before = (await counter.done("4105", {"data": asked}))["data"]
    assert before["setl_cnt"] == 1
    await years.pass_by()
    assert (await counter.done("4105", {"data": asked}))["data"] == before


async def test_days_that_are_too_many_rows_for_one_question_are_refused(
    years: Years, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {
        "psn_no": bill.member,
        "begntime": "2026-07-15 00:00:00",
        "endtime": "2026-07-15 23:59:59",
        "med_type": "11",
    }
    await years.pass_by()
    recalls = years.archive.recalls(years.counter.town.clock.now)
    monkeypatch.setattr(recalls, "days", partial(recalls.days, most=0))
    missing.use(recalls)
    code, text = await years.counter.refused("5201", {"data": listed})
    assert code == RefusalCode.SPAN_NOT_ALLOWED
    assert "yibao archive recall --from 2026-07-15 --to" in text


async def test_statements_of_the_month_and_since_are_as_before(years: Years, bill: Bill) -> None:
    database = years.counter.town.database

    async def told(start: date) -> list[Any]:
        async with database.reader(None) as connection:
            return [
                await statements.person(connection, POOL, bill.member, start, date(2028, 9, 1)),
                await statements.institution(connection, TERTIARY, start, date(2028, 9, 1)),
                await statements.funds(connection, start, date(2028, 9, 1)),
            ]

    starts = (date(2026, 8, 1), date(2027, 1, 5), date(2026, 7, 15), date(2026, 7, 16))
    before = [await told(start) for start in starts]
    assert before[2][0][-1].movements
    await years.pass_by()
    assert [await told(start) for start in starts] == before


async def test_what_was_left_open_is_tried_and_settled_years_later(
    years: Years, counter: Counter
) -> None:
    member = await counter.town.insure(account="500")
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "100"))
    content = counter.settlement(member, visit, priced)
    counter.town.clock.set(YEARS_LATER)
    await years.archive.put_away(YEARS_LATER)
    tried = await counter.done("2206", content)
    done = await counter.done("2207", content)
    assert tried["setlinfo"]["fund_pay_sumamt"] == done["setlinfo"]["fund_pay_sumamt"]
    assert (await years.examined()).faults == []


async def test_a_repeated_message_gets_its_first_answer(years: Years, bill: Bill) -> None:
    content = years.counter.settlement(bill.member, bill.visit, bill.priced, batch="B2")
    visit_of = await years.counter.charge(bill.member, bill.visit, ("XA01", "7"), batch="B2")
    content = years.counter.settlement(bill.member, bill.visit, visit_of, batch="B2")
    message = years.counter.message_id()
    first = await years.counter.done("2207", content, message=message)
    await years.pass_by()
    assert await years.counter.done("2207", content, message=message) == first


async def test_books_that_were_put_away_are_verified(years: Years, bill: Bill) -> None:
    whole = await years.examined()
    await years.pass_by()
    cold = await years.examined()
    assert bill.settlement
    assert cold.faults == []
    assert cold.figures["settlements put away"] == whole.figures["settlements"]
    for what in ("blocks", "postings", "entries", "fen moved"):
        assert cold.figures[what] == whole.figures[what], what


async def test_an_account_is_the_sum_of_what_was_put_away_and_what_came_back(
    years: Years, bill: Bill
) -> None:
    await years.pass_by()
    key = parse_pool_key(bill.settlement)
    assert key is not None
    await years.archive.recall(key.pool, [key.number], YEARS_LATER)
    assert (await years.examined()).faults == []


async def test_a_clock_that_was_set_back_behind_the_archive_makes_no_book_wrong(
    years: Years, bill: Bill
) -> None:
    town = years.counter.town
    begun = town.clock.now()
    await years.pass_by()
    town.clock.set(begun + timedelta(minutes=1))
    await settled(years.counter, bill.member)
    assert (await years.examined()).faults == []


async def test_without_its_files_a_bill_is_left_as_it_is(years: Years, bill: Bill) -> None:
    await years.pass_by()
    away = years.archive.folder.with_name("elsewhere")
    years.archive.folder.rename(away)
    answer = await years.counter.call("2208", cancellation(bill))
    assert answer["infcode"] != 0
    assert await years.counter.town.rows("settlement.visible_settlement") == 0
    away.rename(years.archive.folder)
    await years.counter.done("2208", cancellation(bill))


async def test_one_changed_byte_of_a_file_is_named(years: Years, bill: Bill) -> None:
    await years.pass_by()
    assert bill.settlement
    (path,) = years.archive.folder.rglob("settlement.visit.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    findings = await years.examined()
    assert any(fault.text.startswith(f"{path} was changed") for fault in findings.faults)


async def test_an_entry_that_was_changed_in_its_file_is_named(years: Years, bill: Bill) -> None:
    await years.pass_by()
    (path,) = years.archive.folder.rglob("ledger.entry.parquet")
    rows = pq.read_table(path, partitioning=None)
    place = rows.schema.get_field_index("amount")
    amounts = rows["amount"].to_pylist()
    amounts[-1] += 1
    changed = rows.set_column(place, rows.schema.field(place), pa.array(amounts, pa.int64()))
    pq.write_table(pa.concat_tables([changed, rows.slice(0, 0)]), path)
    findings = await years.examined()
    posting = rows["posting"].to_pylist()[-1]
    assert bill.settlement
    assert any(
        fault.posting == posting and "was changed: it was to hash to" in fault.text
        for fault in findings.faults
    )


async def test_a_settlement_that_was_put_away_says_what_its_entries_say(
    years: Years, bill: Bill
) -> None:
    await years.pass_by()
    (path,) = years.archive.folder.rglob("settlement.settlement.parquet")
    rows = pq.read_table(path, partitioning=None)
    place = rows.schema.get_field_index("account")
    pq.write_table(
        rows.set_column(place, rows.schema.field(place), pa.array([1], pa.int64())), path
    )
    key = parse_pool_key(bill.settlement)
    assert key is not None
    told = [one.text for one in (await years.examined()).faults if one.posting == key.number]
    assert any("its settlement says -1 fen on what is the person's own" in text for text in told)
