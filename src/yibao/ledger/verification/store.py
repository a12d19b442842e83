"""SQL that reads the books through, in bounded memory."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.ledger.model import Occasion, OccasionKind
from yibao.ledger.verification.model import OnTheWay
from yibao.ledger.verification.rules import Before, Block, Line
from yibao.platform.months.sql import within

if TYPE_CHECKING:
    from asyncpg import Connection

_BLOCKS_AT_ONCE = 200


async def count_blocks(
    connection: "Connection[Any]", pool: Pool | None, since: datetime | None
) -> int:
    """How many blocks there are to look at."""
    count: int = await connection.fetchval(
        """SELECT count(*) FROM ledger.block
           WHERE ($1::text IS NULL OR pool = $1)
             AND ($2::timestamptz IS NULL OR recorded_at >= $2)""",
        pool,
        since,
    )
    return count


async def blocks(
    connection: "Connection[Any]", pool: Pool | None, since: datetime | None
) -> AsyncIterator[list[Block]]:
    """Blocks by pool, writer and number, some at a time; inside a transaction."""
    cursor = await connection.cursor(
        """SELECT pool, writer, number, postings, lines, digests, content, previous, hash,
                  recorded_at
           FROM ledger.block
           WHERE ($1::text IS NULL OR pool = $1)
             AND ($2::timestamptz IS NULL OR recorded_at >= $2)
           ORDER BY pool, writer, number""",
        pool,
        since,
    )
    while rows := await cursor.fetch(_BLOCKS_AT_ONCE):
        yield [Block(*row) for row in rows]


async def block_before(
    connection: "Connection[Any]", pool: Pool, writer: int, number: int
) -> Before | None:
    """The nearest block before one."""
    row = await connection.fetchrow(
        """SELECT number, hash FROM ledger.block
           WHERE pool = $1 AND writer = $2 AND number < $3 ORDER BY number DESC LIMIT 1""",
        pool,
        writer,
        number,
    )
    return None if row is None else Before(*row)


async def lines_of(
    connection: "Connection[Any]", pool: Pool, postings: Sequence[int]
) -> dict[int, list[Line]]:
    """The entries of postings."""
    rows = await connection.fetch(
        f"""SELECT posting, line, account, amount, posted_on FROM ledger.entry
            WHERE pool = $1 AND posting = ANY ($2::bigint[]) AND {within("posting", postings)}
            ORDER BY posting, line""",  # noqa: S608 - figures
        pool,
        postings,
    )
    found: dict[int, list[Line]] = {}
    for posting, *line in rows:
        found.setdefault(posting, []).append(Line(*line))
    return found


async def occasions_of(
    connection: "Connection[Any]", pool: Pool, postings: Sequence[int]
) -> dict[int, Occasion]:
    """What postings were made for, as far as it is said."""
    rows = await connection.fetch(
        f"""SELECT posting, kind, reference, reason FROM ledger.occasion
            WHERE pool = $1 AND posting = ANY ($2::bigint[])
              AND {within("posting", postings)}""",  # noqa: S608 - figures
        pool,
        postings,
    )
    return {row[0]: Occasion(OccasionKind(row[1]), row[2], row[3]) for row in rows}


async def outside_the_chain(
    connection: "Connection[Any]", pool: Pool | None, since: date | None, limit: int
) -> list[tuple[Pool, int, int, str, int]]:
    """Entries of postings that no block knows: (pool, posting, line, account, amount)."""
    rows = await connection.fetch(
        # OFFSET 0: planned for all rows, not for the first few, for which each entry would be
        # looked for in all blocks
        """SELECT * FROM (
               SELECT entry.pool, entry.posting, entry.line, entry.account, entry.amount
               FROM ledger.entry AS entry
               LEFT JOIN (SELECT pool, unnest(postings) AS posting FROM ledger.block
                          WHERE $1::text IS NULL OR pool = $1) AS chained
                 ON chained.pool = entry.pool AND chained.posting = entry.posting
               WHERE chained.posting IS NULL AND ($1::text IS NULL OR entry.pool = $1)
                 AND ($2::date IS NULL OR entry.posted_on >= $2)
               OFFSET 0) AS outside
           ORDER BY posting, pool, line LIMIT $3""",
        pool,
        since,
        limit,
    )
    return [(Pool(row[0]), row[1], row[2], row[3], row[4]) for row in rows]


async def chained_twice(
    connection: "Connection[Any]", pool: Pool | None, since: datetime | None, limit: int
) -> list[tuple[Pool, int]]:
    """Postings that more than one block knows."""
    rows = await connection.fetch(
        """SELECT pool, posting FROM ledger.block, unnest(postings) AS posting
           WHERE ($1::text IS NULL OR pool = $1)
             AND ($2::timestamptz IS NULL OR recorded_at >= $2)
           GROUP BY pool, posting HAVING count(*) > 1 ORDER BY posting LIMIT $3""",
        pool,
        since,
        limit,
    )
    return [(Pool(row[0]), row[1]) for row in rows]


async def part_differences(
    connection: "Connection[Any]", pool: Pool | None, limit: int
) -> list[tuple[Pool, str, str, int, int]]:
    """Parts whose balance is not the sum of their entries: (pool, member, part, has, entries)."""
    rows = await connection.fetch(
        """SELECT pool, split_part(account, ':', 2), substr(account, strpos(account, ':')
                      + length(split_part(account, ':', 2)) + 2),
                  coalesce(part.amount, 0), coalesce(entries.amount, 0)::bigint
           FROM (SELECT pool, 'account:' || member || ':' || part AS account, amount
                 FROM ledger.account_part WHERE $1::text IS NULL OR pool = $1) AS part
           FULL JOIN (SELECT pool, account, sum(amount) AS amount
                      FROM ledger.balance_entry
                      WHERE account LIKE 'account:%' AND ($1::text IS NULL OR pool = $1)
                      GROUP BY pool, account) AS entries USING (pool, account)
           WHERE coalesce(part.amount, 0) <> coalesce(entries.amount, 0)
           ORDER BY 1, 2, 3 LIMIT $2""",
        pool,
        limit,
    )
    return [(Pool(row[0]), row[1], row[2], row[3], row[4]) for row in rows]


async def on_the_way(connection: "Connection[Any]") -> list[OnTheWay]:
    """Transit that does not sum to zero over the pools, and holds without a time of their own."""
    rows = await connection.fetch(
        """SELECT account, sum(amount)::bigint AS amount, min(posted_on) AS since
           FROM ledger.balance_entry WHERE account LIKE 'transit:%'
           GROUP BY account HAVING sum(amount) <> 0
           UNION ALL
           SELECT 'hold:' || id, amount, (reserved_at AT TIME ZONE 'Asia/Shanghai')::date
           FROM ledger.hold WHERE state = 'reserved' AND expires_at IS NULL
           ORDER BY since, account"""
    )
    return [OnTheWay(*row) for row in rows]


async def hold_differences(
    connection: "Connection[Any]", pool: Pool | None, limit: int
) -> list[tuple[Pool, str, str, int, int]]:
    """Parts of which more or less is held than by open holds: (pool, member, part, has, holds)."""
    rows = await connection.fetch(
        """SELECT pool, member, part, coalesce(parts.held, 0), coalesce(holds.held, 0)::bigint
           FROM (SELECT pool, member, part, held FROM ledger.account_part WHERE held <> 0) AS parts
           FULL JOIN (SELECT pool, member, taken.part, sum(taken.amount) AS held
                      FROM ledger.hold, unnest(parts, amounts) AS taken (part, amount)
                      WHERE state = 'reserved' GROUP BY pool, member, taken.part) AS holds
             USING (pool, member, part)
           WHERE coalesce(parts.held, 0) <> coalesce(holds.held, 0)
             AND ($1::text IS NULL OR pool = $1)
           ORDER BY 1, 2, 3 LIMIT $2""",
        pool,
        limit,
    )
    return [(Pool(row[0]), row[1], row[2], row[3], row[4]) for row in rows]
