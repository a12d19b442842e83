"""The generator sends what its plan says, when it is due, and measures from then."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks import generator
from benchmarks.generator import Desk, Figures, Journey, Step, Town, run

DONE = b'{"infcode":0,"output":{"mdtrt_id":"V1"}}'
BUSY = b'{"infcode":9001}'


def desk(**changes: Any) -> dict[str, Any]:
    """A hospital's desk with one template of each call."""
    made = {
        "institution": "H1",
        "key_id": "K1",
        "secret": "S1",
        "family": "x-tif",
        "templates": {
            "2201": '{"msgid":"@msgid@","who":"@psn@","number":"@otp@"}',
            "2207": '{"msgid":"@msgid@","visit":"@visit@"}',
        },
        "patients": {"visit": [{"psn": "P1"}]},
    }
    return made | changes


def plan(**changes: Any) -> dict[str, Any]:
    """Visits of two calls at one desk."""
    steps = [{"template": "2201", "takes": {"visit": "mdtrt_id"}}, {"template": "2207"}]
    made = {
        "host": "127.0.0.1",
        "port": 0,
        "journeys": {"visit": {"steps": steps}},
        "desks": [desk()],
        "windows": [],
    }
    return made | changes


@asynccontextmanager
async def answering(answer: Callable[[bytes], Awaitable[bytes]]) -> AsyncIterator[int]:
    """A server on some port that answers each request's body."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            size = int(head.lower().partition(b"content-length:")[2].split()[0])
            body = await answer(await reader.readexactly(size))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    def ended(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
        """Whoever hangs up ends the reading of the next request."""

    asyncio.get_running_loop().set_exception_handler(ended)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def told(_request: bytes) -> bytes:
    return DONE


def test_a_request_is_its_template_with_the_marks_replaced_and_a_signed_head() -> None:
    request = Desk(desk()).request("2207", {b"@visit@": b"V7"})
    head, _, body = request.partition(b"\r\n\r\n")
    message = json.loads(body)
    assert message["visit"] == "V7"
    assert message["msgid"].startswith("H1")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hsa/hgs/2207 HTTP/1.1"
    given = dict(line.split(": ", 1) for line in lines[1:])
    assert int(given["Content-Length"]) == len(body)
    at, nonce = given["x-tif-timestamp"], given["x-tif-nonce"]
    signed = hashlib.sha256(f"{at}S1{nonce}{at}".encode()).hexdigest()
    assert given["x-tif-signature"] == signed


def test_a_pharmacy_of_the_other_family_signs_its_way() -> None:
    made = Desk(desk(family="csb", templates={"2102": "{}"}))
    lines = made.request("2102", {}).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert lines[0] == "POST /fsi/api/rsfComIfsService/callService HTTP/1.1"
    assert "_api_name: 2102" in lines


def test_several_templates_of_one_call_go_to_its_path() -> None:
    made = Desk(desk(templates={"2301#4": "{}"}))
    assert made.request("2301#4", {}).startswith(b"POST /hsa/hgs/2301 ")


async def test_a_journey_takes_what_later_calls_need_from_earlier_answers() -> None:
    seen: list[dict[str, Any]] = []

    async def ask(request: bytes) -> bytes:
        seen.append(json.loads(request.partition(b"\r\n\r\n")[2]))
        return DONE

    town = Town(plan())
    journey = Journey("visit", (), tuple(map(Step.of, plan()["journeys"]["visit"]["steps"])))
    await town.walk(town.desks[0], journey, {b"@psn@": b"P1"}, time.perf_counter(), None, ask)
    assert seen[0]["who"] == "P1"
    assert seen[1]["visit"] == "V1"
    assert town.figures.done["visit"] == 1


async def test_the_first_call_is_measured_from_when_it_was_due_the_next_from_the_answer() -> None:
    town = Town(plan())
    journey = Journey("visit", (), tuple(map(Step.of, plan()["journeys"]["visit"]["steps"])))
    window = Figures("measured")
    late = time.perf_counter() - 1_000
    await town.walk(town.desks[0], journey, {b"@psn@": b"P1"}, late, window, told)
    assert window.seconds["2201"][0] >= 1_000
    assert window.seconds["2207"][0] < 1_000
    assert window.whole["visit"][0] >= 1_000


async def test_who_is_turned_away_sends_the_same_bytes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generator, "AGAIN_SECONDS", 0)
    sent: list[bytes] = []

    async def ask(request: bytes) -> bytes:
        sent.append(request)
        return BUSY if len(sent) < 3 else DONE

    town, window = Town(plan()), Figures("measured")
    journey = Journey("visit", (), (Step.of({"template": "2201"}),))
    await town.walk(town.desks[0], journey, {b"@psn@": b"P1"}, time.perf_counter(), window, ask)
    assert sent[0] == sent[1] == sent[2]
    assert window.turned_away == 2
    assert len(window.seconds["2201"]) == 1
    assert town.figures.done["visit"] == 1


async def test_a_refused_call_ends_the_journey_and_is_told() -> None:
    async def ask(_request: bytes) -> bytes:
        return b'{"infcode":1010,"err_msg":"no"}'

    town, window = Town(plan()), Figures("measured")
    journey = Journey("visit", (), (Step.of({"template": "2201"}),))
    await town.walk(town.desks[0], journey, {b"@psn@": b"P1"}, time.perf_counter(), window, ask)
    assert window.failed["visit"] == 1
    assert "1010" in town.refusals[0]
    assert not town.figures.done


async def test_arrivals_wait_for_nobody() -> None:
    """Nobody is answered before the fifth has come: a closed loop of one desk would stand still."""
    came: list[bytes] = []
    enough = asyncio.Event()

    async def answer(request: bytes) -> bytes:
        came.append(request)
        if len(came) >= 5:
            enough.set()
        await enough.wait()
        return DONE

    windows = [
        {"name": "warm-up", "seconds": 0.0, "rates": {"visit": 200.0}},
        {"name": "measured", "seconds": 0.5, "rates": {"visit": 200.0}},
    ]
    async with answering(answer) as port:
        found = await run(plan(port=port, windows=windows))
    [window] = found["windows"]
    assert window["begun"]["visit"] >= 5
    assert len(window["whole"]["visit"]) == window["begun"]["visit"]
    assert found["refused"] == 0


async def test_nobody_comes_in_a_quiet_hour_and_many_in_the_next() -> None:
    windows = [
        {"name": "warm-up", "seconds": 0.0, "rates": {"visit": 0.0001}},
        {"name": "night", "seconds": 0.1, "rates": {"visit": 0.0001}},
        {"name": "morning", "seconds": 0.5, "rates": {"visit": 200.0}},
    ]
    async with answering(told) as port:
        found = await run(plan(port=port, windows=windows))
    night, morning = found["windows"]
    assert night["begun"] == {}
    assert morning["begun"]["visit"] > 20


async def test_a_closed_loop_walks_one_journey_after_the_other() -> None:
    under_way = most = 0

    async def answer(_request: bytes) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return DONE

    windows = [{"name": "warm-up", "seconds": 0.05}, {"name": "measured", "seconds": 0.2}]
    async with answering(answer) as port:
        found = await run(plan(port=port, windows=windows))
    assert found["windows"][0]["done"]["visit"] > 1
    assert most == 1


async def test_what_a_journey_goes_over_again_is_begun_once() -> None:
    calls: list[str] = []

    async def answer(request: bytes) -> bytes:
        calls.append("2207" if b"visit" in request else "2201")
        return DONE

    journey = {
        "begin": [{"template": "2201", "takes": {"visit": "mdtrt_id"}}],
        "steps": [{"template": "2207"}],
    }
    windows = [{"name": "warm-up", "seconds": 0.0}, {"name": "measured", "seconds": 0.2}]
    async with answering(answer) as port:
        await run(plan(port=port, windows=windows, journeys={"visit": journey}))
    assert calls.count("2201") == 1
    assert calls[0] == "2201"
    assert len(calls) > 2
