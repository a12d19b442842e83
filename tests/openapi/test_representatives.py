"""Acting for another: what was consented to, as long as it holds, and never the other's money."""

from typing import Any

import pytest

from tests.openapi.builders import App, Reply
from tests.settlement.builders import key_of

pytestmark = pytest.mark.database


async def named(app: App, token: str, who: str, **more: Any) -> Reply:
    """The represented person's consent, sent."""
    wish = {
        "representative": {"document_number": app.town.documents[who], "name": "测试"},
        "acts": ["inquire"],
    } | more
    return await app.call(
        "POST", "/me/representatives", wish, token=token, idempotency=app.fresh_key()
    )


async def test_who_may_inquire_sees_bills_and_account_but_shows_no_code(app: App) -> None:
    old, young = await app.town.insure(account="10"), await app.town.insure()
    settled = await app.town.bill(old, "5")
    acting = await app.session(young)
    bill = f"/me/bills/{key_of(settled).text()}"
    assert (await app.call("GET", bill, token=acting)).status == 404
    made = await named(app, await app.session(old), young)
    assert made.status == 201, made
    assert (await app.call("GET", bill, token=acting)).body["total"] == "5.00"
    assert (await app.call("GET", f"/me/accounts/{old}", token=acting)).status == 200
    assert (await app.call("POST", f"/me/codes/{old}", token=acting)).status == 404
    own = await app.call("POST", f"/me/codes/{young}", token=acting)
    assert own.status == 201
    wish = {
        "account": old,
        "relative": {"document_number": app.town.documents[young], "name": "测试"},
        "relation": "child",
    }
    spent = await app.call(
        "POST", "/me/family-links", wish, token=acting, idempotency=app.fresh_key()
    )
    assert spent.status == 404, "acting for somebody is not spending the other's money"


async def test_either_side_ends_it(app: App) -> None:
    old, young = await app.town.insure(), await app.town.insure()
    represented, acting = await app.session(old), await app.session(young)
    for token in (represented, acting):
        made = await named(app, represented, young)
        path = f"/me/representatives/{made.body['number']}/withdrawal"
        ended = await app.call("POST", path, {}, token=token, idempotency=app.fresh_key())
        assert ended.status == 204, ended
        assert (await app.call("GET", f"/me/accounts/{old}", token=acting)).status == 404


async def test_a_third_ends_nothing(app: App) -> None:
    old, young, third = [await app.town.insure() for _ in range(3)]
    made = await named(app, await app.session(old), young)
    path = f"/me/representatives/{made.body['number']}/withdrawal"
    token = await app.session(third)
    answer = await app.call("POST", path, {}, token=token, idempotency=app.fresh_key())
    assert answer.status == 404


async def test_nobody_makes_oneself_a_guardian(app: App) -> None:
    old, young = await app.town.insure(), await app.town.insure()
    answer = await named(app, await app.session(old), young, kind="guardian")
    assert (answer.status, answer.body["rule"]) == (409, "CONSENT_MISSING")
