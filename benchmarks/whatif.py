"""Two laws over a generated population: bills a second, and the memory of all processes together.

    python -m benchmarks.whatif                      (a million bills)
    python -m benchmarks.whatif --bills 28000000     (a large city's year)

The population is made once, outside the figure: bills of 20 fee lines each, written to one Parquet
file. Then ``yibao whatif`` runs as a user would run it, in a process of its own, and the figure is
its whole wall time: start, looking through the file, reading it, deciding every bill under both
laws on all cores, and summing up. Memory is the resident memory of all its processes, summed every
100 ms; pages that they share are counted for each. Two pairs of laws: one with the same line rules,
where the bills' sums serve both, and one whose line rules differ, so that all fee lines are split
anew under each law.
"""

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.machine import named_machine
from benchmarks.report import keep
from yibao.analysis.generator import LINES_A_BILL, generate, words_of
from yibao.cli.law_files import Shelf

BYTES_A_BILL = 300
"""Room a bill of 20 lines takes in the file, rounded up."""

GOAL_SECONDS = 60
GOAL_BYTES = 2 * 1024**3
GOAL_BILLS = 28_000_000

LAW = "430100/310"
YEAR = 2025

VARIANT = f"""
[law]
area = "430199"
scheme = "310"
title = "a variant for the benchmark"
inherits = "430100"
[sources]
B = {{ title = "invented for the benchmark", url = "none" }}
[defaults]
from = {YEAR}-01-01
source = ["B"]
confidence = "general"
[benefits.outpatient.payers.pool]
caps.year.amount = 3000
[benefits.inpatient.payers.pool]
bands = 0.88
[payers.critical_illness]
deductible.year.amount = 12000
"""

LINE_RULES = """
[lines]
first_pay = { by = ["item_class"], value = { A = 0.02, B = 0.1 } }
"""


def main() -> None:
    """Make the population, measure both pairs of laws, print, keep the raw numbers."""
    options = _options()
    console = Console(width=100)
    console.print(__doc__.strip(), style="dim", highlight=False)
    console.print(f"machine: {named_machine()}\nversions: {_versions()}")
    with tempfile.TemporaryDirectory(prefix="yibao-whatif-", dir=options.folder) as folder:
        file = options.file or Path(folder) / "population.parquet"
        made = None if file.exists() else _make(file, options, console)
        runs = {
            name: _measure(file, Path(folder), extra, options.workers)
            for name, extra in (("same line rules", ""), ("line rules differ", LINE_RULES))
        }
        size = file.stat().st_size
    result: dict[str, Any] = {
        "bills": options.bills,
        "lines_a_bill": LINES_A_BILL,
        "file_bytes": size,
        "made_in_s": made,
        "runs": runs,
        "goal": {"bills": GOAL_BILLS, "seconds": GOAL_SECONDS, "bytes": GOAL_BYTES},
        "packages": _versions(),
    }
    _print(console, result, keep("whatif", __doc__, result, kept=options.keep))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bills", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="with the repository's results")
    parser.add_argument("--workers", type=int, help="processes (one for each core)")
    parser.add_argument("--folder", type=Path, help="where to make the file (temporary folder)")
    parser.add_argument("--file", type=Path, help="the population: read, or made and kept")
    return parser.parse_args()


def _make(file: Path, options: argparse.Namespace, console: Console) -> float:
    needed = options.bills * BYTES_A_BILL
    free = shutil.disk_usage(file.parent).free
    if free < needed * 1.2:
        sys.exit(f"{file.parent}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")
    started = time.perf_counter()
    words = words_of([Shelf().law(LAW)], date(YEAR, 7, 1))
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("making the population", total=options.bills)
        generate(
            file,
            words,
            bills=options.bills,
            year=YEAR,
            seed=options.seed,
            progress=lambda more: progress.advance(task, more),
        )
    return time.perf_counter() - started


def _measure(file: Path, folder: Path, extra: str, workers: int | None) -> dict[str, Any]:
    """Run the command; its figures, wall time, processor time and peak memory."""
    after = folder / "after.toml"
    after.write_text(VARIANT + extra)
    command = [sys.executable, "-m", "yibao", "whatif", "--from", LAW, "--to", str(after)]
    command += ["--bills", str(file), "--json"]
    command += ["--workers", str(workers)] if workers else []
    with tempfile.TemporaryFile() as out:
        started, used = time.perf_counter(), _used()
        process = subprocess.Popen(command, stdout=out)
        peak, peak_of_one, processes = _watched(process)
        seconds, used = time.perf_counter() - started, _used() - used
        if process.returncode:
            sys.exit(f"the command failed: {' '.join(command)}")
        out.seek(0)
        told = json.load(out)
    bills = told["population"]["bills"]
    return {
        "seconds": seconds,
        "processor_s": used,
        "bills_a_second": bills / seconds,
        "decisions_a_second": 2 * bills / seconds,
        "evaluation_s": told["seconds"],
        "peak_bytes": peak,
        "peak_bytes_of_one": peak_of_one,
        "processes": processes,
        "lines_recomputed": told["lines_recomputed"],
        "compared": told["compared"],
        "refused": told["refused"]["bills"],
    }


def _used() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watched(process: subprocess.Popen[bytes]) -> tuple[int, int, int]:
    """Peak of the resident memory of a process and its children, while it runs."""
    root = psutil.Process(process.pid)
    peak, one, most = 0, 0, 1
    while process.poll() is None:
        sizes: list[int] = []
        try:
            members = (root, *root.children(recursive=True))
            sizes.extend(member.memory_info().rss for member in members)
        except psutil.NoSuchProcess:
            pass
        peak, one = max(peak, sum(sizes)), max(one, *sizes, 0)
        most = max(most, len(sizes))
        time.sleep(0.1)
    return peak, one, most


def _print(console: Console, result: dict[str, Any], kept: Path) -> None:
    table = Table(title=f"{result['bills']:,} bills of {LINES_A_BILL} lines, two laws")
    table.add_column("")
    for name in result["runs"]:
        table.add_column(name, justify="right")
    runs = result["runs"].values()
    for label, shown in (
        ("wall time, s", [f"{run['seconds']:.1f}" for run in runs]),
        ("processor time, all processes, s", [f"{run['processor_s']:.1f}" for run in runs]),
        ("of the wall time deciding, s", [f"{run['evaluation_s']:.1f}" for run in runs]),
        ("bills/s (each decided twice)", [f"{run['bills_a_second']:,.0f}" for run in runs]),
        (
            f"{GOAL_BILLS:,} bills at this speed, s",
            [f"{GOAL_BILLS / run['bills_a_second']:.1f}" for run in runs],
        ),
        ("peak memory, all processes, MiB", [f"{run['peak_bytes'] / 2**20:,.0f}" for run in runs]),
        ("refused bills", [f"{run['refused']:,}" for run in runs]),
    ):
        table.add_row(label, *shown)
    console.print(table)
    console.print(
        f"file {result['file_bytes'] / 1e9:.2f} GB, made in {result['made_in_s'] or 0:.0f} s "
        f"(outside the figure); goal {GOAL_BILLS:,} bills in {GOAL_SECONDS} s, 2 GiB; raw: {kept}"
    )


def _versions() -> str:
    names = ("numpy", "pyarrow", "psutil")
    return f"Python {platform.python_version()}, " + ", ".join(f"{n} {version(n)}" for n in names)


if __name__ == "__main__":
    main()
