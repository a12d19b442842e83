"""How figures have moved from run to run: a picture of all results that are kept.

    python -m benchmarks.history        (reads benchmarks/results, writes history.svg there)

One panel a figure, one point a run, in the order of time; a run's date, commit and machine are told
where the pointer rests. A hollow point says that the machine was not to itself: more than a tenth
of a core went to others, or to the machine's host. Runs on machines that are not alike stand in
different colours.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import goals
from benchmarks.goals import Goal, number
from benchmarks.report import KEPT, Plain

PICTURE = "history.svg"
QUIET_CORES = 0.1

WIDE, HIGH = 300, 120
"""Of a panel's field, in pixels."""
_COLUMNS = 3
_HEADROOM = 1.2
_LEFT, _TOP, _GAP = 56, 56, 74
_FONT = 'font-family="system-ui, sans-serif" font-size="12"'
_COLOURS = ("#1769aa", "#b5483a", "#3b7d4f", "#8a6d1d")


class Figure(NamedTuple):
    """What a panel shows of one benchmark's results."""

    benchmark: str
    title: str
    path: tuple[str, ...]
    """Where it stands in the JSON."""
    goal: Goal | None = None
    """What is to be reached at least is drawn as a line."""
    rate: float | None = None
    """Of an open loop; None: of a closed one."""


FIGURES = (
    Figure("visits", "visits a second, closed loop", ("done_a_second",), goals.VISITS),
    Figure(
        "visits",
        f"2207 at p99, {goals.OPEN_RATE} arrive a second, ms",
        ("times", "2207", "p99"),
        goals.SETTLE_P99,
        goals.OPEN_RATE,
    ),
    Figure("visits", "CPU of a visit: server, ms", ("taken", "cpu_ms", "server")),
    Figure("visits", "CPU of a visit: PostgreSQL, ms", ("taken", "cpu_ms", "postgresql")),
    Figure("visits", "bytes stored of a visit", ("taken", "bytes", "stored"), goals.BYTES),
    Figure("visits", "bytes of log (WAL) of a visit", ("taken", "bytes", "log")),
    Figure("visits", "calls ÷ HTTP floor", ("floors", "http", "ratio"), goals.OF_HTTP),
    Figure(
        "visits", "CPU of a visit ÷ openIMIS's claim", ("floors", "peer", "ratio"), goals.OF_PEER
    ),
    Figure(
        "in-process",
        "settlements in process ÷ COPY floor",
        ("phases", "settlements", "ratio"),
        goals.OF_COPY,
    ),
    Figure("in-process", "visits in process ÷ COPY floor", ("phases", "visits", "ratio")),
    Figure(
        "soak",
        f"2207 at p99, half an hour at {goals.SOAK_RATE}/s, ms",
        ("settle", "p99"),
        goals.SOAK_P99,
        goals.SOAK_RATE,
    ),
    Figure("soak", "visits/s filled ÷ empty", ("full_of_empty",), goals.OF_EMPTY, goals.SOAK_RATE),
    Figure("purchase", "purchases a second", ("done_a_second",)),
    Figure("stay", "stays a second", ("done_a_second",)),
    Figure("trial", "trials a second", ("done_a_second",)),
    Figure("query", "rows of seven queries a second", ("done_a_second",)),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One run's figure."""

    value: float
    day: str
    """The date of the run."""
    said: str
    machine: str
    quiet: bool


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Plain)
    parser.add_argument("--results", type=Path, default=KEPT, help="folder of the results")
    parser.add_argument("--to", type=Path, help=f"the picture ({PICTURE} in that folder)")
    options = parser.parse_args()
    runs = read(options.results)
    if not runs:
        raise SystemExit(f"{options.results} holds no results: keep some with --keep")
    to = options.to or options.results / PICTURE
    to.write_text(drawn(runs), encoding="utf-8")
    print(f"{len(runs)} results drawn: {to}")


def read(folder: Path) -> list[dict[str, Any]]:
    """All results, the oldest first."""
    found = []
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        if {"name", "at", "machine"} <= told.keys():
            found.append(told)
    return sorted(found, key=lambda told: str(told["at"]))


def drawn(runs: Sequence[Mapping[str, Any]]) -> str:
    """The picture, as SVG."""
    panels = [(figure, points) for figure in FIGURES if (points := list(points_of(figure, runs)))]
    machines = sorted({point.machine for _, points in panels for point in points})
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(machines)}
    rows = -(-len(panels) // _COLUMNS)
    wide = _COLUMNS * (WIDE + _LEFT + 24)
    high = _TOP + rows * (HIGH + _GAP) + 18 * len(machines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" {_FONT}>',
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        '<text x="12" y="24" font-size="16">Yibao: benchmarks over time</text>',
    ]
    for place, (figure, points) in enumerate(panels):
        x = _LEFT + place % _COLUMNS * (WIDE + _LEFT + 24)
        y = _TOP + place // _COLUMNS * (HIGH + _GAP) + 14
        parts.append(f'<g transform="translate({x} {y})">{_panel(figure, points, colours)}</g>')
    for place, name in enumerate(machines):
        y = high - 12 - 18 * (len(machines) - 1 - place)
        parts.append(f'<circle cx="20" cy="{y - 4}" r="4" fill="{colours[name]}"/>')
        parts.append(f'<text x="32" y="{y}">{escape(name)}</text>')
    return "".join((*parts, "</svg>\n"))


def points_of(figure: Figure, runs: Iterable[Mapping[str, Any]]) -> Iterable[Point]:
    """A point for each run that has the figure; loops that are not alike are not beside others."""
    for run in runs:
        if run["name"] != figure.benchmark or run.get("rate") != figure.rate:
            continue
        value = _at(run, figure.path)
        if value is None:
            continue
        machine = run["machine"]
        cores = _at(run, ("taken", "cores")) or _at(run, (*figure.path[:-1], "cores")) or {}
        quiet = all(cores.get(who, 0.0) <= QUIET_CORES for who in ("others", "stolen"))
        kind = _kind_of(machine)
        said = f"{run['at']}, {machine['commit']}, {kind}: {number(value)}"
        at = str(run["at"])
        day = f"{at[:4]}-{at[4:6]}-{at[6:8]}"
        yield Point(float(value), day, said, kind, quiet)


def _kind_of(machine: Mapping[str, Any]) -> str:
    """What a machine is like: two of one name may differ by more than twice (``machine.pace``)."""
    kind = f"{machine['cores']} cores, {machine['memory_gib']:.0f} GiB"
    signatures = machine.get("sm2_signatures")
    return f"{kind}, about {round(signatures, -2)} SM2 signatures/s" if signatures else kind


def _at(told: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(told, Mapping) or name not in told:
            return None
        told = told[name]
    return told


def _panel(figure: Figure, points: Sequence[Point], colours: Mapping[str, str]) -> str:
    """Axis from nothing to the most, points from left to right, the goal as a line."""
    least = None if figure.goal is None else figure.goal.least
    highest = max(point.value for point in points)
    most = _HEADROOM * max(highest, least or 0.0) or 1.0
    parts = [
        f'<text y="-6">{escape(figure.title)}</text>',
        f'<line x1="0" x2="{WIDE}" y1="{HIGH}" y2="{HIGH}" stroke="#888"/>',
        f'<line x1="0" x2="0" y1="0" y2="{HIGH}" stroke="#888"/>',
        _beside_axis(_height(highest, most) + 4, number(highest)),
        _beside_axis(HIGH + 4, "0"),
        f'<text y="{HIGH + 16}" fill="#555" font-size="11">{points[0].day}</text>',
        f'<text x="{WIDE}" y="{HIGH + 16}" text-anchor="end" fill="#555" font-size="11">',
        f"{points[-1].day}</text>",
    ]
    if least is not None:
        y = _height(least, most)
        parts.append(
            f'<line x1="0" x2="{WIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#999" '
            f'stroke-dasharray="4 4"/><text x="4" y="{y - 4:.1f}" fill="#777" font-size="11">'
            f"at {_towards(figure.goal)} {number(least)}</text>"
        )
    step = WIDE / (len(points) + 1)
    places = [((i + 1) * step, _height(point.value, most)) for i, point in enumerate(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#ccc"/>')
    for (x, y), point in zip(places, points, strict=True):
        colour = colours[point.machine]
        fill = colour if point.quiet else "#ffffff"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}">'
            f"<title>{escape(point.said)}</title></circle>"
        )
    x, y = places[-1]
    parts.append(f'<text x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">')
    parts.append(f"{number(points[-1].value)}</text>")
    return "".join(parts)


def _beside_axis(y: float, text: str) -> str:
    return f'<text x="-6" y="{y:.1f}" text-anchor="end" fill="#555">{text}</text>'


def _towards(goal: Goal | None) -> str:
    return "least" if goal is None or goal.aim > goal.least else "most"


def _height(value: float, most: float) -> float:
    return HIGH - value / most * HIGH


if __name__ == "__main__":
    main()
