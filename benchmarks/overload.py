"""What a server accepts, and how fast, when twice as much comes as it can carry.

    python -m benchmarks.overload            (--rounds 5 --seconds 20)

The server is ``yibao serve``'s own on a fresh data folder with fsync on, as in ``visits.py``; the
load (``arrivals.py``) runs in a process of its own on the same cores. Cashiers in a closed loop
give a first guess. They go in step, as arrivals never do, and so fill batches as arrivals never
will: what can be carried is found by visits that arrive by themselves, at rising rates. The peak is
where most calls a second are accepted. Then, in turn and several times, twice that rate and that
rate again; what is turned away comes again. A machine is not as quick in every minute: each
overload is held against the mean of the peaks before and after it, and the median of the rounds
counts. A round counts when the machine's host took as much in the overload as in those peaks, to a
tenth of a core, and not more than 0.4 cores (*stolen*); another is played for one that does not.
Wanted: accepted calls a second stay at 90 % of the peak or more, 99 of 100 accepted calls are
answered within a second in every round that counts, and no call fails otherwise in any. Exit code 1
when it is not so.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from itertools import compress, pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.arrivals import counts
from benchmarks.evidence import FOLDER, Experiment, keep
from benchmarks.machine import named_machine, versions
from benchmarks.plan import PERSONS_AN_AREA, plan
from benchmarks.report import Plain
from yibao.cli.serving import Running, running
from yibao.platform.settings import load_settings
from yibao.sandbox.accounts import collect

SHARE_OF_PEAK = 0.9
P99_MS = 1000.0
EXPERIMENT = Experiment(
    "overload",
    "At twice the load that a server can carry it still accepts 90 % of the calls of its peak, 99 "
    "of 100 accepted calls are answered within a second, and no call fails.",
    "A real server with its usual workers, a PostgreSQL of its own with fsync on, and the "
    "generator, on the same cores. Visits arrive by themselves at the rate that was found to be "
    "the peak, then at twice that rate, in turn. What is turned away is sent again after a second, "
    "up to three times. Each overload is held against the mean of the peaks before and after it. A "
    "round counts when the machine's host took as much in the overload as in those peaks, to a "
    "tenth of a core, and not more than 0.4 cores.",
    "python -m benchmarks.overload --rounds 5 --seconds 20 --seed SEED",
    {
        "seed": "of what arrives",
        "rounds that count": "overloads between two peaks, the machine being the same",
        "rounds that do not": "the host took more, less, or too much",
        "calls a second at the peak": "accepted and answered, median of all peaks",
        "accepted share": "accepted calls a second under overload, of the peak, median",
        "p99 ms": "of accepted calls under overload, the slowest round that counts",
        "turned away": "calls answered with 'not accepted, nothing done', all rounds",
        "failed": "calls answered otherwise, or lost, all rounds",
    },
)


def main() -> None:
    """Measure, print, keep the raw numbers."""
    options = _options()
    console = Console(width=120)
    console.print(f"machine: {named_machine()}")
    console.print(f"versions: {versions()}")
    with tempfile.TemporaryDirectory(prefix="yibao-overload-") as folder:
        settings = load_settings(
            {"data": Path(folder), "sandbox": True, "port": 0, "log_level": "error"}
            | ({"workers": options.workers} if options.workers else {})
        )
        with running(settings, console) as server:
            result = _measure(server, options)
    faults = _judge(result)
    figures = _figures(result) | {
        "faults": faults,
        "versions": versions(),
        "workers": settings.workers,
        "measured": result,
    }
    _print(console, result, keep(EXPERIMENT, figures, options.to))
    if faults:
        sys.exit("; ".join(faults))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--callers", type=int, default=64, help="cashiers of the first guess")
    parser.add_argument(
        "--shares",
        type=float,
        nargs="+",
        default=[0.6, 0.7, 0.8, 0.9, 1.0, 1.1],
        help="of the guess",
    )
    parser.add_argument("--seconds", type=float, default=20, help="each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="overloads, each between two peaks")
    parser.add_argument("--warm-up", type=float, default=5)
    parser.add_argument("--times", type=float, default=2, help="the peak's rate of visits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pools", type=int, help="so many areas have visits (all that there are)")
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--workers", type=int, help="server processes (the server's default)")
    parser.add_argument("--connections", type=int, default=64, help="desks of the town")
    return parser.parse_args()


def _measure(server: Running, options: argparse.Namespace) -> dict[str, Any]:
    found = collect(server.settings, PERSONS_AN_AREA)
    given = asyncio.run(plan(found, server, connections=options.connections, pools=options.pools))
    for desk in given["desks"]:
        desk["patients"] = desk["patients"]["visit"]
    given |= {name: value for name, value in vars(options).items() if name != "to"}
    given |= {"folder": str(server.settings.data), "starter": os.getpid()}
    load = subprocess.run(
        [sys.executable, "-m", "benchmarks.arrivals"],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(load.stdout) | {"seed": options.seed}
    return result


def _judge(result: dict[str, Any]) -> list[str]:
    """What is not as wanted; notes the shares in the result, and which rounds count."""
    overs, between = result["overs"], result["between"]
    rounds = list(zip(overs, pairwise(between), strict=True))
    valid = result["valid"] = [counts(over, *around) for over, around in rounds]
    for name in ("accepted", "visits"):
        rate = f"{name}_a_second"
        result[f"{name}_shares"] = [
            over[rate] / mean(one[rate] for one in around) for over, around in rounds
        ]
    faults = []
    if any(valid):
        share = median(compress(result["accepted_shares"], valid))
        if share < SHARE_OF_PEAK:
            faults.append(f"accepted calls fell to {share:.0%} of the peak")
        slowest = max(one["accepted_ms"]["p99"] for one in compress(overs, valid))
        if slowest >= P99_MS:
            faults.append(f"p99 of accepted calls is {slowest:.0f} ms")
    else:
        faults.append("in no round was the machine the same all the while: nothing is shown")
    if failed := _failed(overs):
        faults.append(f"{failed} calls failed otherwise")
    return faults


def _failed(overs: list[dict[str, Any]]) -> int:
    return sum(one["counts"].get(kind, 0) for one in overs for kind in ("failed", "lost"))


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    """The page's row."""
    overs, valid = result["overs"], result["valid"]
    rows = list(compress(overs, valid)) or overs
    peaks = [one["accepted_a_second"] for one in result["between"]]
    shares = list(compress(result["accepted_shares"], valid)) or result["accepted_shares"]
    return {
        "seed": result["seed"],
        "rounds that count": sum(valid),
        "rounds that do not": len(valid) - sum(valid),
        "calls a second at the peak": round(median(peaks)),
        "accepted share": f"{median(shares):.0%}",
        "p99 ms": round(max(one["accepted_ms"]["p99"] for one in rows)),
        "turned away": round(sum(one["turned_away_a_second"] * one["seconds"] for one in overs)),
        "failed": _failed(overs),
    }


def _print(console: Console, result: dict[str, Any], kept: Path) -> None:
    table = Table("", title="Peak and overload", title_justify="left")
    for heading in ("offered/s", "accepted/s", "visits/s", "p50 ms", "p99 ms", "turned away p99"):
        table.add_column(heading, justify="right")
    table.add_column("cores: server, database, generator, stolen", justify="right")
    rows = [(f"closed, {result['guess']['callers']}", result["guess"])]
    rows += [(f"open, {one['rate']:.0f} visits/s", one) for one in result["climb"]]
    for over, after, valid in zip(
        result["overs"], result["between"][1:], result["valid"], strict=True
    ):
        mark = "" if valid else ", does not count"
        rows.append((f"twice, {over['rate']:.0f} visits/s{mark}", over))
        rows.append((f"peak, {after['rate']:.0f} visits/s", after))
    for name, one in rows:
        away = one["turned_away_ms"].get("p99")
        table.add_row(
            name,
            f"{one['offered_a_second']:,.0f}",
            f"{one['accepted_a_second']:,.0f}",
            f"{one['visits_a_second']:,.0f}",
            f"{one['accepted_ms']['p50']:.0f}",
            f"{one['accepted_ms']['p99']:.0f}",
            "" if away is None else f"{away:.0f}",
            ", ".join(
                f"{one['cores'][of]:.2f}" for of in ("server", "postgresql", "generator", "stolen")
            ),
        )
    console.print(table)
    for name in ("accepted", "visits"):
        shares = result[f"{name}_shares"]
        told = (
            f"{one:.0%}" if valid else f"({one:.0%})"
            for one, valid in zip(shares, result["valid"], strict=True)
        )
        console.print(f"{name}: share of the peaks before and after, by round: {', '.join(told)}")
    late = max(one["generator_late_ms"] for one in result["overs"])
    console.print(
        f"connections {result['overs'][-1]['connections']}; the generator itself was at most "
        f"{late:.0f} ms late"
    )
    console.print(f"raw: {kept}")


if __name__ == "__main__":
    main()
