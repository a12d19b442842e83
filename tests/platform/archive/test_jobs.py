"""What the server does about the archive by itself."""

from datetime import date, timedelta

import pytest
from structlog.testing import capture_logs

from tests.platform.archive.builders import NOW, POOL, Shop
from yibao.platform.archive import jobs
from yibao.platform.archive.model import Stay
from yibao.platform.archive.service import RECALLED_FOR
from yibao.platform.settings import Settings

pytestmark = pytest.mark.database


async def test_what_is_due_leaves_and_what_came_back_leaves_again(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    assert await jobs.put_away(shop.archive)(NOW) == 7
    assert await jobs.put_away(shop.archive)(NOW) == 0
    await shop.archive.recall(POOL, [sale.visit], NOW)
    later = NOW + RECALLED_FOR + timedelta(days=1)
    assert await jobs.send_away(shop.archive)(later) > 0
    assert await shop.count() == 0


async def test_a_month_that_has_to_stay_is_told_with_its_reasons(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    shop.stays = [Stay("stays that have not ended", 2)]
    with capture_logs() as told:
        assert await jobs.put_away(shop.archive)(NOW) == 0
    (line,) = [one for one in told if one["event"] == "archive_waits"]
    assert (line["month"], line["why"]) == ("2024-05", "stays that have not ended: 2")
    assert await shop.count() == 7


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
