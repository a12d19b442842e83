"""Too many requests, bodies that are too long, callers that guess: turned away, nothing done."""

from typing import Any

import pytest

from tests.bureau.builders import FIRST
from tests.openapi.builders import App, entered
from yibao.openapi.gate import BODY_LIMIT
from yibao.platform.admission.service import Caller

pytestmark = pytest.mark.database

PROXY = "10.9.9.1"


async def guess_until_refused(app: App, **forwarded: Any) -> int:
    """How many guesses an address has."""
    for number in range(1000):
        answer = await app.call("GET", "/me", token=f"s2.guess{number}", **forwarded)
        if answer.status == 429:
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["content-type"] == "application/problem+json"
            return number
        assert answer.status == 401
    raise AssertionError("an address may guess for ever")


async def test_who_guesses_runs_out_of_guesses_and_nobody_else(app: App) -> None:
    token = await app.session(await app.town.insure())
    own, app.address = app.address, "198.51.100.7"
    assert await guess_until_refused(app) > 20, "a mistyped key is mended in peace"
    assert (await app.call("GET", "/me", token=token)).status == 429, "even a right guess waits"
    app.address = own
    assert (await app.call("GET", "/me", token=token)).status == 200


async def test_whoever_is_proved_is_let_in_beside_a_neighbour_who_guesses(app: App) -> None:
    token = await app.session(await app.town.insure())
    assert (await app.call("GET", "/me", token=token)).status == 200
    await guess_until_refused(app)
    assert (await app.call("GET", "/me", token=token)).status == 200


async def test_guesses_at_clerks_keys_cost_the_address_too(app: App) -> None:
    key = await entered(app, FIRST)
    app.admission._of_addresses._full = 3
    app.admission._of_addresses._a_second = 0.001
    told = [
        (await app.call("POST", "/clerk-sessions", {"clerk": "nobody", "key": "x"})).status
        for _ in range(5)
    ]
    assert told == [403, 403, 403, 429, 429]
    app.address = "10.0.0.9"
    signed = await app.call("POST", "/clerk-sessions", {"clerk": FIRST.code, "key": key})
    assert signed.status == 201


async def test_a_header_gives_nobody_another_address_but_through_our_proxy(app: App) -> None:
    def claiming(address: str) -> Any:
        return [(b"x-forwarded-for", address.encode())]

    await guess_until_refused(app)
    lied = await app.call("GET", "/me", token="s2.x", more_headers=claiming("203.0.113.5"))
    assert lied.status == 429
    app.address = PROXY
    lie = claiming("203.0.113.5, 203.0.113.6")  # the proxy appends what it saw itself
    await guess_until_refused(app, more_headers=lie)
    other = await app.call("GET", "/me", token="s2.x", more_headers=claiming("203.0.113.5"))
    assert other.status == 401


async def test_when_it_is_crowded_apps_wait_and_nothing_is_done(app: App) -> None:
    token = await app.session(await app.town.insure())
    hospital = Caller("10.0.0.1", "hospital")
    for _ in range(2 * app.admission.limit):
        app.admission.enter(hospital)
    answer = await app.call("GET", "/me", token=token)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    for _ in range(2 * app.admission.limit):
        app.admission.leave(hospital)
    assert (await app.call("GET", "/me", token=token)).status == 200
    assert app.admission.in_work == 0


async def test_an_app_that_has_had_its_calls_is_told_so(app: App) -> None:
    token = await app.session(await app.town.insure())
    app.admission._of_senders._buckets.clear()
    app.admission._of_senders._full = 2
    app.admission._of_senders._a_second = 0.001
    told = [(await app.call("GET", "/me", token=token)).status for _ in range(4)]
    assert told == [200, 200, 429, 429]


async def test_a_body_that_is_too_long_is_not_read_to_its_end(app: App) -> None:
    token = await app.session(await app.town.insure())
    answer = await app.call("POST", "/me/premiums", token=token, raw=b" " * (BODY_LIMIT + 1))
    assert answer.status == 413
    assert app.admission.in_work == 0
