"""Run ``yibao serve`` as a process of its own and wait until it answers."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_YIBAO = (sys.executable, "-c", "from yibao.cli import main; main()")
_LOG = "serve.log"
_POLL_SECONDS = 0.1
_STOP_SECONDS = 30


class NotServing(Exception):  # noqa: N818 - reads as a fact
    """The server ended or did not become ready; the text has the end of its log."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers."""

    base_url: str
    process: int
    """Id of the process of ``yibao serve``; its workers are below it."""
    ready_after: float
    """Seconds from its start until it was ready."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(data: Path, *options: str, patience: float = 120) -> Iterator[Served]:
    """Serve the sandbox of the folder ``data`` on a free port until the block ends.

    ``options`` go to ``yibao serve``; ``patience`` is in seconds. Its output is in ``serve.log`` of
    the folder. Raises NotServing.
    """
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = data / _LOG
    command = [
        *_YIBAO,
        *("serve", "--sandbox", "--data", str(data), "--port", str(port), *options),
    ]
    started = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "YIBAO_LOG_LEVEL": "warning"},
        )
    try:
        base_url = f"http://127.0.0.1:{port}"
        while not _is_ready(base_url):
            if process.poll() is not None or time.monotonic() - started > patience:
                tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise NotServing(f"`yibao serve` is not ready; the end of {log}:\n{tail}")
            time.sleep(_POLL_SECONDS)
        yield Served(base_url, process.pid, time.monotonic() - started)
    finally:
        _stop(process)


def _is_ready(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
