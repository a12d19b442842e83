"""What runs beside the hospitals: the server's hourly chores, the books are read, a backup is made.

The chores run in the server as they always do, when it starts and every hour; here they come more
often, so that half an hour sees them.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

LOW = 10
"""How much lower than the server's the priority of these is, as an administrator would have it."""
REST_SECONDS = 20.0
"""Between one and the next."""


class Beside:
    """One command after the other, again and again, in a thread of its own."""

    def __init__(self, data: Path) -> None:
        self.done: list[dict[str, Any]] = []
        self._data = data
        self._ended = threading.Event()
        self._running: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Break off what is under way."""
        self._ended.set()
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
        if self._thread.is_alive():
            self._thread.join()

    def failures(self) -> list[str]:
        """Commands that ended with a fault."""
        return [one["command"] for one in self.done if one["ended"] not in (0, None)]

    def _go_on(self) -> None:
        while not self._ended.is_set():
            for name, arguments in self._commands().items():
                self._run(name, arguments)
                if self._ended.wait(REST_SECONDS):
                    return

    def _commands(self) -> dict[str, Sequence[str]]:
        yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
        return {
            "chores": ("benchmarks.soak.chores",),
            f"ledger verify --since {yesterday}": (
                "yibao", "ledger", "verify", "--json", "--since", yesterday,
            ),
            "backup": ("yibao", "backup", str(self._backup)),
        }  # fmt: skip

    @property
    def _backup(self) -> Path:
        return self._data / "soak.bak"

    def _run(self, name: str, arguments: Sequence[str]) -> None:
        started = time.perf_counter()
        self._running = subprocess.Popen(
            [sys.executable, "-m", *arguments, "--data", str(self._data)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        psutil.Process(self._running.pid).nice(LOW)
        if self._ended.is_set():  # just now
            self._running.terminate()
        ended: int | None = self._running.wait()
        if self._ended.is_set():
            ended = None  # broken off by us: it says nothing
        size = self._backup.stat().st_size if self._backup.exists() else 0
        self._backup.unlink(missing_ok=True)
        self.done.append(
            {
                "command": name,
                "seconds": time.perf_counter() - started,
                "ended": ended,
                "bytes": size,
            }
        )


@contextmanager
def beside(data: Path, *, idle: bool = False) -> Iterator[Beside]:
    """These commands, for as long as the block lasts; ``idle``: none of them."""
    run = Beside(data)
    if not idle:
        run.start()
    try:
        yield run
    finally:
        run.stop()
