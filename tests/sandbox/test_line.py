"""The line: a lost request and a lost reply look the same, and are not the same."""

from random import Random

from aiohttp import web

from tests.client.test_connection import platform
from tests.sandbox.builders import endpoint
from yibao.client import CallOutcome, Client
from yibao.sandbox.line import Line, Troubles


async def send(troubles: Troubles) -> tuple[CallOutcome, int, Line]:
    """Send one message over such a line; its outcome, what the platform saw, the line."""
    seen = 0

    async def count(_: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        return web.json_response({"infcode": 0})

    async with platform(count) as url, Client(endpoint(url)) as client:
        line = Line(client, Random(1), troubles)
        answer = await line.send("2207", {}, "110000", client.new_message_id())
    return answer.outcome, seen, line


async def test_a_lost_request_never_reaches_the_platform() -> None:
    outcome, seen, line = await send(Troubles(lost_request=1, lost_reply=0, repeated=0))
    assert (outcome, seen) == (CallOutcome.UNKNOWN, 0)
    assert (line.tally.lost_requests, line.tally.calls) == (1, 0)


async def test_a_lost_reply_leaves_the_hospital_as_ignorant() -> None:
    outcome, seen, line = await send(Troubles(lost_request=0, lost_reply=1, repeated=0))
    assert (outcome, seen) == (CallOutcome.UNKNOWN, 1)
    assert (line.tally.lost_replies, line.tally.calls) == (1, 1)


async def test_without_troubles_the_answer_arrives() -> None:
    outcome, seen, line = await send(Troubles(lost_request=0, lost_reply=0, repeated=0))
    assert (outcome, seen) == (CallOutcome.DONE, 1)
    assert len(line.tally.seconds["2207"]) == 1
