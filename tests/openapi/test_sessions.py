"""Who may call: apps with a key, persons by a session."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.openapi.builders import App
from yibao.openapi.authentication import Sessions
from yibao.openapi.model import Person
from yibao.platform.crypto import Vault
from yibao.platform.keyring import KeyRing, ring_of
from yibao.registry.credentials.service import show_code
from yibao.registry.keys import service as keys
from yibao.registry.people.service import find_by_document

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)

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


@pytest.mark.parametrize(
    "token", [None, "", "demo-app.wrong", "nobody.secret", "s2.x", "s2.é", "s2." + "A" * 4000]
)
async def test_without_a_valid_key_or_session_nothing_is_told(app: App, token: str | None) -> None:
    answer = await app.call("GET", "/me", token=token)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_code_that_was_used_opens_no_session_days_later(app: App) -> None:
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
    app.town.clock.set(app.town.clock.now() + timedelta(days=1))
    late = await app.call("POST", "/sessions", asked, token=app.key, idempotency="wish-first")
    assert (first.status, late.status) == (201, 409), late.body
    assert late.body["rule"] == "VOUCHER_INVALID"


def test_a_session_outlives_a_new_vault_key_and_ends_with_its_own() -> None:
    old, new = b"1" * 32, b"2" * 32
    person = Person(7, "demo-app", "k1")
    token = Sessions(Vault(old)).open(person, NOW)
    assert Sessions(Vault(ring_of([new, old]))).read(token, NOW) == person
    retired = KeyRing(ring_of([new]).keys, ring_of([old]).labels)  # labels stay with the first key
    assert Sessions(Vault(retired)).read(token, NOW) is None


def test_a_text_that_somebody_had_sealed_elsewhere_is_no_session() -> None:
    vault = Vault(b"1" * 32)
    said = json.dumps(["Worker", 2**40, "first", "00"])
    token = "s2." + base64.urlsafe_b64encode(vault.seal(said)).decode()
    assert Sessions(vault).read(token, NOW) is None


def test_a_session_tells_the_app_nothing() -> None:
    token = Sessions(Vault(b"1" * 32)).open(Person(7, "demo-app", "k1"), NOW)
    assert b"demo-app" not in base64.urlsafe_b64decode(token.removeprefix("s2.") + "==")


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
    for place in range(3, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        forged = token[:place] + other + token[place + 1 :]
        app.address = f"10.0.0.{place}"  # one address would run out of its budget of guesses
        assert (await app.call("GET", "/me", token=forged)).status == 401


async def test_a_field_that_nobody_knows_is_named(app: App) -> None:
    answer = await app.call(
        "POST", "/sessions", {"credential": "x"}, token=app.key, idempotency="wish-field"
    )
    assert answer.status == 400
    assert "credential" in str(answer.body["errors"])
