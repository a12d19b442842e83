"""A month from the first bill to the bank's answer, and every book equal to the fen."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from tests.clearing.builders import FIRST_DAY, LAST_DAY, Month, run_account
from tests.clearing.test_differences import Reconciler
from tests.gateway.builders import Counter
from tests.gateway.builders import counter as opened
from tests.settlement.builders import CLINIC, POOL, TERTIARY
from yibao.clearing.differences.model import Cause
from yibao.clearing.statements import as_csv, as_html, as_pdf
from yibao.clearing.statements.model import Statement
from yibao.clearing.statements.service import month_before, statement
from yibao.clearing.totals.model import Sums, TotalsRow
from yibao.kernel.money import fen_from_yuan, yuan
from yibao.policy.terms import EMPLOYEE


async def told(month: Month, institution: str, name: str) -> Statement:
    """The statement of a month as of now."""
    async with month.town.database.reader(None) as connection:
        reference = await month.bureau.office.references.current(connection)
        return await statement(
            connection, reference.directory, institution, name, month.town.clock.now()
        )


async def _visits(counter: Counter, amounts: list[str]) -> list[dict[str, Any]]:
    """Visits of these amounts over the wire; every third is cancelled. The hospital's book."""
    book = []
    for place, amount in enumerate(amounts):
        member = await counter.town.insure(account="300")
        visit = await counter.open_visit(member)
        priced = await counter.charge(member, visit, ("XA01", amount), ("XB01", "10"))
        settled = (await counter.done("2207", counter.settlement(member, visit, priced)))[
            "setlinfo"
        ]
        book.append(settled)
        if place % 3 == 2:
            named = {"psn_no": member, "mdtrt_id": visit, "setl_id": settled["setl_id"]}
            book.append((await counter.done("2208", {"data": named}))["setlinfo"])
        counter.town.clock.move(timedelta(hours=7))
    return book


def _sum(book: list[dict[str, Any]], name: str) -> str:
    return yuan(sum(fen_from_yuan(str(row[name])) for row in book))


async def test_a_month_from_visit_to_bank_is_equal_in_every_book(month: Month) -> None:
    random = Random(7)
    async with opened(month.town) as counter:
        book = await _visits(counter, [f"{random.randrange(50, 9000)}.{n}7" for n in range(7)])
        month.end()
        sums = {name: _sum(book, name) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")}
        span = {"stmt_begndate": "2026-07-01", "stmt_enddate": "2026-07-31"}
        compared = await counter.done(
            "3201",
            {
                "data": {
                    "insutype": "310", "clr_type": "11", "setl_optins": POOL,
                    "fixmedins_setl_cnt": len(book), **span, **sums,
                }
            },
        )  # fmt: skip
        assert compared["stmtinfo"]["stmt_rslt"] == "000000"
        applied = await counter.done(
            "3203",
            {
                "data": {
                    "clr_type": "11", "clr_way": "1", "setlym": "202607",
                    "begndate": "2026-07-01", "enddate": "2026-07-31",
                    "medfee_sumamt": sums["medfee_sumamt"],
                    "fund_appy_sum": sums["fund_pay_sumamt"],
                    "acct_pay": sums["acct_pay"], "cash_payamt": _sum(book, "psn_cash_pay"),
                }
            },
        )  # fmt: skip
    number = applied["result"]["clr_appy_evt_id"]
    assert number.startswith(POOL)

    await month.do("clearing.advance", institution=TERTIARY, amount="50")
    cuts = json.dumps([{"amount": "3.21", "reason": "重复收费"}])
    granted = await month.do(
        "clearing.review", application=number, deductions=cuts, set_off="50", retention_rate="0.05"
    )
    await month.name_account()
    run = await month.pay()
    await month.confirm(run)

    claimed = fen_from_yuan(sums["fund_pay_sumamt"]) + fen_from_yuan(sums["acct_pay"])
    assert granted["claimed"] == yuan(claimed)
    kept = sum(fen_from_yuan(granted[name]) for name in ("deducted", "withheld", "payable"))
    assert kept == claimed
    # the advance was paid by the same run that it was set off from
    assert run.amount == fen_from_yuan(granted["payable"])
    assert await month.balance("bank:测试专户") == run.amount
    assert await month.balance(run_account(run)) == 0
    held = await month.balances()
    assert (held["claimed"], held["payable"], held["advanced"]) == (0, 0, 0)

    july = await told(month, TERTIARY, "2026-07")
    assert july.unexplained == 0
    assert yuan(july.sums.total) == sums["medfee_sumamt"]
    assert july.sums.claimed == july.ledger_claimed == claimed
    assert july.sums.cash == july.ledger_collected
    assert sum(row.sums.claimed for row in july.days) == claimed
    august = await told(month, TERTIARY, "202608")
    balances = {purse.name: purse.closing for purse in august.purses}
    assert balances == {name: held[name] for name in balances}
    assert {line.word for purse in august.purses for line in purse.lines} == {
        "word_advance", "word_payment", "word_review",
    }  # fmt: skip
    assert await month.town.faults() == []
    assert [one.cause for one in await Reconciler(month).listed()] == []


async def test_the_three_forms_tell_the_same(month: Month) -> None:
    await month.bill("5000")
    await month.bill("1234.56", CLINIC)
    month.end()
    cuts = json.dumps([{"amount": "1.00", "reason": "<b>不合规</b>"}])
    await month.review(await month.apply(), deductions=cuts)
    july = await told(month, TERTIARY, month_before(month.town.clock.now()))
    rows = list(csv.DictReader(io.StringIO(as_csv.written(july))))
    (whole,) = (row for row in rows if row["section"] == "sum")
    assert fen_from_yuan(whole["claimed"]) == july.sums.claimed
    days = [row for row in rows if row["section"] == "day"]
    assert sum(fen_from_yuan(row["claimed"]) for row in days) == july.sums.claimed
    page = as_html.page(july)
    assert "5,000.00" in page
    assert "&lt;b&gt;不合规" in page, "what a clerk wrote is text"
    for language in ("zh", "en"):
        assert as_pdf.written(july, language).startswith(b"%PDF")
    assert as_pdf.written(july) == as_pdf.written(july), "the same statement, the same file"


async def test_a_month_of_many_days_carries_its_totals_over_pages(month: Month) -> None:
    july = await told(month, TERTIARY, "2026-07")
    days = [
        TotalsRow(FIRST_DAY + timedelta(n % 31), EMPLOYEE, "11", Sums(1, total=100))
        for n in range(200)
    ]
    many = replace(july, days=days)
    assert as_pdf.written(many).count(b"/Type /Page\n") >= 7


async def test_an_empty_month_is_told_as_empty(month: Month) -> None:
    august = await told(month, TERTIARY, "2026-08")
    assert (august.sums.settled, august.unexplained, list(august.cleared)) == (0, 0, [])
    assert "无" in as_html.page(august)


async def test_a_reversal_over_the_months_end_is_told(month: Month) -> None:
    month.town.clock.move(timedelta(days=16, hours=11, minutes=30))
    bill = await month.bill("5000")
    month.town.clock.move(timedelta(hours=1))
    await month.town.do(month.town.reversal(bill))
    july = await told(month, TERTIARY, "2026-07")
    assert july.unexplained == bill.sums.total
    assert (await told(month, TERTIARY, "2026-08")).unexplained == -bill.sums.total
    listed = await Reconciler(month).listed(first=FIRST_DAY, last=LAST_DAY)
    assert [one.cause for one in listed] == [Cause.REVERSED_OVER_MIDNIGHT]
