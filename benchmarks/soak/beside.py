"""What runs beside the hospitals: the server's hourly chores, an audit, months that are put away.

The chores run in the server as they always do, when it starts and every hour; here they come more
often, so that half an hour sees them. All of it gives way to the server, as its own archiving does.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_GIVING_WAY = (sys.executable, "-m", "yibao.platform.background")
REST_SECONDS = 20.0
"""Between one and the next."""
_ALL_THAT_IS_OVER = {"YIBAO_HOT_MONTHS": "1"}
"""So that months that were only just filled in are old enough to go."""


class Beside:
    """One command after the other, again and again, in a thread of its own."""

    def __init__(self, data: Path, months: Sequence[str]) -> None:
        """``months`` can be put away: one a round, the oldest first."""
        self.done: list[dict[str, Any]] = []
        self._data = data
        self._months = list(months)
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
        commands: dict[str, Sequence[str]] = {
            "chores": ("benchmarks.soak.chores",),
            f"ledger verify --since {yesterday}": (
                "yibao", "ledger", "verify", "--json", "--since", yesterday,
            ),
        }  # fmt: skip
        if self._months:
            month = self._months.pop(0)
            commands[f"archive month {month}"] = ("yibao", "archive", "month", month, "--json")
        return commands

    def _run(self, name: str, arguments: Sequence[str]) -> None:
        started = time.perf_counter()
        self._running = subprocess.Popen(
            [*_GIVING_WAY, *arguments, "--data", str(self._data)],
            stdin=subprocess.PIPE,  # it ends when this closes
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ALL_THAT_IS_OVER,
        )
        if self._ended.is_set():  # just now
            self._running.terminate()
        ended: int | None = self._running.wait()
        if self._ended.is_set():
            ended = None  # broken off by us: it says nothing
        seconds = time.perf_counter() - started
        self.done.append({"command": name, "seconds": seconds, "ended": ended})


@contextmanager
def beside(data: Path, months: Sequence[str], *, idle: bool = False) -> Iterator[Beside]:
    """These commands, for as long as the block lasts; ``idle``: none of them."""
    run = Beside(data, months)
    if not idle:
        run.start()
    try:
        yield run
    finally:
        run.stop()
