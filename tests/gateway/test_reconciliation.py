"""Totals and files of a day's bills against ours, both ways over the wire."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.gateway.wire import speak
from tests.settlement.builders import OTHER_TERTIARY
from yibao.kernel.money import fen_from_yuan
from yibao.platform.files.service import packed
from yibao.policy.terms import EMPLOYEE, RESIDENT
from yibao.settlement.reconciliation.service import is_reconciled, statements

DAY = date(2026, 7, 15)
Row = list[str]


class Day:
    """A hospital's own book of a day, in the columns of 3202's file."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.rows: list[Row] = []

    async def bill(self, *prices: str) -> Row:
        """A whole visit, settled and booked; its row."""
        counter = self.counter
        member = await counter.town.insure(account="100")
        visit = await counter.open_visit(member)
        priced = await counter.charge(member, visit, *(("XA01", price) for price in prices))
        output = await counter.done("2207", counter.settlement(member, visit, priced))
        row = book(output["setlinfo"] | {"mdtrt_id": visit, "psn_no": member}, "0")
        self.rows.append(row)
        return row

    async def cancel(self, row: Row) -> Row:
        """A bill cancelled and booked; its negative row."""
        named = {"psn_no": row[2], "mdtrt_id": row[1], "setl_id": row[0]}
        output = await self.counter.done("2208", {"data": named})
        mirror = book(output["setlinfo"] | named | {"setl_id": output["setlinfo"]["setl_id"]}, "1")
        self.rows.append(mirror)
        return mirror

    def totals(self, **changes: Any) -> Json:
        """``input`` of 3201 for the book."""
        data = {
            "insutype": "310",
            "clr_type": "11",
            "setl_optins": "110000",
            "stmt_begndate": "2026-07-15",
            "stmt_enddate": "2026-07-15",
            "medfee_sumamt": self.sum(3),
            "fund_pay_sumamt": self.sum(4),
            "acct_pay": self.sum(5),
            "fixmedins_setl_cnt": len(self.rows),
        }
        return {"data": data | changes}

    def sum(self, column: int) -> str:
        """The sum of a column."""
        return str(sum((Decimal(row[column]) for row in self.rows), Decimal("0.00")))

    async def compare(self, **changes: Any) -> tuple[str, str]:
        """Result and description of 3201."""
        info = (await self.counter.done("3201", self.totals(**changes)))["stmtinfo"]
        return info["stmt_rslt"], info["stmt_rslt_dscr"]

    async def message(self, rows: list[Row] | None = None, **changes: Any) -> Json:
        """``input`` of 3202 with its file sent."""
        rows = self.rows if rows is None else rows
        text = "".join("\t".join(row) + "\n" for row in rows).encode()
        number = await self.counter.upload("day.zip", packed("day.txt", text))
        data = self.totals()["data"] | {"file_qury_no": number, "cash_payamt": "0"}
        return {"data": data | changes}

    async def answers(self, rows: list[Row] | None = None, **changes: Any) -> list[Row]:
        """The rows of the file that answers 3202."""
        content = await self.message(rows, **changes)
        info = (await self.counter.done("3202", content))["fileinfo"]
        assert info["filename"] == f"{self.counter.institution}_20260715_20260715_rslt.zip"
        assert info["dld_endtime"] == "2026-08-14 12:00:00"
        return await self.counter.table(info["file_qury_no"])


def book(info: Json, refund: str) -> Row:
    """A settlement's answer as a row of the hospital's book."""
    return [
        *(info[name] for name in ("setl_id", "mdtrt_id", "psn_no")),
        *(str(info[name]) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")),
        refund,
    ]


@pytest.fixture
async def day(counter: Counter) -> Day:
    """A day with three bills, of which one was cancelled."""
    day = Day(counter)
    await day.bill("2000.01", "3.33")
    await day.cancel(await day.bill("150"))
    await day.bill("7000")
    return day


# ------------------------------------------------------------------------------------------ totals


async def test_equal_books_are_equal(day: Day) -> None:
    result, description = await day.compare()
    assert result == "000000"
    assert f"4笔，总额{day.sum(3)}，基金{day.sum(4)}，个账{day.sum(5)}" in description


async def test_each_figure_that_differs_is_told_from_both_sides(day: Day) -> None:
    for name, sent in (
        ("medfee_sumamt", "1.00"),
        ("fund_pay_sumamt", "2.00"),
        ("acct_pay", "3.00"),
    ):
        result, description = await day.compare(**{name: sent})
        assert result == "000103", name
        assert sent in description
        assert day.sum(3) in description
    assert (await day.compare(fixmedins_setl_cnt=3))[0] == "000101"
    assert (await day.compare(fixmedins_setl_cnt=5))[0] == "000102"


async def test_refunds_may_be_left_out(day: Day) -> None:
    day.rows = [row for row in day.rows if row[6] == "0"]
    assert (await day.compare(refd_setl_flag="0"))[0] == "000000"
    assert (await day.compare(refd_setl_flag="1"))[0] == "000101"


async def test_other_schemes_classes_and_days_hold_nothing(day: Day) -> None:
    day.rows = []
    for changes in (
        {"insutype": "390"},
        {"clr_type": "21"},
        {"stmt_begndate": "2026-07-16", "stmt_enddate": "2026-07-31"},
    ):
        assert (await day.compare(**changes))[0] == "000000", changes


async def test_another_institution_has_books_of_its_own(day: Day) -> None:
    day.counter.institution = OTHER_TERTIARY
    assert (await day.compare())[0] == "000102"
    assert {row[4] for row in await day.answers()} == {"000102"}


async def test_what_a_reversal_undid_is_in_neither_book(day: Day) -> None:
    counter = day.counter
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "90"))
    message = counter.message_id()
    await counter.done("2207", counter.settlement(member, visit, priced), message=message)
    assert (await day.compare())[0] == "000101"
    lost = {"psn_no": member, "omsgid": message, "oinfno": "2207"}
    await counter.done("2601", {"data": lost})
    assert (await day.compare())[0] == "000000"

    cancelled = day.rows[0]
    named = {"psn_no": cancelled[2], "mdtrt_id": cancelled[1], "setl_id": cancelled[0]}
    message = counter.message_id()
    await counter.done("2208", {"data": named}, message=message)
    assert (await day.compare())[0] == "000101"
    await counter.done(
        "2601", {"data": {"psn_no": cancelled[2], "omsgid": message, "oinfno": "2208"}}
    )
    assert (await day.compare())[0] == "000000"
    assert {row[4] for row in await day.answers()} == {"000000"}


async def test_a_repeated_comparison_answers_as_it_did(day: Day) -> None:
    message, content = day.counter.message_id(), day.totals()
    first = await day.counter.done("3201", content, message=message)
    await day.bill("5")
    assert await day.counter.done("3201", content, message=message) == first
    assert (await day.compare())[0] == "000000"
    assert await day.counter.town.rows("settlement.visible_statement") == 2


async def test_a_day_is_reconciled_once_it_is_over(day: Day) -> None:
    async def reconciled(scheme: Any = None) -> bool:
        async with day.counter.town.database.reader([day.counter.institution]) as connection:
            return await is_reconciled(connection, day.counter.institution, DAY, scheme)

    await day.compare()
    assert not await reconciled(), "the day goes on"
    day.counter.town.clock.move(timedelta(days=1))
    await day.compare(medfee_sumamt="1")
    assert not await reconciled(), "the books differ"
    await day.compare()
    assert await reconciled()
    assert await reconciled(EMPLOYEE)
    assert not await reconciled(RESIDENT)


async def test_a_bill_that_both_books_have_alike_is_no_longer_reversed(day: Day) -> None:
    counter = day.counter
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "90"))
    message = counter.message_id()
    bill = counter.settlement(member, visit, priced)
    settled = await counter.done("2207", bill, message=message)
    lost = {"data": {"psn_no": member, "omsgid": message, "oinfno": "2207"}}
    counter.town.clock.move(timedelta(hours=14))
    day.rows.append(book(settled["setlinfo"] | {"mdtrt_id": visit, "psn_no": member}, "0"))
    assert (await day.compare())[0] == "000000"
    _, refusal = await counter.refused("2601", lost)
    assert "已对平" in refusal
    assert "2208" in refusal


# ------------------------------------------------------------------------------------------- lines


async def test_our_own_file_has_no_differences(day: Day) -> None:
    rows = await day.answers()
    assert [row[:3] for row in rows] == [[sent[2], sent[1], sent[0]] for sent in day.rows]
    assert {row[4] for row in rows} == {"000000"}
    assert [row[5] for row in rows] == ["0", "0", "1", "0"]
    assert [row[7:10] for row in rows] == [sent[3:6] for sent in day.rows]
    assert all(len(row) == 10 and row[3].startswith("H11000000001") for row in rows)


async def test_funds_are_compared_as_the_province_tells_them(day: Day) -> None:
    rows = [[*row[:4], str(Decimal(row[4]) + Decimal(row[5])), *row[5:]] for row in day.rows]
    assert [row[4] for row in rows] != [row[4] for row in day.rows], "an account has paid"
    assert "000103" in {row[4] for row in await day.answers(rows)}
    await speak(day.counter, "guangdong")
    answered = await day.answers(rows)
    assert {row[4] for row in answered} == {"000000"}
    assert [row[7:10] for row in answered] == [row[3:6] for row in rows]
    institution = day.counter.institution
    async with day.counter.town.database.reader([institution]) as connection:
        recorded = await statements(connection, institution, DAY, DAY)
    assert fen_from_yuan(day.sum(4)) in {one.theirs.funds for one in recorded}, "funds alone"
    assert {one.ours.funds for one in recorded} == {fen_from_yuan(day.sum(4))}


async def test_every_change_of_a_row_is_found_and_named(day: Day) -> None:
    for place, label, other in (
        (1, "就诊ID", "V"),
        (2, "人员编号", "M"),
        (3, "医疗费总额", "0.01"),
        (4, "基金支付总额", "0.01"),
        (5, "个人账户支付", "0.01"),
    ):
        rows = [list(row) for row in day.rows]
        rows[0][place] = other
        changed, *rest = await day.answers(rows)
        assert changed[4] == "000103"
        assert label in changed[6]
        assert changed[7:10] == day.rows[0][3:6], "the answer has our figures"
        assert {row[4] for row in rest} == {"000000"}


async def test_rows_of_one_side_are_named(day: Day) -> None:
    stranger = ["110000" + "9" * 18 + "0", "V", "M", "1.00", "0.50", "0.00", "0"]
    answered = await day.answers([*day.rows[1:], stranger])
    by_settlement = {row[2]: row for row in answered}
    ours, theirs = by_settlement[day.rows[0][0]], by_settlement[stranger[0]]
    assert (ours[4], ours[6]) == ("000101", "平台有、机构文件无")
    assert (theirs[4], theirs[6], theirs[3]) == ("000102", "平台无此结算", "null")
    assert theirs[7:10] == ["1.00", "0.50", "0.00"]
    other_class = await day.answers(clr_type="21")
    assert {row[4] for row in other_class} == {"000102"}
    assert "清算类别11" in other_class[0][6]


async def test_sums_that_are_not_the_files_are_worth_a_word(day: Day) -> None:
    content = await day.message(fixmedins_setl_cnt=9)
    answer = await day.counter.call("3202", content)
    assert answer["infcode"] == 0
    assert "笔数报文9文件4" in answer["warn_msg"]


async def test_a_repeated_file_gets_the_same_answer(day: Day) -> None:
    message, content = day.counter.message_id(), await day.message()
    first = await day.counter.done("3202", content, message=message)
    assert await day.counter.done("3202", content, message=message) == first


async def test_files_that_cannot_be_read_are_refused(day: Day) -> None:
    counter = day.counter
    good = day.rows[0]
    for rows, word in (
        ([good, good[:5]], "第2行：应有7列"),
        ([[*good[:3], "x", *good[4:]]], "第1行：medfee_sumamt（医疗费总额）“x”不是数字"),
        ([[*good[:6], "7"]], "第1行：refd_setl_flag"),
    ):
        code, text = await counter.refused("3202", await day.message(rows))
        assert (code, word in text) == (6003, True), text
    latin = await counter.upload("day.zip", packed("day.txt", "结算".encode("gb18030")))
    plain = await counter.upload("day.txt", b"1\t2")
    for number, code, word in (
        (latin, 6003, "不是UTF-8编码"),
        (plain, 6003, "不是有效的ZIP"),
        ("nonsense", 6001, "file_qury_no"),
    ):
        refused, text = await counter.refused("3202", await day.message(file_qury_no=number))
        assert (refused, word in text) == (code, True), text
    number = (await day.message())["data"]["file_qury_no"]
    counter.institution = OTHER_TERTIARY
    assert (await counter.refused("3202", await day.message(file_qury_no=number)))[0] == 6001
    assert await counter.town.rows("settlement.visible_statement") == 0


async def test_bad_questions_are_refused(day: Day) -> None:
    for changes, code, word in (
        ({"setl_optins": "430100"}, 6011, "setl_optins"),
        ({"stmt_enddate": "2026-07-14"}, 6010, "早于"),
        ({"stmt_begndate": "2024-07-14"}, 6010, "一年"),
        ({"clr_type": "77"}, 4010, "clr_type"),
        ({"insutype": "999"}, 4010, "insutype"),
        ({"medfee_sumamt": "1.001"}, 1012, "medfee_sumamt"),
        ({"fixmedins_setl_cnt": "x"}, 1012, "fixmedins_setl_cnt"),
        ({"refd_setl_flag": "7"}, 1012, "refd_setl_flag"),
    ):
        refused, text = await day.counter.refused("3201", day.totals(**changes))
        assert (refused, word in text) == (code, True), (changes, refused, text)
        if "insutype" not in changes:
            refused, text = await day.counter.refused("3202", await day.message(**changes))
            assert (refused, word in text) == (code, True), (changes, refused, text)
    assert await day.counter.town.rows("settlement.visible_statement") == 0
