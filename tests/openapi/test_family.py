"""Owners let their accounts pay, and stop it, over REST; nobody else can."""

from typing import Any

import pytest

from tests.openapi.builders import App, Reply
from tests.settlement.builders import RESIDENT

pytestmark = pytest.mark.database


async def linked(app: App, token: str, owner: str, relative: str, **more: Any) -> Reply:
    """The owner's consent, sent."""
    wish = {
        "account": owner,
        "relative": {"document_number": app.town.documents[relative], "name": "测试"},
        "relation": "child",
    } | more
    return await app.call(
        "POST", "/me/family-links", wish, token=token, idempotency=app.fresh_key()
    )


async def test_an_account_pays_from_the_consent_until_it_is_withdrawn(app: App) -> None:
    parent, child = await app.town.insure(account="100"), await app.town.insure("1501", RESIDENT)
    token = await app.session(parent)
    made = await linked(app, token, parent, child, year_limit="60.00")
    assert made.status == 201, made
    assert (made.body["other"], made.body["year_limit"]) == ("测*", "60.00")
    paid = await app.town.bill(child, "50", scheme=RESIDENT)
    assert (paid.family, paid.cash) == (5_000, 0)
    account = await app.call("GET", f"/me/accounts/{parent}", token=token)
    assert (account.body["balance"], account.body["state"]) == ("50.00", "open")
    moved = await app.call(
        "GET", f"/me/accounts/{parent}/movements", token=token, start="2026-01-01", end="2027-01-01"
    )
    assert [one["amount"] for one in moved.body["movements"]][-1] == "-50.00"
    assert moved.body["closing"] == "50.00"
    path = f"/me/family-links/{made.body['number']}/withdrawal"
    for _ in range(2):
        ended = await app.call("POST", path, {}, token=token, idempotency="wish-to-end")
        assert ended.status == 204, ended
    late = await app.call("POST", path, {}, token=token, idempotency=app.fresh_key())
    assert late.status in {404, 409}
    alone = await app.town.bill(child, "50", scheme=RESIDENT)
    assert (alone.family, alone.cash) == (0, 5_000)
    listed = await app.call("GET", "/me/family-links", token=await app.session(child))
    assert listed.body["pays_for"] == []


async def test_the_same_key_makes_one_link(app: App) -> None:
    parent, child = await app.town.insure(account="9"), await app.town.insure("1501", RESIDENT)
    token = await app.session(parent)
    wish = {
        "account": parent,
        "relative": {"document_number": app.town.documents[child], "name": "测试"},
        "relation": "child",
    }
    first, again = [
        await app.call("POST", "/me/family-links", wish, token=token, idempotency="wish-same")
        for _ in range(2)
    ]
    assert first.body == again.body
    other = wish | {"bill_limit": "1.00"}
    reused = await app.call("POST", "/me/family-links", other, token=token, idempotency="wish-same")
    assert (reused.status, reused.body["rule"]) == (409, "MESSAGE_REUSED")


async def test_nobody_spends_or_ends_anothers_account(app: App) -> None:
    parent, child = await app.town.insure(account="9"), await app.town.insure("1501", RESIDENT)
    owner, stranger = await app.session(parent), await app.session(child)
    assert (await linked(app, stranger, parent, child)).status == 404
    made = await linked(app, owner, parent, child)
    path = f"/me/family-links/{made.body['number']}/withdrawal"
    assert (
        await app.call("POST", path, {}, token=stranger, idempotency=app.fresh_key())
    ).status == 404
    premium = {
        "link": made.body["number"],
        "scheme": "390",
        "since": "2027-01-01",
        "until": "2028-01-01",
        "amount": "5.00",
    }
    paid = await app.call(
        "POST", "/me/premiums", premium, token=stranger, idempotency=app.fresh_key()
    )
    assert paid.status == 404
    assert (await app.call("GET", f"/me/accounts/{parent}", token=stranger)).status == 404


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.001", "NaN", "x", "1e99"])
async def test_a_limit_is_money(app: App, amount: str) -> None:
    parent, child = await app.town.insure(account="9"), await app.town.insure("1501", RESIDENT)
    answer = await linked(app, await app.session(parent), parent, child, bill_limit=amount)
    assert (answer.status, answer.body.get("field")) == (422, "bill_limit")
