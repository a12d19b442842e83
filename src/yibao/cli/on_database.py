"""Runs a piece of work on the database of the settings, for commands that need one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer

from yibao.cli.law import tell, told
from yibao.cli.serving import open_database
from yibao.platform import migrations
from yibao.platform.crypto import Unsealable
from yibao.platform.database import Database
from yibao.platform.postgres import PostgresFailed
from yibao.platform.settings import Settings, SettingsFault

T = TypeVar("T")


def on_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """What the work makes of the opened database. Raises SettingsFault when it is not migrated."""
    with open_database(settings) as dsn:
        return asyncio.run(_opened(dsn, work))


@contextmanager
def told_faults(as_json: bool = False) -> Iterator[None]:
    """What is wrong with settings, database, law or bill is told without a traceback."""
    with told(as_json):
        try:
            yield
        except (SettingsFault, PostgresFailed, Unsealable) as fault:
            tell(str(fault))
            raise typer.Exit(1) from None


async def _opened(dsn: str, work: Callable[[Database], Awaitable[T]]) -> T:
    try:
        revision = await migrations.current(dsn)
    except OSError as error:
        raise SettingsFault("database", f"the database does not answer: {error}") from None
    if revision != migrations.head():
        raise SettingsFault(
            "database",
            f"the database is at revision {revision or 'none'}, not {migrations.head()}:"
            " run `yibao migrate`",
        )
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        return await work(database)
    finally:
        await database.close()
