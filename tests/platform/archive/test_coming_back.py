"""Rows come back by number with all that belongs to them, once, and leave again unless changed."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta

import pytest

from tests.platform.archive.builders import NOW, OTHER, POOL, Shop
from yibao.kernel.areas import Pool
from yibao.platform.archive import missing
from yibao.platform.archive.model import ArchiveFault
from yibao.platform.archive.service import RECALLED_FOR, Recalls

pytestmark = pytest.mark.database
AUGUST = NOW.replace(month=8)
LATER = AUGUST + RECALLED_FOR + timedelta(days=1)


async def test_a_visit_comes_back_with_its_charges_lines_bill_and_entries(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    before = await shop.contents()
    await shop.sell(date(2024, 5, 3), member="M2")
    await shop.archive.put_away(NOW)
    assert await shop.count() == 0
    assert await shop.archive.recall(POOL, [sale.visit], NOW) > 0
    assert await shop.contents() == before


async def test_a_bill_brings_its_visit_of_another_month(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 28), settled=date(2024, 6, 4))
    before = await shop.contents()
    await shop.archive.put_away(NOW)
    assert await shop.count() == 0
    await shop.archive.recall(POOL, [sale.bill], NOW)
    assert await shop.contents() == before


async def test_a_visit_brings_its_bill_of_another_month(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 28), settled=date(2024, 6, 4))
    before = await shop.contents()
    await shop.archive.put_away(NOW)
    await shop.archive.recall(POOL, [sale.visit], NOW)
    assert await shop.contents() == before


async def test_rows_come_back_once(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    before = await shop.contents()
    await shop.archive.put_away(NOW)
    await shop.archive.recall(POOL, [sale.visit], NOW)
    await shop.value("UPDATE shop.charge SET living = NULL")
    assert await shop.archive.recall(POOL, [sale.visit], NOW) == 0
    assert await shop.archive.recall(POOL, [sale.bill], NOW) == 0
    assert (await shop.contents())["charge"] != before["charge"]
    assert len((await shop.contents())["entry"]) == 2


async def test_numbers_that_never_were_and_those_of_neighbours_bring_nothing(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    for number in (0, -1, 1, sale.visit + 77, 2**62):
        assert await shop.archive.recall(POOL, [number], NOW) == 0
    assert await shop.archive.recall(OTHER, [sale.visit], NOW) == 0
    assert await shop.count() == 0


async def test_what_came_back_leaves_again_after_some_days(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    await shop.archive.recall(POOL, [sale.visit], AUGUST)
    assert await shop.archive.send_away(AUGUST + timedelta(days=1)) == 0
    assert await shop.count() == 7
    assert await shop.archive.send_away(LATER) > 0
    assert await shop.count() == 0
    assert await shop.archive.recall(POOL, [sale.visit], LATER) > 0
    assert await shop.count() == 7


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE shop.charge SET living = NULL",
        """INSERT INTO shop.charge SELECT pool, id + 1, visit, NULL FROM shop.charge""",
    ],
)
async def test_what_was_changed_stays_whole(shop: Shop, change: str) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    await shop.archive.recall(POOL, [sale.visit], AUGUST)
    await shop.value(change)
    changed = await shop.contents()
    assert await shop.archive.send_away(LATER) == 0
    assert await shop.contents() == changed
    assert await shop.archive.send_away(LATER) == 0


async def test_a_bill_added_behind_the_horizon_keeps_its_visit(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    await shop.archive.recall(POOL, [sale.visit], AUGUST)
    number = shop.number(AUGUST)
    await shop.value(
        "INSERT INTO shop.bill VALUES ($1, $2, $3, 'M1', 1, ''::bytea)", POOL, number, sale.visit
    )
    assert await shop.archive.send_away(LATER) == 0
    assert await shop.count() == 8


async def test_a_file_that_is_missing_or_changed_brings_nothing_back(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    bills = shop.folder / POOL / "2024-05" / "03" / "shop.entry.parquet"
    whole = bills.read_bytes()
    bills.write_bytes(whole.replace(b"PAR1", b"PAR2", 1))
    with pytest.raises(ArchiveFault, match=r"shop\.entry\.parquet"):
        await shop.archive.recall(POOL, [sale.visit], NOW)
    bills.unlink()
    with pytest.raises(ArchiveFault, match="put the archive's folder back"):
        await shop.archive.recall(POOL, [sale.visit], NOW)
    assert await shop.count() == 0
    bills.write_bytes(whole)
    assert await shop.archive.recall(POOL, [sale.visit], NOW) > 0


async def test_days_come_back_as_a_whole_up_to_a_limit(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    await shop.sell(date(2024, 5, 4), pool=OTHER)
    before = await shop.contents()
    await shop.sell(date(2024, 5, 6), member="M2")
    await shop.archive.put_away(NOW)
    first, last = date(2024, 5, 3), date(2024, 5, 4)
    with pytest.raises(ArchiveFault, match=r"6 numbers back .* `yibao archive recall --from 2024"):
        await shop.archive.recall_days(None, first, last, NOW, most=5)
    assert await shop.count() == 0
    assert await shop.archive.recall_days(None, first, last, NOW) > 0
    assert await shop.contents() == before
    assert await shop.archive.recall_days(None, first, last, NOW) == 0


async def test_of_days_only_what_is_asked_for_comes_with_all_that_belongs_to_it(
    shop: Shop,
) -> None:
    await shop.sell(date(2024, 5, 3))
    await shop.sell(date(2024, 5, 28), settled=date(2024, 6, 4))
    before = await shop.contents()
    await shop.sell(date(2024, 5, 3), member="M2")
    await shop.archive.put_away(NOW)
    days = (date(2024, 5, 1), date(2024, 6, 30))
    assert await shop.archive.recall_days(POOL, *days, NOW, only={"member": ["M1"]}, most=2) > 0
    assert await shop.contents() == before


# ----------------------------------------------------------------------------------------- missing


@pytest.fixture
async def asked(shop: Shop) -> AsyncIterator[list[int]]:
    """What the archive of this process was asked for."""
    numbers: list[int] = []

    class Noting(Recalls):
        async def numbers(self, pool: Pool, wanted: Sequence[int]) -> int:
            numbers.extend(wanted)
            return await super().numbers(pool, wanted)

    missing.use(Noting(shop.folder, shop.database.owner, lambda: NOW))
    yield numbers
    missing.use(None)


async def test_only_what_is_missed_and_old_is_asked_of_the_archive(
    shop: Shop, asked: list[int]
) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    hot = await shop.sell(date(2024, 7, 3))
    async with shop.database.reader([]) as connection:
        assert not await missing.came_back(connection, POOL, [sale.visit], [])  # no archive yet
        await shop.archive.put_away(NOW)
        assert not await missing.came_back(connection, POOL, [sale.visit], [sale.visit])
        assert not await missing.came_back(connection, POOL, [hot.visit + 1], [])
        assert asked == []
        assert await missing.came_back(connection, POOL, [sale.visit, hot.visit], [])
        assert asked == [sale.visit]


async def test_a_snapshot_that_is_older_is_told_to_begin_again(
    shop: Shop, asked: list[int]
) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    async with shop.database.writer() as connection:
        with pytest.raises(missing.CameBack):
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await missing.came_back(connection, POOL, [sale.visit], [])
        assert not await missing.came_back(connection, POOL, [sale.visit], [])
