"""Half an hour of visits at a nation's rate on a database that holds months of them.

    python -m benchmarks.soak --data FOLDER --minutes 30 --rate 324

FOLDER was filled by ``benchmarks.filling``; where there is no database in it yet, it is filled now.
First a closed loop finds the peak, on an empty platform and on the filled one, in turn: what one
makes of the other says whether years make it slow. Then visits arrive at random instants, at the
rate asked for; where the peak lies below it, at 80 % of the peak, and that is said. Beside them the
server's chores run and the books of the last day are verified, again and again, and month after
month is put away as Parquet.
Every minute tells rate and times (from when a call was due), memory, rows that wait for vacuum,
log, checkpoints, and what the machine's host took. At the end all books are read through.
"""

import argparse
import json
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import goals
from benchmarks.driving import driving
from benchmarks.filling import __main__ as filling
from benchmarks.filling import books
from benchmarks.load import is_kept, measure, plan_of
from benchmarks.machine import Needs, check_room
from benchmarks.report import Plain, keep, quantiles, run
from benchmarks.soak.beside import Beside, beside
from benchmarks.soak.watch import Look, Watch
from benchmarks.stand import served
from yibao.cli.serving import Running

SHARE_OF_PEAK = 0.8
"""Of the peak, when it lies below the rate that was asked for."""
SETTLE = "2207"
_BYTES_A_VISIT = 16_000
"""Tables and indexes: more than any visit has taken yet."""
_LOG = 2 * 1024**3
"""``max_wal_size``."""
_ARCHIVE = 5
"""An archive is a smaller part than this of what it is of."""
_WARM_UP = 10.0


def main() -> None:
    """Measure, print, keep the figures."""
    options = _options()
    console = Console(width=120)
    note = _filled(options, console)
    _check_room(options)
    empty, full = _peaks(options, console)
    peak = statistics.median(full)
    rate = rate_for(options.rate, peak)
    _say_peaks(console, options, empty, full, rate)
    with served(
        console, 60 * options.minutes, workers=options.workers, data=options.data
    ) as server:
        result = _soak(server, options, rate, note, console)
    console.print("reading all books through")
    told = _verified(options.data)
    result |= {
        "asked": options.rate,
        "peaks": {"empty": empty, "full": full},
        "full_of_empty": peak / statistics.median(empty),
        "filled": note,
        "books": told,
    }
    _print(console, result)
    console.print(f"figures: {keep('soak', __doc__, result, kept=options.keep)}", soft_wrap=True)
    if faults := _faults(result):
        raise SystemExit("; ".join(faults))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__, formatter_class=Plain
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the filled database")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument(
        "--rate", type=float, default=goals.SOAK_RATE, help="visits a second that arrive"
    )
    parser.add_argument("--probe", type=float, default=20, help="seconds of each look for the peak")
    parser.add_argument("--rounds", type=int, default=2, help="looks at the empty and the full one")
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--workers", type=int, help="server processes (the server's default)")
    parser.add_argument("--seed", type=int, default=1, help="of what arrives when")
    parser.add_argument("--alone", action="store_true", help="nothing else runs beside it")
    parser.add_argument("--keep", action="store_true", help="with the repository's results")
    of_filling = parser.add_argument_group("where the folder is filled first")
    of_filling.add_argument("--settlements", type=int, default=5_000_000)
    of_filling.add_argument("--months", type=int, default=6)
    of_filling.add_argument("--persons", type=int, default=200_000)
    of_filling.add_argument("--lines", type=int, default=20)
    of_filling.add_argument("--hours", type=float, default=3.0)
    parser.set_defaults(journey="visit", pools=None, unverified=True)
    return parser.parse_args()


def _filled(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """What the folder holds; it is filled when there is nothing in it."""
    note = options.data / filling.NOTE
    if note.exists():
        found: dict[str, Any] = json.loads(note.read_text())
    else:
        found = filling.fill(options, console)
    console.print(
        f"{options.data} holds {found['settlements']:,} settlements of {found['months']} months"
    )
    return found


def _check_room(options: argparse.Namespace) -> None:
    """Raises NoRoom before anything starts; what is put away lies beside it for a while."""
    held = sum(file.stat().st_size for file in options.data.rglob("*") if file.is_file())
    disk = held // _ARCHIVE + _LOG + int(60 * options.minutes * options.rate * _BYTES_A_VISIT)
    memory = Needs.of_load(0).memory + 400 * int(60 * options.minutes * options.rate)
    check_room(Needs(disk, memory), options.data)


# ---------------------------------------------------------------------------------------- the peaks


def _peaks(options: argparse.Namespace, console: Console) -> tuple[list[float], list[float]]:
    """Visits a second of a closed loop, empty and full in turn."""
    empty: list[float] = []
    full: list[float] = []
    probe = argparse.Namespace(
        **{**vars(options), "rate": None, "seconds": options.probe, "warm_up": _WARM_UP}
    )
    for _ in range(options.rounds):
        for found, data in ((empty, None), (full, options.data)):
            with served(console, 2 * options.probe, workers=options.workers, data=data,
                        told=not empty) as server:  # fmt: skip
                found.append(measure(server, plan_of(server, probe), probe)["done_a_second"])
    return empty, full


def rate_for(asked: float, peak: float) -> float:
    """The rate asked for; 80 % of the peak when that lies below it."""
    return asked if asked <= peak else SHARE_OF_PEAK * peak


def _say_peaks(
    console: Console,
    options: argparse.Namespace,
    empty: Sequence[float],
    full: Sequence[float],
    rate: float,
) -> None:
    ratio = statistics.median(full) / statistics.median(empty)
    console.print(
        f"closed loop, visits/s: empty {_listed(empty)}, full {_listed(full)}: {ratio:.2f} of it",
        highlight=False,
    )
    if rate < options.rate:
        console.print(
            f"the peak lies below {options.rate:g} a second: visits arrive at {SHARE_OF_PEAK:.0%} "
            f"of it, {rate:.0f} a second",
            style="bold",
        )


def _listed(rates: Sequence[float]) -> str:
    return " and ".join(f"{rate:.0f}" for rate in rates)


# ----------------------------------------------------------------------------------------- the soak


def _soak(
    server: Running,
    options: argparse.Namespace,
    rate: float,
    filled: Mapping[str, Any],
    console: Console,
) -> dict[str, Any]:
    steady = argparse.Namespace(**{**vars(options), "rate": rate, "seconds": 60, "warm_up": 0})
    given = plan_of(server, steady)
    given["windows"] = [
        {"name": name, "seconds": seconds, "rates": {"visit": rate}}
        for name, seconds in [("warm-up", _WARM_UP), *((m, 60.0) for m in _minutes(options))]
    ]
    cold = filled.get("cleared", [])[:-1]  # the last month that is over stays (``hot_months`` 1)
    watch = Watch(server)
    looks: list[Look] = []
    others: Beside | None = None
    with driving(given) as generator:
        generator.wait_for("warm-up")
        with beside(server.settings.data, cold, idle=options.alone) as others:
            for minute in _minutes(options):
                generator.wait_for(minute)
                looks.append(watch.look())
                if len(looks) > 1:
                    _say_minute(console, len(looks) - 1, looks[-1].since(looks[-2]))
            generator.wait_for()
            looks.append(watch.look())
        found = generator.result()
    minutes = [
        _minute(window) | after.since(before)
        for window, before, after in zip(found["windows"], looks[:-1], looks[1:], strict=True)
    ]
    seconds = [window["seconds"] for window in found["windows"]]
    return {
        "rate": rate,
        "minutes": minutes,
        "begun": sum(minute["begun"] for minute in minutes),
        "done": sum(minute["done"] for minute in minutes),
        "settle": quantiles([one for of in seconds for one in of.get(SETTLE, [])]),
        "calls": quantiles([one for of in seconds for many in of.values() for one in many]),
        "refused": found["refused"],
        "refusals": found["refusals"],
        "beside": others.done,
        "failed_beside": others.failures(),
        "deadest": watch.deadest(),
        "workers": server.settings.workers,
    }


def _minutes(options: argparse.Namespace) -> list[str]:
    return [f"minute {number}" for number in range(1, options.minutes + 1)]


def _minute(window: Mapping[str, Any]) -> dict[str, Any]:
    calls = [one for many in window["seconds"].values() for one in many]
    return {
        "begun": sum(window["begun"].values()),
        "done": sum(window["done"].values()),
        "turned_away": window["turned_away"],
        "settle": quantiles(window["seconds"].get(SETTLE, [])),
        "calls": quantiles(calls),
        "generator_late": quantiles(window["late"]),
    }


def _verified(data: Path) -> dict[str, Any]:
    from yibao.platform.postgres import EmbeddedPostgres

    with EmbeddedPostgres(data / "postgres"):
        return books.verified(data)


def _faults(result: Mapping[str, Any]) -> list[str]:
    """What must not be; a figure that was not reached is only told."""
    faults = []
    if result["refused"]:
        commonest = _commonest(result["refusals"])
        faults.append(f"{result['refused']} visits broke off, most of them so: {commonest}")
    if result["books"]["faults"]:
        faults.append(f"the books are not right: {result['books']['first']}")
    if result["failed_beside"]:
        faults.append(f"failed beside the visits: {', '.join(result['failed_beside'])}")
    return faults


def _commonest(refusals: Sequence[str]) -> str:
    """What most were told, without the numbers that differ from one to the next."""
    told = Counter(re.sub(r"\d{6,}", "…", one) for one in refusals)
    return told.most_common(1)[0][0]


# --------------------------------------------------------------------------------------- the report


def _say_minute(console: Console, number: int, told: Mapping[str, Any]) -> None:
    console.print(
        f"minute {number}: server {told['cores']['server']:.2f} cores, PostgreSQL "
        f"{told['cores']['postgresql']:.2f}, stolen {told['stolen']:.2f}; log "
        f"{told['log'] / 1e6:,.0f} MB",
        highlight=False,
    )


def _print(console: Console, result: Mapping[str, Any]) -> None:
    table = Table("min", title=f"{result['rate']:.0f} visits a second arrive", title_justify="left")
    headings = ("begun", "done", "2207 p50", "p99", "all p50", "p99 ms", "server", "postgres")
    for heading in (*headings, "dead rows", "log MB", "grown", "checkpoints", "stolen"):
        table.add_column(heading, justify="right")
    for number, one in enumerate(result["minutes"], 1):
        memory = one["memory"]
        table.add_row(
            str(number),
            f"{one['begun']:,}",
            f"{one['done']:,}",
            *(f"{one[of].get(name, 0):.0f}" for of in ("settle", "calls") for name in _TOLD),
            f"{memory['server'] / 1e6:,.0f} MB",
            f"{memory['postgresql'] / 1e6:,.0f} MB",
            f"{one['dead_share']:.1%}",
            f"{one['log'] / 1e6:,.0f}",
            f"{one['grown'] / 1e6:,.0f}",
            str(one["checkpoints"]),
            f"{one['stolen']:.2f}",
        )
    console.print(table)
    kept = "kept" if is_kept(result["begun"], result["done"]) else "NOT KEPT"
    console.print(
        f"rate {kept}: {result['begun']:,} visits arrived, {result['done']:,} were done; 2207 p99 "
        f"{result['settle'].get('p99', 0):.0f} ms, all calls p99 "
        f"{result['calls'].get('p99', 0):.0f} ms",
        highlight=False,
    )
    for one in result["beside"]:
        ended = "broken off at the end" if one["ended"] is None else f"exit code {one['ended']}"
        console.print(f"beside: {one['command']}, {one['seconds']:.0f} s, {ended}", highlight=False)
    for name, rows in result["deadest"].items():
        console.print(f"dead rows: {name} {rows['dead']:,} beside {rows['living']:,}")
    looked = ", ".join(f"{number:,} {name}" for name, number in result["books"]["verified"].items())
    outcome = f"{result['books']['faults']} faults" if result["books"]["faults"] else "right"
    console.print(f"the books are {outcome}: {looked}", highlight=False)
    reached = [(goals.OF_EMPTY, result["full_of_empty"])]
    if "p99" in result["settle"]:
        reached.append((goals.SOAK_P99, result["settle"]["p99"]))
    console.print(goals.table_of_goals(reached))


_TOLD = ("p50", "p99")


if __name__ == "__main__":
    run(main)
