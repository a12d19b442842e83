"""Alembic at work: on an asyncpg connection, in one transaction, under an advisory lock."""

import asyncpg
from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from yibao.platform.migrations import FOLDER

LOCK = 0x7969_6261_6F  # "yibao": one migration at a time in a database


async def upgrade(dsn: str) -> None:
    """Run every revision that the database lacks."""

    async def connect(*_: object, **__: object) -> "asyncpg.Connection":
        return await asyncpg.connect(dsn, timeout=30)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def run_script(script: str) -> None:
    """Run a revision's SQL on the raw connection of the migration under way."""
    raw = op.get_bind().connection.driver_connection
    if raw is None:
        raise RuntimeError("the migration lost its connection")
    await_only(raw.execute(script))


def _upgrade(connection: Connection) -> None:
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS platform"))
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
