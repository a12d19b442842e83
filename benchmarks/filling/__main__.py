"""Fill a database with settlements of past months: millions of them, by the server's own rules.

    python -m benchmarks.filling --settlements 5000000 --months 6 --data FOLDER

FOLDER becomes a sandbox's data folder: `yibao serve --sandbox --data FOLDER` goes on from there,
and `benchmarks.soak` measures on it. Each settlement is a visit of 20 lines with everything that
its calls would have left. The law decides every bill on counters and accounts as they stand; the
rows are encoded by the server's own functions and copied in portions of 1,000; a process a pool,
each under a writer number of its own, in the order of time. A trial shows what one takes; then the
largest number that disk and time have room for is taken, at least 500,000, and it is said. At the
end bureaus have cleared the months that are over, days are signed, statistics are made, and `yibao
ledger verify` reads all books through.
"""

import argparse
import asyncio
import dataclasses
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.filling import books, city, clearing, room
from benchmarks.filling.crew import Crew
from benchmarks.filling.filler import Span
from benchmarks.filling.worker import Order
from benchmarks.machine import NoRoom
from benchmarks.report import Plain, keep, print_head, run
from yibao.kernel.periods import add_months, business_date
from yibao.ledger.heads import service as heads
from yibao.platform.clock import SystemClock
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.migrations import migrate
from yibao.platform.months import service as months
from yibao.platform.months.model import Month
from yibao.platform.postgres import EmbeddedPostgres
from yibao.platform.settings import Settings, load_settings
from yibao.policy.load import load_law_book
from yibao.registry.service import ReferenceCache
from yibao.sandbox.places import PLACES

TRIAL = 4_000
"""Settlements of a pool that are timed first."""
NOTE = "filling.json"
"""What was filled in, kept in the folder: ``benchmarks.soak`` says it again."""


def main() -> None:
    """Fill, verify, say what it came to."""
    options = _options()
    console = Console(width=100)
    told = fill(options, console)
    _print(console, told)
    if told.get("faults"):
        raise SystemExit(f"the books are not right: {told['faults']} faults")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.filling",
        description=__doc__,
        formatter_class=Plain,
    )
    parser.add_argument("--settlements", type=_positive, default=5_000_000)
    parser.add_argument("--months", type=_positive, default=6, help="that they are spread over")
    parser.add_argument("--data", type=Path, required=True, help="new folder of the database")
    parser.add_argument(
        "--persons", type=_positive, default=200_000, help="beside the sandbox's 20,000"
    )
    parser.add_argument("--lines", type=_positive, default=20, help="of a visit")
    parser.add_argument("--hours", type=float, default=3.0, help="that filling in may take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--unverified", action="store_true", help="leave reading all books through to later"
    )
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def fill(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """The whole of it; what it came to. Raises NoRoom."""
    folder: Path = options.data
    if (folder / "postgres").exists():
        raise NoRoom(f"there is a database in {folder} already: give a new folder")
    room.check(room.look(folder), options.settlements)
    folder.mkdir(parents=True, exist_ok=True)
    print_head(console, folder)
    settings = load_settings({"data": folder, "sandbox": True, "log_level": "error"})
    began = time.perf_counter()
    with EmbeddedPostgres(folder / "postgres") as dsn:
        settings = dataclasses.replace(settings, database_url=dsn)
        span = _span(options.months)
        console.print(f"from {span.first:%Y-%m-%d} to {span.last:%Y-%m-%d}, in {folder}")
        asyncio.run(_found(settings, span))
        told = _filled(options, settings, span, console, began)
        console.print("clearing months that are over, signing days, making statistics")
        told["cleared"] = asyncio.run(_finish(settings, span))
        told["bytes_each"] = (_size(dsn) - told.pop("bytes_before")) / told["settlements"]
        told["tables"] = asyncio.run(_tables(dsn))
        _note(folder, told, began)  # it can be used, whatever comes of the books
        if not options.unverified:
            console.print("verifying all books")
            told |= books.verified(folder)
    _note(folder, told, began)
    keep("filling", __doc__, told)
    return told


def _note(folder: Path, told: dict[str, Any], began: float) -> None:
    told |= {"minutes": (time.perf_counter() - began) / 60, "at": f"{datetime.now(UTC):%F %T}"}
    (folder / NOTE).write_text(json.dumps(told, indent=1) + "\n")


def _span(months: int) -> Span:
    """Whole months back from now, but for the hour before it."""
    now = datetime.now(UTC).replace(microsecond=0)
    first = now + (add_months(business_date(now), -months) - business_date(now))
    return Span(first, now - timedelta(hours=1))


async def _found(settings: Settings, span: Span) -> None:
    """The world as of the day before the first, with partitions for every month to come."""
    dsn = settings.database_url
    assert dsn is not None
    await migrate(dsn)
    database = await Database.open(dsn, writers=1, readers=1)
    before = span.first - timedelta(days=1)
    try:
        async with database.owner() as owner:
            await months.make(owner, list(_months(span._replace(first=before))))
            await months.ensure(owner, business_date(span.last))
        await city.found(database, settings, before)
    finally:
        await database.close()


def _months(span: Span) -> Iterator[Month]:
    month = Month.of(business_date(span.first))
    while month <= Month.of(business_date(span.last)):
        yield month
        month = month.later()


# ---------------------------------------------------------------------------------- the settlements


def _filled(
    options: argparse.Namespace, settings: Settings, span: Span, console: Console, began: float
) -> dict[str, Any]:
    dsn = settings.database_url
    assert dsn is not None
    crew = Crew(_orders(options, settings, span))
    crew.prepare()
    console.print(f"{crew.patients:,} persons can be treated, in {len(PLACES)} pools")
    before, started = _size(dsn), time.perf_counter()
    crew.trial()
    trial, rate = crew.settled, crew.settled / (time.perf_counter() - started)
    ends = began + 3600 * options.hours
    target, why = room.affordable(
        options.settlements,
        trial,
        (_size(dsn) - before) / trial,
        rate,
        room.look(options.data).disk,
        ends - time.perf_counter(),
    )
    console.print(f"{target:,} settlements, because {why}")

    def stop() -> str | None:
        if time.perf_counter() > ends:
            return f"{options.hours:g} h were over"
        return room.ran_low(room.look(options.data))

    started = time.perf_counter()
    with _bar(console, target) as bar:
        crew.go_on(target - trial, bar, stop)
    seconds = time.perf_counter() - started
    crew.check()
    if crew.stopped is not None:
        console.print(f"stopped at {crew.settled:,}: {crew.stopped}; the last months lack")
    return {
        "settlements": crew.settled,
        "asked": options.settlements,
        "because": crew.stopped or why,
        "months": options.months,
        "lines": options.lines,
        "persons": crew.patients,
        "refused": dict(crew.refused),
        "settlements_a_second": (crew.settled - trial) / seconds if crew.settled > trial else rate,
        "bytes_before": before,
    }


def _orders(options: argparse.Namespace, settings: Settings, span: Span) -> list[Order]:
    return [
        Order(
            settings,
            place.pool,
            place.divisions[0][0],
            span,
            options.persons // len(PLACES),
            max(1, min(TRIAL, options.settlements // len(PLACES))),
            options.lines,
            options.seed + number,
        )
        for number, place in enumerate(PLACES)
    ]


def _bar(console: Console, total: int) -> Progress:
    bar = Progress(
        TextColumn("{task.completed:,.0f} settlements"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=1,
    )
    bar.add_task("", total=total)
    return bar


# -------------------------------------------------------------------------------------- afterwards


async def _finish(settings: Settings, span: Span) -> list[str]:
    """What bureaus and a server would have done meanwhile; the months that were cleared.

    Each month that is over is cleared; days are signed, statistics made, dead rows cleaned up.
    """
    dsn = settings.database_url
    assert dsn is not None
    now = SystemClock().now()
    over = [month for month in _months(span) if month < Month.of(business_date(now))]
    vault = Vault(load_key(settings))
    references = ReferenceCache(vault, load_law_book(settings.law))
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        await clearing.clear(database, references, [place.pool for place in PLACES], over, now)
        async with database.owner() as owner:
            async with owner.transaction():
                key = heads.signer(vault)
                await heads.make(owner, key, now)
            await owner.execute("VACUUM (ANALYZE)", timeout=3600)
            await owner.execute("CHECKPOINT", timeout=3600)
    finally:
        await database.close()
    return [str(month) for month in over]


def _size(dsn: str) -> int:
    async def asked() -> int:
        own = await asyncpg.connect(dsn)
        try:
            size: int = await own.fetchval("SELECT pg_database_size(current_database())")
            return size
        finally:
            await own.close()

    return asyncio.run(asked())


async def _tables(dsn: str) -> dict[str, int]:
    """Bytes with indexes of the largest tables."""
    own = await asyncpg.connect(dsn)
    try:
        rows = await own.fetch(
            """SELECT coalesce(parent.inhparent, c.oid)::regclass::text AS name,
                      sum(pg_total_relation_size(c.oid))::bigint AS size
               FROM pg_class AS c LEFT JOIN pg_inherits AS parent ON parent.inhrelid = c.oid
               WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text !~ '^(pg_|information)'
               GROUP BY 1 ORDER BY 2 DESC LIMIT 12"""
        )
    finally:
        await own.close()
    return {row["name"]: row["size"] for row in rows}


def _print(console: Console, told: dict[str, Any]) -> None:
    console.print(
        f"{told['settlements']:,} settlements over {told['months']} months, of "
        f"{told['persons']:,} persons; {sum(told['refused'].values()):,} visits were refused"
    )
    console.print(
        f"{told['settlements_a_second']:,.0f} settlements/s, {told['bytes_each']:,.0f} bytes each "
        f"with all indexes, {told['minutes']:.0f} min in all"
    )
    for name, size in told["tables"].items():
        console.print(f"  {name}: {size / told['settlements']:,.0f} bytes each", highlight=False)
    if "faults" not in told:
        console.print("the books were not verified")
        return
    looked = ", ".join(f"{number:,} {name}" for name, number in told["verified"].items())
    outcome = f"{told['faults']} faults" if told["faults"] else "the books are right"
    console.print(f"{outcome}: {looked}")
    for fault in told["first"]:
        console.print(str(fault), highlight=False, markup=False)


if __name__ == "__main__":
    run(main)
