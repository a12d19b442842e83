"""How fast a city is put in: persons and their enrolments, artificial ones, into an empty database.

    python -m benchmarks.loading --persons 1000000

Uses the database of DATABASE_URL, or an embedded one that syncs like a bureau's. Prints rows a
second of each stage, seconds, the peak of memory, and keeps them.
"""

import argparse
import asyncio
import csv
import json
import os
import resource
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.evidence import FOLDER, Experiment, keep
from yibao.kernel.areas import Division, Pool
from yibao.kernel.identifiers import id_card_check_digit
from yibao.kernel.periods import Period
from yibao.loading.kinds import KINDS
from yibao.loading.model import Options, Progress
from yibao.loading.service import load
from yibao.platform.clock import SystemClock
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.migrations import migrate
from yibao.platform.postgres import EmbeddedPostgres
from yibao.policy.law_book import LawBook
from yibao.registry.institutions import service as institutions
from yibao.registry.institutions.model import PoolDivision
from yibao.registry.service import ReferenceCache

POOL, DIVISION = "430100", "430102"
EXPERIMENT = Experiment(
    "loading",
    "A million persons and their enrolments are put in within minutes.",
    "Artificial persons and one enrolment each, as CSV files, into an empty embedded PostgreSQL "
    "that syncs like a bureau's: every row is checked by all the rules, then written with its "
    "change record, its identity encrypted. One process, on the machine with the database.",
    "python -m benchmarks.loading --persons PERSONS",
    {
        "persons": "rows of the first file; the second has as many enrolments",
        "persons minutes": "checking and writing the first file",
        "persons a second": "of both stages together",
        "enrolments minutes": "checking and writing the second file",
        "enrolments a second": "of both stages together",
        "peak MB": "of memory, the loading process",
    },
)
_BIRTHS = 20_000
"""Days over which births are spread; 1,000 serial numbers a day."""


def card(number: int) -> tuple[str, str]:
    """(identity number, birth date) of an artificial person; nobody lives in division 990101."""
    born = date(1950, 1, 1) + timedelta(days=number % _BIRTHS)
    first = f"990101{born:%Y%m%d}{number // _BIRTHS * 2 + 1:03d}"
    return first + id_card_check_digit(first), born.isoformat()


def write_files(folder: Path, count: int) -> tuple[Path, Path]:
    """The two files."""
    persons, enrolments = folder / "persons.csv", folder / "enrolments.csv"
    with (
        persons.open("w", newline="", encoding="utf-8") as first,
        enrolments.open("w", newline="", encoding="utf-8") as second,
    ):
        people, enrolled = csv.writer(first), csv.writer(second)
        people.writerow(
            ("source", "source_key", "pool", "document_number", "name", "gender", "birth_date",
             "from")
        )  # fmt: skip
        enrolled.writerow(
            ("source", "source_key", "pool", "person", "scheme", "division", "person_type", "from")
        )
        for number in range(count):
            document, born = card(number)
            people.writerow(
                ("old", f"P{number}", POOL, document, f"人造{number}", "1", born, "2020-01-01")
            )
            enrolled.writerow(
                ("old", f"E{number}", POOL, f"P{number}", "310", DIVISION, "1101", "2020-01-01")
            )
    return persons, enrolments


class Watch:
    """When each stage of a load began and ended."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.stages: dict[str, list[float]] = {}

    def __call__(self, progress: Progress) -> None:
        """After a portion."""
        self.stages.setdefault(progress.stage, []).append(time.perf_counter() - self.began)


async def measure(dsn: str, folder: Path, count: int, batch: int) -> dict[str, Any]:
    """Load both files and tell how long it took."""
    began = time.perf_counter()
    files = dict(zip(("persons", "enrolments"), write_files(folder, count), strict=True))
    told: dict[str, Any] = {
        "persons": count, "batch": batch, "generated_s": round(time.perf_counter() - began, 1),
    }  # fmt: skip
    await migrate(dsn)
    vault = Vault(b"b" * 32)
    references = ReferenceCache(vault, LawBook({}))
    database = await Database.open(dsn, writers=2, readers=1)
    try:
        async with database.writer() as connection, connection.transaction():
            insures = PoolDivision(Division(DIVISION), Pool(POOL), Period(date(2020, 1, 1)))
            await institutions.found_pool(
                connection, Pool(POOL), "人造市", [insures], now=datetime.now(UTC)
            )
        for kind, file in files.items():
            watch, cpu = Watch(), time.process_time()
            report = await load(
                database, vault, references, SystemClock(), KINDS[kind], file,
                Options(batch=batch), progress=watch,
            )  # fmt: skip
            assert report.counts.written == count, report
            checked, written = watch.stages["checking"][-1], watch.stages["writing"][-1]
            told[f"{kind} minutes"] = round(written / 60, 1)
            told[f"{kind} a second"] = round(count / written)
            told[f"{kind} in full"] = {
                "checked_s": round(checked, 1),
                "written_s": round(written - checked, 1),
                "own_cpu_s": round(time.process_time() - cpu, 1),
                "writing_rows_per_s": round(count / (written - checked)),
            }
    finally:
        await database.close()
    told["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--to", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dsn = os.environ.get("DATABASE_URL")
        if dsn:
            told = asyncio.run(measure(dsn, folder, chosen.persons, chosen.batch))
        else:
            with EmbeddedPostgres(folder / "postgres") as own:
                told = asyncio.run(measure(own, folder, chosen.persons, chosen.batch))
    print(json.dumps(told, indent=2))
    keep(EXPERIMENT, told, chosen.to)


if __name__ == "__main__":
    main()
