"""Cold months leave as Parquet, whole or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow.parquet as pq
import pytest

from tests.conftest import in_thread
from tests.platform.archive.builders import APRIL, JUNE, MAY, NOW, OTHER, POOL, TABLES, Shop
from yibao.platform.archive import dropping, files, rules
from yibao.platform.archive.model import PURPOSE, ArchiveFault, Column, Stay, Table
from yibao.platform.archive.service import Archive, Due
from yibao.platform.archive.store import hot
from yibao.platform.signing import signer_for

pytestmark = pytest.mark.database


async def test_a_cold_month_leaves_the_database_and_lies_in_files(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    await shop.sell(date(2024, 5, 3), pool=OTHER)
    await shop.sell(date(2024, 7, 3))
    put = await shop.archive.put_away(NOW)
    assert put is not None
    assert put.through == JUNE
    assert {(one.pool, one.month) for one in put.manifests} == {(POOL, MAY), (OTHER, MAY)}
    assert await shop.count() == 7
    assert "shop.bill_2024_05" not in await shop.partitions()
    assert "shop.bill_2024_07" in await shop.partitions()
    lying = shop.folder / POOL / "2024-05" / "03"
    assert sorted(path.name for path in lying.iterdir()) == sorted(
        f"shop.{table}.parquet" for table in TABLES
    )


async def test_what_was_sorted_for_a_day_is_let_go_when_the_day_was_read(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    low, high = rules.first_number(MAY), rules.first_number(JUNE)
    async with shop.database.owner() as connection, connection.transaction():
        for table in await hot.tables(connection):
            if table.schema == "shop":
                found = [
                    rows async for rows in hot.rows_between(connection, table, POOL, low, high)
                ]
                assert found
        opened = await connection.fetchval("SELECT count(*) FROM pg_cursors WHERE name <> ''")
    assert not opened


async def test_every_type_lies_in_the_file_as_it_was(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    (row,) = pq.read_table(
        shop.folder / POOL / "2024-05" / "03" / "shop.visit.parquet", partitioning=None
    ).to_pylist()
    assert row["id"] == sale.visit
    assert row["born"] == date(1980, 2, 29)
    assert row["begin_at"].isoformat() == "2024-05-03T04:00:00+00:00"
    assert row["notes"] == '{"price": "1.50", "备注": ["甲", 1, null]}'
    assert row["words"] == ["一", "two", None]
    assert row["hashes"] == [b"\x00\xff", b""]
    assert row["counts"] == [1, 2**62, None]
    assert row["open"] is True


async def test_the_day_of_a_number_is_that_of_shanghai(shop: Shop) -> None:
    late = await shop.sell(date(2024, 5, 3))
    number = shop.number(NOW.replace(year=2024, month=5, day=3, hour=16))  # 0:00 of the 4th
    await shop.value("UPDATE shop.bill SET id = $2 WHERE id = $1", late.bill, number)
    await shop.archive.put_away(NOW)
    month = shop.folder / POOL / "2024-05"
    assert (month / "04" / "shop.bill.parquet").exists()
    assert (month / "03" / "shop.entry.parquet").exists()


async def test_the_manifest_tells_rows_sums_edges_and_hashes(shop: Shop) -> None:
    one = await shop.sell(date(2024, 5, 3), total=1_000)
    other = await shop.sell(date(2024, 5, 3), total=2_000)
    put = await shop.archive.put_away(NOW)
    assert put is not None
    (manifest,) = put.manifests
    (bills,) = [file for file in manifest.files if file.relation == "shop.bill"]
    assert (bills.rows, bills.sums["total"]) == (2, 3_000)
    assert (bills.lowest, bills.highest) == (one.bill, other.bill)
    assert (bills.lowest_visit, bills.highest_visit) == (one.visit, other.visit)
    assert bills.sha256 == files.digest(bills.path(shop.folder))
    assert manifest.signature
    assert await shop.archive.manifests() == [manifest]


async def test_rows_in_no_months_partition_go_too(shop: Shop) -> None:
    await shop.sell(date(2024, 3, 3))  # before the first partition
    await shop.archive.put_away(NOW)
    assert await shop.count() == 0


async def test_months_that_are_hot_stay(shop: Shop) -> None:
    await shop.sell(date(2024, 7, 3))
    assert await shop.archive.put_away(NOW) is None
    with pytest.raises(ArchiveFault, match="2024-07 is among the months that stay"):
        await shop.archive.put_away(NOW, date(2024, 7, 1))
    assert await shop.count() == 7


async def test_nothing_is_put_away_where_all_months_are_to_stay(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    assert await shop.archive_with(hot_months=0).put_away(NOW) is None


async def test_a_month_with_reasons_stays_and_says_which(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    shop.stays = [Stay("stays that have not ended", 2), Stay("nothing at all", 0)]
    assert await shop.archive.due(NOW) == Due(None, MAY, (shop.stays[0],))
    with pytest.raises(ArchiveFault, match=r"2024-05 has to stay: stays that have not ended: 2$"):
        await shop.archive.put_away(NOW, MAY)
    assert await shop.count() == 7


async def test_what_later_rows_need_stays_until_they_go(shop: Shop) -> None:
    long = await shop.sell(date(2024, 6, 28), settled=date(2024, 7, 4))
    await shop.sell(date(2024, 6, 28))
    put = await shop.archive.put_away(NOW)
    assert put is not None
    contents = await shop.contents()
    assert [str(long.visit) in row for row in contents["visit"]] == [True]
    assert [str(long.charge) in row for row in contents["charge"]] == [True]
    assert len(contents["line"]) == 2
    assert len(contents["bill"]) == 1
    august = NOW.replace(month=8)
    await shop.archive.put_away(august)
    assert await shop.archive.send_away(august.replace(month=9)) == 2
    assert await shop.count() == 0


async def test_a_month_is_never_put_away_twice(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    assert await shop.archive.put_away(NOW) is None
    with pytest.raises(ArchiveFault, match="2024-05 was put away already, or holds nothing"):
        await shop.archive.put_away(NOW, MAY)


STEPS = ("rows written", "files compared", "manifests", "compared once more", "set aside")


@pytest.mark.parametrize("step", STEPS)
async def test_a_run_that_is_broken_off_leaves_all_rows_and_the_next_one_goes_on(
    shop: Shop, step: str
) -> None:
    await shop.sell(date(2024, 5, 3))
    await shop.sell(date(2024, 6, 3), settled=date(2024, 7, 3))
    before, parts = await shop.contents(), await shop.partitions()

    def break_off(what: str, done: int, of: int) -> None:
        if what == step and done == of:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await shop.archive.put_away(NOW, tell=break_off)
    assert (await shop.contents(), await shop.partitions()) == (before, parts)
    assert await shop.archive.manifests() == []
    assert not list(shop.folder.rglob("*.unfinished"))
    put = await shop.archive.put_away(NOW)
    assert put is not None
    assert await shop.archive.verify() == []
    assert "shop.bill_2024_05" not in await shop.partitions()


async def test_a_run_that_fails_after_its_partitions_went_leaves_all_rows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.sell(date(2024, 6, 28), settled=date(2024, 7, 4))
    before, parts = await shop.contents(), await shop.partitions()
    monkeypatch.setattr(hot, "put_back_aside", lambda *_: "SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await shop.archive.put_away(NOW)
    assert (await shop.contents(), await shop.partitions()) == (before, parts)
    assert await shop.archive.manifests() == []
    monkeypatch.undo()
    assert await shop.archive.put_away(NOW) is not None


async def test_what_comes_to_a_visit_while_its_month_is_written_keeps_it_too(shop: Shop) -> None:
    early = await shop.sell(date(2024, 6, 27), settled=date(2024, 7, 2))
    sale = await shop.sell(date(2024, 6, 28))
    others = await shop.sell(date(2024, 6, 28))

    async def cancel() -> None:
        connection = await asyncpg.connect(shop.database.dsn)
        await connection.execute(
            "INSERT INTO shop.bill VALUES ($1, $2, $3, 'M1', -1250, '', 7)",
            *(POOL, shop.number(NOW), sale.visit),
        )
        await connection.close()

    def interfere(what: str, done: int, of: int) -> None:
        if what == "manifests":
            in_thread(cancel())

    put = await shop.archive.put_away(NOW, tell=interfere)
    assert put is not None
    assert put.kept == 5  # two visits, their charges, and the bill of the month
    visits = (await shop.contents())["visit"]
    assert [str(early.visit) in row or str(sale.visit) in row for row in visits] == [True, True]
    assert len((await shop.contents())["line"]) == 4
    assert await shop.value("SELECT count(*) FROM shop.visit WHERE id = $1", others.visit) == 0


async def test_a_folder_that_cannot_be_written_is_told(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    shop.folder.write_text("not a folder")
    with pytest.raises(ArchiveFault, match="File exists"):
        await shop.archive.put_away(NOW)
    assert await shop.count() == 7


async def test_a_file_that_is_not_what_the_database_holds_is_told(
    shop: Shop,
) -> None:
    sale = await shop.sell(date(2024, 5, 3))
    bills = shop.folder / POOL / "2024-05" / "03" / "shop.bill.parquet"

    def exchange(what: str, done: int, of: int) -> None:
        if what == "rows written" and done == of:
            rows = pq.read_table(bills, partitioning=None)
            cheaper = rows.set_column(4, rows.schema.field(4), [[1]])
            pq.write_table(cheaper, bills)

    with pytest.raises(ArchiveFault, match=r"shop\.bill\.parquet does not hold the rows"):
        await shop.archive.put_away(NOW, tell=exchange)
    assert await shop.value("SELECT total FROM shop.bill WHERE id = $1", sale.bill) == 1_250


async def test_a_month_that_changes_while_it_is_written_stays(shop: Shop) -> None:
    sale = await shop.sell(date(2024, 5, 3))

    async def settle_again() -> None:
        connection = await asyncpg.connect(shop.database.dsn)
        await connection.execute("UPDATE shop.charge SET living = NULL")
        await connection.close()

    def change(what: str, done: int, of: int) -> None:
        if what == "manifests":
            in_thread(settle_again())

    with pytest.raises(ArchiveFault, match=r"shop\.charge was changed while it was written"):
        await shop.archive.put_away(NOW, tell=change)
    assert await shop.value("SELECT count(*) FROM shop.visit WHERE id = $1", sale.visit) == 1
    assert await shop.archive.put_away(NOW) is not None


async def test_a_full_disk_is_told_and_nothing_is_left_behind(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.sell(date(2024, 5, 3))

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "sync", full)
    with pytest.raises(ArchiveFault, match="No space left on device"):
        await shop.archive.put_away(NOW)
    assert await shop.count() == 7
    assert not [path for path in shop.folder.rglob("*") if path.is_file()]


async def test_a_table_in_use_keeps_the_month_and_no_writer_waits_long(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.sell(date(2024, 5, 3))
    monkeypatch.setattr(dropping, "TRIES", 3)
    monkeypatch.setattr(dropping, "PAUSE", 0.01)
    async with shop.database.owner() as reading, reading.transaction():
        await reading.fetch("SELECT FROM shop.bill")
        with pytest.raises(ArchiveFault, match="its tables were in use"):
            await shop.archive.put_away(NOW)
        assert len(await reading.fetch("SELECT FROM shop.bill")) == 1
    assert await shop.archive.put_away(NOW) is not None


async def test_while_a_visit_is_written_the_other_tables_are_free(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    async with shop.database.owner() as writing, shop.database.owner() as looking:
        async with writing.transaction():
            await writing.fetch("SELECT FROM shop.visit FOR UPDATE")
            going = asyncio.create_task(shop.archive.put_away(NOW))
            waited, held = False, set()
            for _ in range(400):
                for row in await looking.fetch(_CLOSED):
                    waited |= row["relation"] == "shop.visit"
                    held |= {row["relation"]} if row["granted"] else set()
                await asyncio.sleep(0.005)
                if waited and going.done():
                    break
        assert waited
        assert not [name for name in held if not name.endswith(".visit")]
        assert await going is not None


async def test_what_others_wait_for_is_done_by_a_connection_that_does_not_give_way(
    shop: Shop,
) -> None:
    await shop.sell(date(2024, 5, 3))
    asked: list[int] = []
    locking: set[int] = set()

    @asynccontextmanager
    async def owner(*, urgent: bool = False) -> AsyncIterator[Any]:
        async with shop.database.owner(urgent=urgent) as connection:
            if urgent:
                asked.append(connection.get_server_pid())
            yield connection

    async def locking_now() -> list[int]:
        connection = await asyncpg.connect(shop.database.dsn)
        rows = await connection.fetch(_LOCKING)
        await connection.close()
        return [row["pid"] for row in rows]

    def look(what: str, done: int, of: int) -> None:
        if what == "set aside":
            locking.update(in_thread(locking_now()))

    archive = Archive(shop.folder, signer_for(shop.vault, PURPOSE), owner)
    assert await archive.put_away(NOW, tell=look) is not None
    assert len(asked) == 1
    assert locking == set(asked)


_LOCKING = "SELECT pid FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND granted"


async def test_a_try_to_lock_all_tables_holds_nobody_up_for_long(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.sell(date(2024, 5, 3))
    monkeypatch.setattr(dropping, "TRIES", 1)
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(shop.database.owner()) for _ in TABLES]
        for connection, name in zip(connections, TABLES, strict=True):
            await connection.execute(f"BEGIN; LOCK TABLE shop.{name} IN ACCESS SHARE MODE")

        async def free_one_after_the_other() -> None:
            for connection in connections:  # none is waited for longer than it may be
                await asyncio.sleep(0.06)
                await connection.execute("ROLLBACK")

        freeing = asyncio.create_task(free_one_after_the_other())
        trying = await stack.enter_async_context(shop.database.owner())
        await trying.execute("BEGIN; SET LOCAL statement_timeout = '1min'")
        began = asyncio.get_running_loop().time()
        names = [f"ONLY shop.{name}" for name in TABLES]
        with pytest.raises(ArchiveFault, match="in use"):
            await dropping._with_all(trying, names, "ACCESS EXCLUSIVE")
        assert asyncio.get_running_loop().time() - began < 0.2
        assert not await trying.fetch(_CLOSED)
        await freeing
        await dropping._with_all(trying, names, "ACCESS EXCLUSIVE")
        assert len(await trying.fetch(_CLOSED)) == len(TABLES)
        assert await trying.fetchval("SELECT current_setting('statement_timeout')") == "1min"


_CLOSED = """
    SELECT relation::regclass::text AS relation, granted FROM pg_locks
    WHERE mode = 'AccessExclusiveLock' AND relation IN (SELECT partrelid FROM pg_partitioned_table)
"""


async def test_a_partition_of_several_months_goes_with_its_last_one(shop: Shop) -> None:
    await shop.sell(date(2024, 4, 3))
    async with shop.database.owner() as connection:
        for name in TABLES:
            await connection.execute(
                f"""ALTER TABLE shop.{name} DETACH PARTITION shop.{name}_2024_04;
                    DROP TABLE shop.{name}_2024_05"""
            )
            await connection.execute(
                f"ALTER TABLE shop.{name} ATTACH PARTITION shop.{name}_2024_04"
                f" FOR VALUES FROM (MINVALUE) TO ({rules.first_number(JUNE)})"
            )
    in_may = NOW.replace(month=5)
    assert (await shop.archive.due(in_may)).through is None
    assert (await shop.archive.due(NOW.replace(month=6))).through == MAY
    with pytest.raises(ArchiveFault, match="goes together with"):
        await shop.archive.put_away(NOW, APRIL)
    put = await shop.archive.put_away(NOW.replace(month=6))
    assert put is not None
    assert await shop.count() == 0


async def test_two_processes_do_not_put_away_at_once(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    async with shop.database.owner() as other:
        await other.execute("SELECT pg_advisory_lock(31077, 0)")
        with pytest.raises(ArchiveFault, match="another process"):
            await shop.archive.put_away(NOW)


async def test_a_type_that_the_archive_cannot_keep_is_named(shop: Shop) -> None:
    table = Table("shop", "odd", "id", (Column("id", "bigint"), Column("where", "point")))
    with pytest.raises(ArchiveFault, match=r"shop\.odd\.where is point"):
        files.schema_of(table)
