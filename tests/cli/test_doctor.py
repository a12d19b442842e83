"""What doctor says of disk, backups and clock."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from yibao.cli.doctor import Finding, examine
from yibao.platform.backup.record import note_backup
from yibao.platform.settings import Settings

NOWHERE = "postgresql://me@127.0.0.1:1/yibao"


def found(what: str, settings: Settings) -> Finding:
    (finding,) = [one for one in examine(settings) if one.what == what]
    return finding


@pytest.mark.thorough
def test_an_old_backup_is_a_fault(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url=NOWHERE)
    assert found("backup", settings).remedy is None
    note_backup(tmp_path, tmp_path / "b", datetime.now(UTC) - timedelta(hours=30))
    assert found("backup", settings).remedy is None
    note_backup(tmp_path, tmp_path / "b", datetime.now(UTC) - timedelta(days=3))
    told = found("backup", settings)
    assert told.told.startswith("3 days")
    assert told.remedy is not None
    assert "yibao backup" in told.remedy


@pytest.mark.thorough
def test_a_full_disk_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        total: int
        used: int
        free: int

    settings = Settings(data=tmp_path, database_url=NOWHERE)
    for free, is_well in ((2 * 1024**3, True), (1024**3 // 2, False)):
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _, free=free: Usage(1024**4 // 100, 0, free)
        )
        assert (found("disk", settings).remedy is None) is is_well


async def test_a_clock_that_was_set_back_is_a_fault(dsn: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url=dsn, vault_key="ab" * 32)
    assert (await asyncio.to_thread(found, "clock", settings)).remedy is None
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "UPDATE platform.writer SET given_at = now() + interval '1 day' WHERE number = 7"
    )
    await connection.close()
    told = await asyncio.to_thread(found, "clock", settings)
    assert told.remedy is not None
    assert "set back" in told.remedy
