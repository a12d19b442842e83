"""A backup taken and put back: the same rows, the same books, and numbers that never repeat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.gateway.builders import Counter
from tests.gateway.builders import counter as opened
from tests.settlement.builders import town as laid_out
from yibao.ledger import service as ledger
from yibao.platform import migrations
from yibao.platform.backup import service, store
from yibao.platform.backup.model import BackupFault
from yibao.platform.backup.sealing import Passphrase
from yibao.platform.database import Database
from yibao.platform.months import service as months
from yibao.platform.months.model import Month

JULY = Month(2026, 7)
SECRET = Passphrase("correct horse battery staple")


@pytest.fixture
async def hospital(database: Database) -> AsyncIterator[Counter]:
    """A hospital's counter with two settled bills."""
    async with laid_out(database) as town, opened(town) as counter:
        await settle(counter, 2)
        yield counter


async def settle(counter: Counter, bills: int) -> None:
    for _ in range(bills):
        member = await counter.town.insure()
        visit = await counter.open_visit(member)
        priced = await counter.charge(member, visit, ("XA01", "10"))
        await counter.done("2207", counter.settlement(member, visit, priced))


async def test_what_was_backed_up_is_put_back(
    hospital: Counter, empty_dsn: str, tmp_path: Path
) -> None:
    taken = await service.take(hospital.town.database.dsn, tmp_path / "b", SECRET, "1.0")
    assert taken.revision == migrations.head()
    assert service.check(tmp_path / "b", SECRET) == taken
    restored = await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    assert restored == taken
    assert await contents(empty_dsn) == await contents(hospital.town.database.dsn)
    async with database_of(empty_dsn) as database, database.reader(None) as connection:
        assert await ledger.verify(connection) == []
        assert await connection.fetchval("SELECT count(*) FROM settlement.visible_settlement") == 2


async def test_what_was_cut_by_month_is_cut_so_again(
    hospital: Counter, empty_dsn: str, tmp_path: Path
) -> None:
    months_here = [JULY.later(ahead) for ahead in (-1, 0, 1)]
    async with hospital.town.database.owner() as connection:
        await months.make(connection, months_here)
        cut = await months.tables(connection)
    await service.take(hospital.town.database.dsn, tmp_path / "b", SECRET, "1.0")
    await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    async with database_of(empty_dsn) as database, database.owner() as connection:
        assert await months.tables(connection) == cut
        assert all(len(table.partitions) == len(months_here) for table in cut)
        in_july = "SELECT count(*) FROM settlement.settlement_2026_07"
        assert await connection.fetchval(in_july) == 2
    assert await contents(empty_dsn) == await contents(hospital.town.database.dsn)


async def test_no_month_leaves_while_it_is_taken(
    hospital: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = hospital.town.database
    async with database.owner() as connection:
        await months.make(connection, [JULY])
    refused = []

    async def copy_out(*arguments: Any) -> int:
        async with database.owner() as other:
            await other.execute("SET lock_timeout = 1")
            try:
                await other.execute(
                    "ALTER TABLE ledger.entry DETACH PARTITION ledger.entry_2026_07"
                )
            except asyncpg.LockNotAvailableError as error:
                refused.append(error)
        return await copied(*arguments)

    copied = store.copy_out
    monkeypatch.setattr(store, "copy_out", copy_out)
    taken = await service.take(database.dsn, tmp_path / "b", SECRET, "1.0")
    assert len(refused) == len(taken.tables)


async def test_what_comes_while_it_is_taken_is_in_it_whole_or_not_at_all(
    hospital: Counter, empty_dsn: str, tmp_path: Path
) -> None:
    going_on = asyncio.create_task(settle(hospital, 8))
    await service.take(hospital.town.database.dsn, tmp_path / "b", SECRET, "1.0")
    await going_on
    await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    async with database_of(empty_dsn) as database, database.reader(None) as connection:
        assert await ledger.verify(connection) == []


async def test_numbers_go_on_behind_those_that_may_have_been_given_since(
    hospital: Counter, empty_dsn: str, tmp_path: Path
) -> None:
    manifest = await service.take(hospital.town.database.dsn, tmp_path / "b", SECRET, "1.0")
    await settle(hospital, 1)  # people known to a hospital, and lost with the old database
    given = await numbers(hospital.town.database.dsn)
    await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    restored = await numbers(empty_dsn)
    used = {name for name, last in manifest.sequences.items() if last}
    assert {"registry.identity_number", "registry.member_number"} <= used
    assert all(restored[name] > given[name] for name in used)


async def test_a_backup_that_exists_is_not_overwritten(dsn: str, tmp_path: Path) -> None:
    await service.take(dsn, tmp_path / "b", SECRET, "1.0")
    before = (tmp_path / "b").read_bytes()
    with pytest.raises(BackupFault, match="exists already"):
        await service.take(dsn, tmp_path / "b", SECRET, "1.0")
    assert (tmp_path / "b").read_bytes() == before


async def test_a_backup_that_broke_off_leaves_no_file(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "copy_out", fail)
    with pytest.raises(BackupFault, match="No space left"):
        await service.take(dsn, tmp_path / "b", SECRET, "1.0")
    assert files_in(tmp_path) == []


async def test_a_damaged_backup_changes_nothing(dsn: str, empty_dsn: str, tmp_path: Path) -> None:
    await service.take(dsn, tmp_path / "b", SECRET, "1.0")
    whole = bytearray((tmp_path / "b").read_bytes())
    whole[-20] ^= 1  # found only at the very end
    (tmp_path / "b").write_bytes(whole)
    with pytest.raises(BackupFault, match="damaged"):
        service.check(tmp_path / "b", SECRET)
    with pytest.raises(BackupFault, match="damaged"):
        await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    await assert_untouched(empty_dsn)


async def test_a_backup_of_another_revision_is_named_and_changes_nothing(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await execute(dsn, "UPDATE platform.alembic_version SET version_num = '0007'")
    await service.take(dsn, tmp_path / "b", SECRET, "0.7.3")
    with pytest.raises(BackupFault, match=r"revision 0007.*Yibao 0\.7\.3"):
        await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    await assert_untouched(empty_dsn)


async def test_tables_that_differ_are_named_and_change_nothing(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await execute(dsn, "ALTER TABLE platform.file ADD COLUMN later text")
    await service.take(dsn, tmp_path / "b", SECRET, "1.0")
    with pytest.raises(BackupFault, match=r"platform\.file"):
        await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    await assert_untouched(empty_dsn)


async def test_a_database_that_is_not_empty_is_left_alone(dsn: str, tmp_path: Path) -> None:
    await service.take(dsn, tmp_path / "b", SECRET, "1.0")
    before = await contents(dsn)
    with pytest.raises(BackupFault, match="not empty"):
        await service.restore(tmp_path / "b", SECRET, dsn, tmp_path / "new")
    assert await contents(dsn) == before


async def test_a_database_that_was_never_migrated_has_nothing_to_back_up(
    empty_dsn: str, tmp_path: Path
) -> None:
    with pytest.raises(BackupFault, match="never migrated"):
        await service.take(empty_dsn, tmp_path / "b", SECRET, "1.0")


async def test_a_backup_from_the_future_is_refused(
    dsn: str, empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.take(dsn, tmp_path / "b", SECRET, "1.0")

    class Yesterday:
        def now(self) -> datetime:
            return datetime.now(UTC) - timedelta(days=1)

    monkeypatch.setattr(service, "SystemClock", Yesterday)
    with pytest.raises(BackupFault, match="set the clock"):
        await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")


# ------------------------------------------------------------------------------------------ parts


async def contents(dsn: str) -> dict[str, tuple[int, str]]:
    """Rows and a digest of every table."""
    connection = await asyncpg.connect(dsn)
    try:
        found = {}
        for table in await store.tables(connection):
            name = f'"{table.schema}"."{table.name}"'
            row = await connection.fetchrow(
                f"SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
                f" FROM {name} t"
            )
            assert row is not None
            found[table.full_name] = (row[0], row[1])
        return found
    finally:
        await connection.close()


async def numbers(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        return await store.sequences(connection)
    finally:
        await connection.close()


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def assert_untouched(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        assert await store.schemas(connection) == {"public"}
        assert not await store.has_tables(connection)
    finally:
        await connection.close()


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def database_of(dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(dsn)
    try:
        yield database
    finally:
        await database.close()
