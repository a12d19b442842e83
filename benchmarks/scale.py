"""What a measured visit makes of a city, a province, the nation: cores, disk, log.

    python -m benchmarks.scale          the tables of docs/operating/scale.md
    python -m benchmarks.scale --write  put them there

``FIGURES`` is what was measured; a later measurement replaces its line, and ``--write`` does the
rest. Everything else is arithmetic, and the page says which.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parent.parent / "docs" / "operating" / "scale.md"
BEGIN, END = "<!-- begin: benchmarks.scale -->\n", "<!-- end: benchmarks.scale -->\n"


class Figure(NamedTuple):
    """A number that was measured, or that somebody published."""

    value: float
    unit: str
    what: str
    source: str


FIGURES = {
    "cpu": Figure(
        6.5,
        "ms",
        "CPU of a visit, server and PostgreSQL",
        "`benchmarks.visits --pools 1`, 2026-11-23, two slow cores, Python 3.11.2 with a profile",
    ),
    "stored": Figure(
        5_700,
        "bytes",
        "tables and indexes of a visit",
        "`benchmarks.filling`, 5,000,000 visits of 20 lines over six months, 2026-11-23",
    ),
    "log": Figure(
        7_100,
        "bytes",
        "log (WAL) of a visit",
        "as the CPU; more while pages are written whole after a checkpoint",
    ),
    "bills": Figure(28e6, "a day", "bills of the nation", "published of the national platform"),
    "insured": Figure(1.33e9, "persons", "insured in the nation", "national bulletin of 2023"),
    "peak": Figure(10, "times", "a peak, of the average over 24 hours", "assumed"),
    "busy": Figure(60, "%", "of its cores a machine may be busy at the peak", "assumed"),
}
PLACES = {"a city": 8e6, "a province": 60e6, "the nation": FIGURES["insured"].value}
"""Persons insured."""
DAY = 86_400
YEAR = 365


@dataclass(frozen=True, slots=True)
class Need:
    """What a place takes."""

    bills: float
    """A day."""
    average: float
    """Visits a second."""

    @property
    def peak(self) -> float:
        """Visits a second."""
        return self.average * FIGURES["peak"].value

    def cores(self, rate: float) -> float:
        """For so many visits a second, none of them busier than it may be."""
        return rate * FIGURES["cpu"].value / 1000 / (FIGURES["busy"].value / 100)

    @property
    def disk(self) -> float:
        """Terabytes a year."""
        return self.bills * YEAR * FIGURES["stored"].value / 1e12

    @property
    def log(self) -> float:
        """Megabytes a second at the peak."""
        return self.peak * FIGURES["log"].value / 1e6


def need(persons: float) -> Need:
    """As many bills a head as in the nation."""
    bills = FIGURES["bills"].value * persons / FIGURES["insured"].value
    return Need(bills, bills / DAY)


def page() -> str:
    """Both tables."""
    given = [(f.what, f"{f.value:,.12g} {f.unit}", f.source) for f in FIGURES.values()]
    found = [
        (
            place,
            f"{persons / 1e6:,.0f} million",
            f"{one.bills:,.0f}",
            f"{one.average:,.1f}",
            f"{one.peak:,.0f}",
            f"{one.cores(one.average):,.1f}",
            f"{one.cores(one.peak):,.1f}",
            f"{one.disk:,.1f} TB",
            f"{one.log:,.1f} MB/s",
        )
        for place, persons in PLACES.items()
        for one in [need(persons)]
    ]
    heading = (
        "", "insured", "bills a day", "visits/s", "at the peak", "cores", "at the peak",
        "disk a year", "log at the peak",
    )  # fmt: skip
    tables = (_table(("figure", "value", "source"), given), _table(heading, found))
    return "\n\n".join(tables) + "\n"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def lines() -> Iterator[str]:
        for row in (heading, ("---",) * len(heading), *rows):
            yield f"| {' | '.join(row)} |"

    return "\n".join(lines())


def written(text: str) -> str:
    """The page's text with these tables."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{page()}{END}{after}"


def main() -> None:
    """Print the tables, or put them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    if parser.parse_args().write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
