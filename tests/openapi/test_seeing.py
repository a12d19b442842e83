"""Whoever is shown a person over REST stands in the access record, before the answer is sent."""

from typing import Any

import pytest

from tests.bureau.builders import FIRST
from tests.openapi.builders import APP, App, seen, signed_in
from tests.settlement.builders import POOL, key_of
from yibao.bureau.kinds import kinds
from yibao.bureau.people import NUMBERS
from yibao.platform.access.model import ViewerKind

pytestmark = pytest.mark.database


async def noted(app: App, since: int = 0) -> set[tuple[Any, ...]]:
    """Who saw whom, by what."""
    return {
        (one.viewer.kind, one.viewer.who, one.viewer.purpose.split("/api/v1")[-1], one.member)
        for one in (await seen(app))[since:]
    }


async def test_an_app_that_opens_a_session_has_seen_the_person(app: App) -> None:
    member = await app.town.insure()
    await app.session(member)
    assert await noted(app) == {(ViewerKind.APP, APP, "/sessions", member)}


async def test_an_app_that_tries_names_for_a_number_is_noted_each_time(app: App) -> None:
    member = await app.town.insure()
    for name in ("测试丙", "测试丁"):
        body = {"document_type": "01", "document_number": app.town.documents[member], "name": name}
        await app.call("POST", "/sessions", body, token=app.key, idempotency=app.fresh_key())
    assert [one.viewer.who for one in await seen(app)] == [APP, APP]


async def test_who_acts_for_a_person_is_noted_at_account_and_bill(app: App) -> None:
    old, young = await app.town.insure(account="10"), await app.town.insure()
    bill = key_of(await app.town.bill(old, "5")).text()
    wish = {
        "representative": {"document_number": app.town.documents[young], "name": "测试"},
        "acts": ["inquire"],
    }
    made = await app.call(
        "POST", "/me/representatives", wish, token=await app.session(old), idempotency="wish-acts"
    )
    assert made.status == 201
    acting = await app.session(young)
    before = len(await seen(app))
    for path in (f"/me/accounts/{old}", f"/me/bills/{bill}", f"/me/bills/{bill}/explanation"):
        assert (await app.call("GET", path, token=acting)).status == 200
    found = await noted(app, before)
    assert {(kind, member) for kind, _, _, member in found} == {(ViewerKind.PERSON, old)}
    assert len(found) == 3
    assert len({who for _, who, _, _ in found}) == 1


async def test_a_clerk_has_seen_the_people_of_a_proposal(app: App) -> None:
    member = await app.town.insure(account="10")
    clerk = await signed_in(app, FIRST)
    wish = {
        "kind": "accounts.freeze",
        "content": {"pool": POOL, "member": member},
        "reason": "测试",
    }
    made = await app.call("POST", "/proposals", wish, token=clerk, idempotency="wish-0001")
    assert made.status == 201, made
    number = made.body["number"]
    before = len(await seen(app))
    calls = (("GET", "/proposals"), ("GET", f"/proposals/{number}"))
    for method, path in calls:
        await app.call(method, path, token=clerk)
    assert await noted(app, before) == {
        (ViewerKind.CLERK, FIRST.code, path, member) for _, path in calls
    }


def test_every_field_that_names_a_person_is_known() -> None:
    """A new kind of business whose field holds a person's number is found by its title."""
    titled = {
        field.name
        for kind in kinds().values()
        for field in kind.fields
        if "人员编号" in field.title and not field.title.endswith("关系编号")
    }
    assert titled
    assert titled <= NUMBERS


async def test_what_cannot_be_written_down_is_not_shown(app: App) -> None:
    token = await app.session(await app.town.insure())
    async with app.town.database.owner() as connection:
        await connection.execute("ALTER TABLE safety.access RENAME TO access_elsewhere")
    with pytest.raises(Exception, match="after response started"):  # and none of it was sent
        await app.call("GET", "/me", token=token)
    async with app.town.database.owner() as connection:
        await connection.execute("ALTER TABLE safety.access_elsewhere RENAME TO access")
