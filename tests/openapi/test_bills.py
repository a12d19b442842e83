"""A person's bills, in full and explained; nobody else's."""

import pytest

from tests.openapi.builders import App
from tests.settlement.builders import key_of

pytestmark = pytest.mark.database


async def test_a_bill_is_listed_in_full_and_explained(app: App) -> None:
    member = await app.town.insure(account="100")
    settled = await app.town.bill(member, "3000")
    token = await app.session(member)
    listed = await app.call("GET", "/me/bills", token=token, number=member)
    (row,) = listed.body["bills"]
    assert row["id"] == key_of(settled).text()
    assert listed.body["next"] is None
    full = await app.call("GET", f"/me/bills/{row['id']}", token=token)
    assert full.body["total"] == "3000.00"
    assert sum(float(line["amount"]) for line in full.body["lines"]) == 3000
    told = await app.call("GET", f"/me/bills/{row['id']}/explanation", token=token, language="en")
    assert "3000.00 yuan" in told.body["text"]
    assert told.body["differences"] == []


async def test_older_bills_are_on_the_next_page(app: App) -> None:
    member = await app.town.insure()
    for _ in range(3):
        await app.town.bill(member, "10")
    token = await app.session(member)
    listed = await app.call("GET", "/me/bills", token=token, number=member)
    newest, middle, oldest = (row["id"] for row in listed.body["bills"])
    older = await app.call("GET", "/me/bills", token=token, number=member, before=newest)
    assert [row["id"] for row in older.body["bills"]] == [middle, oldest]


async def test_anothers_bill_and_number_are_unknown(app: App) -> None:
    member, stranger = await app.town.insure(), await app.town.insure()
    settled = await app.town.bill(member, "10")
    token = await app.session(stranger)
    assert (await app.call("GET", "/me/bills", token=token, number=member)).status == 404
    key = key_of(settled).text()
    for path in (f"/me/bills/{key}", f"/me/bills/{key}/explanation", "/me/bills/none"):
        answer = await app.call("GET", path, token=token)
        assert answer.status == 404
        assert answer.body["rule"] == "SETTLEMENT_UNKNOWN"
