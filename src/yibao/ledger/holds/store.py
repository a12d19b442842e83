"""SQL of holds, their refunds, and what is held of account parts."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.ledger.holds.model import Hold, HoldState, Refund, Reservation, Taken

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_COLUMNS = """id, member, amount, allowed, purpose, expires_at, reserved_at, parts, amounts, state,
              ended_at, captured, posting"""


async def find(
    connection: "Connection[Any]", pool: Pool, ids: Sequence[str], *, lock: bool = False
) -> dict[str, Hold]:
    """Holds by id; ``lock`` keeps them from ending until the transaction does."""
    rows = await connection.fetch(
        f"""SELECT {_COLUMNS} FROM ledger.hold WHERE pool = $1 AND id = ANY ($2::text[])
            ORDER BY id {"FOR UPDATE" if lock else ""}""",  # noqa: S608 - fixed words
        pool,
        ids,
    )
    return {row["id"]: _hold(row) for row in rows}


async def of_member(connection: "Connection[Any]", pool: Pool, member: str) -> list[Hold]:
    """A member's holds, oldest first."""
    rows = await connection.fetch(
        f"""SELECT {_COLUMNS} FROM ledger.hold WHERE pool = $1 AND member = $2
            ORDER BY reserved_at, id""",  # noqa: S608 - fixed words
        pool,
        member,
    )
    return [_hold(row) for row in rows]


async def insert(connection: "Connection[Any]", pool: Pool, hold: Hold) -> None:
    """Write a new hold; an id that another transaction has just used is a unique violation."""
    wanted = hold.reservation
    await connection.execute(
        """INSERT INTO ledger.hold (pool, id, member, amount, allowed, purpose, expires_at,
                                    reserved_at, parts, amounts, state)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'reserved')""",
        pool,
        wanted.id,
        wanted.member,
        wanted.amount,
        list(wanted.allowed),
        wanted.purpose,
        wanted.until,
        hold.reserved_at,
        [part for part, _ in hold.taken],
        [amount for _, amount in hold.taken],
    )


async def end(
    connection: "Connection[Any]",
    pool: Pool,
    hold: str,
    state: HoldState,
    now: datetime,
    captured: int | None = None,
    posting: int | None = None,
) -> None:
    """Write how a hold ended."""
    await connection.execute(
        """UPDATE ledger.hold SET state = $3, ended_at = $4, captured = $5, posting = $6
           WHERE pool = $1 AND id = $2""",
        pool,
        hold,
        state.value,
        now,
        captured,
        posting,
    )


async def set_aside(
    connection: "Connection[Any]", pool: Pool, member: str, taken: Sequence[Taken], sign: int
) -> None:
    """Add to (1), or take from (−1), what is held of locked parts."""
    await connection.execute(
        """UPDATE ledger.account_part AS part SET held = part.held + $3 * change.amount
           FROM unnest($4::text[], $5::bigint[]) AS change (part, amount)
           WHERE part.pool = $1 AND part.member = $2 AND part.part = change.part""",
        pool,
        member,
        sign,
        [part for part, _ in taken],
        [amount for _, amount in taken],
    )


async def refunds(connection: "Connection[Any]", pool: Pool, hold: str) -> list[Refund]:
    """What was given back of a hold."""
    rows = await connection.fetch(
        """SELECT id, amount, posting FROM ledger.hold_refund
           WHERE pool = $1 AND hold = $2 ORDER BY posting""",
        pool,
        hold,
    )
    return [Refund(*row) for row in rows]


async def insert_refund(
    connection: "Connection[Any]", pool: Pool, hold: str, refund: Refund, now: datetime
) -> None:
    """Write a refund."""
    await connection.execute(
        """INSERT INTO ledger.hold_refund (pool, hold, id, amount, posting, refunded_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        pool,
        hold,
        *refund,
        now,
    )


async def expire(connection: "Connection[Any]", now: datetime, limit: int) -> int:
    """End holds whose time has passed and free what they held; returns how many.

    Parts are locked before holds, and in the order in which everybody locks them. What somebody
    else has locked is left for the next time.
    """
    count: int = await connection.fetchval(
        """WITH due AS MATERIALIZED (
               SELECT pool, id, member FROM ledger.hold
               WHERE state = 'reserved' AND expires_at <= $1 ORDER BY expires_at LIMIT $2
           ), parts AS MATERIALIZED (
               SELECT part.pool, part.member, part.part FROM ledger.account_part AS part
               WHERE (part.pool, part.member) IN (SELECT pool, member FROM due)
               ORDER BY part.pool, part.member, part.part FOR UPDATE SKIP LOCKED
           ), ready AS MATERIALIZED (
               SELECT hold.pool, hold.id, hold.member, hold.parts, hold.amounts
               FROM ledger.hold AS hold
               WHERE (hold.pool, hold.id) IN (SELECT pool, id FROM due)
                 AND hold.state = 'reserved'
                 AND hold.parts <@ ARRAY(SELECT parts.part FROM parts
                                         WHERE parts.pool = hold.pool
                                           AND parts.member = hold.member)
               FOR UPDATE SKIP LOCKED
           ), freed AS (
               UPDATE ledger.account_part AS part SET held = part.held - sums.amount
               FROM (SELECT pool, member, taken.part, sum(taken.amount) AS amount
                     FROM ready, unnest(parts, amounts) AS taken (part, amount)
                     GROUP BY pool, member, taken.part) AS sums
               WHERE part.pool = sums.pool AND part.member = sums.member AND part.part = sums.part
           ), ended AS (
               UPDATE ledger.hold AS hold SET state = 'expired', ended_at = $1
               FROM ready WHERE hold.pool = ready.pool AND hold.id = ready.id
               RETURNING 1
           )
           SELECT count(*) FROM ended""",
        now,
        limit,
    )
    return count


def _hold(row: "Record") -> Hold:
    return Hold(
        Reservation(
            row["id"],
            row["member"],
            row["amount"],
            tuple(row["allowed"]),
            row["purpose"],
            row["expires_at"],
        ),
        tuple(Taken(*one) for one in zip(row["parts"], row["amounts"], strict=True)),
        row["reserved_at"],
        HoldState(row["state"]),
        row["ended_at"],
        row["captured"],
        row["posting"],
    )
