"""SQL of what is measured at every scrape: by index, whatever the books have grown to."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Connection


async def overdue_hold(connection: "Connection[Any]") -> float:
    """Seconds since the oldest hold should have ended; 0: none is overdue."""
    return float(
        await connection.fetchval(
            """SELECT coalesce(extract(epoch FROM clock_timestamp() - min(expires_at)), 0)::float8
               FROM ledger.hold WHERE state = 'reserved' AND expires_at < clock_timestamp()"""
        )
    )
