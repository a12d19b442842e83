"""Durable settlements without HTTP, and what they are of a bare COPY of the same rows.

    python -m benchmarks.in_process [--callers 256] [--processes 2]

The house is opened as a worker process opens it, in processes of its own that speak no HTTP, and
callers wait for one command after the other, as many as there are connections in
``benchmarks.visits``. Three things are done in turn: complete visits (register, describe, upload 20
lines, try, settle: four commands and a read); settlements alone, of visits whose lines were
uploaded before; and purchases of 20 lines, which are visit, lines and settlement in one command.
After each, the rows that it wrote are copied into twins of their tables by ``copy_floor.py``, on
one connection, with the same durability: 32 a transaction, and as many as the server takes at most.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import copy_floor, goals
from benchmarks.load import count, positive
from benchmarks.machine import Processes, Usage
from benchmarks.plan import PERSONS_AN_AREA
from benchmarks.report import Plain, keep, run
from benchmarks.stand import served
from yibao.cli.serving import Running
from yibao.platform.commands.service import BATCH_LIMIT
from yibao.sandbox.accounts import collect

PREPARED = 40
"""Visits with their lines that each caller then settles."""


def main() -> None:
    """Measure, print, keep the figures."""
    options = _options()
    console = Console(width=120)
    with served(console, 3 * options.seconds + 60) as server:
        result = measured(server, options)
    say(console, result)
    path = keep("in-process", __doc__, result, kept=options.keep)
    console.print(f"figures: {path}", soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--seconds", type=positive, default=10, help="of visits and of purchases")
    parser.add_argument("--warm-up", type=float, default=3, help="seconds of visits before")
    parser.add_argument("--callers", type=count, default=256, help="in all processes together")
    parser.add_argument("--processes", type=count, default=2)
    parser.add_argument("--prepared", type=count, default=PREPARED, help="visits a caller settles")
    parser.add_argument("--keep", action="store_true", help="with the repository's results")
    return parser.parse_args()


def measured(server: Running, options: argparse.Namespace) -> dict[str, Any]:
    """Visits, settlements and purchases a second, each with its floor."""
    dsn = server.settings.database_url
    assert dsn is not None
    found = collect(server.settings, PERSONS_AN_AREA)
    processes = Processes(server.settings.data)
    phases = {
        "visits": {"phase": "visits", "seconds": options.seconds},
        "settlements": {"phase": "settle"},
        "purchases of 20 lines": {"phase": "purchases", "seconds": options.seconds},
    }
    told: dict[str, Any] = {}
    with _drivers(server, found, options) as drivers:
        drivers.ask({"phase": "visits", "seconds": options.warm_up})
        for name, phase in phases.items():
            if name == "settlements":
                drivers.ask({"phase": "prepare", "each": options.prepared})
            before = asyncio.run(copy_floor.counted(dsn))
            used, usage = processes.seconds(), Usage.now()
            answers = drivers.ask(phase)
            now, later = processes.seconds(), Usage.now()
            done = sum(answer["done"] for answer in answers)
            python = sum(answer["cpu"] for answer in answers)
            postgresql = now["postgresql"] - used["postgresql"]
            rate = done / max(answer["elapsed"] for answer in answers)
            floor = asyncio.run(copy_floor.copied(dsn, before, done))
            large = asyncio.run(copy_floor.copied(dsn, before, done, BATCH_LIMIT))
            told[name] = {
                "done": done,
                "a_second": rate,
                "cpu_ms": {"python": 1000 * python / done, "postgresql": 1000 * postgresql / done},
                "cores": usage.until(later, python + postgresql),
                "rows": floor.rows_a_visit,
                "bytes": floor.bytes_a_visit,
                "floor_a_second": floor.visits_a_second,
                "ratio": rate / floor.visits_a_second,
                "large": {
                    "portion": BATCH_LIMIT,
                    "floor_a_second": large.visits_a_second,
                    "ratio": rate / large.visits_a_second,
                },
            }
    return {"callers": options.callers, "processes": options.processes, "phases": told}


class Drivers:
    """Processes that each hold an open house, and do what they are told at the same time."""

    def __init__(self, processes: Sequence["subprocess.Popen[str]"]) -> None:
        self._processes = processes

    def ask(self, what: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Have it done by all; what each answers."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()
        return [self._answer(process) for process in self._processes]

    @staticmethod
    def _answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise ChildProcessError("a driver broke off")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def _drivers(
    server: Running, found: Mapping[str, Any], options: argparse.Namespace
) -> Iterator[Drivers]:
    count = options.processes
    with ExitStack() as stack:
        started = []
        for number in range(count):
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.in_process_driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(_end, process)
            started.append(process)
            assert process.stdin is not None
            plan = {
                "environment": server.settings.environment(),
                "callers": options.callers // count,
                "institutions": found["institutions"],
                "items": found["items"],
                # nobody is at two processes at once
                "persons": _part(found["persons"], number, count),
            }
            process.stdin.write(json.dumps(plan) + "\n")
            process.stdin.flush()
        yield Drivers(started)


def _part(persons: Sequence[Mapping[str, Any]], number: int, count: int) -> list[Any]:
    numbers = sorted({row["psn_no"] for row in persons})
    mine = set(numbers[number::count])
    return [row for row in persons if row["psn_no"] in mine]


def _end(process: "subprocess.Popen[str]") -> None:
    """It ends when nobody speaks to it any more."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def say(console: Console, result: Mapping[str, Any]) -> None:
    """The figures for people."""
    title = f"In process: {result['callers']} callers, {result['processes']} processes, no HTTP"
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in (
        "done",
        "a second",
        "rows",
        "bytes",
        f"COPY, {copy_floor.PORTION}",
        "÷ it",
        f"COPY, {BATCH_LIMIT}",
        "÷ it",
        "ms Python",
        "ms PostgreSQL",
        "others, stolen",
    ):
        table.add_column(heading, justify="right")
    for name, one in result["phases"].items():
        table.add_row(
            name,
            f"{one['done']:,}",
            f"{one['a_second']:,.0f}",
            f"{one['rows']:.1f}",
            f"{one['bytes']:,.0f}",
            f"{one['floor_a_second']:,.0f}",
            f"{one['ratio']:.2f}",
            f"{one['large']['floor_a_second']:,.0f}",
            f"{one['large']['ratio']:.2f}",
            f"{one['cpu_ms']['python']:.2f}",
            f"{one['cpu_ms']['postgresql']:.2f}",
            f"{one['cores']['others']:.2f}, {one['cores']['stolen']:.2f}",
        )
    console.print(table)
    reached = [
        (replace(goals.OF_COPY, name=f"{goals.OF_COPY.name}: {name}"), one["ratio"])
        for name, one in result["phases"].items()
    ]
    console.print(goals.table_of_goals(reached))


if __name__ == "__main__":
    run(main)
