"""The floor of HTTP: the same requests, answers of the same bytes, and no work in between.

granian with the server's own settings and as many processes runs an application that reads the
body and answers what the platform answered to the first such call. The generator is the same, with
the same plan: what it costs on these cores is in both figures.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import psutil
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from benchmarks.driving import driving
from benchmarks.machine import cpu_seconds
from yibao.cli.serving import Running
from yibao.server import BACKLOG

_ANSWERS = "YIBAO_FLOOR_ANSWERS"
_PORT = "YIBAO_FLOOR_PORT"
_WORKERS = "YIBAO_FLOOR_WORKERS"
_READY_SECONDS = 30.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def measure(
    plan: Mapping[str, Any], samples: Mapping[str, Any], server: Running, seconds: float
) -> dict[str, Any]:
    """Calls a second of a closed loop; ``samples`` are what the platform's own run has seen."""
    workers = server.settings.workers
    with _serving(samples, workers) as (process, port):
        windows = [{"name": "warm-up", "seconds": 2.0}, {"name": "measured", "seconds": seconds}]
        with driving({**plan, "port": port, "windows": windows}) as generator:
            tree = [process, *process.children(recursive=True)]
            generator.wait_for("measured")
            before = cpu_seconds(tree)
            generator.wait_for()
            used = cpu_seconds(tree) - before
            [window] = generator.result()["windows"]
    calls = sum(map(len, window["seconds"].values()))
    return {
        "workers": workers,
        "calls_a_second": calls / window["elapsed"],
        "bytes_in": sum(one["request"] for one in samples.values()) / len(samples),
        "bytes_out": sum(len(one["answer"].encode()) for one in samples.values()) / len(samples),
        "cpu_ms_a_call": {"server": 1000 * used / calls, "generator": 1000 * window["cpu"] / calls},
    }


@contextmanager
def _serving(samples: Mapping[str, Any], workers: int) -> Iterator[tuple[psutil.Process, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {
        _ANSWERS: json.dumps({number: one["answer"] for number, one in samples.items()}),
        _PORT: str(port),
        _WORKERS: str(workers),
    }
    process = subprocess.Popen([sys.executable, "-m", __name__], env={**os.environ, **given})
    try:
        _wait_until_ready(port)
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
            connection.close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


# -------------------------------------------------------------------------------- the other process


def application() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application of a worker process."""
    answers = {
        number.encode(): text.encode() for number, text in json.loads(os.environ[_ANSWERS]).items()
    }

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
        body = answers.get(_number(scope), b"ready")
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def _number(scope: Scope) -> bytes:
    """The transaction: the path's end, or a header of the gateways that have one path for all."""
    end: bytes = scope["path"].rpartition("/")[2].encode()
    return end if end.isdigit() else dict(scope["headers"]).get(b"_api_name", b"")


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        kind = message["type"].rpartition(".")[2]
        await send({"type": f"lifespan.{kind}.complete"})
        if kind == "shutdown":
            return


def main() -> None:
    """Serve until SIGTERM."""
    Granian(
        f"{__spec__.name}:{application.__name__}",
        factory=True,
        address="127.0.0.1",
        port=int(os.environ[_PORT]),
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=int(os.environ[_WORKERS]),
        backlog=BACKLOG,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
