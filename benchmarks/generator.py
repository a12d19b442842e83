"""The load: hospitals and pharmacies over raw sockets, as cheap as Python can make them.

Started by ``driving.py`` in a process of its own. What people come for are *journeys*: calls one
after the other, their requests templates of bytes; an answer is cut by its Content-Length and
searched for what the next request needs, never parsed. Time goes by in *windows*, the first of them
to warm up. Reads its plan (JSON) from standard input; writes ``window NAME`` at the beginning of
each and ``window -`` at the end of the last, then what it measured (JSON).

**Closed loop**: every desk has a connection and walks journey after journey. **Open loop** (windows
with rates): a journey begins when its time has come, at random instants, whether or not others are
answered; its first call is measured from that instant, each further one from the answer before it,
so that nothing is hidden by waiting (no coordinated omission). Who is turned away (9001) sends the
same bytes again after the second that the answer asks for, at most ``PATIENCE`` times; the waiting
is in the measured time.
"""

import asyncio
import itertools
import json
import random
import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop

from benchmarks.telling import say, tell
from yibao.client.signatures import csb_headers, tif_headers

STEPS = ("2201", "2203", "2204", "2206", "2207")
PATIENCE = 3
AGAIN_SECONDS = 1.0
DRAIN_SECONDS = 60.0
"""How long answers are waited for when the last window is over."""
REST = "-"
"""The name of what comes after the last window."""
_DONE, _TURNED_AWAY = b'"infcode":0', b'"infcode":9001'
_MARK = re.compile(rb"(@\w+@)")
_PATHS = {"x-tif": "/hsa/hgs/{}", "csb": "/fsi/api/rsfComIfsService/callService"}

Values = dict[bytes, bytes]
"""What replaces the marks of a template."""
Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a request, gives the body of its answer."""

_serials = itertools.count(secrets.randbelow(1_000_000))


class Connection(asyncio.Protocol):
    """One keep-alive HTTP connection with one request under way at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] | None = None
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's has no base class

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._buffer.lower().find(b"content-length:", 0, head) + 15
        size = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) < head + 4 + size:
            return
        body = bytes(self._buffer[head + 4 : head + 4 + size])
        del self._buffer[: head + 4 + size]
        assert self._answer is not None
        self._answer.set_result(body)

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    async def ask(self, request: bytes) -> bytes:
        """Send a request, wait for the body of its answer."""
        assert self._transport is not None
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self._transport.write(request)
        return await answer


class Desk:
    """One institution's requests: signed heads, bodies from templates."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._code: str = plan["institution"]
        self._account: str = plan["key_id"]
        self._secret: str = plan["secret"]
        self._family: str = plan.get("family", "x-tif")
        self._templates: dict[str, list[bytes]] = {
            name: _MARK.split(text.encode()) for name, text in plan["templates"].items()
        }

    def request(self, template: str, values: Values) -> bytes:
        """The bytes of one request; ``values`` replace the marks of its template.

        A template is named by its transaction, and by what follows a ``#`` where there are several.
        """
        serial, now = next(_serials), int(time.time())
        number = template[:4]
        second = time.strftime("%Y%m%d%H%M%S", time.gmtime(now + 8 * 3600))
        message_id = f"{self._code}{second}{serial % 10_000:04d}".encode()
        parts = self._templates[template].copy()
        for i in range(1, len(parts), 2):
            mark = parts[i]
            parts[i] = message_id if mark == b"@msgid@" else values[mark]
        body = b"".join(parts)
        path = _PATHS[self._family].format(number)
        lines = [f"POST {path} HTTP/1.1", "Host: yibao", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in self._signature(number, serial).items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def _signature(self, number: str, serial: int) -> dict[str, str]:
        if self._family == "csb":
            milliseconds = time.time_ns() // 1_000_000
            return csb_headers(self._account, self._secret, api=number, milliseconds=milliseconds)
        return tif_headers(
            self._account, self._secret, seconds=int(time.time()), nonce=f"{serial:x}"
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a journey."""

    template: str
    takes: tuple[tuple[bytes, bytes], ...]
    """Marks, and what stands before their values in the answer."""

    @classmethod
    def of(cls, plan: dict[str, Any]) -> "Step":
        """``takes``: field of the answer by mark."""
        takes = plan.get("takes", {}).items()
        return cls(
            plan["template"],
            tuple((f"@{mark}@".encode(), f'"{name}":"'.encode()) for mark, name in takes),
        )

    def take(self, answer: bytes, values: Values) -> None:
        """Note what later requests need."""
        for mark, before in self.takes:
            at = answer.index(before) + len(before)
            values[mark] = answer[at : answer.index(b'"', at)]


@dataclass(frozen=True, slots=True)
class Journey:
    """What somebody comes for."""

    name: str
    begin: tuple[Step, ...]
    """Done once for a patient, before anything is measured; the steps then go over it again."""
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Figures:
    """What was measured in one window."""

    name: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """Of every call, by transaction."""
    whole: dict[str, list[float]] = field(default_factory=dict)
    """Of every journey that was done, from where it began or should have begun."""
    begun: Counter[str] = field(default_factory=Counter)
    """Journeys, by name."""
    done: Counter[str] = field(default_factory=Counter)
    """Journeys that ended while this was the window, whenever they began."""
    failed: Counter[str] = field(default_factory=Counter)
    turned_away: int = 0
    """Calls answered "not accepted, nothing done"; they came again."""
    late: list[float] = field(default_factory=list)
    """How much later than due the generator itself began a journey."""
    elapsed: float = 0.0
    cpu: float = 0.0


class Town:
    """Institutions and those who come: walks journeys, measures them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._host, self._port = plan["host"], plan["port"]
        self._journeys = {
            name: Journey(
                name,
                tuple(map(Step.of, one.get("begin", ()))),
                tuple(map(Step.of, one["steps"])),
            )
            for name, one in plan["journeys"].items()
        }
        self._plan = plan
        self._free: list[Connection] = []
        self.desks = [Desk(one) for one in plan["desks"]]
        self.figures = Figures("")
        self.refusals: list[str] = []
        self.samples: dict[str, dict[str, Any]] = {}
        """Of every call the size of a request, and an answer."""

    def visitors(self, desk: int, journey: str) -> Iterator[Values]:
        """Everybody who comes to a desk for something, again and again."""
        given = self._plan["desks"][desk]["patients"].get(journey, [])
        return itertools.cycle(
            [{f"@{name}@".encode(): one[name].encode() for name in one} for one in given]
        )

    async def prepare(self) -> list[list[tuple[Journey, Iterator[Values]]]]:
        """For each desk its journeys and who goes on them; what they begin with is done."""
        wards = []
        for number, plan in enumerate(self._plan["desks"]):
            found = []
            for name in plan["patients"]:
                journey = self._journeys[name]
                visitors = self.visitors(number, name)
                if journey.begin:
                    there = list(itertools.islice(visitors, len(plan["patients"][name])))
                    for values in there:
                        await self._begin(self.desks[number], journey, values)
                    visitors = itertools.cycle(there)
                found.append((journey, visitors))
            wards.append(found)
        return wards

    async def _begin(self, desk: Desk, journey: Journey, values: Values) -> None:
        _stamp(values)
        for step in journey.begin:
            answer = await self._answered(
                desk.request(step.template, values), self.ask, self.figures
            )
            assert _DONE in answer, answer[:400].decode("utf-8", "replace")
            step.take(answer, values)

    async def walk(
        self,
        desk: Desk,
        journey: Journey,
        visitor: Values,
        due: float,
        window: Figures | None,
        ask: Ask,
    ) -> None:
        """One journey; measured from ``due``, into ``window`` (None: the one of each answer)."""
        values = visitor
        if not journey.begin:
            values = visitor.copy()
            _stamp(values)
        begun = due
        (window or self.figures).begun[journey.name] += 1
        for step in journey.steps:
            request = desk.request(step.template, values)
            number = step.template[:4]
            try:
                answer = await self._answered(request, ask, window or self.figures)
            except OSError as lost:
                answer = repr(lost).encode()
            now = time.perf_counter()
            into = window or self.figures
            into.seconds.setdefault(number, []).append(now - due)
            due = now
            if _DONE not in answer:
                into.failed[journey.name] += 1
                self.refusals.append(answer[:400].decode("utf-8", "replace"))
                return
            if number not in self.samples:
                self.samples[number] = {"request": len(request), "answer": answer.decode()}
            step.take(answer, values)
        (window or self.figures).whole.setdefault(journey.name, []).append(due - begun)
        self.figures.done[journey.name] += 1

    @staticmethod
    async def _answered(request: bytes, ask: Ask, window: Figures) -> bytes:
        for _ in range(PATIENCE):
            answer = await ask(request)
            if _TURNED_AWAY not in answer:
                return answer
            window.turned_away += 1
            await asyncio.sleep(AGAIN_SECONDS)
        return await ask(request)

    async def connect(self) -> Connection:
        """A connection of one's own."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._host, self._port)
        return connection

    async def ask(self, request: bytes) -> bytes:
        """Over whichever connection is free."""
        connection = None
        while self._free and (connection is None or not connection.is_open):
            connection = self._free.pop()  # the server may have ended one that was idle
        if connection is None or not connection.is_open:
            connection = await self.connect()
        answer = await connection.ask(request)
        self._free.append(connection)
        return answer


def _stamp(values: Values) -> None:
    """A number of one's own, and the time."""
    values[b"@otp@"] = b"B%d" % next(_serials)
    now = time.gmtime(time.time() + 8 * 3600)
    values[b"@now@"] = time.strftime("%Y-%m-%d %H:%M:%S", now).encode()


# ------------------------------------------------------------------------------------- the windows


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """All windows; what was measured in each but the first."""
    town = Town(plan)
    wards = await town.prepare()
    open_loop = any("rates" in window for window in plan["windows"])
    figures = await (_arrive if open_loop else _loop)(town, wards, plan)
    return {
        "windows": [_told(one) for one in figures[1:]],
        "refusals": town.refusals[:20],
        "refused": len(town.refusals),
        "samples": town.samples,
    }


async def _loop(
    town: Town, wards: Sequence[Sequence[tuple[Journey, Iterator[Values]]]], plan: dict[str, Any]
) -> list[Figures]:
    """Closed loop: at every desk one journey after the other, its kinds in turn."""
    ended = False

    async def work(desk: Desk, ward: Sequence[tuple[Journey, Iterator[Values]]]) -> None:
        connection = await town.connect()
        for journey, visitors in itertools.cycle(ward):
            if ended:
                break
            now = time.perf_counter()
            await town.walk(desk, journey, next(visitors), now, None, connection.ask)
        connection.close()

    windows = Windows(town, plan["windows"])
    tasks = [asyncio.create_task(work(*one)) for one in zip(town.desks, wards, strict=True)]
    for window in plan["windows"]:
        windows.next()
        await asyncio.sleep(window["seconds"])
    windows.next()
    ended = True
    await asyncio.gather(*tasks)
    return windows.figures


async def _arrive(
    town: Town, wards: Sequence[Sequence[tuple[Journey, Iterator[Values]]]], plan: dict[str, Any]
) -> list[Figures]:
    """Open loop: every kind of journey arrives at its rate, at the desks in turn."""
    chance = random.Random(plan.get("seed", 1))
    places: dict[str, Iterator[tuple[Desk, Journey, Iterator[Values]]]] = {
        name: itertools.cycle(
            [
                (desk, journey, visitors)
                for desk, ward in zip(town.desks, wards, strict=True)
                for journey, visitors in ward
                if journey.name == name
            ]
        )
        for name in plan["journeys"]
    }
    tasks: set[asyncio.Task[None]] = set()
    windows = Windows(town, plan["windows"])
    for window in plan["windows"]:
        windows.next()
        # who would come after a window's end is drawn anew: chance has no memory, rates change
        figures, due = town.figures, time.perf_counter()
        end = due + window["seconds"]
        names, rates = list(window["rates"]), list(window["rates"].values())
        while sum(rates) and (due := due + chance.expovariate(sum(rates))) < end:
            if (left := due - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            figures.late.append(time.perf_counter() - due)
            [name] = chance.choices(names, rates)
            desk, journey, visitors = next(places[name])
            walk = town.walk(desk, journey, next(visitors), due, figures, town.ask)
            task = asyncio.create_task(walk)
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(max(0.0, end - time.perf_counter()))
    windows.next()
    if tasks:
        _, unfinished = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        town.refusals += ["no answer within a minute"] * len(unfinished)
    return windows.figures


class Windows:
    """One window after the other: says so, measures the generator's own CPU."""

    def __init__(self, town: Town, plan: Sequence[dict[str, Any]]) -> None:
        self._town = town
        self._names = iter([*(window["name"] for window in plan), REST])
        self._since = self._cpu = 0.0
        self.figures: list[Figures] = []

    def next(self) -> None:
        """The next window begins, or after the last one the rest."""
        now, cpu = time.perf_counter(), time.process_time()
        if self.figures:
            self.figures[-1].elapsed = now - self._since
            self.figures[-1].cpu = cpu - self._cpu
        self._since, self._cpu = now, cpu
        self._town.figures = Figures(next(self._names))
        if self._town.figures.name != REST:
            self.figures.append(self._town.figures)
        say(f"window {self._town.figures.name}")


def _told(figures: Figures) -> dict[str, Any]:
    return {
        "name": figures.name,
        "elapsed": figures.elapsed,
        "cpu": figures.cpu,
        "begun": dict(figures.begun),
        "done": dict(figures.done),
        "failed": dict(figures.failed),
        "turned_away": figures.turned_away,
        "seconds": figures.seconds,
        "whole": figures.whole,
        "late": figures.late,
    }


if __name__ == "__main__":
    tell(uvloop.run(run(json.load(sys.stdin))))
