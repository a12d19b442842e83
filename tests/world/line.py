"""The line between institutions and platform: a proxy that loses, delays, doubles and reorders.

It reads whole requests, asks ``fate`` what is to become of each, and does that on real sockets: the
institution sees a cut connection or silence, the platform a request that comes late or twice.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of one request."""

    PASS = "pass"
    LOSE_REQUEST = "lose_request"
    """Cut before anything reaches the platform."""
    CUT_REQUEST = "cut_request"
    """Half of it reaches the platform, then both ends are cut."""
    LOSE_REPLY = "lose_reply"
    """Done, but the institution's connection is cut instead of answered."""
    CUT_REPLY = "cut_reply"
    """Half of the reply, then the cut."""
    LATE = "late"
    """It reaches the platform after the institution has hung up."""
    SLOW_REPLY = "slow_reply"
    """The reply takes its time."""
    TWICE = "twice"
    """Two copies at once; the first reply is handed on."""
    AGAIN_LATER = "again_later"
    """Answered, and a second copy comes long after."""
    OVERTAKEN = "overtaken"
    """Held until other requests have passed."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """A fate, and for how long where time matters."""

    fate: Fate = Fate.PASS
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came."""

    head: bytes
    body: bytes

    @property
    def bytes(self) -> bytes:
        """All of it."""
        return self.head + self.body


class Line:
    """Listens on a port of its own and hands on to the platform's."""

    def __init__(self, platform_port: Callable[[], int], fate: Callable[[bytes], Treatment]):
        """``fate`` is asked with the body of each request."""
        self._platform_port = platform_port
        self._fate = fate
        self._server: asyncio.Server | None = None
        self._later: set[asyncio.Task[bytes | None]] = set()
        self.met: Counter[Fate] = Counter()
        """How many requests met which fate."""

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    @property
    def base_url(self) -> str:
        """Where institutions send to."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def settled(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._later:
            await asyncio.wait(set(self._later))

    # --------------------------------------------------------------------------------- private

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_CUT):
            while request := await read_message(reader):
                # what happens to a request does not end with the connection that brought it
                if not await self._hand_on(request, writer):
                    break
        writer.close()

    async def _hand_on(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Let a request meet its fate; False when its connection is to be cut."""
        treatment = self._fate(request.body)
        fate, seconds = treatment.fate, treatment.seconds
        self.met[fate] += 1
        if fate is Fate.LOSE_REQUEST:
            return False
        if fate is Fate.CUT_REQUEST:
            await self._forward(request.bytes[: len(request.head) + len(request.body) // 2])
            return False
        if fate is Fate.LATE:
            self._start(self._forward_after(request, seconds))
            return False
        if fate is Fate.OVERTAKEN:
            await asyncio.sleep(seconds)
        copies = [self._start(self._forward(request.bytes))]
        if fate is Fate.TWICE:
            copies.append(self._start(self._forward(request.bytes)))
        reply = await _first(copies)
        if fate is Fate.AGAIN_LATER:
            self._start(self._forward_after(request, seconds))
        if fate is Fate.SLOW_REPLY:
            await asyncio.sleep(seconds)
        if reply is None or fate is Fate.LOSE_REPLY:
            return False
        writer.write(reply[: len(reply) // 2] if fate is Fate.CUT_REPLY else reply)
        await writer.drain()
        return fate is not Fate.CUT_REPLY

    def _start(self, work: Coroutine[None, None, bytes | None]) -> "asyncio.Task[bytes | None]":
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return task

    async def _forward_after(self, request: Request, seconds: float) -> bytes | None:
        await asyncio.sleep(seconds)
        return await self._forward(request.bytes)

    async def _forward(self, request: bytes) -> bytes | None:
        """The platform's reply on a connection of its own; None when there is none."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._platform_port())
        except OSError:
            return None
        try:
            writer.write(request)
            if len(request) < _length_of(request):
                await writer.drain()
                return None
            reply = await read_message(reader)
        except _CUT:
            return None
        else:
            return None if reply is None else reply.bytes
        finally:
            writer.close()


_CUT = (ConnectionError, asyncio.IncompleteReadError, OSError, asyncio.LimitOverrunError)
_END = b"\r\n\r\n"


async def _first(copies: "Sequence[asyncio.Task[bytes | None]]") -> bytes | None:
    """The reply of whichever copy is answered first; the others come to their end too."""
    waiting: set[asyncio.Task[bytes | None]] = set(copies)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            if (reply := one.result()) is not None:
                return reply
    return None


async def read_message(reader: asyncio.StreamReader) -> Request | None:
    """One request or reply; None at the connection's end."""
    try:
        head = await reader.readuntil(_END)
    except asyncio.IncompleteReadError:
        return None
    fields = _fields(head)
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return Request(head, await _read_chunks(reader))
    return Request(head, await reader.readexactly(int(fields.get(b"content-length", b"0"))))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """A chunked body, as it came."""
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size, 16) + 2)
        body += size + chunk
        if int(size, 16) == 0:
            return body


def _fields(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    return {name.lower(): value.strip() for name, _, value in lines}


def _length_of(request: bytes) -> int:
    head, _, _ = request.partition(b"\r\n\r\n")
    return len(head) + 4 + int(_fields(head).get(b"content-length", b"0"))
