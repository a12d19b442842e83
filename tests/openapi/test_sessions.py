"""Who may call: apps with a key, persons by a session."""

from datetime import timedelta

import pytest

from tests.openapi.builders import App
from yibao.registry.credentials.service import show_code
from yibao.registry.keys import service as keys
from yibao.registry.people.service import find_by_document

pytestmark = pytest.mark.database


async def test_a_session_shows_its_person(app: App) -> None:
    member = await app.town.insure()
    me = await app.call("GET", "/me", token=await app.session(member))
    assert me.status == 200
    assert [one["number"] for one in me.body["memberships"]] == [member]
    assert me.body["memberships"][0]["insurances"][0]["extent"] == "full"


async def test_a_code_that_was_shown_opens_a_session_once(app: App) -> None:
    member = await app.town.insure()
    async with app.town.database.writer() as connection, connection.transaction():
        (human,) = await find_by_document(
            connection, app.town.vault, "01", app.town.documents[member]
        )
        code = await show_code(
            connection, app.town.vault, human.identity.id, now=app.town.clock.now()
        )
    asked = {"credential_code": code}
    first = await app.call("POST", "/sessions", asked, token=app.key, idempotency="wish-first")
    again = await app.call("POST", "/sessions", asked, token=app.key, idempotency="wish-first")
    other = await app.call("POST", "/sessions", asked, token=app.key, idempotency="wish-other")
    assert (first.status, again.status, other.status) == (201, 201, 409)
    me = await app.call("GET", "/me", token=again.body["token"])
    assert me.body["memberships"][0]["number"] == member


async def test_whose_name_differs_is_as_unknown_as_who_is_not_there(app: App) -> None:
    member = await app.town.insure()
    told = []
    for number, name in ((app.town.documents[member], "测试乙"), ("990101198001019999", "测试")):
        body = {"document_type": "01", "document_number": number, "name": name}
        answer = await app.call(
            "POST", "/sessions", body, token=app.key, idempotency=app.fresh_key()
        )
        assert answer.headers["content-type"] == "application/problem+json"
        told.append((answer.status, answer.body))
    assert told[0] == told[1]
    assert told[0][0] == 404


@pytest.mark.parametrize("token", [None, "", "demo-app.wrong", "nobody.secret", "s1.x.y", "s1.é"])
async def test_without_a_valid_key_or_session_nothing_is_told(app: App, token: str | None) -> None:
    answer = await app.call("GET", "/me", token=token)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_session_ends_after_its_time(app: App) -> None:
    token = await app.session(await app.town.insure())
    app.town.clock.set(app.town.clock.now() + timedelta(minutes=31))
    assert (await app.call("GET", "/me", token=token)).status == 401


async def test_a_session_ends_with_the_apps_key(app: App) -> None:
    token = await app.session(await app.town.insure())
    async with app.town.database.writer() as connection, connection.transaction():
        await keys.revoke(connection, app.key_id, app.town.clock.now())
    assert (await app.call("GET", "/me", token=token)).status == 401


async def test_a_changed_session_is_none(app: App) -> None:
    token = await app.session(await app.town.insure())
    head, statement, seal = token.split(".")
    forged = f"{head}.{statement[:-2]}{'AA' if statement[-2:] != 'AA' else 'BB'}.{seal}"
    assert (await app.call("GET", "/me", token=forged)).status == 401


async def test_a_field_that_nobody_knows_is_named(app: App) -> None:
    answer = await app.call(
        "POST", "/sessions", {"credential": "x"}, token=app.key, idempotency="wish-field"
    )
    assert answer.status == 400
    assert "credential" in str(answer.body["errors"])
