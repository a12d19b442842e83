"""What the server does about the archive by itself."""

import asyncio
from datetime import date, timedelta

import psutil
import pytest
from structlog.testing import capture_logs

from tests.platform.archive.builders import NOW, POOL, Shop
from yibao.platform.archive import jobs
from yibao.platform.archive.model import Stay
from yibao.platform.archive.service import RECALLED_FOR
from yibao.platform.background import Failed
from yibao.platform.clock import SettableClock
from yibao.platform.jobs import ARCHIVING, Errand, Housekeeping
from yibao.platform.settings import Settings

pytestmark = pytest.mark.database


def put_away(shop: Shop) -> Errand:
    """The errand of a server that is set up for the shop."""
    settings = Settings(
        data=shop.folder.parent,
        database_url=shop.database.dsn,
        vault_key=(b"a" * 32).hex(),
        archive=shop.folder,
        hot_months=24,
    )
    return jobs.put_away(shop.archive, settings)


async def begun() -> psutil.Process:
    """The process that puts a month away, once it gives way to all others."""
    for _ in range(1_000):
        for process in psutil.Process().children():
            if "archive" in process.cmdline() and process.nice() == 19:
                return process
        await asyncio.sleep(0.01)
    raise AssertionError("no process puts a month away")


async def test_what_is_due_leaves_and_what_came_back_leaves_again(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    assert await put_away(shop)(NOW) == 7
    assert await put_away(shop)(NOW) == 0
    await shop.archive.recall(POOL, [sale.visit], NOW)
    later = NOW + RECALLED_FOR + timedelta(days=1)
    assert await jobs.send_away(shop.archive)(later) > 0
    assert await shop.count() == 0


async def test_a_month_that_has_to_stay_is_told_with_its_reasons(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    shop.stays = [Stay("stays that have not ended", 2)]
    with capture_logs() as told:
        assert await put_away(shop)(NOW) == 0
    (line,) = [one for one in told if one["event"] == "archive_waits"]
    assert (line["month"], line["why"]) == ("2024-05", "stays that have not ended: 2")
    assert await shop.count() == 7


async def test_a_month_is_written_in_another_process_that_gives_way(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    going = asyncio.create_task(put_away(shop)(NOW))
    process = await begun()
    secret = (b"a" * 32).hex()
    assert not [word for word in process.cmdline() if secret in word or "postgres" in word]
    assert await going == 7
    assert not process.is_running()


async def test_a_month_that_fails_to_leave_is_told_with_the_reason(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    shop.folder.write_text("not a folder")
    with pytest.raises(Failed, match="File exists"):
        await put_away(shop)(NOW)
    assert await shop.count() == 7


async def test_a_server_that_stops_breaks_off_and_leaves_the_month_whole(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    clock = SettableClock(NOW)
    archivist = Housekeeping(
        shop.database, clock, {}, errands={"archive": put_away(shop)}, work=ARCHIVING
    )
    archivist.start()
    process = await begun()
    await archivist.stop()
    assert not process.is_running()
    assert await shop.count() == 7
    assert await archivist.once() == {"archive": 7}


async def test_months_that_are_overdue_are_measured(shop: Shop) -> None:
    (measured,) = jobs.vitals(Settings(hot_months=24)).values()
    (never,) = jobs.vitals(Settings(hot_months=0)).values()
    async with shop.database.owner() as connection:
        assert await measured(connection) == 0
        await shop.sell(date(2024, 5, 3))
        await shop.sell(date(2024, 6, 3))
        assert await measured(connection) == 2
        assert await never(connection) == 0
        await shop.archive.put_away(NOW)
        assert await measured(connection) == 0
