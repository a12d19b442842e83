"""What careful software does when nobody knows: the steps, answer by answer."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiohttp import web

from tests.client.test_connection import endpoint, platform
from yibao.client import (
    CAREFUL,
    REPEATING,
    Answer,
    BlockingClient,
    CallOutcome,
    Care,
    Client,
    Ending,
    NotDone,
    Resolution,
)
from yibao.client.recovery import Pause, Send, made_sure

MESSAGE = "H11010599001202607150800000001"
BILL = {"data": {"psn_no": "p", "mdtrt_id": "v", "chrg_bchno": "b"}}

Platform = Callable[[Send], Answer]


def answer(code: int | None, output: Mapping[str, Any] | None = None, *rows: Any) -> Answer:
    outcome = CallOutcome.UNKNOWN if code is None else CallOutcome.REFUSED
    if code == 0:
        outcome = CallOutcome.DONE
    return Answer(outcome, "", MESSAGE, code, "", output or {}, rows=rows)


def walk(
    platform: Platform,
    infno: str = "2207",
    care: Care = CAREFUL,
    content: Mapping[str, Any] = BILL,
) -> tuple[Resolution, list[str]]:
    """Drive the steps against a platform that answers every message; the end and what was sent."""
    sent: list[str] = []
    steps = made_sure(Send(infno, content, MESSAGE), care)
    step = next(steps)
    while True:
        reply = None
        if isinstance(step, Send):
            sent.append(step.infno)
            reply = platform(step)
        else:
            assert isinstance(step, Pause)
        try:
            step = steps.send(reply)
        except StopIteration as end:
            return end.value, sent


def answering(**by_number: Any) -> Platform:
    """A platform that answers each transaction (``t2207=…``) with one answer, or each in turn."""
    queues = {name[1:]: list(a) if isinstance(a, list) else a for name, a in by_number.items()}

    def reply(message: Send) -> Answer:
        found = queues[message.infno]
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    return reply


def test_an_answer_ends_it_at_once() -> None:
    for code, ending in ((0, Ending.DONE), (4001, Ending.REFUSED)):
        end, sent = walk(answering(t2207=answer(code)))
        assert (end.ending, sent) == (ending, ["2207"])


def test_what_was_not_accepted_is_sent_again_under_the_same_id() -> None:
    end, sent = walk(answering(t2207=[answer(9001), answer(9002), answer(0)]))
    assert (end.ending, sent) == (Ending.DONE, ["2207"] * 3)


def test_a_settlement_that_the_visit_shows_is_done() -> None:
    end, sent = walk(
        answering(
            t2207=answer(None),
            t5204=answer(
                0, {}, {"setl_id": "s0", "chrg_bchno": "other"}, {"setl_id": "s", "chrg_bchno": "b"}
            ),
            t5203=answer(0, {"setlinfo": {"setl_id": "s", "medins_setl_id": MESSAGE}}),
        )
    )
    assert (end.ending, sent) == (Ending.DONE, ["2207", "5204", "5203"])
    assert end.answer.output["setlinfo"]["setl_id"] == "s"


def test_a_stays_settlement_is_found_whatever_the_platform_calls_its_batches() -> None:
    end, sent = walk(
        answering(
            t2304=answer(None),
            t5204=answer(0, {}, {"setl_id": "s", "chrg_bchno": "stay-1"}),
            t5203=answer(0, {"setlinfo": {"setl_id": "s", "medins_setl_id": MESSAGE}}),
        ),
        "2304",
        content={"data": {"psn_no": "p", "mdtrt_id": "v"}},
    )
    assert (end.ending, sent) == (Ending.DONE, ["2304", "5204", "5203"])


def test_a_settlement_by_another_message_is_not_ours() -> None:
    end, sent = walk(
        answering(
            t2207=answer(None),
            t5204=answer(0, {}, {"setl_id": "s"}),
            t5203=answer(0, {"setlinfo": {"setl_id": "s", "medins_setl_id": "another"}}),
            t2601=answer(0),
        )
    )
    assert end.ending is Ending.REVERSED
    assert sent.count("5204") == CAREFUL.attempts


def test_what_nobody_finds_is_reversed_and_may_be_sent_anew() -> None:
    end, sent = walk(
        answering(t2207=answer(None), t5204=answer(0), t2601=[answer(None), answer(0)])
    )
    assert end.ending is Ending.REVERSED
    assert sent == ["2207", *["5204"] * CAREFUL.attempts, "2601", "2601"]


def test_the_output_of_a_reversal_is_not_taken_for_that_of_the_message() -> None:
    end, _ = walk(answering(t2207=answer(None), t5204=answer(0), t2601=answer(0, {"undone": "1"})))
    with pytest.raises(NotDone, match="reversed"):
        end.done()
    end, _ = walk(answering(t2207=answer(4001)))
    with pytest.raises(NotDone, match="refused"):
        end.done()
    end, _ = walk(answering(t2207=answer(0, {"setlinfo": {}})))
    assert end.done() == {"setlinfo": {}}


def test_where_repeats_are_answered_alike_the_message_is_sent_again() -> None:
    end, sent = walk(answering(t2207=[answer(None), answer(None), answer(0)]), care=REPEATING)
    assert (end.ending, sent) == (Ending.DONE, ["2207"] * 3)


def test_a_repetition_that_is_refused_keeps_late_copies_out_too() -> None:
    lost_then_refused = [answer(None), answer(4001)]
    end, sent = walk(
        answering(t2207=list(lost_then_refused), t2601=[answer(None), answer(0)]), care=REPEATING
    )
    assert (end.ending, end.answer.code) == (Ending.REFUSED, 4001)
    assert sent == ["2207", "2207", "2601", "2601"]
    end, _ = walk(answering(t2207=list(lost_then_refused), t2601=answer(None)), care=REPEATING)
    assert end.ending is Ending.UNKNOWN
    end, _ = walk(answering(t2207=list(lost_then_refused), t2601=answer(4042)), care=REPEATING)
    assert end.ending is Ending.UNKNOWN
    end, sent = walk(answering(t2204=[answer(None), answer(4001)]), "2204", REPEATING)
    assert (end.ending, sent) == (Ending.REFUSED, ["2204", "2204"])


def test_a_repetition_that_was_not_accepted_says_nothing_of_the_first_copy() -> None:
    end, sent = walk(answering(t2207=[answer(None), answer(9001)], t2601=answer(0)), care=REPEATING)
    assert end.ending is Ending.REVERSED
    assert sent[-1] == "2601"


def test_what_no_reversal_can_undo_stays_unknown() -> None:
    end, sent = walk(answering(t2204=answer(None)), "2204")
    assert (end.ending, sent) == (Ending.UNKNOWN, ["2204"])


def test_a_refused_reversal_leaves_it_unknown() -> None:
    end, _ = walk(answering(t2207=answer(None), t5204=answer(0), t2601=answer(4042)))
    assert (end.ending, end.answer.code) == (Ending.UNKNOWN, 4042)


@pytest.mark.parametrize("blocking", [True, False])
async def test_both_clients_reverse_a_settlement_whose_reply_was_cut(blocking: bool) -> None:
    seen: list[str] = []

    async def reply(request: Any) -> Any:
        message = await request.json()
        seen.append(message["infno"])
        if message["infno"] == "2207":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if message["infno"] == "2601":
            assert message["input"]["data"] == {"psn_no": "p", "omsgid": MESSAGE, "oinfno": "2207"}
        return web.json_response({"infcode": 0, "output": None})

    care = Care(attempts=1, pause=0.01)
    async with platform(reply) as url:
        if blocking:

            def run() -> Resolution:
                with BlockingClient(endpoint(url)) as client:
                    return client.make_sure("2207", BILL, message_id=MESSAGE, care=care)

            end = await asyncio.to_thread(run)
        else:
            async with Client(endpoint(url)) as client:
                end = await client.make_sure("2207", BILL, message_id=MESSAGE, care=care)
    assert end.ending is Ending.REVERSED
    assert seen == ["2207", "5204", "2601"]


def test_the_blocking_client_signs_in_and_keeps_its_connection() -> None:
    seen: list[tuple[str, Any]] = []

    async def reply(request: Any) -> Any:
        message = await request.json()
        seen.append((message["sign_no"], request.transport))
        return web.json_response({"infcode": 0, "output": {"signinoutb": {"sign_no": "17"}}})

    async def main() -> None:
        async with platform(reply) as url:

            def run() -> None:
                with BlockingClient(endpoint(url)) as client:
                    client.sign_in("0001", "127.0.0.1")
                    client.call("1101", {})

            await asyncio.to_thread(run)

    asyncio.run(main())
    assert [sign_no for sign_no, _ in seen] == ["", "17"]
    assert seen[0][1] is seen[1][1]
