"""The gate before the interface: who is let in, what others are told, and whom it costs what."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.gateway.builders import Counter
from yibao.gateway.asgi import Gateway
from yibao.gateway.turnstile import Turnstile, standing
from yibao.kernel.refusals import RefusalCode
from yibao.platform.admission.service import Admission, Caller, Standing

LIMIT = 40
OTHER = Caller("10.0.0.9", "another")


def crowded(counter: Counter, **options: Any) -> tuple[Counter, Turnstile]:
    """The counter before a gateway whose room is all taken, by two callers."""
    admission = Admission(floor=LIMIT, ceiling=LIMIT, **options)
    turnstile = Turnstile(admission)
    own = turnstile.caller(scope_of(counter))
    for number in range(LIMIT):
        turnstile.enter(OTHER if number % 2 else own)
    for _ in range(LIMIT // 8):
        turnstile.enter(own)
    return before(counter, turnstile), turnstile


def before(counter: Counter, turnstile: Turnstile) -> Counter:
    """The counter before a gateway with this turnstile."""
    context = replace(counter.gateway.context, turnstile=turnstile)
    return replace(counter, gateway=Gateway(context))


def scope_of(counter: Counter) -> dict[str, Any]:
    headers = [(n.encode(), v.encode()) for n, v in counter.headers().items()]
    return {"method": "POST", "path": "/", "client": (counter.address, 1), "headers": headers}


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        ("2601", Standing.FINISHING),
        ("5204A", Standing.FINISHING),
        ("2207", Standing.CONTINUING),
        ("2204A", Standing.CONTINUING),
        ("9001", Standing.CONTINUING),
        ("2201", Standing.OPENING),
        ("1301", Standing.OPENING),
        ("D001", Standing.OPENING),
    ],
)
def test_what_a_transaction_is_to_the_work_under_way(number: str, wanted: Standing) -> None:
    assert standing(number) is wanted


@pytest.mark.parametrize(
    ("client", "forwarded", "wanted"),
    [
        ("10.1.2.3", "203.0.113.7", "203.0.113.7"),
        ("10.1.2.3", "8.8.8.8, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("10.1.2.3", "", "10.1.2.3"),
    ],
)
def test_only_our_own_proxies_are_believed_about_addresses(
    client: str, forwarded: str, wanted: str
) -> None:
    turnstile = Turnstile(Admission(), proxies="10.1.0.0/16, 127.0.0.1")
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"client": (client, 4711), "headers": headers, "path": "/"}
    assert turnstile.caller(scope).address == wanted


async def test_a_call_is_turned_away_unread_and_nothing_is_remembered(counter: Counter) -> None:
    member = await counter.town.insure()
    full, turnstile = crowded(counter)
    content, message = counter.registration(member), counter.message_id()
    answer = await full.call("2201", content, message=message)
    assert answer["infcode"] == RefusalCode.BUSY
    assert answer["output"] is None
    assert "未受理" in answer["err_msg"]
    assert "原报文编号" in answer["err_msg"]
    turnstile.leave(OTHER)  # one call ended is not room enough; all of them are
    for _ in range(LIMIT // 2 - 1):
        turnstile.leave(OTHER)
    again = await full.call("2201", content, message=message)
    assert again["infcode"] == 0


async def test_a_reversal_is_let_in_when_a_settlement_is_not(counter: Counter) -> None:
    full, _ = crowded(counter)
    code, _ = await full.refused("2206", {"data": {}})
    assert code == RefusalCode.BUSY
    code, _ = await full.refused("2601", {"data": {}})
    assert code == RefusalCode.FIELD_MISSING


async def test_a_message_that_came_before_is_let_in_again(counter: Counter) -> None:
    member = await counter.town.insure()
    turnstile = Turnstile(Admission(floor=LIMIT, ceiling=LIMIT))
    at_first = before(counter, turnstile)
    content, message = counter.registration(member), counter.message_id()
    first = await at_first.call("2201", content, message=message)
    own = turnstile.caller(scope_of(counter))
    for number in range(LIMIT):
        turnstile.enter(OTHER if number % 2 else own)
    for _ in range(LIMIT // 8):
        turnstile.enter(own)
    other = await at_first.call("2201", content)
    assert other["infcode"] == RefusalCode.BUSY
    again = await at_first.call("2201", content, message=message)
    assert again["infcode"] == 0
    assert again["output"] == first["output"]


async def test_wrong_signatures_cost_their_address_and_not_the_hospital(counter: Counter) -> None:
    turnstile = Turnstile(Admission(unproved_rate=1, sender_rate=1))
    gate = before(counter, turnstile)
    wrong = {**counter.headers(), "x-tif-signature": "0" * 64}
    codes = [(await post(gate, wrong, "6.6.6.6"))["infcode"] for _ in range(12)]
    assert codes == [RefusalCode.SIGNATURE_WRONG] * 10 + [RefusalCode.BUSY] * 2
    right = await post(gate, counter.headers(), "10.0.0.1")
    assert right["infcode"] == 0


async def test_a_sender_that_calls_too_often_is_told_so(counter: Counter) -> None:
    turned_away: list[str] = []
    gate = before(counter, Turnstile(Admission(sender_rate=1), observe=turned_away.append))
    codes = [(await post(gate, counter.headers(), "10.0.0.1"))["infcode"] for _ in range(12)]
    assert codes == [0] * 10 + [RefusalCode.BUSY] * 2
    assert turned_away == ["sender_budget"] * 2


async def test_every_call_leaves_room_again_whatever_became_of_it(counter: Counter) -> None:
    admission = Admission(floor=LIMIT, ceiling=LIMIT)
    gate = before(counter, Turnstile(admission))
    await gate.call("1101", {})
    await post(gate, {}, "10.0.0.1", body=b"not JSON")
    assert admission.in_work == 0


async def post(
    counter: Counter, headers: dict[str, str], address: str, body: bytes | None = None
) -> Any:
    """The answer to a sign-in that comes from an address."""
    sent = json.dumps(counter.envelope("9001", SIGN_IN)).encode() if body is None else body
    return await replace(counter, address=address).post(sent, headers=headers)


SIGN_IN = {"signIn": {"opter_no": "T1", "mac": "00-00-00-00-00-00", "ip": "10.0.0.1"}}
