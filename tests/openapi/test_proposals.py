"""Clerks' business over REST: the same engine, the same four eyes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.bureau.builders import FIRST, SECOND, kind_for_tests
from tests.openapi.builders import App, entered, signed_in
from tests.settlement.builders import POOL
from yibao.bureau import service as bureau
from yibao.bureau.clerks import service as clerks
from yibao.bureau.clerks.model import Clerk
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.refusals import Refusal, RefusalCode

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def kind() -> Iterator[str]:
    """The name of a kind of business that only notes a number."""
    with kind_for_tests() as name:
        yield name


async def test_a_second_clerk_carries_out_what_a_first_proposed(app: App, kind: str) -> None:
    first, second = await signed_in(app, FIRST), await signed_in(app, SECOND)
    wish = {"kind": kind, "content": {"pool": POOL, "word": "好"}, "reason": "测试"}
    made = await app.call("POST", "/proposals", wish, token=first, idempotency="wish-0001")
    again = await app.call("POST", "/proposals", wish, token=first, idempotency="wish-0001")
    assert made.status == 201
    assert again.body == made.body
    number = made.body["number"]
    tried = await app.call("POST", f"/proposals/{number}/trial", token=second)
    assert tried.body["would_result"]["noted"] == "好"
    alone = await app.call("POST", f"/proposals/{number}/approval", {}, token=first)
    assert (alone.status, alone.body["rule"]) == (409, "SECOND_CLERK_NEEDED")
    done = await app.call("POST", f"/proposals/{number}/approval", {}, token=second)
    assert done.status == 200
    assert (done.body["state"], done.body["result"]["noted"]) == ("done", "好")
    listed = await app.call("GET", "/proposals", token=first, decided="true")
    assert [one["number"] for one in listed.body["proposals"]] == [number]
    assert (await app.call("GET", "/proposals", token=first)).body["proposals"] == []


async def test_every_fault_of_a_wish_is_told_at_once(app: App, kind: str) -> None:
    first = await signed_in(app, FIRST)
    wish = {"kind": kind, "content": {"pool": "x", "amount": "-1"}, "reason": "测试"}
    answer = await app.call("POST", "/proposals", wish, token=first, idempotency="wish-0002")
    assert answer.status in {400, 422}
    for word in ("统筹区", "词"):
        assert word in answer.body["detail"]


async def test_a_clerk_of_another_pool_neither_sees_nor_decides(app: App, kind: str) -> None:
    first = await signed_in(app, FIRST)
    elsewhere = await signed_in(app, Clerk("elsewhere", "测试经办丁", (Pool("430100"),)))
    wish = {"kind": kind, "content": {"pool": POOL, "word": "好"}, "reason": "测试"}
    made = await app.call("POST", "/proposals", wish, token=first, idempotency="wish-0003")
    number = made.body["number"]
    assert (await app.call("GET", f"/proposals/{number}", token=elsewhere)).status == 404
    assert (await app.call("GET", "/proposals", token=elsewhere)).body["proposals"] == []
    for verb in ("trial", "approval", "rejection"):
        word = None if verb == "trial" else {"remark": "不同意"}
        answer = await app.call("POST", f"/proposals/{number}/{verb}", word, token=elsewhere)
        assert (answer.status, answer.body["rule"]) == (403, "CLERK_NOT_ALLOWED"), verb


async def test_wrong_keys_lock_a_clerk_out_and_tell_nobody_whether_there_is_one(app: App) -> None:
    key = await entered(app, FIRST)
    told = []
    for code in (FIRST.code, "nobody"):
        for _ in range(7):
            wrong = {"clerk": code, "key": "wrong"}
            answer = await app.call("POST", "/clerk-sessions", wrong)
            told.append((answer.status, answer.body))
    assert all(one == told[0] for one in told)
    assert told[0][0] == 403
    locked = await app.call("POST", "/clerk-sessions", {"clerk": FIRST.code, "key": key})
    assert locked.body["rule"] == "CLERK_LOCKED"


async def test_wrong_keys_from_elsewhere_lock_no_clerk_out(app: App) -> None:
    key = await entered(app, FIRST)
    guesser = replace(app, address="198.51.100.7")
    for _ in range(7):
        await guesser.call("POST", "/clerk-sessions", {"clerk": FIRST.code, "key": "wrong"})
    answer = await app.call("POST", "/clerk-sessions", {"clerk": FIRST.code, "key": key})
    assert answer.status == 201


async def test_a_suspended_clerks_session_ends(app: App) -> None:
    first = await signed_in(app, FIRST)
    async with app.town.database.writer() as connection, connection.transaction():
        await clerks.suspend(connection, FIRST.code, now=app.town.clock.now())
    assert (await app.call("GET", "/proposals", token=first)).status == 401


async def test_a_clerks_session_ends_with_the_key_it_was_opened_with(app: App) -> None:
    first = await signed_in(app, FIRST)
    await entered(app, FIRST)  # a new key, because the old one was seen by somebody
    assert (await app.call("GET", "/proposals", token=first)).status == 401


async def test_who_was_suspended_between_the_door_and_the_deed_does_nothing(
    app: App, kind: str
) -> None:
    first = await signed_in(app, FIRST)
    wish = {"kind": kind, "content": {"pool": POOL, "word": "好"}, "reason": "测试"}
    made = await app.call("POST", "/proposals", wish, token=first, idempotency="wish-0004")
    await signed_in(app, SECOND)
    async with app.town.database.writer() as connection, connection.transaction():
        await clerks.suspend(connection, SECOND.code, now=app.town.clock.now())
    key = parse_pool_key(made.body["number"])
    assert key is not None
    for command in (
        bureau.approving(key, SECOND),
        bureau.rejecting(key, SECOND, "不同意"),
        bureau.proposing(kind, wish["content"], "测试", SECOND, "late"),  # type: ignore[arg-type]
    ):
        outcome = await app.commands.submit(command)
        assert isinstance(outcome, Refusal)
        assert outcome.code is RefusalCode.CLERK_NOT_ALLOWED


async def test_a_person_is_no_clerk_and_a_clerk_no_person(app: App) -> None:
    person, clerk = await app.session(await app.town.insure()), await signed_in(app, FIRST)
    assert (await app.call("GET", "/proposals", token=person)).status == 401
    assert (await app.call("GET", "/me", token=clerk)).status == 401
