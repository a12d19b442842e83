"""A disk that is full while the database must start: the server waits for room, by itself."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.world.disk import Disk
from tests.world.server import Served

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("world")]

LONGER_THAN_A_TRY = 8
BACK_WITHIN = 90


async def is_ready(served: Served) -> bool:
    """Whether the server says that it serves."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session,
            session.get(f"http://127.0.0.1:{served.port}/readyz") as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


async def test_a_full_disk_ends_nothing_for_good(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk")
    # one worker: of two, each finds the database again in its own time, and either may answer
    served = Served(disk.folder / "data", workers=1, log=tmp_path / "server.log")
    try:
        if not disk.is_own:
            pytest.skip("no file system may be mounted here")
        # filled just now: a database that has nothing to recover starts on a full disk as well
        await asyncio.to_thread(served.start)
        with disk.full([]):
            served.kill(database=True)
            await asyncio.sleep(LONGER_THAN_A_TRY)
            assert served.is_up, served.log.read_text()[-2_000:]
            assert not await is_ready(served)
        for _ in range(BACK_WITHIN):
            if await is_ready(served):
                break
            await asyncio.sleep(1)
        assert await is_ready(served), served.log.read_text()[-2_000:]
        assert "postgres_not_started" in served.log.read_text()
    finally:
        await asyncio.to_thread(served.stop)
        disk.close()
