"""SQL of orders: what the pool of a bill has decided about holds in other pools."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.accounts.family.elsewhere.model import END, PURPOSE, Order, OrderKind
from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_ORDER = "pool, hold, id, owner_pool, kind, amount, settlement, member"
_UNDONE = """
    (family_order.kind = 'refund' AND NOT EXISTS (
         SELECT FROM ledger.hold_refund AS refund
         WHERE refund.pool = family_order.owner_pool AND refund.hold = family_order.hold
           AND refund.id = family_order.id)
     OR family_order.kind <> 'refund' AND EXISTS (
         SELECT FROM ledger.hold
         WHERE hold.pool = family_order.owner_pool AND hold.id = family_order.hold
           AND hold.state = 'reserved'))"""


async def insert(connection: "Connection[Any]", orders: Sequence[Order], now: datetime) -> None:
    """Write orders; a hold that somebody has ended otherwise is a unique violation."""
    await connection.executemany(
        """INSERT INTO accounts.family_order
               (pool, hold, id, owner_pool, kind, amount, settlement, member, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        [_row(order, now) for order in orders],
    )


async def insert_release(connection: "Connection[Any]", order: Order, now: datetime) -> None:
    """Write that a hold is given up, unless its end is decided; waits for who decides just now."""
    await connection.execute(
        """INSERT INTO accounts.family_order
               (pool, hold, id, owner_pool, kind, amount, settlement, member, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING""",
        *_row(order, now),
    )


async def ends(connection: "Connection[Any]", pool: Pool, holds: Sequence[str]) -> dict[str, Order]:
    """The orders that end these holds, by hold; those whose end is not decided lack."""
    rows = await connection.fetch(
        f"""SELECT {_ORDER} FROM accounts.family_order
            WHERE pool = $1 AND hold = ANY ($2::text[]) AND id = $3""",  # noqa: S608 - columns
        pool,
        holds,
        END,
    )
    return {row["hold"]: _order(row) for row in rows}


async def undone(
    connection: "Connection[Any]", pool: Pool | None, member: str | None
) -> list[Order]:
    """Orders that are not carried out yet, oldest first; of one patient, or of all pools."""
    rows = await connection.fetch(
        f"""SELECT {_ORDER} FROM accounts.family_order
            WHERE ($1::text IS NULL OR pool = $1 AND member = $2) AND {_UNDONE}
            ORDER BY recorded_at, settlement, hold""",  # noqa: S608 - our own words
        pool,
        member,
    )
    return [
        Order(Pool(row[0]), row[1], row[2], Pool(row[3]), OrderKind(row[4]), *row[5:])
        for row in rows
    ]


async def forgotten(connection: "Connection[Any]", before: datetime) -> list[tuple[Pool, str]]:
    """(owner's pool, hold) of what was held before an instant and whose end nobody has decided."""
    rows = await connection.fetch(
        """SELECT hold.pool, hold.id FROM ledger.hold
           WHERE hold.state = 'reserved' AND hold.expires_at IS NULL AND hold.purpose = $1
             AND hold.reserved_at < $2
             AND NOT EXISTS (SELECT FROM accounts.family_order
                             WHERE family_order.pool = split_part(hold.id, '.', 1)
                               AND family_order.hold = hold.id AND family_order.id = $3)
           ORDER BY hold.reserved_at, hold.id""",
        PURPOSE,
        before,
        END,
    )
    return [(Pool(row[0]), row[1]) for row in rows]


async def out_of_balance(connection: "Connection[Any]") -> list[tuple[Pool, str, int]]:
    """(bill's pool, hold, fen) of transit that does not sum to zero though nothing is undone."""
    rows = await connection.fetch(
        f"""SELECT family_order.pool, family_order.hold, sum(entry.amount)::bigint
            FROM accounts.family_order
            JOIN ledger.entry ON entry.account = 'transit:' || family_order.hold
             AND entry.pool IN (family_order.pool, family_order.owner_pool)
            WHERE family_order.id = $1
            GROUP BY family_order.pool, family_order.hold
            HAVING sum(entry.amount) <> 0 AND NOT EXISTS (
                SELECT FROM accounts.family_order AS other
                WHERE other.pool = family_order.pool AND other.hold = family_order.hold
                  AND {_UNDONE.replace("family_order.", "other.")})
            ORDER BY family_order.hold""",  # noqa: S608 - our own words
        END,
    )
    return [(Pool(row[0]), row[1], row[2]) for row in rows]


def _order(row: "Record") -> Order:
    return Order(Pool(row[0]), row[1], row[2], Pool(row[3]), OrderKind(row[4]), *row[5:])


def _row(order: Order, now: datetime) -> tuple[Any, ...]:
    return (
        order.pool, order.hold, order.id, order.owner_pool, order.kind.value, order.amount,
        order.settlement, order.member, now,
    )  # fmt: skip
