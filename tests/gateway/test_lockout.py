"""A wrong signature locks out the address it came from, never the hospital that it names."""

import json
from dataclasses import replace
from typing import Any

from tests.gateway.builders import Counter
from yibao.gateway.asgi import Gateway
from yibao.gateway.turnstile import Turnstile
from yibao.kernel.refusals import RefusalCode
from yibao.platform.access.lockout import FREE_FAILURES, Lockout
from yibao.platform.admission.service import Admission

ELSEWHERE = "198.51.100.7"
SIGN_IN = {"signIn": {"opter_no": "0001", "mac": "00", "ip": "10.0.0.1"}}


def guarded(counter: Counter) -> Counter:
    """The counter before a gateway that looks at addresses."""
    context = replace(
        counter.gateway.context,
        turnstile=Turnstile(Admission(unproved_rate=0)),
        lockout=Lockout(lambda: 1000.0),
    )
    return replace(counter, gateway=Gateway(context))


async def sent(counter: Counter, address: str, **signed: str) -> dict[str, Any]:
    """The answer to a sign-in from an address, with some headers changed."""
    body = json.dumps(counter.envelope("9001", SIGN_IN)).encode()
    own = replace(counter, address=address)
    answer: dict[str, Any] = await own.post(body, headers=counter.headers() | signed)
    return answer


async def test_who_guesses_is_refused_unread_and_the_hospital_is_not(counter: Counter) -> None:
    own = guarded(counter)
    wrong = {"x-tif-signature": "0" * 64}
    for _ in range(FREE_FAILURES):
        answer = await sent(own, ELSEWHERE, **wrong)
        assert answer["infcode"] == RefusalCode.SIGNATURE_WRONG
    answer = await sent(own, ELSEWHERE)
    assert answer["infcode"] == RefusalCode.BUSY, "even a right guess waits"
    assert "秒后再试" in answer["err_msg"]
    assert (await sent(own, own.address))["infcode"] == 0


async def test_a_mistake_that_was_mended_is_forgotten(counter: Counter) -> None:
    own = guarded(counter)
    for _ in range(3):
        for _ in range(FREE_FAILURES - 1):
            await sent(own, ELSEWHERE, **{"x-tif-signature": "0" * 64})
        assert (await sent(own, ELSEWHERE))["infcode"] == 0


async def test_an_account_that_is_unknown_locks_nobody_out(counter: Counter) -> None:
    own = guarded(counter)
    for _ in range(3 * FREE_FAILURES):
        answer = await sent(own, ELSEWHERE, **{"x-tif-paasid": "nobody"})
        assert answer["infcode"] == RefusalCode.NOT_AUTHENTICATED
    assert (await sent(own, ELSEWHERE))["infcode"] == 0
