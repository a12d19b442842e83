"""Costs that a person was paid for on paper, and that a hospital settled afterwards, are found."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.bureau.builders import SECOND
from tests.clearing.builders import FIRST_DAY, LAST_DAY, Month
from tests.settlement.archiving.builders import years_over
from tests.settlement.builders import CLASS_A, CLINIC, EMPLOYEE, POOL, TERTIARY
from yibao.bureau import service
from yibao.clearing.differences.model import Books, Cause, Difference
from yibao.clearing.differences.service import differences
from yibao.kernel.frozen import replace


async def paper(month: Month, member: str, amount: str, **changes: str) -> str:
    """A paper bill of today, paid to the person; its settlement."""
    day = month.town.clock.now().date().isoformat()
    content = {
        "pool": POOL,
        "member": member,
        "scheme": EMPLOYEE,
        "care_kind": "11",
        "institution": TERTIARY,
        "first_day": day,
        "invoice": "F0001",
        "total": amount,
        "diagnosis": "J06.900",
        **changes,
    }
    line = {"day": content["first_day"], "name": "测试项目", "item": CLASS_A, "amount": amount}
    told = await month.bureau.carry_out(
        "manual_claims.enter", "已核对原件", **content, lines=json.dumps([line])
    )
    settlement: str = told["settlement"]
    return settlement


async def found(
    month: Month, institution: str = TERTIARY, first: date = FIRST_DAY, last: date = LAST_DAY
) -> list[Difference]:
    """What the clearing clerk is told of bills and paper bills."""
    town = month.town
    async with town.database.reader(None) as connection:
        reference = await month.bureau.office.references.current(connection)
        return await differences(
            connection, town.vault, reference.directory, institution, first, last,
            town.clock.now(), frozenset({Books.PAPER}),
        )  # fmt: skip


async def test_a_bill_of_costs_that_were_paid_on_paper_is_told_with_both(month: Month) -> None:
    member = await month.town.insure()
    claim = await paper(month, member, "5000")
    bill = await month.town.bill(member, "5000")
    (difference,) = await found(month)
    assert difference.cause is Cause.PAID_ON_PAPER
    assert difference.subject == bill.key.text()
    assert claim in difference.explanation
    assert "就诊日期和总额 5000.00 相同" in difference.explanation
    assert difference.here == bill.funds
    assert difference.there is not None
    assert difference.there > 0
    assert "clearing.review" in difference.repair
    assert "manual_claims.cancel" in difference.repair


async def test_other_costs_of_the_same_day_are_not_told(month: Month) -> None:
    member, other = await month.town.insure(), await month.town.insure()
    await paper(month, member, "5000")
    await month.town.bill(member, "4999")
    await month.town.bill(other, "5000")
    assert await found(month) == []


async def test_the_invoice_of_a_paper_bill_is_told_whoever_brings_it(month: Month) -> None:
    member, other = await month.town.insure(), await month.town.insure()
    await paper(month, member, "5000", invoice="f0001 ")
    visit = await month.town.open_visit(other)
    await month.town.charge(visit, "70")
    asked = replace(month.town.settlement(visit, "70"), invoice="F0001")
    bill = await month.town.do(asked)
    (difference,) = await found(month)
    assert difference.subject == bill.key.text()
    assert "票据号" in difference.explanation


async def test_a_paper_bill_of_years_ago_is_told_too(month: Month, tmp_path: Path) -> None:
    town = month.town
    member, other = await town.insure(), await town.insure()
    await paper(month, member, "5000")
    async with years_over(town, tmp_path) as years:
        await years.pass_by()
        visit = await town.open_visit(other)
        await town.charge(visit, "70")
        bill = await town.do(replace(town.settlement(visit, "70"), invoice="F0001"))
        today = town.clock.now().date()
        (difference,) = await found(month, first=today, last=today)
    assert difference.subject == bill.key.text()


async def test_another_number_of_the_same_human_is_held_against_it_too(month: Month) -> None:
    member, other = await month.town.insure(), await month.town.insure()
    await paper(month, member, "5000")
    await month.town.bill(other, "5000")
    async with month.town.database.owner() as connection:
        await connection.execute(
            """UPDATE registry.membership SET identity =
                   (SELECT identity FROM registry.membership WHERE number = $1)
               WHERE number = $2""",
            member,
            other,
        )
    assert [one.cause for one in await found(month)] == [Cause.PAID_ON_PAPER]


@pytest.mark.parametrize("undone", ["paper", "bill"])
async def test_what_was_undone_was_paid_once(month: Month, undone: str) -> None:
    member = await month.town.insure()
    claim = await paper(month, member, "5000")
    bill = await month.town.bill(member, "5000")
    if undone == "paper":
        await month.bureau.carry_out("manual_claims.cancel", settlement=claim)
    else:
        await month.town.do(month.town.cancellation(bill))
    assert await found(month) == []


async def test_each_institution_and_month_is_told_its_own(month: Month) -> None:
    member = await month.town.insure()
    await paper(month, member, "5000")
    await month.town.bill(member, "5000")
    assert await found(month, CLINIC) == []
    assert await found(month, first=date(2026, 8, 1), last=date(2026, 8, 31)) == []


async def test_whoever_grants_a_month_is_told_and_a_deduction_ends_it(month: Month) -> None:
    member = await month.town.insure()
    claim = await paper(month, member, "5000")
    bill = await month.town.bill(member, "5000")
    told = {"settlement": bill.key.text(), "paper": claim}
    month.end()
    application = await month.apply()
    assert (await tried(month, application=application.key.text()))["paid_on_paper"] == [told]
    row = {"amount": "1", "reason": "零星报销已支付", "settlement": bill.key.text()}
    granted = await month.review(application, deductions=json.dumps([row]))
    assert granted["paid_on_paper"] == []
    assert await found(month) == []


async def tried(month: Month, **content: str) -> Any:
    """What a review would come to."""
    proposal = await month.bureau.propose("clearing.review", **content)
    async with month.bureau.unit(POOL) as unit:
        return await service.tried(unit, month.bureau.office, proposal, SECOND)
