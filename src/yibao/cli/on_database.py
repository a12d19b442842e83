"""Runs a piece of work on the database of the settings, for commands that need one."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from yibao.cli.law import tell, told
from yibao.cli.serving import open_database
from yibao.platform import migrations
from yibao.platform.access.model import Viewer
from yibao.platform.access.record import AccessRecord
from yibao.platform.access.sight import Sight, watching
from yibao.platform.archive import missing
from yibao.platform.archive.model import ArchiveFault
from yibao.platform.archive.service import Recalls
from yibao.platform.clock import SystemClock
from yibao.platform.crypto import Unsealable, Vault, load_key
from yibao.platform.database import Database
from yibao.platform.postgres import PostgresFailed
from yibao.platform.settings import Settings, SettingsFault

if TYPE_CHECKING:
    from asyncpg import Connection

T = TypeVar("T")


def on_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """What the work makes of the opened database. Raises SettingsFault when it is not migrated."""
    with open_database(settings) as dsn:
        return asyncio.run(_opened(dsn, settings, work))


async def in_snapshot(database: Database, work: "Callable[[Connection[Any]], Awaitable[T]]") -> T:
    """What the work reads of one snapshot with the bureau's sight.

    A snapshot cannot see what comes back from the archive: then all of it is brought back first.
    """
    try:
        return await _in_snapshot(database, work)
    except missing.CameBack:
        async with database.reader(None) as connection:
            await work(connection)
        return await _in_snapshot(database, work)


async def _in_snapshot(database: Database, work: "Callable[[Connection[Any]], Awaitable[T]]") -> T:
    async with (
        database.reader(None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await work(connection)


@contextmanager
def told_faults(as_json: bool = False) -> Iterator[None]:
    """What is wrong with settings, database, law or bill is told without a traceback."""
    with told(as_json):
        try:
            yield
        except (SettingsFault, PostgresFailed, Unsealable, ArchiveFault) as fault:
            tell(str(fault))
            raise typer.Exit(1) from None


async def _opened(dsn: str, settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    try:
        revision = await migrations.current(dsn)
    except OSError as error:
        raise SettingsFault("database", f"the database does not answer: {error}") from None
    if revision != migrations.head():
        raise SettingsFault("database", migrations.difference(revision))
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        missing.use(Recalls(settings.archive_folder, database.owner, SystemClock().now))
        with watching() as sight:
            done = await work(database)
        await _note(database, settings, sight)
        return done
    finally:
        missing.use(None)
        await database.close()


async def _note(database: Database, settings: Settings, sight: Sight) -> None:
    """Write down whom the command showed, before it prints anything."""
    if not sight.humans:
        return
    numbers = await database.numbers()
    vault = Vault(load_key(settings))
    record = AccessRecord(database.writer, numbers.writer, vault, SystemClock().now)
    command = " ".join(word for word in sys.argv[1:3] if word.replace("-", "").isalpha())
    viewer = Viewer(sight.kind, sight.who or getpass.getuser(), f"yibao {command}"[:200])
    await record.note(viewer, sight.people)
