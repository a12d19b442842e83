"""The hospital's monthly statement as a page, CSV and PDF."""

import csv
import io

from tests.web.builders import Sandbox, text_of

MONTH = "2026-07"
CODE = "H11000000001"
PATH = f"/ui/institutions/{CODE}/statement"


async def _bill(sandbox: Sandbox) -> None:
    counter = sandbox.counter
    member = await counter.town.insure(account="500")
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "2000"), ("XB01", "10"))
    await counter.done("2207", counter.settlement(member, visit, priced))


async def test_a_month_is_told_in_both_languages(sandbox: Sandbox) -> None:
    await _bill(sandbox)
    text = text_of(await sandbox.page(f"{PATH}?month={MONTH}"))
    assert "月结算对账单" in text
    assert "2,010.00" in text
    assert "与结算一致" in text
    english = text_of(await sandbox.page(f"{PATH}?month={MONTH}&lang=en"))
    assert "Monthly statement" in english
    assert "equal to the settlements" in english


async def test_the_statement_is_downloaded_as_table_and_to_print(sandbox: Sandbox) -> None:
    await _bill(sandbox)
    rows = list(csv.DictReader(io.StringIO(await sandbox.page(f"{PATH}.csv?month={MONTH}"))))
    (whole,) = (row for row in rows if row["section"] == "sum")
    assert (whole["total"], whole["claimed"]) == ("2010.00", "646.30")
    answer = await sandbox.browser.get(f"{PATH}.pdf?month={MONTH}")
    assert answer.content.startswith(b"%PDF")
    assert f"statement-{CODE}-{MONTH}.pdf" in answer.headers["content-disposition"]


async def test_institutions_are_listed_with_their_months(sandbox: Sandbox) -> None:
    text = await sandbox.page("/ui/institutions")
    assert f"{PATH}?month=2026-06" in text
    assert (await sandbox.browser.get("/ui/static/statement.css")).status_code == 200


async def test_an_unknown_institution_or_month_is_told(sandbox: Sandbox) -> None:
    assert "没有这家机构" in await sandbox.page("/ui/institutions/H0/statement", 404)
    assert "没有这家机构" in await sandbox.page(f"{PATH}?month=July", 404)
