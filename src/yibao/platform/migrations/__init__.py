"""Migrations: numbered SQL files, run once each and in order by Alembic.

A revision is a pair of files in ``versions``: ``NNNN_room.py`` (its number, its predecessor, one
call) and ``NNNN_room.sql`` (plain SQL). There is no way down: a mistake is mended by the next
revision. All that is missing runs in one transaction, under an advisory lock.
"""

from collections.abc import Callable
from pathlib import Path

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

FOLDER = Path(__file__).parent
LOCK = 0x7969_6261_6F  # "yibao": one migration at a time in a database


async def migrate(dsn: str) -> None:
    """Bring the database to the newest revision. May be called by many processes at once."""
    await _with_connection(dsn, _upgrade)


def head() -> str:
    """The newest revision that this program knows."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if newest is None:
        raise RuntimeError(f"no revisions in {FOLDER}")
    return newest


async def current(dsn: str) -> str | None:
    """The revision that the database is at; None when it was never migrated."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        if await connection.fetchval("SELECT to_regclass('platform.alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval(
            "SELECT version_num FROM platform.alembic_version"
        )
        return revision
    finally:
        await connection.close()


def run_sibling_sql(revision_file: str) -> None:
    """Run the .sql file beside a revision's .py file: many statements, one round trip."""
    script = Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")
    raw = op.get_bind().connection.driver_connection
    if raw is None:
        raise RuntimeError("the migration lost its connection")
    await_only(raw.execute(script))


def _upgrade(connection: Connection) -> None:
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS platform"))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


async def _with_connection(dsn: str, work: Callable[[Connection], None]) -> None:
    async def connect(*_: object, **__: object) -> "asyncpg.Connection":
        return await asyncpg.connect(dsn, timeout=30)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()
