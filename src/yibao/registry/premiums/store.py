"""SQL of premiums."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import Scheme
from yibao.registry.premiums.model import Premium

if TYPE_CHECKING:
    from asyncpg import Connection


async def premiums(
    connection: "Connection[Any]", pool: Pool, member: str, scheme: Scheme
) -> list[tuple[int, Premium]]:
    """Current payments of a member with their row ids."""
    rows = await connection.fetch(
        """SELECT row_id, scheme, valid_from, valid_until, paid_on, amount, base
           FROM registry.premium
           WHERE pool = $1 AND member = $2 AND scheme = $3 AND superseded_at IS NULL
           ORDER BY valid_from""",
        pool,
        member,
        scheme,
    )
    return [
        (row[0], Premium(Scheme(row[1]), Period(row[2], row[3]), row[4], row[5], row[6]))
        for row in rows
    ]


async def insert(
    connection: "Connection[Any]",
    pool: Pool,
    member: str,
    premiums: Iterable[Premium],
    now: datetime,
) -> None:
    """Record payments."""
    rows = [
        (pool, member, p.scheme, p.period.start, p.period.end, p.paid_on, p.amount, p.base, now)
        for p in premiums
    ]
    if not rows:  # a statement over nothing leaves its transaction open
        return
    await connection.executemany(
        """INSERT INTO registry.premium
               (pool, member, scheme, valid_from, valid_until, paid_on, amount, base,
                recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        rows,
    )


async def supersede(
    connection: "Connection[Any]", pool: Pool, member: str, row_ids: Iterable[int], now: datetime
) -> None:
    """Stamp payments as known only until ``now``."""
    await connection.execute(
        """UPDATE registry.premium SET superseded_at = $4
           WHERE pool = $1 AND member = $2 AND row_id = ANY ($3) AND superseded_at IS NULL""",
        pool,
        member,
        list(row_ids),
        now,
    )


async def of_members(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str], before: date
) -> dict[str, list[Premium]]:
    """Current payments of members for months before a day, in the order of the months."""
    rows = await connection.fetch(
        """SELECT member, scheme, valid_from, valid_until, paid_on, amount, base
           FROM registry.premium
           WHERE pool = $1 AND member = ANY ($2) AND valid_from < $3 AND superseded_at IS NULL
           ORDER BY member, valid_from""",
        pool,
        members,
        before,
    )
    found: dict[str, list[Premium]] = {}
    for member, scheme, start, end, paid_on, amount, base in rows:
        premium = Premium(Scheme(scheme), Period(start, end), paid_on, amount, base)
        found.setdefault(member, []).append(premium)
    return found
