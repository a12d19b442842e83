"""How a benchmark tells what it found: a readable table, and JSON that can be compared later.

A result goes to ``var/benchmarks``, which is nobody's but this machine's; ``--keep`` puts it with
those of the repository, ``benchmarks/results``, which ``benchmarks.history`` draws over time.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import HOUSE, CannotMeasure, file_system, machine, named_machine, versions
from yibao.platform.settings import SettingsFault

KEPT = Path(__file__).parent / "results"
PASSING = HOUSE / "var" / "benchmarks"
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


class Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


def stamp() -> str:
    """Now, as a part of a file's name."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def print_head(console: Console, folder: Path) -> None:
    """Where it is measured, and with what; the folder holds the data."""
    kind = file_system(folder)
    console.print(f"machine: {named_machine()}; data on {kind}", highlight=False)
    if kind in {"tmpfs", "ramfs"}:
        console.print("the data lie in memory: a commit waits for no disk here", style="bold red")
    console.print(f"versions: {versions()}", highlight=False, soft_wrap=True)


def keep(name: str, method: str | None, result: Mapping[str, Any], *, kept: bool = False) -> Path:
    """Write a result with where and how it was measured; its path."""
    folder = KEPT if kept else PASSING
    folder.mkdir(parents=True, exist_ok=True)
    now = stamp()
    path = folder / f"{name}-{now}.json"
    facts = {
        "name": name,
        "at": now,
        "method": " ".join((method or "").split()),
        "machine": machine(),
        "versions": versions(),
    }
    path.write_text(json.dumps({**facts, **result}, indent=1, ensure_ascii=False) + "\n")
    return path


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """How many, and in milliseconds what the fastest share of them took at most."""
    ordered = sorted(seconds)
    if not ordered:
        return {"n": 0}
    last = len(ordered) - 1
    return {"n": len(ordered)} | {
        name: 1000 * ordered[min(last, int(share * len(ordered)))]
        for name, share in QUANTILES.items()
    }


def table_of_times(times: Mapping[str, Mapping[str, float]]) -> Table:
    """A row for each kind of call."""
    table = Table("call")
    for heading in ("calls", *(f"{name} ms" for name in QUANTILES)):
        table.add_column(heading, justify="right")
    for name, row in times.items():
        cells = (f"{row[of]:.1f}" if of in row else "" for of in QUANTILES)
        table.add_row(name, f"{row['n']:,}", *cells)
    return table


def run(main: Callable[[], None]) -> None:
    """Run a benchmark's command; why it cannot be is told in one line."""
    try:
        main()
    except (CannotMeasure, SettingsFault) as fault:
        sys.exit(str(fault))
    except KeyboardInterrupt:
        sys.exit("broken off")
