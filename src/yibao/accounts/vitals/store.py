"""SQL of what is measured at every scrape."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Connection


async def oldest_transit(connection: "Connection[Any]") -> float:
    """Seconds for which the oldest money has been on its way between two pools; 0: none is.

    That is: a balance that moved out and neither arrived nor came back (转移接续); what is held for
    a relative's bill in another pool and neither captured nor released; what such a bill gave back
    and is not there.
    """
    return float(
        await connection.fetchval(
            """SELECT coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8
               FROM (
                   SELECT gone.recorded_at AS since FROM accounts.transfer AS gone
                   WHERE direction = 'out' AND NOT EXISTS (
                       SELECT FROM accounts.transfer AS come
                       WHERE come.pool = gone.other_pool AND come.id = gone.id
                         AND come.direction = 'in' AND NOT come.declined)
                     AND NOT EXISTS (
                       SELECT FROM accounts.transfer AS back
                       WHERE back.pool = gone.pool AND back.id = gone.id
                         AND back.direction = 'back')
                   UNION ALL
                   SELECT reserved_at FROM ledger.hold
                   WHERE state = 'reserved' AND expires_at IS NULL
                   UNION ALL
                   SELECT recorded_at FROM accounts.family_order
                   WHERE kind = 'refund' AND NOT EXISTS (
                       SELECT FROM ledger.hold_refund
                       WHERE hold_refund.pool = family_order.owner_pool
                         AND hold_refund.hold = family_order.hold
                         AND hold_refund.id = family_order.id)
               ) AS under_way"""
        )
    )
