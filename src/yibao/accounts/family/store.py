"""SQL of what was paid over family links."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Connection


async def used(
    connection: "Connection[Any]", pool: Pool, links: Sequence[int], year: int
) -> dict[int, Fen]:
    """What was paid over links in a year; nothing of those that lack."""
    rows = await connection.fetch(
        """SELECT link, amount FROM accounts.family_use
           WHERE pool = $1 AND link = ANY ($2::bigint[]) AND year = $3""",
        pool,
        links,
        year,
    )
    return {row["link"]: row["amount"] for row in rows}


async def use(
    connection: "Connection[Any]", pool: Pool, changes: Mapping[tuple[int, int], Fen]
) -> None:
    """Count (link, year) → signed amount; the owners' account parts are locked."""
    rows = sorted((link, year, amount) for (link, year), amount in changes.items())
    await connection.execute(
        """INSERT INTO accounts.family_use AS known (pool, link, year, amount)
           SELECT $1, * FROM unnest($2::bigint[], $3::integer[], $4::bigint[])
           ON CONFLICT (pool, link, year) DO UPDATE SET amount = known.amount + excluded.amount""",
        pool,
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
    )


async def insert_premium(
    connection: "Connection[Any]",
    pool: Pool,
    number: int,
    link: int,
    members: tuple[str, str],
    scheme: str,
    span: tuple[date, date],
    amount: Fen,
    now: "datetime",
) -> None:
    """Record a premium that an owner paid for a relative: ``members`` are owner and relative."""
    await connection.execute(
        """INSERT INTO accounts.family_premium
               (pool, id, link, owner, relative, scheme, valid_from, valid_until, amount,
                recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        pool,
        number,
        link,
        *members,
        scheme,
        *span,
        amount,
        now,
    )


class PremiumPaid(NamedTuple):
    """A premium as it was paid out of an owner's account."""

    link: int
    owner: str
    relative: str
    scheme: str
    start: date
    end: date
    amount: Fen
    day: date
    """When it was paid."""


async def premium(connection: "Connection[Any]", pool: Pool, number: int) -> PremiumPaid | None:
    """A premium by the number of its posting."""
    row = await connection.fetchrow(
        """SELECT link, owner, relative, scheme, valid_from, valid_until, amount,
                  (recorded_at AT TIME ZONE 'Asia/Shanghai')::date
           FROM accounts.family_premium WHERE pool = $1 AND id = $2""",
        pool,
        number,
    )
    return None if row is None else PremiumPaid(*row)


async def insert_premium_refund(
    connection: "Connection[Any]",
    pool: Pool,
    premium_id: int,
    posting: int,
    reason: str,
    now: "datetime",
) -> bool:
    """Record that a premium went back; False when it had."""
    status = await connection.execute(
        """INSERT INTO accounts.family_premium_refund (pool, id, posting, reason, recorded_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING""",
        pool,
        premium_id,
        posting,
        reason,
        now,
    )
    return str(status).endswith(" 1")
