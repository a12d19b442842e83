"""SQL that reads settlements beside the ledger."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

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


async def heirs(connection: "Connection[Any]", pool: Pool) -> dict[str, list[str]]:
    """The numbers that accounts of a pool's numbers went over to."""
    rows = await connection.fetch(
        "SELECT gone, kept FROM settlement.handed_over WHERE pool = $1", pool
    )
    found: dict[str, list[str]] = {}
    for gone, kept in rows:
        found.setdefault(gone, []).append(kept)
    return found


def settled_of(pool: Pool, row: Mapping[str, Any], kept_by: Sequence[str]) -> Settled:
    """A settlement as it was put away."""
    return Settled(
        pool,
        row["id"],
        row["institution"],
        row["member"],
        Payee(row["payee"]),
        [(payment[0], payment[3]) for payment in json.loads(row["payments"], parse_float=Decimal)],
        row["account"],
        row["family"],
        row["cash"],
        kept_by,
    )


class Orphan(NamedTuple):
    """A row without the one that it belongs to."""

    pool: Pool
    number: int
    text: str


async def orphans(
    connection: "Connection[Any]", pool: Pool | None, first: int, limit: int
) -> list[Orphan]:
    """Batches without their visit, settlements without their batch, stays beside their visit.

    What no key can refuse over the edge of a month. They are put away together, and come back so.
    Each part says twice from which number on, so that older months are not even opened.
    """
    rows = await connection.fetch(
        """SELECT batch.pool, batch.id AS number,
                  'its visit ' || batch.visit || ' is gone, the batch is there' AS text
           FROM settlement.visible_batch AS batch
           WHERE batch.visit >= $2 AND ($1::text IS NULL OR batch.pool = $1)
             AND NOT EXISTS (SELECT FROM settlement.visible_visit AS visit
                             WHERE visit.pool = batch.pool AND visit.id = batch.visit
                               AND visit.id >= $2)
           UNION ALL
           SELECT pool, id, 'its batch ' || batch || ' is gone, the settlement is there'
           FROM settlement.visible_settlement
           WHERE id >= $2 AND ($1::text IS NULL OR pool = $1) AND batch_label IS NULL
           UNION ALL
           SELECT visit.pool, visit.id, 'the visit says another time in hospital than the stay'
           FROM settlement.visible_visit AS visit
           LEFT JOIN settlement.visible_stay AS stay
             ON stay.pool = visit.pool AND stay.visit = visit.id AND stay.visit >= $2
           WHERE visit.kind = 'stay' AND visit.id >= $2 AND ($1::text IS NULL OR visit.pool = $1)
             AND (visit.identity, visit.state, visit.begin_at, visit.end_at)
                 IS DISTINCT FROM (stay.identity, stay.state, stay.begin_at, stay.end_at)
           ORDER BY number LIMIT $3""",
        pool,
        first,
        limit,
    )
    return [Orphan(Pool(row["pool"]), row["number"], row["text"]) for row in rows]


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
