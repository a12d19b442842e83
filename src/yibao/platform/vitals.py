"""What is measured at the moment when /metrics is asked: database, disk, and what rooms add.

Nothing here may keep a scrape waiting or make it fail: what cannot be measured is left out, and a
database that does not answer is told as such.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from yibao.platform.backup.record import last_backup

if TYPE_CHECKING:
    from asyncpg import Connection

Vital = Callable[["Connection[Any]"], Awaitable[float]]
"""Measures one value on a connection that sees everything."""

_SECONDS = 3.0
"""A scrape waits no longer for the database."""

_OF_DATABASE = """
    SELECT pg_database_size(current_database())::float8 AS yibao_database_bytes,
        (SELECT count(*) FROM pg_locks
          WHERE locktype = 'advisory' AND classid = 31074 AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )::float8 AS yibao_writer_numbers_held,
        (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
           FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'yibao%'
            AND application_name <> 'yibao backup'
        )::float8 AS yibao_transaction_oldest_seconds
"""
"""31074 is the first key of the locks that hold writer numbers (``platform/database.py``)."""

log = structlog.get_logger()


async def measure(dsn: str, data: Path, more: Mapping[str, Vital]) -> dict[str, float]:
    """All vitals by name; ``more`` are those of the rooms."""
    found = _of_disk(data)
    try:
        async with asyncio.timeout(_SECONDS):
            connection = await asyncpg.connect(dsn, timeout=_SECONDS)
            try:
                (row,) = await connection.fetch(_OF_DATABASE)
                found |= dict(row)
                for name, vital in more.items():
                    found[name] = await vital(connection)
            finally:
                connection.terminate()
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        log.warning("vitals_not_measured", error=repr(error))
    return {**found, "yibao_database_up": float("yibao_database_bytes" in found)}


def _of_disk(data: Path) -> dict[str, float]:
    taken = last_backup(data)
    found = {"yibao_backup_timestamp_seconds": taken.timestamp() if taken else 0.0}
    try:
        usage = shutil.disk_usage(data)
    except OSError:
        return found
    return {
        **found,
        "yibao_disk_free_bytes": float(usage.free),
        "yibao_disk_bytes": float(usage.total),
    }


async def times_of(dsn: str) -> tuple[datetime, datetime]:
    """What time it is by the database, and when a writing process last began."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        latest: datetime = await connection.fetchval("SELECT max(given_at) FROM platform.writer")
        return await connection.fetchval("SELECT clock_timestamp()"), latest
    finally:
        await connection.close()
