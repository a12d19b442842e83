"""SQL of what is measured at every scrape."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Connection


async def oldest_unconfirmed(connection: "Connection[Any]") -> float:
    """Seconds since the oldest bank file was made of which a line is unanswered; 0: none is."""
    return float(
        await connection.fetchval(
            """SELECT coalesce(extract(epoch FROM clock_timestamp() - min(made_at)), 0)::float8
               FROM clearing.run
               WHERE count > (SELECT count(*) FROM clearing.confirmation
                              WHERE confirmation.pool = run.pool AND confirmation.run = run.number)
            """
        )
    )
