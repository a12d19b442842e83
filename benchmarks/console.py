"""What a watching developer costs the bills: visits a second with the console open and closed.

    python -m benchmarks.console [--windows 6] [--seconds 10]

One sandbox, the closed loop of ``benchmarks.visits`` in windows; in every second one a page's way
of looking is done beside it: the list is loaded, then asked for new rows each second, as its script
does. The journal records in both. Figures are visits a second of a window, which swing with what
else the machine does, and CPU milliseconds of server and database for a visit, which hardly do.
"""

import argparse
import asyncio
import re
import statistics
import threading
import urllib.request
from typing import Any

from rich.console import Console

from benchmarks.driving import drive
from benchmarks.machine import Processes, named_machine
from benchmarks.plan import PERSONS_AN_AREA, plan
from benchmarks.report import keep, run
from benchmarks.stand import served
from yibao.sandbox.accounts import collect

EVERY = 1.0
"""Seconds between two looks of the page (``web/static/console.js``)."""


def main() -> None:
    """Run the windows, print each and the ratio of the medians."""
    options = _options()
    console = Console()
    rates: dict[str, list[float]] = {"closed": [], "open": []}
    costs: dict[str, list[float]] = {"closed": [], "open": []}
    with served(console, 2 * options.windows * options.seconds) as server:
        found = collect(server.settings, PERSONS_AN_AREA)
        made = asyncio.run(plan(found, server, connections=options.connections))
        windows = [("start", 0.0), ("measured", options.seconds)]
        load = {**made, "windows": [{"name": n, "seconds": s} for n, s in windows]}
        processes = Processes(server.settings.data)
        _window(load, None)  # warms the server up, and is not counted
        for window in range(2 * options.windows):
            kind = ("closed", "open")[window % 2]
            spent = sum(processes.seconds().values())
            visits, elapsed = _window(load, server.base_url if kind == "open" else None)
            spent = sum(processes.seconds().values()) - spent
            rates[kind].append(visits / elapsed)
            costs[kind].append(1_000 * spent / visits)
            line = f"{kind:6} {visits / elapsed:6.1f} visits/s {costs[kind][-1]:6.2f} ms CPU"
            console.print(line, highlight=False)
    for what, figures in (("visits/s", rates), ("CPU a visit", costs)):
        ratio = statistics.median(figures["open"]) / statistics.median(figures["closed"])
        console.print(f"open ÷ closed, medians of {what}: {ratio:.3f}", highlight=False)
    kept = keep("console", __doc__, {"rates": rates, "costs": costs})
    console.print(f"{named_machine()}; raw: {kept}", highlight=False, soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--windows", type=int, default=6, help="of each kind")
    parser.add_argument("--seconds", type=int, default=10, help="of a window")
    parser.add_argument("--connections", type=int, default=64)
    return parser.parse_args()


def _window(load: dict[str, Any], watched: str | None) -> tuple[int, float]:
    """Visits and seconds of one window, with a page open on ``watched`` or with none."""
    done = threading.Event()
    looking = threading.Thread(target=_look, args=(watched, done)) if watched else None
    if looking is not None:
        looking.start()
    try:
        [window] = drive(load)["windows"]
    finally:
        done.set()
        if looking is not None:
            looking.join()
    return window["done"]["visit"], window["elapsed"]


def _look(base_url: str, done: threading.Event) -> None:
    """Keep a list of messages open as a browser does."""
    page, _ = _fetched(f"{base_url}/ui/messages")
    found = re.search(r'data-last="(\d+)"', page)
    last = found.group(1) if found else "0"
    while not done.wait(EVERY):
        _, headers = _fetched(f"{base_url}/ui/messages/rows?after={last}")
        last = headers.get("X-Last-Message", last)


def _fetched(url: str) -> tuple[str, Any]:
    with urllib.request.urlopen(url) as answer:
        return answer.read().decode(), answer.headers


if __name__ == "__main__":
    run(main)
