"""One load against one server: drives it, looks at what it takes, sums up what was measured."""

import argparse
import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.consumption import Consumption
from benchmarks.driving import driving
from benchmarks.plan import PERSONS_AN_AREA, plan, windows
from benchmarks.report import Plain, quantiles, table_of_times
from yibao.cli.serving import Running
from yibao.sandbox.accounts import collect

KEPT_RATE = 0.99
FEW = 10
"""Journeys by which the number under way may differ at the edges of a window."""


def is_kept(begun: int, done: int) -> bool:
    """Whether an open loop's rate was kept: what arrived was done meanwhile, and heaped nothing."""
    return done >= KEPT_RATE * begun - FEW


def options_of(described: str | None) -> argparse.ArgumentParser:
    """The options that every load has."""
    parser = argparse.ArgumentParser(description=described, formatter_class=Plain)
    parser.add_argument("--seconds", type=positive, default=40, help="measured window")
    parser.add_argument("--warm-up", type=float, default=10, help="seconds before it")
    parser.add_argument("--rate", type=positive, help="open loop: so many arrive in a second")
    parser.add_argument("--connections", type=count, default=256, help="desks, each with one")
    parser.add_argument("--workers", type=count, help="server processes (the server's default)")
    parser.add_argument(
        "--pools", type=count, help="so many areas have visits (all that there are)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of what arrives when")
    parser.add_argument("--keep", action="store_true", help="with the repository's results")
    parser.set_defaults(journey="visit")
    return parser


def positive(text: str) -> float:
    """A number above nothing, for argparse."""
    if not (number := float(text)) > 0:
        raise ValueError(text)
    return number


def count(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def plan_of(server: Running, options: argparse.Namespace) -> dict[str, Any]:
    """The generator's plan for one kind of journey."""
    found = collect(server.settings, PERSONS_AN_AREA)
    made = asyncio.run(
        plan(
            found,
            server,
            [options.journey],
            connections=options.connections,
            pools=options.pools,
        )
    )
    return {**made, "windows": windows(options), "seed": options.seed}


def measure(
    server: Running, given: Mapping[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Drive the load through its windows; what the measured one came to."""
    consumption = Consumption(server)
    with driving(given) as generator:
        generator.wait_for("measured")
        first = consumption.stand()
        generator.wait_for()
        last = consumption.stand()
        found = generator.result()
    [window] = found["windows"]
    done = sum(window["done"].values())
    begun = sum(window["begun"].values())
    return {
        "journey": options.journey,
        "loop": "closed" if options.rate is None else "open",
        "rate": options.rate,
        "connections": options.connections,
        "workers": server.settings.workers,
        "pools": given["pools"],
        "elapsed_s": window["elapsed"],
        "begun": begun,
        "done": done,
        "done_a_second": done / window["elapsed"],
        "calls": sum(map(len, window["seconds"].values())),
        "calls_a_second": sum(map(len, window["seconds"].values())) / window["elapsed"],
        "rate_kept": options.rate is None or is_kept(begun, done),
        "turned_away": window["turned_away"],
        "refused": found["refused"],
        "refusals": found["refusals"],
        "times": {call: quantiles(window["seconds"][call]) for call in sorted(window["seconds"])},
        "whole": quantiles(window["whole"].get(options.journey, [])),
        "generator_late": quantiles(window["late"]),
        "samples": found["samples"],
        "taken": consumption.taken(first, last, max(1, done), window["cpu"]),
    }


def say(console: Console, result: Mapping[str, Any], *, tables: bool = True) -> None:
    """The figures for people."""
    loop = "closed loop" if result["loop"] == "closed" else f"{result['rate']:g} a second arrive"
    title = (
        f"{result['journey']}, {loop}, {result['connections']} desks, {result['workers']} server "
        f"processes, {result['pools']} pools, {result['elapsed_s']:.0f} s"
    )
    console.print(title, highlight=False)
    console.print(table_of_times(result["times"] | {"whole": result["whole"]}))
    if result["loop"] == "open":
        late = result["generator_late"]
        console.print(
            f"rate {'kept' if result['rate_kept'] else 'NOT KEPT'}: {result['begun']:,} arrived, "
            f"{result['done']:,} were done meanwhile; times are from the planned arrival; the "
            f"generator itself was late by {late.get('p99', 0):.1f} ms at p99, "
            f"{late.get('max', 0):.1f} ms at most",
            highlight=False,
        )
    if result["turned_away"]:
        console.print(f"turned away (9001), and came again: {result['turned_away']:,} calls")
    taken = result["taken"]
    cpu, cores, memory = taken["cpu_ms"], taken["cores"], taken["memory_bytes"]
    console.print(
        f"CPU of one: server {cpu['server']:.2f} ms, PostgreSQL {cpu['postgresql']:.2f} ms; "
        f"generator (Python, same cores) {cpu['generator']:.2f} ms",
        highlight=False,
    )
    console.print(
        f"cores: ours {cores['ours']:.2f}, others on this machine {cores['others']:.2f}, taken by "
        f"its host {cores['stolen']:.2f}; batches of {taken['batch_commands']:.1f} commands in "
        f"{taken['batch_ms']:.1f} ms on average",
        highlight=False,
    )
    console.print(
        f"memory: server {memory['server'] / 1e6:,.0f} MB, PostgreSQL "
        f"{memory['postgresql'] / 1e6:,.0f} MB; largest process {memory['worker_most'] / 1e6:,.0f}"
        f" MB resident",
        highlight=False,
    )
    if tables:
        console.print(_bytes(taken))


def _bytes(taken: Mapping[str, Any]) -> Table:
    table = Table("table", title="Bytes that one leaves", title_justify="left")
    for heading in ("rows", "indexes", "together"):
        table.add_column(heading, justify="right")
    small: Counter[str] = Counter()
    for name, size in taken["bytes_by_table"].items():
        if sum(size.values()) < _SMALL:
            small.update(size)
            continue
        table.add_row(name, *(f"{size[part]:,.0f}" for part in ("rows", "indexes")), _sum(size))
    if small:
        table.add_row(
            "others", *(f"{small[part]:,.0f}" for part in ("rows", "indexes")), _sum(small)
        )
    table.add_section()
    table.add_row("all tables", "", "", f"{taken['bytes']['stored']:,.0f}")
    table.add_row("log (WAL)", "", "", f"{taken['bytes']['log']:,.0f}")
    return table


_SMALL = 10
"""Bytes; tables that grow less are told together."""


def _sum(size: Mapping[str, float]) -> str:
    return f"{sum(size.values()):,.0f}"


def refuse_failures(result: Mapping[str, Any]) -> None:
    """Exit with an error when calls were refused: then something else was measured."""
    if result["refused"]:
        raise SystemExit(f"{result['refused']} calls were refused: {result['refusals'][0]}")
