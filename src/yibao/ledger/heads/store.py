"""SQL of daily heads."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.ledger.heads.model import Head, Mark

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_WRITERS = """
    WITH RECURSIVE writer (pool, writer) AS (
        (SELECT pool, writer FROM ledger.block ORDER BY pool, writer LIMIT 1)
        UNION ALL
        SELECT following.* FROM writer CROSS JOIN LATERAL (
            SELECT block.pool, block.writer FROM ledger.block
            WHERE (block.pool, block.writer) > (writer.pool, writer.writer)
            ORDER BY block.pool, block.writer LIMIT 1) AS following
    )"""
"""Who ever wrote, found by a few looks into the index however many blocks there are."""

_NEWEST = f"""{_WRITERS}
    SELECT writer.pool, writer.writer, block.number, block.hash
    FROM writer CROSS JOIN LATERAL (
        SELECT number, hash FROM ledger.block
        WHERE block.pool = writer.pool AND block.writer = writer.writer AND recorded_at < $1
        ORDER BY number DESC LIMIT 1) AS block
    ORDER BY 1, 2"""  # noqa: S608 - our own words

_DAYS = f"""{_WRITERS}
    SELECT DISTINCT (block.recorded_at AT TIME ZONE interval '8 hours')::date
    FROM writer
    LEFT JOIN LATERAL (SELECT writers, numbers FROM ledger.head
                       WHERE head.pool = writer.pool ORDER BY day DESC LIMIT 1) AS head ON true
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM ledger.block
        WHERE block.pool = writer.pool AND block.writer = writer.writer
          AND number > coalesce(
              head.numbers[array_position(head.writers, writer.writer)], 0)) AS block
    ORDER BY 1"""  # noqa: S608 - our own words


_OLDEST = f"""{_WRITERS}
    SELECT min(block.recorded_at) FROM writer
    LEFT JOIN LATERAL (SELECT day, writers, numbers FROM ledger.head
                       WHERE head.pool = writer.pool ORDER BY day DESC LIMIT 1) AS head ON true
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM ledger.block
        WHERE block.pool = writer.pool AND block.writer = writer.writer
          AND number > coalesce(head.numbers[array_position(head.writers, writer.writer)], 0)
          AND (head.day IS NULL
               OR recorded_at >= (head.day + 1)::timestamp AT TIME ZONE interval '8 hours')
        ORDER BY number LIMIT 1) AS block"""  # noqa: S608 - our own words
"""What came late into a day that has its head waits for the pool's next one, whenever that is."""


async def oldest_without_head(connection: "Connection[Any]") -> datetime | None:
    """When the oldest block was written that a head is due for, or will be; None: there is none."""
    found: datetime | None = await connection.fetchval(_OLDEST)
    return found


async def newest(connection: "Connection[Any]", before: datetime) -> dict[Pool, tuple[Mark, ...]]:
    """The newest block of each pool's writers that was written before an instant."""
    rows = await connection.fetch(_NEWEST, before)
    found: dict[Pool, list[Mark]] = {}
    for pool, *mark in rows:
        found.setdefault(Pool(pool), []).append(Mark(*mark))
    return {pool: tuple(marks) for pool, marks in found.items()}


async def days_after_heads(connection: "Connection[Any]") -> list[date]:
    """Business days on which blocks were written that are behind no head yet, in order."""
    rows = await connection.fetch(_DAYS)
    return [row[0] for row in rows]


async def latest(connection: "Connection[Any]") -> dict[Pool, Head]:
    """The newest head of each pool."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (pool) * FROM ledger.head ORDER BY pool, day DESC"
    )
    return {Pool(row["pool"]): _head(row) for row in rows}


async def listed(connection: "Connection[Any]", pool: Pool | None) -> list[Head]:
    """Heads by pool and day."""
    rows = await connection.fetch(
        """SELECT * FROM ledger.head WHERE $1::text IS NULL OR pool = $1 ORDER BY pool, day""",
        pool,
    )
    return [_head(row) for row in rows]


async def insert(connection: "Connection[Any]", head: Head) -> None:
    """Write a head."""
    await connection.execute(
        """INSERT INTO ledger.head (pool, day, writers, numbers, hashes, previous, hash,
                                    public_key, signature, made_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        head.pool,
        head.day,
        [mark.writer for mark in head.marks],
        [mark.number for mark in head.marks],
        [mark.hash for mark in head.marks],
        head.previous,
        head.hash,
        head.public_key,
        head.signature,
        head.made_at,
    )


async def block_hashes(
    connection: "Connection[Any]", pool: Pool, marks: tuple[Mark, ...]
) -> dict[tuple[int, int], bytes]:
    """The hashes of blocks by (writer, number), as far as they are there."""
    rows = await connection.fetch(
        """SELECT writer, number, hash FROM ledger.block
           WHERE pool = $1
             AND (writer, number) IN (SELECT * FROM unnest($2::smallint[], $3::bigint[]))""",
        pool,
        [mark.writer for mark in marks],
        [mark.number for mark in marks],
    )
    return {(row["writer"], row["number"]): row["hash"] for row in rows}


def _head(row: "Record") -> Head:
    marks = zip(row["writers"], row["numbers"], row["hashes"], strict=True)
    return Head(
        Pool(row["pool"]),
        row["day"],
        tuple(Mark(*mark) for mark in marks),
        row["previous"],
        row["hash"],
        row["public_key"],
        row["signature"],
        row["made_at"],
    )
