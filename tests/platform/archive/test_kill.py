"""A process that is killed while it puts a month away has dropped nothing."""

import asyncio
import signal
import sys
from datetime import date

import pytest

from tests.platform.archive.builders import NOW, Shop

pytestmark = pytest.mark.database

PUT_AWAY = """
import asyncio, os, signal, sys
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
import asyncpg
from yibao.platform.archive.model import PURPOSE
from yibao.platform.archive.service import Archive
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.signing import signer_for

dsn, folder, step, now = sys.argv[1:]

def tell(what, done, of):
    if what == step:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    database = await Database.open(dsn, 1, 1)
    archive = Archive(Path(folder), signer_for(Vault(b"a" * 32), PURPOSE), database.owner)
    await archive.put_away(datetime.fromisoformat(now), tell=tell)

asyncio.run(main())
"""


@pytest.mark.parametrize("step", ["rows written", "manifests", "set aside"])
async def test_a_killed_run_leaves_all_rows_and_the_next_one_goes_on(shop: Shop, step: str) -> None:
    await shop.sell(date(2024, 5, 3))
    await shop.sell(date(2024, 6, 3), settled=date(2024, 7, 3))
    before, parts = await shop.contents(), await shop.partitions()
    said = (shop.database.dsn, str(shop.folder), step, NOW.isoformat())
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PUT_AWAY, *said)
    assert await process.wait() == -signal.SIGKILL
    assert (await shop.contents(), await shop.partitions()) == (before, parts)
    assert await shop.archive.manifests() == []
    for _ in range(50):  # the killed one's session holds its lock until PostgreSQL notices
        if not await shop.value("SELECT count(*) FROM pg_locks WHERE classid = 31077"):
            break
        await asyncio.sleep(0.1)
    assert await shop.archive.put_away(NOW) is not None
    assert await shop.archive.verify() == []
    assert "shop.bill_2024_05" not in await shop.partitions()
