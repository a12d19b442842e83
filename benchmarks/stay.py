"""The final settlement of a long stay: 3,000 fee lines in uploads of 100, alone, in process.

    python -m benchmarks.stay

Each stay is admitted, charged, discharged, tried (2303) and settled (2304) through the room's
commands on a fresh embedded PostgreSQL with fsync on; what is measured is from the request to the
outcome, without HTTP. ``--changed`` raises the catalogue's version before each settlement, so that
every line is classified again.
"""

import argparse
import asyncio
import json
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.visits import RESULTS, _machine, _stamp, _versions
from tests.settlement.builders import CLASS_A, CLASS_B, Town, stay_line, town
from yibao.platform.database import Database
from yibao.platform.migrations import migrate
from yibao.platform.postgres import EmbeddedPostgres
from yibao.sandbox.report import percentile

UPLOAD = 100
"""Lines of one 2301, as hospital systems cut them."""

STEPS = ("upload", "trial", "settle")


def main() -> None:
    """Measure, print, keep the raw numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stays", type=int, default=30)
    parser.add_argument("--lines", type=int, default=3_000)
    parser.add_argument("--changed", action="store_true", help="classify every line again")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder,
        EmbeddedPostgres(Path(folder), {"shared_buffers": "128MB"}) as dsn,
    ):
        measured = asyncio.run(_measure(dsn, options))
    result = {
        "method": " ".join((__doc__ or "").split()),
        "stays": options.stays,
        "lines": options.lines,
        "changed": options.changed,
        "machine": _machine(),
        "versions": _versions(),
        "at": _stamp(),
        "seconds": measured,
    }
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"stay-{_stamp()}.json"
    kept.write_text(json.dumps(result, indent=1) + "\n")
    _print(Console(width=100), result, kept)


async def _measure(dsn: str, options: argparse.Namespace) -> dict[str, list[float]]:
    await migrate(dsn)
    measured: dict[str, list[float]] = {step: [] for step in STEPS}
    database = await Database.open(dsn)
    try:
        async with town(database) as laid_out:
            await _stay(laid_out, options.lines, {step: [] for step in STEPS}, options)
            for _ in range(options.stays):
                await _stay(laid_out, options.lines, measured, options)
    finally:
        await database.close()
    return measured


async def _stay(
    town: Town, lines: int, measured: dict[str, list[float]], options: argparse.Namespace
) -> None:
    stay = await town.admit(await town.insure(account="100"), days_ago=20)
    for first in range(0, lines, UPLOAD):
        sent = [
            stay_line(
                f"{n:06d}",
                "12.34",
                item=CLASS_B if n % 2 else CLASS_A,
                time=stay.begin + timedelta(minutes=5 * n),
            )
            for n in range(first, min(lines, first + UPLOAD))
        ]
        await _timed(measured["upload"], town.do(town.upload(stay, *sent)))
    await town.do(town.discharge(stay))
    if options.changed:
        async with town.database.writer() as connection:
            await connection.execute("UPDATE registry.version SET number = number + 1")
    cents = 1234 * lines
    request = town.stay_settlement(stay, f"{cents // 100}.{cents % 100:02d}")
    await _timed(measured["trial"], town.trial(request))
    await _timed(measured["settle"], town.do(request))


async def _timed(figures: list[float], work: Any) -> None:
    started = time.perf_counter()
    await work
    figures.append(time.perf_counter() - started)


def _print(console: Console, result: dict[str, Any], kept: Path) -> None:
    console.print(f"machine: {result['machine']}\nversions: {result['versions']}")
    console.print(
        f"{result['stays']} stays of {result['lines']} lines, one after the other"
        f"{', every line classified again' if result['changed'] else ''}"
    )
    table = Table("step", "n", "p50 ms", "p95 ms", "p99 ms", "longest ms")
    for step, seconds in result["seconds"].items():
        ordered = sorted(seconds)
        figures = [percentile(ordered, share) for share in (0.5, 0.95, 0.99)] + [ordered[-1]]
        table.add_row(step, str(len(ordered)), *(f"{1000 * figure:.1f}" for figure in figures))
    console.print(table)
    console.print(f"raw: {kept}")


if __name__ == "__main__":
    main()
