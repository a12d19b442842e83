"""What is measured when /metrics is asked."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from yibao.house import VITALS as OF_ROOMS
from yibao.platform.archive import jobs as archiving
from yibao.platform.backup.record import note_backup
from yibao.platform.database import Database
from yibao.platform.metrics import VITALS
from yibao.platform.settings import Settings
from yibao.platform.vitals import measure

OF_THE_PROCESS = {"yibao_draining", "yibao_senders_locked_out"}


async def test_every_vital_is_measured(database: Database, tmp_path: Path) -> None:
    taken = datetime(2026, 5, 1, tzinfo=UTC)
    note_backup(tmp_path, tmp_path / "b", taken)
    await database.numbers()
    of_archive = archiving.vitals(Settings(data=tmp_path))
    found = await measure(database.dsn, tmp_path, OF_ROOMS | of_archive)
    assert set(found) == set(VITALS) - OF_THE_PROCESS
    assert found["yibao_database_up"] == 1
    assert found["yibao_writer_numbers_held"] == 1
    assert found["yibao_backup_timestamp_seconds"] == taken.timestamp()
    assert 0 < found["yibao_disk_free_bytes"] < found["yibao_disk_bytes"]


async def test_an_open_transaction_is_seen(database: Database, tmp_path: Path) -> None:
    async with database.writer() as connection, connection.transaction():
        await connection.execute("SELECT 1")
        await asyncio.sleep(0.3)
        found = await measure(database.dsn, tmp_path, {})
    assert found["yibao_transaction_oldest_seconds"] >= 0.3


async def test_a_database_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    found = await measure("postgresql://me@127.0.0.1:1/none", tmp_path, OF_ROOMS)
    assert found["yibao_database_up"] == 0
    assert "yibao_database_bytes" not in found
    assert found["yibao_backup_timestamp_seconds"] == 0
