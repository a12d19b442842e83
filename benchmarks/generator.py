"""The load: visits of five calls over raw sockets, as cheap as Python can make them.

Started by ``visits.py`` in a process of its own. Requests are templates of bytes; an answer is cut
by its Content-Length and searched for the two things that a visit needs, never parsed. Reads its
plan (JSON) from standard input; writes a line at the edges of the measured window and, last, what
it measured (JSON) to standard output.
"""

import asyncio
import hashlib
import itertools
import json
import secrets
import sys
import time
from typing import Any, cast

import uvloop

STEPS = ("2201", "2203", "2204", "2206", "2207")

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
    """One hospital's requests: signed heads, bodies from templates."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._code: str = plan["institution"]
        self._account: str = plan["key_id"]
        self._secret: str = plan["secret"]
        self._templates: dict[str, bytes] = {
            step: plan["templates"][step].encode() for step in STEPS
        }

    def request(self, step: str, values: dict[bytes, bytes]) -> bytes:
        """The bytes of one request; ``values`` replace the marks of its template."""
        serial = next(_serials)
        now = int(time.time())
        second = time.strftime("%Y%m%d%H%M%S", time.gmtime(now + 8 * 3600))
        message_id = f"{self._code}{second}{serial % 10_000:04d}".encode()
        body = self._templates[step].replace(b"@msgid@", message_id)
        for mark, value in values.items():
            body = body.replace(mark, value)
        nonce = f"{serial:x}"
        signed = hashlib.sha256(f"{now}{self._secret}{nonce}{now}".encode()).hexdigest()
        head = (
            f"POST /hsa/hgs/{step} HTTP/1.1\r\nHost: yibao\r\nContent-Type: application/json\r\n"
            f"x-tif-paasid: {self._account}\r\nx-tif-timestamp: {now}\r\nx-tif-nonce: {nonce}\r\n"
            f"x-tif-signature: {signed}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Load:
    """All connections, and what they measured."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self.measuring = False
        self.ended = False
        self.seconds: dict[str, list[float]] = {step: [] for step in STEPS}
        self.visits = 0
        self.refusals: list[str] = []

    async def run(self) -> dict[str, Any]:
        """Warm up, measure, stop; the result."""
        plan = self._plan
        tasks = [asyncio.create_task(self._work(desk)) for desk in plan["desks"]]
        await asyncio.sleep(plan["warm_up"])
        self._say("measuring")
        self.measuring = True
        cpu, started = time.process_time(), time.perf_counter()
        await asyncio.sleep(plan["measure"])
        self.measuring = False
        elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
        self._say("measured")
        self.ended = True
        await asyncio.gather(*tasks)
        return {
            "visits": self.visits,
            "elapsed": elapsed,
            "cpu": cpu,
            "seconds": self.seconds,
            "refusals": self.refusals,
        }

    async def _work(self, plan: dict[str, Any]) -> None:
        """One connection: visit after visit of its own patients."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            Connection, self._plan["host"], self._plan["port"]
        )
        desk = Desk(plan)
        for patient in itertools.cycle(plan["patients"]):
            if self.ended:
                break
            if await self._visit(connection, desk, patient) and self.measuring:
                self.visits += 1
        connection.close()

    async def _visit(self, connection: Connection, desk: Desk, patient: dict[str, str]) -> bool:
        values = {f"@{name}@".encode(): value.encode() for name, value in patient.items()}
        values[b"@otp@"] = b"B%d" % next(_serials)
        for step in STEPS:
            request = desk.request(step, values)
            started = time.perf_counter()
            answer = await connection.ask(request)
            took = time.perf_counter() - started
            if self.measuring:
                self.seconds[step].append(took)
            if b'"infcode":0' not in answer:
                self.refusals.append(answer[:400].decode("utf-8", "replace"))
                return False
            if step == "2201":
                at = answer.index(b'"mdtrt_id":"') + 12
                values[b"@visit@"] = answer[at : answer.index(b'"', at)]
        return True

    @staticmethod
    def _say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    result = uvloop.run(Load(json.load(sys.stdin)).run())
    json.dump(result, sys.stdout)
