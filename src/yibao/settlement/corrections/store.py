"""SQL of what corrections read and note beside the bills."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection


async def lock_visits(connection: "Connection[Any]", pool: Pool, members: Sequence[str]) -> None:
    """Lock all visits of members, by number: none of their bills is settled or cancelled beside.

    Visits that are made meanwhile are locked too, until none is left.
    """
    held = -1
    while (
        found := len(
            await connection.fetch(
                """SELECT FROM settlement.visit WHERE pool = $1 AND member = ANY ($2::text[])
                   ORDER BY id FOR UPDATE""",
                pool,
                members,
            )
        )
    ) != held:
        held = found


async def counted_before(
    connection: "Connection[Any]", pool: Pool, member: str
) -> dict[CounterKey, int]:
    """What stands on a member's counters beside the member's own bills.

    It was brought in, or came over from another number. What went over to another number stood
    here when the bills were settled, and so is not taken off.
    """
    rows = await connection.fetch(
        """SELECT counter, scope, sum(delta)::bigint AS amount
           FROM settlement.accumulator_entry AS entry
           LEFT JOIN settlement.settlement AS settlement
             ON settlement.pool = entry.pool AND settlement.id = entry.settlement
           WHERE entry.pool = $1 AND entry.member = $2
             AND settlement.member IS DISTINCT FROM entry.member
             AND NOT EXISTS (SELECT FROM settlement.handed_over AS merged
                             WHERE merged.pool = entry.pool AND merged.gone = entry.member
                               AND merged.number = entry.settlement)
           GROUP BY counter, scope""",
        pool,
        member,
    )
    return {CounterKey(row["counter"], row["scope"]): row["amount"] for row in rows}


async def lock_counters(
    connection: "Connection[Any]", pool: Pool, member: str
) -> dict[CounterKey, int]:
    """All counters of a member, locked in their order: no bill of the member is settled beside."""
    rows = await connection.fetch(
        """SELECT counter, scope, amount FROM settlement.accumulator
           WHERE pool = $1 AND member = $2 ORDER BY member, counter, scope FOR UPDATE""",
        pool,
        member,
    )
    return {CounterKey(row[0], row[1]): row[2] for row in rows}


async def in_turn(connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]) -> list[int]:
    """Bills by number, in the order in which they were decided."""
    rows = await connection.fetch(
        """SELECT id FROM settlement.settlement
           WHERE pool = $1 AND id = ANY ($2::bigint[]) ORDER BY turn""",
        pool,
        numbers,
    )
    return [row[0] for row in rows]


async def open_flags(
    connection: "Connection[Any]", pool: Pool, settlements: Sequence[int]
) -> list[tuple[int, int]]:
    """Flags of settlements that are not resolved: (settlement, cause)."""
    rows = await connection.fetch(
        """SELECT flag.settlement, flag.cause
           FROM settlement.resettlement_flag AS flag
           LEFT JOIN settlement.resolved_flag AS resolved USING (pool, settlement, cause)
           WHERE flag.pool = $1 AND flag.settlement = ANY ($2::bigint[])
             AND resolved.cause IS NULL
           ORDER BY 1, 2""",
        pool,
        settlements,
    )
    return [(row[0], row[1]) for row in rows]


async def resolve_flags(
    connection: "Connection[Any]",
    pool: Pool,
    flags: Sequence[tuple[int, int]],
    by: int,
    now: datetime,
) -> None:
    """Note that flagged bills were decided again."""
    await connection.execute(
        """INSERT INTO settlement.resolved_flag
               (pool, settlement, cause, resolved_by, resolved_at)
           SELECT $1, settlement, cause, $4, $5
           FROM unnest($2::bigint[], $3::bigint[]) AS flag (settlement, cause)""",
        pool,
        [settlement for settlement, _ in flags],
        [cause for _, cause in flags],
        by,
        now,
    )


async def close_year(
    connection: "Connection[Any]", pool: Pool, scheme: str, until: date, by: str, now: datetime
) -> None:
    """Close what lies up to a day; once more changes nothing."""
    await connection.execute(
        """INSERT INTO settlement.closed_year (pool, scheme, until, closed_by, closed_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING""",
        pool,
        scheme,
        until,
        by,
        now,
    )
