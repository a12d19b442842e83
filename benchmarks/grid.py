"""Complete visits a second at 1 and 2 server processes, in 1, 2 and 8 pools, in one table.

    python -m benchmarks.grid [--seconds 20] [--rounds 2]

Closed loops as in ``benchmarks.visits``, from as many desks in every cell. Each number of processes
has a server of its own on a fresh folder; its cells are measured in turn, in every second round
backwards, and the median of the rounds counts. Pools beyond the sandbox's two are invented
(``pools.py``).
"""

import argparse
import asyncio
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import count, measure, positive, refuse_failures
from benchmarks.plan import PERSONS_AN_AREA, plan, windows
from benchmarks.pools import with_pools
from benchmarks.report import Plain, keep, run
from benchmarks.stand import served
from yibao.cli.serving import Running
from yibao.sandbox.accounts import collect


def main() -> None:
    """Measure, print, keep the figures."""
    options = _options()
    console = Console(width=110)
    seconds = options.rounds * len(options.pools) * (options.seconds + options.warm_up)
    cells: list[dict[str, Any]] = []
    for number, workers in enumerate(options.workers):
        with served(console, seconds, workers=workers, told=number == 0) as server:
            cells += _cells(server, options)
    say(console, cells, options)
    result = {"rounds": options.rounds, "connections": options.connections, "cells": cells}
    console.print(f"figures: {keep('grid', __doc__, result, kept=options.keep)}", soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--seconds", type=positive, default=20, help="of a cell, each round")
    parser.add_argument("--warm-up", type=float, default=4, help="seconds before each")
    parser.add_argument("--rounds", type=count, default=2)
    parser.add_argument("--connections", type=count, default=256)
    parser.add_argument("--workers", type=count, nargs="+", default=[1, 2])
    parser.add_argument("--pools", type=count, nargs="+", default=[1, 2, 8])
    parser.add_argument("--keep", action="store_true", help="with the repository's results")
    parser.set_defaults(rate=None, journey="visit", seed=1)
    return parser.parse_args()


def _cells(server: Running, options: argparse.Namespace) -> list[dict[str, Any]]:
    """One server's cells, each in every round."""
    found = with_pools(server, collect(server.settings, PERSONS_AN_AREA), max(options.pools))
    plans = {
        pools: asyncio.run(plan(found, server, connections=options.connections, pools=pools))
        for pools in options.pools
    }
    cells = []
    for number in range(options.rounds):
        for pools in options.pools[:: -1 if number % 2 else 1]:
            result = measure(server, {**plans[pools], "windows": windows(options)}, options)
            refuse_failures(result)
            cells.append(result)
    return cells


def say(console: Console, cells: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """A row for each number of processes, a column for each number of pools."""
    title = f"Visits a second (p99 of 2207), {options.connections} desks, median of rounds"
    table = Table("server processes")
    for pools in options.pools:
        table.add_column(f"{pools} pool{'s' if pools > 1 else ''}", justify="right")
    for workers in options.workers:
        shown = [
            [one for one in cells if (one["workers"], one["pools"]) == (workers, pools)]
            for pools in options.pools
        ]
        table.add_row(str(workers), *map(_cell, shown))
    console.print(title)
    console.print(table)
    most = max(one["taken"]["cores"]["stolen"] for one in cells)
    others = max(one["taken"]["cores"]["others"] for one in cells)
    console.print(
        f"at worst {others:.2f} cores went to others and {most:.2f} to the machine's host",
        highlight=False,
    )


def _cell(rounds: list[dict[str, Any]]) -> str:
    rate = median(one["done_a_second"] for one in rounds)
    slowest = median(one["times"]["2207"]["p99"] for one in rounds)
    return f"{rate:.0f} ({slowest:.0f} ms)"


if __name__ == "__main__":
    run(main)
