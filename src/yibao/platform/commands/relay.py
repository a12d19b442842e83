"""The outbox's reader: hands each fact of a pool to a consumer, in commit order, at least once.

A consumer has a cursor per pool. Only facts of transactions that can no longer be overtaken are
read (``transaction_id`` below the oldest transaction still running), so that a slow commit with a
small number is never skipped. The cursor moves in the consumer's own transaction: what a consumer
writes with the given connection is written exactly once.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection

READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that became true: a bill was settled, a bill was cancelled."""

    pool: Pool
    number: int
    kind: str
    payload: Any


Consumer = Callable[["Connection[Any]", list[Fact]], Awaitable[None]]


async def relay(
    writer: Callable[[], AbstractAsyncContextManager["Connection[Any]"]],
    pool: Pool,
    consumer_name: str,
    consumer: Consumer,
) -> int:
    """Hand the consumer what is new in a pool and move its cursor; answers how many facts.

    Two relays of one consumer take turns: the cursor's row is locked.
    """
    async with writer() as connection, connection.transaction():
        await connection.execute(
            """INSERT INTO platform.outbox_cursor (pool, consumer, transaction_id, id)
               VALUES ($1, $2, '0', 0) ON CONFLICT DO NOTHING""",
            pool,
            consumer_name,
        )
        rows = await connection.fetch(
            """WITH cursor AS (SELECT transaction_id, id FROM platform.outbox_cursor
                               WHERE pool = $1 AND consumer = $2 FOR UPDATE)
               SELECT outbox.id, outbox.kind, outbox.payload,
                      outbox.transaction_id::text AS transaction_id
               FROM platform.outbox, cursor
               WHERE outbox.pool = $1
                 AND (outbox.transaction_id, outbox.id) > (cursor.transaction_id, cursor.id)
                 AND outbox.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
               ORDER BY outbox.transaction_id, outbox.id LIMIT $3""",
            pool,
            consumer_name,
            READ_AT_ONCE,
        )
        if not rows:
            return 0
        await consumer(
            connection, [Fact(pool, row["id"], row["kind"], row["payload"]) for row in rows]
        )
        await connection.execute(
            """UPDATE platform.outbox_cursor SET transaction_id = $3::text::xid8, id = $4
               WHERE pool = $1 AND consumer = $2""",
            pool,
            consumer_name,
            rows[-1]["transaction_id"],
            rows[-1]["id"],
        )
    return len(rows)
