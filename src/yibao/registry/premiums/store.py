"""SQL of premiums."""

from collections.abc import Iterable
from datetime import datetime
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
        """SELECT row_id, scheme, valid_from, valid_until, paid_on, amount FROM registry.premium
           WHERE pool = $1 AND member = $2 AND scheme = $3 AND superseded_at IS NULL
           ORDER BY valid_from""",
        pool,
        member,
        scheme,
    )
    return [
        (row[0], Premium(Scheme(row[1]), Period(row[2], row[3]), row[4], row[5])) for row in rows
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
        (pool, member, p.scheme, p.period.start, p.period.end, p.paid_on, p.amount, now)
        for p in premiums
    ]
    if not rows:  # a statement over nothing leaves its transaction open
        return
    await connection.executemany(
        """INSERT INTO registry.premium
               (pool, member, scheme, valid_from, valid_until, paid_on, amount, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
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
