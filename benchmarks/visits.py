"""Complete outpatient visits over HTTP, against a fresh platform, and the floors below them.

    python -m benchmarks.visits                  closed loop: how many a second at most
    python -m benchmarks.visits --rate 200       open loop: how long a call takes at that rate

A visit is 2201, 2203, 2204 with 20 lines, 2206 and 2207. The server is ``yibao serve``'s own, on a
fresh data folder with fsync on; the load comes from ``generator.py`` in a process of its own, on
the same cores. In an open loop visits arrive at random instants, at the rate asked for, whether or
not others are answered, and times are from when a call was due. In a closed loop the same run has
two floors: ``http_floor.py`` answers the same bytes to the same requests and does no work, and
``copy_floor.py`` copies the same rows into the database and does nothing else. One more figure is
held beside it, measured before on this kind of machine: what a claim costs openIMIS.
"""

import argparse
import asyncio
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from benchmarks import copy_floor, goals, http_floor
from benchmarks.load import measure, options_of, plan_of, refuse_failures, say
from benchmarks.machine import pace
from benchmarks.report import keep, run
from benchmarks.stand import served
from yibao.cli.serving import Running

PEER_CPU_SECONDS = 1.70
PEER_PACE = 170
"""SM2 signatures a second of the machine that this was measured on (``machine.pace``)."""
PEER = (
    "openIMIS 24.10 (Django): 1.70 s of CPU and 1,247 SQL statements a claim of 20 items, measured "
    f"before on two cores of {PEER_PACE} SM2 signatures a second; no part of this run"
)


def main() -> None:
    """Measure, print, keep the figures."""
    options = _options()
    console = Console(width=110)
    with served(console, options.seconds + options.warm_up + 60, workers=options.workers) as server:
        result = measured(server, options)
    say(console, result)
    if "floors" in result:
        _say_floors(console, result["floors"])
    console.print(goals.table_of_goals(_reached(result)))
    console.print(f"figures: {keep('visits', __doc__, result, kept=options.keep)}", soft_wrap=True)
    if options.rate is None:
        console.print(f"calls/s closed loop: {result['calls_a_second']:.0f}")
        console.print(f"visits/s closed loop: {result['done_a_second']:.0f}")
    refuse_failures(result)


def _options() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.add_argument("--no-floors", action="store_true", help="the visits alone")
    parser.add_argument("--floor-seconds", type=float, default=8, help="window of the HTTP floor")
    return parser.parse_args()


def measured(server: Running, options: argparse.Namespace) -> dict[str, Any]:
    """The visits, and in a closed loop the floors."""
    dsn = server.settings.database_url
    assert dsn is not None
    given = plan_of(server, options)
    before = asyncio.run(copy_floor.counted(dsn))
    result = measure(server, given, options)
    if options.rate is not None or options.no_floors:
        return result
    copied = asyncio.run(copy_floor.copied(dsn, before))
    answered = http_floor.measure(given, result["samples"], server, options.floor_seconds)
    cpu = result["taken"]["cpu_ms"]
    of_one = (cpu["server"] + cpu["postgresql"]) / 1000
    result["floors"] = {
        "copy": {
            "visits_a_second": copied.visits_a_second,
            "rows_a_visit": copied.rows_a_visit,
            "bytes_a_visit": copied.bytes_a_visit,
            "ratio": result["done_a_second"] / copied.visits_a_second,
        },
        "http": answered | {"ratio": result["calls_a_second"] / answered["calls_a_second"]},
        "peer": {
            "cpu_s": PEER_CPU_SECONDS,
            "source": PEER,
            "ratio": of_one / PEER_CPU_SECONDS,
            "on_equal_cores": of_one / PEER_CPU_SECONDS * pace() / PEER_PACE,
        },
    }
    return result


def _reached(result: dict[str, Any]) -> Iterator[tuple[goals.Goal, float]]:
    """What this run says of the goals."""
    if result["loop"] == "open":
        if result["rate"] == goals.OPEN_RATE and "2207" in result["times"]:
            yield goals.SETTLE_P99, result["times"]["2207"]["p99"]
    else:
        yield goals.VISITS, result["done_a_second"]
    yield goals.BYTES, result["taken"]["bytes"]["stored"]
    for name, goal in (("http", goals.OF_HTTP), ("peer", goals.OF_PEER)):
        if "floors" in result:
            yield goal, result["floors"][name]["ratio"]


def _say_floors(console: Console, floors: dict[str, Any]) -> None:
    copied, answered, peer = floors["copy"], floors["http"], floors["peer"]
    console.print(
        f"COPY floor of the same rows ({copied['rows_a_visit']:.1f} rows, "
        f"{copied['bytes_a_visit']:,.0f} bytes a visit; one connection, {copy_floor.PORTION} visits"
        f" a transaction): {copied['visits_a_second']:,.0f} visits/s; over HTTP "
        f"{copied['ratio']:.2f} of it",
        highlight=False,
    )
    console.print(
        f"HTTP floor of the same bytes ({answered['bytes_in']:,.0f} in, "
        f"{answered['bytes_out']:,.0f} out a call; {answered['workers']} processes that do no work,"
        f" the same generator): "
        f"{answered['calls_a_second']:,.0f} calls/s; the visits' calls {answered['ratio']:.2f} of "
        f"it",
        highlight=False,
    )
    console.print(
        f"CPU of a visit ÷ CPU of openIMIS's claim: 1/{1 / peer['ratio']:,.0f}; on cores as quick "
        f"as those 1/{1 / peer['on_equal_cores']:,.0f} ({peer['source']})",
        highlight=False,
    )


if __name__ == "__main__":
    run(main)
