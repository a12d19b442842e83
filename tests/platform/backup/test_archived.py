"""The months that were put away go along with a backup, and come back with it."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.gateway.builders import counter as opened
from tests.platform.backup.test_service import assert_untouched, contents, database_of, settle
from tests.settlement.builders import town as laid_out
from yibao.ledger import service as ledger
from yibao.ledger.archiving import service as carried
from yibao.platform.archive.model import PURPOSE
from yibao.platform.archive.reading import ColdRows
from yibao.platform.archive.service import Archive
from yibao.platform.backup import service
from yibao.platform.backup.model import BackupFault
from yibao.platform.backup.sealing import Passphrase
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.signing import signer_for

YEARS_LATER = datetime(2028, 9, 15, 4, 0, tzinfo=UTC)
SECRET = Passphrase("correct horse battery staple")


@dataclass
class Years:
    """A hospital whose bills of July 2026 were put away; two of them, settled years later, stay."""

    dsn: str
    vault: Vault
    archive: Path

    async def faults(self, dsn: str, folder: Path) -> list[str]:
        """What is wrong with a database's books, and with its archive in a folder."""
        async with database_of(dsn) as database:
            archive = Archive(folder, signer_for(self.vault, PURPOSE), database.owner)
            found = [text for _, text in await archive.verify()]
            async with database.reader(None) as connection:
                return found + await ledger.verify(
                    connection, await ColdRows.of(connection, folder)
                )


@pytest.fixture
async def years(database: Database, tmp_path: Path) -> AsyncIterator[Years]:
    async with laid_out(database) as town, opened(town) as counter:
        await settle(counter, 2)
        town.clock.set(YEARS_LATER)
        folder = tmp_path / "archive"
        archive = Archive(
            folder, signer_for(town.vault, PURPOSE), database.owner, carries=[carried.carry]
        )
        assert await archive.put_away(YEARS_LATER) is not None
        yield Years(database.dsn, town.vault, folder)


async def test_what_was_put_away_goes_along_and_comes_back(
    years: Years, empty_dsn: str, tmp_path: Path
) -> None:
    taken = await service.take(years.dsn, tmp_path / "b", SECRET, "1.0", archive=years.archive)
    assert taken.left_out == ()
    assert {file.name.split("/")[0] for file in taken.files} == {"110000"}
    assert service.check(tmp_path / "b", SECRET) == taken
    assert await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new") == taken
    assert files_of(tmp_path / "new") == files_of(years.archive)
    assert await contents(empty_dsn) == await contents(years.dsn)
    assert await years.faults(empty_dsn, tmp_path / "new") == []


async def test_months_that_are_left_out_are_named(
    years: Years, empty_dsn: str, tmp_path: Path
) -> None:
    taken = await service.take(years.dsn, tmp_path / "b", SECRET, "1.0")
    assert (taken.files, taken.left_out) == ((), ("110000/2026-07",))
    await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    shutil.copytree(years.archive, tmp_path / "new")
    assert await years.faults(empty_dsn, tmp_path / "new") == []


@pytest.mark.parametrize("harm", ["missing", "changed"])
async def test_a_file_that_is_not_what_was_put_away_is_named_and_no_backup_made(
    years: Years, tmp_path: Path, harm: str
) -> None:
    (path,) = years.archive.rglob("ledger.entry.parquet")
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BackupFault, match=r"ledger\.entry\.parquet.*--without-archive"):
        await service.take(years.dsn, tmp_path / "b", SECRET, "1.0", archive=years.archive)
    assert not (tmp_path / "b").exists()
    taken = await service.take(years.dsn, tmp_path / "b", SECRET, "1.0")
    assert taken.left_out


async def test_files_that_lie_there_already_are_used(
    years: Years, empty_dsn: str, tmp_path: Path
) -> None:
    await service.take(years.dsn, tmp_path / "b", SECRET, "1.0", archive=years.archive)
    before = files_of(years.archive)
    await service.restore(tmp_path / "b", SECRET, empty_dsn, years.archive)
    assert files_of(years.archive) == before


async def test_another_file_of_that_name_is_left_alone_and_nothing_made(
    years: Years, empty_dsn: str, tmp_path: Path
) -> None:
    await service.take(years.dsn, tmp_path / "b", SECRET, "1.0", archive=years.archive)
    (path,) = years.archive.rglob("settlement.visit.parquet")
    other = tmp_path / "new" / path.relative_to(years.archive)
    other.parent.mkdir(parents=True)
    other.write_bytes(b"something else")
    with pytest.raises(BackupFault, match=r"settlement\.visit\.parquet is there already"):
        await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    assert list(files_of(tmp_path / "new").values()) == [b"something else"]
    await assert_untouched(empty_dsn)


async def test_a_restoration_that_fails_leaves_no_file(
    years: Years, empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.take(years.dsn, tmp_path / "b", SECRET, "1.0", archive=years.archive)

    async def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(service.store, "continue_sequence", fail)
    with pytest.raises(OSError, match="No space left"):
        await service.restore(tmp_path / "b", SECRET, empty_dsn, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    await assert_untouched(empty_dsn)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
