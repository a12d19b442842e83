"""Take a backup, look whether it is whole, put it back into an empty database.

A backup is one repeatable-read snapshot: everything that was committed when it began and nothing
that came later, while the server goes on; and the files of the months that had been put away. It is
written beside its name and moved there when it is complete, so a file of that name is never half a
backup.
"""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import asyncpg

from yibao.platform import migrations
from yibao.platform.archive.copying import Laid, all_or_none
from yibao.platform.archive.service import archived_months
from yibao.platform.backup import archived, store
from yibao.platform.backup.content import Content, ContentReader, ContentWriter
from yibao.platform.backup.model import BackupFault, Manifest, PartSum
from yibao.platform.backup.sealing import SealedReader, SealedWriter, Secret
from yibao.platform.clock import SystemClock
from yibao.platform.database import prepare
from yibao.platform.months import service as months

if TYPE_CHECKING:
    from asyncpg import Connection

SKIPPED_NUMBERS = 100_000
"""Numbers of each sequence that are never given after a restoration: some of them may have been
given between the backup and the loss, and stand in a hospital's books."""

_CLOCK_TOLERANCE = timedelta(minutes=5)

Told = Callable[[str, int], None]
"""Told of each table, and each month that was put away, that is done, and its rows."""


def tell_nobody(what: str, rows: int) -> None:
    """For callers who do not show progress."""


# ------------------------------------------------------------------------------------------- take


async def take(
    dsn: str,
    file: Path,
    secret: Secret,
    version: str,
    tell: Told = tell_nobody,
    archive: Path | None = None,
) -> Manifest:
    """Write a backup of the database to ``file``, which must not exist. Raises BackupFault.

    ``archive``: folder of the months that were put away; None: they are left out, and named.
    """
    with _unfinished(file) as open_:
        return await _written(dsn, open_, secret, version, tell, archive)


@contextmanager
def _unfinished(file: Path) -> Iterator[BinaryIO]:
    """A file beside the wanted one, which takes its name when all has gone well."""
    if file.exists():
        raise BackupFault(f"{file} exists already: a backup does not overwrite anything")
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as open_:
            yield open_
            open_.flush()
            os.fsync(open_.fileno())
        aside.rename(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise BackupFault(f"{file} cannot be written: {error.strerror or error}") from None
    finally:
        aside.unlink(missing_ok=True)


async def _written(
    dsn: str, file: BinaryIO, secret: Secret, version: str, tell: Told, archive: Path | None
) -> Manifest:
    connection = await _connect(dsn)
    try:
        there = await store.tables(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # a month that leaves meanwhile would be missing here, and in an older archive too
            await store.hold(connection, there)
            taken_at: datetime = await connection.fetchval("SELECT clock_timestamp()")
            revision = await _revision(connection)
            sealed = SealedWriter(file, secret, version, revision, taken_at)
            content = ContentWriter(sealed)
            sums = []
            for table in await store.tables(connection):
                content.begin(table)
                rows = await store.copy_out(connection, table, content.rows)
                sums.append(content.end(rows))
                tell(table.full_name, rows)
            # not of the snapshot but later, so never behind a number that stands in it
            numbers = await store.sequences(connection)
            put_away = await archived_months(connection)
        # the snapshot has ended: years of files hold up neither vacuum nor the next month
        files = () if archive is None else archived.write(content, archive, put_away, tell)
        left_out = archived.months(put_away) if archive is None else ()
        manifest = Manifest(taken_at, version, revision, tuple(sums), numbers, files, left_out)
        content.manifest(manifest)
        sealed.close()
        return manifest
    finally:
        await connection.close()


async def _revision(connection: "Connection[Any]") -> str:
    try:
        revision = await connection.fetchval(f"SELECT version_num FROM {store.MIGRATIONS}")  # noqa: S608
    except asyncpg.UndefinedTableError:
        revision = None
    if revision is None:
        raise BackupFault("there is nothing to back up: the database was never migrated")
    return str(revision)


# ------------------------------------------------------------------------------------------ check


def check(file: Path, secret: Secret, tell: Told = tell_nobody) -> Manifest:
    """Read a whole backup and compare every sum. Raises BackupFault."""
    reader = ContentReader(SealedReader(file).content(secret))
    for table in reader.tables():
        tell(table.name, _read_through(table))
    archived.each_month(reader.files(), _read_through, tell)
    return reader.manifest()


def _read_through(part: Content[Any]) -> int:
    for _ in part.pieces():
        pass
    return part.sums().rows


def check_fits(file: Path) -> None:
    """Raises BackupFault for a backup of another revision than this program's, or of the future."""
    head = SealedReader(file).head
    newest = migrations.head()
    if head.revision != newest:
        raise BackupFault(
            f"the backup is of revision {head.revision}, this Yibao's is {newest}: put it back "
            f"with Yibao {head.version}, which took it, and then update (yibao migrate)"
        )
    if head.taken_at > SystemClock().now() + _CLOCK_TOLERANCE:
        raise BackupFault(
            f"the backup was taken at {head.taken_at}, which is yet to come by this machine's "
            "clock: set the clock first, because numbers are made from it"
        )


# ---------------------------------------------------------------------------------------- restore


async def restore(
    file: Path, secret: Secret, dsn: str, archive: Path, tell: Told = tell_nobody
) -> Manifest:
    """Put a backup back into an empty database, all of it or nothing. Raises BackupFault.

    ``archive``: folder for the months that were put away. The file should have been checked before:
    then a fault here is the machine's, not the file's.
    """
    check_fits(file)
    connection = await _connect(dsn)
    try:
        if await store.has_tables(connection):
            raise BackupFault("the database is not empty: a backup is put back into an empty one")
        before = await store.schemas(connection)
        try:
            await migrations.migrate(dsn)
            with all_or_none(archive) as folder:
                async with connection.transaction():
                    return await _put_back(connection, file, secret, folder, tell)
        except BaseException:
            await store.drop_schemas(connection, await store.schemas(connection) - before)
            raise
    finally:
        await connection.close()


async def _put_back(
    connection: "Connection[Any]",
    file: Path,
    secret: Secret,
    folder: Laid,
    tell: Told,
) -> Manifest:
    tables = await store.tables(connection)
    ours = {table.full_name: table for table in tables}
    await store.empty(connection, tables)
    reader = ContentReader(SealedReader(file).content(secret))
    for content in reader.tables():
        table = content.of
        if ours.pop(table.full_name, None) != table:
            raise BackupFault(
                f"the table {table.full_name} of the backup is not that of this Yibao: "
                "put it back with the version that took it"
            )
        await months.cut(connection, table.schema, table.name, table.partitions)
        rows = await store.copy_in(connection, table, _source(content))
        await _compare(connection, content, rows)
        tell(table.full_name, rows)
    if ours:
        raise BackupFault(f"the backup lacks tables of this Yibao: {', '.join(ours)}")
    archived.lay(folder, reader.files(), tell)
    manifest = reader.manifest()
    if manifest.files:
        archived.lay_manifests(folder, await archived_months(connection))
    for name, last in manifest.sequences.items():
        if last:
            await store.continue_sequence(connection, name, last + SKIPPED_NUMBERS)
    return manifest


async def _source(content: Content[store.Table]) -> AsyncIterator[bytes]:
    for piece in content.pieces():
        yield piece


async def _compare(connection: "Connection[Any]", content: Content[store.Table], rows: int) -> None:
    wanted: PartSum = content.sums()
    if not rows == wanted.rows == await store.count(connection, content.of):
        raise BackupFault(f"{wanted.name} has {rows} rows now, the backup has {wanted.rows}")


# ------------------------------------------------------------------------------------------ parts


async def _connect(dsn: str) -> "Connection[Any]":
    settings = {"application_name": "yibao backup"}
    try:
        connection = await asyncpg.connect(dsn, timeout=30, server_settings=settings)
        await prepare(connection)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise BackupFault(f"the database does not answer: {error or 'time-out'}") from None
    return connection


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
