"""``yibao backup`` and ``yibao restore``: database and archive in one sealed file, and back."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from yibao import __version__
from yibao.cli.on_database import told_faults
from yibao.cli.printing import counted
from yibao.cli.serving import open_database
from yibao.platform.backup.model import BackupFault, Manifest
from yibao.platform.logging import set_up_logging
from yibao.platform.settings import Settings, SettingsFault, load_settings

if TYPE_CHECKING:
    from yibao.platform.backup.sealing import Secret


PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="File whose first line seals the backup; else the vault's key does.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

console = Console(stderr=True)


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")],
    passphrase_file: PassphraseFile = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the database to back up.")
    ] = None,
    without_archive: Annotated[
        bool,
        typer.Option("--without-archive", help="The database alone; keep the archive otherwise."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a backup (备份): one snapshot of the whole database, compressed and sealed.

    The months that were put away (归档) go along, or are named when they are left out. The server
    goes on meanwhile. The vault's key is NOT in the backup: keep it elsewhere, for
    without it names and numbers of persons stay sealed for good.

    Example: yibao backup /backup/yibao-2026-05-01.bak --passphrase-file /etc/yibao/passphrase
    """
    from yibao.platform.backup import service
    from yibao.platform.backup.record import note_backup

    with told_faults(as_json), _told_backup_faults():
        settings = _settings(data=data)
        secret = _secret(settings, passphrase_file)
        with open_database(settings) as dsn:
            told = _progress(as_json, "saved")
            archive = None if without_archive else settings.archive_folder
            manifest = asyncio.run(
                service.take(dsn, file, secret, __version__, told, archive=archive)
            )
        note_backup(settings.data, file, manifest.taken_at)
        _print(manifest, file, as_json, [])


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    passphrase_file: PassphraseFile = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="New folder; with DATABASE_URL: where vault.key lies."),
    ] = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Only read the file and compare every sum.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back (恢复) into an empty database, all of it or nothing, and verify its books.

    The whole file is read and compared before anything is made. Put the vault.key of the
    installation into the new folder first (or set YIBAO_VAULT_KEY).

    Example: yibao restore /backup/yibao-2026-05-01.bak --data /srv/yibao-new
    """
    from yibao.platform.backup import service

    with told_faults(as_json), _told_backup_faults():
        settings = _settings(data=data)
        if not check_only:
            service.check_fits(file)
            _refuse_existing(settings)
        secret = _secret(settings, passphrase_file)
        manifest = service.check(file, secret, _progress(as_json, "checked"))
        faults: list[str] = []
        if not check_only:
            with _new_database(settings) as dsn:
                told = _progress(as_json, "put back")
                archive = settings.archive_folder
                manifest = asyncio.run(service.restore(file, secret, dsn, archive, told))
                faults = asyncio.run(_faults_of_books(dsn, settings.archive_folder))
        _print(manifest, file, as_json, faults)
        if faults:
            raise typer.Exit(1)


def _refuse_existing(settings: Settings) -> None:
    cluster = settings.data / "postgres"
    if settings.database_url is None and cluster.exists():
        raise BackupFault(f"{cluster} exists already: give a new folder by --data")


@contextmanager
def _new_database(settings: Settings) -> Iterator[str]:
    """A database for the backup; a folder that was made for it goes again when that fails."""
    folder = settings.data / "postgres"
    made = settings.database_url is None
    data_is_new = not settings.data.exists()
    try:
        with open_database(settings) as dsn:
            yield dsn
    except BaseException:
        if made:
            shutil.rmtree(folder, ignore_errors=True)
            if data_is_new:
                shutil.rmtree(settings.data, ignore_errors=True)
        raise


async def _faults_of_books(dsn: str, archive: Path) -> list[str]:
    """What is wrong; months that were put away are read from their folder, which must be there."""
    from yibao.ledger import service as ledger
    from yibao.platform.archive.model import ArchiveFault
    from yibao.platform.archive.reading import ColdRows
    from yibao.platform.database import Database

    database = await Database.open(dsn, writers=1, readers=1)
    try:
        async with database.reader(None) as connection:
            return await ledger.verify(connection, await ColdRows.of(connection, archive))
    except ArchiveFault as fault:
        return [str(fault)]
    finally:
        await database.close()


def _secret(settings: Settings, passphrase_file: Path | None) -> "Secret":
    from yibao.platform.backup.sealing import Passphrase, VaultSecret
    from yibao.platform.crypto import load_key

    if passphrase_file is None:
        return VaultSecret(load_key(settings))
    try:
        lines = passphrase_file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BackupFault(f"{passphrase_file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BackupFault(f"{passphrase_file} holds no text in UTF-8") from None
    return Passphrase(lines[0].strip() if lines else "")


def _settings(**given: Any) -> Settings:
    settings = load_settings(given)
    set_up_logging(settings.log_level, settings.log_format)
    return settings


@contextmanager
def _told_backup_faults() -> Iterator[None]:
    try:
        yield
    except BackupFault as fault:
        raise SettingsFault("backup", str(fault)) from None


def _progress(as_json: bool, done: str) -> Callable[[str, int], None]:
    def tell(table: str, rows: int) -> None:
        if not as_json and rows:
            console.print(f"  {table}: {rows:,} rows {done}", highlight=False)

    return tell


def _print(manifest: Manifest, file: Path, as_json: bool, faults: list[str]) -> None:
    if as_json:
        told = {
            "file": str(file),
            "taken_at": manifest.taken_at.isoformat(),
            "version": manifest.version,
            "revision": manifest.revision,
            "rows": manifest.rows,
            "tables": {table.name: table.rows for table in manifest.tables},
            "files": len(manifest.files),
            "left_out": list(manifest.left_out),
            "faults": faults,
        }
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    typer.echo(
        f"{file}: {manifest.rows:,} rows in {len(manifest.tables)} tables, taken at "
        f"{manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, revision {manifest.revision}"
    )
    if manifest.files:
        size = sum(one.size for one in manifest.files)
        typer.echo(
            f"{counted(len(manifest.files), 'file')} of the archive, {size:,} bytes,"
            f" {sum(one.rows for one in manifest.files):,} rows"
        )
    if manifest.left_out:
        typer.echo(
            f"{counted(len(manifest.left_out), 'month')} of the archive not in it, keep the"
            " files yourself: " + ", ".join(manifest.left_out)
        )
    for fault in faults:
        typer.echo(f"the books of this backup are not in order: {fault}")
