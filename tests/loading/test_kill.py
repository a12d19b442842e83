"""A load that is killed outright goes on behind the last portion that was committed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.loading.builders import Bureau, card, person, write_csv
from yibao.kernel.refusals import Refused
from yibao.loading.model import Report

PEOPLE, PORTION = 1_500, 100

SCRIPT = """
import asyncio, sys
from pathlib import Path
from yibao.loading.kinds import KINDS
from yibao.loading.model import Options
from yibao.loading.service import load
from yibao.platform.clock import SystemClock
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.policy.law_book import LawBook
from yibao.registry.service import ReferenceCache

async def main():
    database = await Database.open(sys.argv[1], writers=1, readers=1)
    vault = Vault(b"k" * 32)
    references = ReferenceCache(vault, LawBook({}))
    await load(database, vault, references, SystemClock(), KINDS["persons"], Path(sys.argv[2]),
               Options(batch=int(sys.argv[3])))

asyncio.run(main())
"""


def people() -> list[dict[str, str]]:
    """Rows of artificial persons, born on as many days."""
    rows = []
    for number in range(PEOPLE):
        birth = f"19{number // 336 + 50}{number % 336 // 28 + 1:02d}{number % 28 + 1:02d}"
        told = f"{birth[:4]}-{birth[4:6]}-{birth[6:]}"
        document = card(1, birth)
        rows.append(person(1, source_key=f"P{number}", birth_date=told, document_number=document))
    return rows


async def test_a_load_survives_kill_9(bureau: Bureau) -> None:
    file = write_csv(bureau.folder / "persons.csv", people())
    script = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, bureau.database.dsn, str(file), str(PORTION),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    done = 0
    while done < 3 * PORTION:
        assert script.returncode is None, (await script.communicate())[1]
        await asyncio.sleep(0.02)
        async with bureau.database.reader(None) as connection:
            done = await connection.fetchval("SELECT max(rows_done) FROM loading.run") or 0
    os.kill(script.pid, signal.SIGKILL)
    await script.wait()
    report = await _again(bureau, file)
    assert 3 * PORTION <= report.resumed_at < PEOPLE
    assert report.counts.written == PEOPLE
    for table in ("registry.identity", "registry.membership", "loading.loaded"):
        assert await bureau.count(table) == PEOPLE


async def _again(bureau: Bureau, file: Path) -> Report:
    """Load once more; the killed one's connection may take a moment to go."""
    for _ in range(100):
        try:
            return await bureau.load("persons", file, batch=PORTION)
        except Refused:
            await asyncio.sleep(0.1)
    raise AssertionError("the load before holds its lock")
