"""A nation's day, hour by hour, in minutes: visits, purchases, stays, cancellations, queries.

    python -m benchmarks.day                     the busiest hour at 60 rows of calls a second
    python -m benchmarks.day --part 0.1          a tenth of the nation's rate

``data/nations_day.toml`` says how many of what come in which hour. Each hour is cut to some seconds
and keeps its rate, times the part of the nation that this machine takes. All of it is an open loop,
as in ``benchmarks.visits``: arrivals at random instants, times from when a call was due.
"""

import argparse
import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.consumption import Consumption
from benchmarks.driving import driving
from benchmarks.load import count, is_kept, positive, refuse_failures
from benchmarks.machine import CannotMeasure
from benchmarks.messages import JOURNEYS
from benchmarks.plan import plan
from benchmarks.report import Plain, keep, quantiles, run, table_of_times
from benchmarks.stand import served
from yibao.cli.serving import Running
from yibao.sandbox.accounts import collect

DAY = Path(__file__).parent / "data" / "nations_day.toml"
PERSONS_AN_AREA = 3_000
HOUR_SECONDS = 3_600
HOURS = 24


class WrongDay(CannotMeasure):
    """The file of the day says something that cannot be; the text names key and reason."""


@dataclass(frozen=True, slots=True)
class Day:
    """What comes when, in the whole nation."""

    bills: int
    rates: Sequence[Mapping[str, float]]
    """By hour: rows of calls a second, by what they are."""

    @classmethod
    def read(cls, path: Path = DAY) -> "Day":
        """Raises WrongDay."""
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        hours, bills = told["hours"], told["bills_a_day"]
        for name, shares in hours.items():
            if len(shares) != HOURS or abs(sum(shares) - 100) > 0.01:
                raise WrongDay(
                    f"{path.name}: hours.{name} has {len(shares)} numbers that sum up to "
                    f"{sum(shares):g}; there must be {HOURS}, and 100"
                )
        for name, kind in told["of_100_bills"].items():
            if name not in JOURNEYS or kind["hours"] not in hours:
                raise WrongDay(f"{path.name}: of_100_bills.{name} names what there is not")
        return cls(
            bills,
            [
                {
                    name: bills
                    * (kind["times"] / 100)
                    * (hours[kind["hours"]][hour] / 100)
                    / HOUR_SECONDS
                    for name, kind in told["of_100_bills"].items()
                }
                for hour in range(HOURS)
            ],
        )

    @property
    def busiest(self) -> float:
        """Rows of calls a second in the hour that has most."""
        return max(sum(rates.values()) for rates in self.rates)

    def windows(self, part: float, seconds: float, warm_up: float) -> list[dict[str, Any]]:
        """For the generator: to warm up at the first hour's rates, then the hours."""
        hours = [
            {
                "name": f"{hour:02d}",
                "seconds": seconds,
                "rates": {name: part * rate for name, rate in rates.items()},
            }
            for hour, rates in enumerate(self.rates)
        ]
        return [{**hours[0], "name": "warm-up", "seconds": warm_up}, *hours]


def main() -> None:
    """Measure, print, keep the figures."""
    options = _options()
    console = Console(width=110)
    day = Day.read(options.file)
    part = options.part or options.peak / day.busiest
    seconds = HOURS * options.hour + options.warm_up
    with served(console, seconds, workers=options.workers) as server:
        result = measured(server, day, part, options)
    say(console, result)
    console.print(f"figures: {keep('day', __doc__, result, kept=options.keep)}", soft_wrap=True)
    refuse_failures(result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--hour", type=positive, default=10, help="seconds that an hour is cut to")
    parser.add_argument("--part", type=positive, help="of the nation's rate (0.1: a tenth)")
    parser.add_argument(
        "--peak", type=positive, default=60, help="rows of calls a second in the busiest hour"
    )
    parser.add_argument("--warm-up", type=float, default=5, help="seconds before midnight")
    parser.add_argument("--connections", type=count, default=32, help="desks of each kind")
    parser.add_argument("--workers", type=count, help="server processes (the server's default)")
    parser.add_argument("--seed", type=int, default=1, help="of what arrives when")
    parser.add_argument("--file", type=Path, default=DAY, help="another day")
    parser.add_argument("--keep", action="store_true", help="with the repository's results")
    return parser.parse_args()


def measured(server: Running, day: Day, part: float, options: argparse.Namespace) -> dict[str, Any]:
    """The day, and each of its hours."""
    found = collect(server.settings, PERSONS_AN_AREA)
    kinds = list(day.rates[0])
    made = asyncio.run(plan(found, server, kinds, connections=options.connections))
    windows = day.windows(part, options.hour, options.warm_up)
    consumption = Consumption(server)
    with driving({**made, "windows": windows, "seed": options.seed}) as generator:
        generator.wait_for("00")
        first = consumption.stand()
        generator.wait_for()
        last = consumption.stand()
        told = generator.result()
    hours = told["windows"]
    done = sum(sum(hour["done"].values()) for hour in hours)
    begun = sum(sum(hour["begun"].values()) for hour in hours)
    generator_cpu = sum(hour["cpu"] for hour in hours)
    return {
        "part_of_the_nation": part,
        "bills_a_day": part * day.bills,
        "workers": server.settings.workers,
        "hour_s": options.hour,
        "begun": begun,
        "done": done,
        "rate_kept": is_kept(begun, done),
        "refused": told["refused"],
        "refusals": told["refusals"],
        "hours": [_hour(hour) for hour in hours],
        "times": {
            call: quantiles(seconds)
            for call, seconds in sorted(_together(hours, "seconds").items())
        },
        "whole": {
            name: quantiles(seconds) for name, seconds in sorted(_together(hours, "whole").items())
        },
        "taken": consumption.taken(first, last, max(1, done), generator_cpu),
    }


def _hour(hour: Mapping[str, Any]) -> dict[str, Any]:
    every = [second for seconds in hour["seconds"].values() for second in seconds]
    return {
        "hour": hour["name"],
        "begun": hour["begun"],
        "done": hour["done"],
        "turned_away": hour["turned_away"],
        "calls_a_second": len(every) / hour["elapsed"],
        "calls": quantiles(every),
        "2207": quantiles(hour["seconds"].get("2207", [])),
        "generator_late": quantiles(hour["late"]),
    }


def _together(hours: Sequence[Mapping[str, Any]], what: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for hour in hours:
        for name, seconds in hour[what].items():
            found.setdefault(name, []).extend(seconds)
    return found


def say(console: Console, result: Mapping[str, Any]) -> None:
    """The figures for people."""
    table = Table("hour", title="The day", title_justify="left")
    headings = ("begun", "done", "calls/s", "p50 ms", "p99 ms", "max ms", "2207 p99 ms", "9001")
    for heading in headings:
        table.add_column(heading, justify="right")
    for hour in result["hours"]:
        calls = hour["calls"]
        table.add_row(
            hour["hour"],
            f"{sum(hour['begun'].values()):,}",
            f"{sum(hour['done'].values()):,}",
            f"{hour['calls_a_second']:.0f}",
            *(f"{calls[of]:.1f}" if of in calls else "" for of in ("p50", "p99", "max")),
            f"{hour['2207']['p99']:.1f}" if "p99" in hour["2207"] else "",
            f"{hour['turned_away']:,}",
        )
    console.print(table)
    console.print("All day, by call")
    console.print(table_of_times(result["times"]))
    console.print("All day, by what people came for")
    console.print(table_of_times(result["whole"]))
    taken = result["taken"]
    console.print(
        f"{result['part_of_the_nation']:.2%} of the nation's rate, "
        f"{result['bills_a_day'] / 1e6:.2f} million bills a day; rate "
        f"{'kept' if result['rate_kept'] else 'NOT KEPT'}: {result['begun']:,} rows of calls "
        f"began, {result['done']:,} were done",
        highlight=False,
    )
    console.print(
        f"cores: ours {taken['cores']['ours']:.2f}, others on this machine "
        f"{taken['cores']['others']:.2f}, taken by its host {taken['cores']['stolen']:.2f}",
        highlight=False,
    )


if __name__ == "__main__":
    run(main)
