"""SQL that asks what was brought in, and whether anything was settled upon it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection


async def settled_since(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str], first: int
) -> list[str]:
    """The members who have a settlement of this or a later number, in their order."""
    rows = await connection.fetch(
        """SELECT DISTINCT member FROM settlement.visible_settlement
           WHERE pool = $1 AND member = ANY ($2) AND id >= $3 ORDER BY member""",
        pool,
        members,
        first,
    )
    return [row[0] for row in rows]


async def members_of_entries(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]
) -> dict[int, str]:
    """Whose counters entries moved, by the entries' number."""
    rows = await connection.fetch(
        """SELECT DISTINCT settlement, member FROM settlement.accumulator_entry
           WHERE pool = $1 AND settlement = ANY ($2::bigint[])""",
        pool,
        numbers,
    )
    return dict(rows)


async def brought_counters(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> set[tuple[str, CounterKey]]:
    """(member, counter) that were brought in and not taken back."""
    rows = await connection.fetch(
        """SELECT member, counter, scope FROM settlement.accumulator_entry
           WHERE pool = $1 AND member = ANY ($2::text[]) AND kind = 'brought_in'
           GROUP BY member, counter, scope HAVING sum(delta) <> 0""",
        pool,
        members,
    )
    return {(row[0], CounterKey(row[1], row[2])) for row in rows}
