"""SQL that reads settlements beside the ledger."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.settlement.books.rules import Settled
from yibao.settlement.model import Payee

if TYPE_CHECKING:
    from asyncpg import Connection

_AT_ONCE = 2_000


async def count(connection: "Connection[Any]", pool: Pool | None, first: int) -> int:
    """How many settlements there are to look at."""
    number: int = await connection.fetchval(
        """SELECT count(*) FROM settlement.visible_settlement
           WHERE id >= $2 AND ($1::text IS NULL OR pool = $1)""",
        pool,
        first,
    )
    return number


async def settled(
    connection: "Connection[Any]", pool: Pool | None, first: int
) -> AsyncIterator[list[Settled]]:
    """Settlements, cancellations and reinstatements by pool and number, some at a time."""
    cursor = await connection.cursor(
        """SELECT pool, id, institution, member, payee, payments, account, family, cash,
                  ARRAY(SELECT kept FROM settlement.handed_over AS merged
                        WHERE merged.pool = settled.pool AND merged.gone = settled.member) AS heirs
           FROM settlement.visible_settlement AS settled
           WHERE id >= $2 AND ($1::text IS NULL OR pool = $1) ORDER BY pool, id""",
        pool,
        first,
    )
    while rows := await cursor.fetch(_AT_ONCE):
        yield [
            Settled(
                Pool(row["pool"]),
                row["id"],
                row["institution"],
                row["member"],
                Payee(row["payee"]),
                [(payment[0], payment[3]) for payment in row["payments"]],
                row["account"],
                row["family"],
                row["cash"],
                row["heirs"],
            )
            for row in rows
        ]


async def without_reason(
    connection: "Connection[Any]", pool: Pool | None, first: int, limit: int
) -> list[tuple[Pool, int]]:
    """Postings that are no settlement's and have no occasion either.

    By sets, not by joins: the planner expects few rows of a view that asks who may see them, and
    would compare every posting with every settlement.
    """
    rows = await connection.fetch(
        """SELECT pool, posting FROM (
               SELECT DISTINCT pool, posting FROM ledger.entry
               WHERE posting >= $2 AND ($1::text IS NULL OR pool = $1)
               EXCEPT
               SELECT pool, id FROM settlement.visible_settlement
               WHERE id >= $2 AND ($1::text IS NULL OR pool = $1)
               EXCEPT
               SELECT pool, posting FROM ledger.occasion
               WHERE posting >= $2 AND ($1::text IS NULL OR pool = $1)
           ) AS unexplained
           ORDER BY posting LIMIT $3""",
        pool,
        first,
        limit,
    )
    return [(Pool(row[0]), row[1]) for row in rows]
