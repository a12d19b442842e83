"""SQL of payment orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.payments.model import OrderEvent, OrderEventKind, OrderFacts, Split, Standing

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_SELECTED = """SELECT pool, id, institution, member, hospital_order, edition, batch, fee_kind,
    visit, total, digest, recorded_at FROM payments.visible_order """


async def order(connection: "Connection[Any]", key: PoolKey) -> OrderFacts | None:
    """One order with all that happened to it, as the connection's role may see it."""
    row = await connection.fetchrow(_SELECTED + "WHERE pool = $1 AND id = $2", *key)
    return None if row is None else _order(row, await _events(connection, key))


async def latest_of_number(
    connection: "Connection[Any]", pool: Pool, institution: str, hospital_order: str
) -> OrderFacts | None:
    """The newest order under an institution's order number."""
    row = await connection.fetchrow(
        _SELECTED
        + """WHERE pool = $1 AND institution = $2 AND hospital_order = $3
             ORDER BY edition DESC LIMIT 1""",
        pool,
        institution,
        hospital_order,
    )
    if row is None:
        return None
    return _order(row, await _events(connection, PoolKey(row["pool"], row["id"])))


async def insert(connection: "Connection[Any]", facts: OrderFacts, content: bytes) -> None:
    """Write a new order; a taken edition is a unique violation."""
    await connection.execute(
        """INSERT INTO payments.payment_order (pool, id, institution, member, hospital_order,
               edition, batch, fee_kind, visit, total, digest, content, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        *facts.key,
        facts.institution,
        facts.member,
        facts.hospital_order,
        facts.edition,
        facts.batch,
        facts.fee_kind,
        facts.visit,
        facts.standing.total,
        facts.digest,
        content,
        facts.recorded_at,
    )


async def insert_event(
    connection: "Connection[Any]", key: PoolKey, turn: int, event: OrderEvent
) -> None:
    """Write what happened; a taken turn is a unique violation: somebody was faster."""
    await connection.execute(
        """INSERT INTO payments.order_event (pool, payment_order, turn, kind, serial, fund, account,
               cash, part, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        *key,
        turn,
        event.kind.value,
        event.serial,
        *event.split,
        event.part,
        event.recorded_at,
    )


async def _events(connection: "Connection[Any]", key: PoolKey) -> "Sequence[Record]":
    rows: Sequence[Record] = await connection.fetch(
        """SELECT kind, serial, fund, account, cash, part, recorded_at
           FROM payments.visible_order_event
           WHERE pool = $1 AND payment_order = $2 ORDER BY turn""",
        *key,
    )
    return rows


def _order(row: "Record", events: "Sequence[Record]") -> OrderFacts:
    recorded_at: datetime = row["recorded_at"]
    return OrderFacts(
        PoolKey(row["pool"], row["id"]),
        row["institution"],
        row["member"],
        row["hospital_order"],
        row["edition"],
        row["batch"],
        row["fee_kind"],
        row["visit"],
        Standing(row["total"], tuple(_event(event) for event in events)),
        row["digest"],
        recorded_at,
    )


def _event(row: "Record") -> OrderEvent:
    return OrderEvent(
        OrderEventKind(row["kind"]),
        row["serial"],
        Split(row["fund"], row["account"], row["cash"]),
        row["part"],
        row["recorded_at"],
    )
