"""Keeping the texts of laws."""

from datetime import UTC, datetime

from yibao.platform.database import Database
from yibao.registry.laws import service as laws

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)


async def test_after_nothing_was_kept_the_connection_can_begin_a_snapshot(
    database: Database,
) -> None:
    async with database.writer() as connection:
        await laws.keep(connection, [], now=NOW)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            assert await connection.fetchval("SELECT 1") == 1
