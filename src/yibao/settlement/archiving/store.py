"""SQL that counts what is not done in months that would be put away."""

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from asyncpg import Connection


async def open_stays(connection: "Connection[Any]", before: int) -> int:
    """Stays without a discharge among the visits below a number."""
    count: int = await connection.fetchval(
        """SELECT count(*) FROM settlement.visit
           WHERE id < $1 AND kind = 'stay' AND state = 'open' AND end_at IS NULL""",
        before,
    )
    return count


async def open_flags(connection: "Connection[Any]", before: int) -> int:
    """Bills below a number that wait to be settled again."""
    count: int = await connection.fetchval(
        """SELECT count(DISTINCT (flag.pool, flag.settlement))
           FROM settlement.resettlement_flag AS flag
           WHERE flag.settlement < $1
             AND NOT EXISTS (SELECT FROM settlement.resolved_flag AS resolved
                             WHERE resolved.pool = flag.pool
                               AND resolved.settlement = flag.settlement
                               AND resolved.cause = flag.cause)""",
        before,
    )
    return count


class Claimed(NamedTuple):
    """What an institution may claim for a day and kind of care."""

    institution: str
    care_kind: str
    settled_on: date


async def claimed(connection: "Connection[Any]", since: int, before: int) -> list[Claimed]:
    """Days on which institutions settled bills that funds or accounts have to pay for."""
    rows = await connection.fetch(
        """SELECT institution, care_kind, settled_on FROM settlement.settlement
           WHERE id >= $1 AND id < $2 AND payee = 'institution'
           GROUP BY institution, care_kind, settled_on
           HAVING sum(funds + account + family) <> 0 ORDER BY 3, 1, 2""",
        since,
        before,
    )
    return [Claimed(*row) for row in rows]


async def cleared_days(connection: "Connection[Any]") -> list[tuple[str, str, date, date]]:
    """What was cleared: (institution, clearing class, first day, last day)."""
    rows = await connection.fetch(
        """SELECT institution, clearing_class, first_day, last_day
           FROM settlement.clearing_application WHERE state = 'approved'"""
    )
    return [tuple(row) for row in rows]
