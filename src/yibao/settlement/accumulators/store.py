"""SQL of accumulators: their values, their entries, and who holds them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Pool
from yibao.platform.appending import Appending
from yibao.platform.months.sql import within

if TYPE_CHECKING:
    from asyncpg import Connection

_ENTRIES = Appending(
    "settlement",
    "accumulator_entry",
    {
        "pool": "text",
        "settlement": "bigint",
        "counter": "text",
        "scope": "text",
        "member": "text",
        "kind": "text",
        "delta": "bigint",
    },
)

MemberCounter = tuple[str, CounterKey]


async def values(
    connection: "Connection[Any]", pool: Pool, keys: Sequence[MemberCounter], *, lock: bool
) -> dict[MemberCounter, int]:
    """Values of (member, counter), in key order; absent ones are absent.

    Asked by three lists, which the index answers in its order: to join the keys would sort twice,
    and read the whole pool while the table is young. Counters of these members that others of them
    want are locked, too, in the one order of all locks.
    """
    wanted = set(keys)
    rows = await connection.fetch(
        f"""SELECT member, counter, scope, amount FROM settlement.accumulator
            WHERE pool = $1 AND member = ANY ($2::text[]) AND counter = ANY ($3::text[])
              AND scope = ANY ($4::text[])
            ORDER BY member, counter, scope {"FOR UPDATE" if lock else ""}""",  # noqa: S608
        pool,
        list({member for member, _ in keys}),
        list({key.name for _, key in keys}),
        list({key.scope for _, key in keys}),
    )
    return {
        key: amount
        for member, counter, scope, amount in rows
        if (key := (member, CounterKey(counter, scope))) in wanted
    }


async def open_at_zero(
    connection: "Connection[Any]", pool: Pool, keys: Iterable[MemberCounter]
) -> set[MemberCounter]:
    """Insert missing rows at zero, in key order, so that a first bill locks them like a later one.

    Returns those that this transaction inserted: nobody else sees them before it ends, so they need
    no lock. The others were inserted by somebody else meanwhile.
    """
    ordered = sorted(keys)
    rows = await connection.fetch(
        """INSERT INTO settlement.accumulator (pool, member, counter, scope, amount)
           SELECT $1, member, counter, scope, 0
           FROM unnest($2::text[], $3::text[], $4::text[]) AS new (member, counter, scope)
           ON CONFLICT DO NOTHING
           RETURNING member, counter, scope""",
        pool,
        [member for member, _ in ordered],
        [key.name for _, key in ordered],
        [key.scope for _, key in ordered],
    )
    return {(member, CounterKey(counter, scope)) for member, counter, scope in rows}


async def add(
    connection: "Connection[Any]",
    pool: Pool,
    changes: Sequence[tuple[MemberCounter, int]],
) -> int:
    """Add deltas to locked rows; returns how many rows changed."""
    status = await connection.execute(
        """UPDATE settlement.accumulator AS accumulator
           SET amount = accumulator.amount + change.delta
           FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
                AS change (member, counter, scope, delta)
           WHERE accumulator.pool = $1 AND accumulator.member = change.member
             AND accumulator.counter = change.counter AND accumulator.scope = change.scope""",
        pool,
        [member for (member, _), _ in changes],
        [key.name for (_, key), _ in changes],
        [key.scope for (_, key), _ in changes],
        [delta for _, delta in changes],
    )
    return int(status.split()[1])


async def insert_entries(connection: "Connection[Any]", records: Sequence[tuple[Any, ...]]) -> None:
    """Write signed entries: (pool, settlement, counter, scope, member, kind, delta)."""
    await _ENTRIES.append(connection, records)


async def entries_of(
    connection: "Connection[Any]", pool: Pool, settlements: Sequence[int]
) -> dict[int, list[tuple[CounterKey, int]]]:
    """The signed entries of settlements."""
    rows = await connection.fetch(
        f"""SELECT settlement, counter, scope, delta FROM settlement.accumulator_entry
            WHERE pool = $1 AND settlement = ANY ($2::bigint[])
              AND {within("settlement", settlements)}""",  # noqa: S608 - figures
        pool,
        settlements,
    )
    found: dict[int, list[tuple[CounterKey, int]]] = {}
    for number, counter, scope, delta in rows:
        found.setdefault(number, []).append((CounterKey(counter, scope), delta))
    return found


async def moved_entries(
    connection: "Connection[Any]", pool: Pool, settlements: Sequence[int]
) -> tuple[dict[int, list[tuple[CounterKey, int]]], str | None]:
    """The same, and who holds those counters now: a number may have gone over to another one."""
    rows = await connection.fetch(
        f"""SELECT settlement, counter, scope, delta,
                  coalesce((SELECT kept FROM settlement.handed_over AS merged
                            WHERE merged.pool = entry.pool AND merged.gone = entry.member
                            ORDER BY number DESC LIMIT 1), member) AS holder
           FROM settlement.accumulator_entry AS entry
           WHERE pool = $1 AND settlement = ANY ($2::bigint[])
             AND {within("settlement", settlements)}""",  # noqa: S608 - figures
        pool,
        settlements,
    )
    found: dict[int, list[tuple[CounterKey, int]]] = {}
    for number, counter, scope, delta, _ in rows:
        found.setdefault(number, []).append((CounterKey(counter, scope), delta))
    return found, rows[0]["holder"] if rows else None


async def heirs_of(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> dict[str, str]:
    """The number that each number's counters and account went over to; most lack."""
    rows = await connection.fetch(
        """SELECT DISTINCT ON (gone) gone, kept FROM settlement.handed_over
           WHERE pool = $1 AND gone = ANY ($2::text[]) ORDER BY gone, number DESC""",
        pool,
        members,
    )
    return {row["gone"]: row["kept"] for row in rows}


async def of_member(
    connection: "Connection[Any]", pool: Pool, member: str
) -> list[tuple[CounterKey, int]]:
    """Every counter of a member."""
    rows = await connection.fetch(
        """SELECT counter, scope, amount FROM settlement.accumulator
           WHERE pool = $1 AND member = $2 ORDER BY counter, scope""",
        pool,
        member,
    )
    return [(CounterKey(row[0], row[1]), row[2]) for row in rows]


async def inconsistencies(
    connection: "Connection[Any]",
) -> list[tuple[str, str, str, str, int, int]]:
    """Accumulators that differ from the sum of their entries."""
    rows = await connection.fetch(
        """SELECT pool, member, counter, scope, accumulator.amount,
                  coalesce(entries.amount, 0)::bigint
           FROM settlement.accumulator
           LEFT JOIN (SELECT pool, member, counter, scope, sum(delta) AS amount
                      FROM settlement.accumulator_entry GROUP BY 1, 2, 3, 4) AS entries
             USING (pool, member, counter, scope)
           WHERE accumulator.amount <> coalesce(entries.amount, 0)"""
    )
    return [tuple(row) for row in rows]
