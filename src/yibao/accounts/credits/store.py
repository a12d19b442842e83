"""SQL of credits, of what members owe from them, and of years' ends."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.accounts.credits.model import Known, MonthlyCredit
from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.platform.appending import Appending
from yibao.policy.terms import Scheme

if TYPE_CHECKING:
    from asyncpg import Connection

_CREDITS = Appending(
    "accounts",
    "credit",
    {
        "pool": "text",
        "member": "text",
        "scheme": "text",
        "month": "date",
        "turn": "smallint",
        "basis": "bytea",
        "amount": "bigint",
        "set_off": "bigint",
        "short": "bigint",
        "part": "text",
        "posting": "bigint",
        "reason": "text",
        "recorded_at": "timestamptz",
    },
)
_YEAR_ENDS = Appending(
    "accounts",
    "year_end",
    {
        "pool": "text",
        "member": "text",
        "year": "integer",
        "balance": "bigint",
        "rate": "text",
        "interest": "bigint",
        "posting": "bigint",
        "recorded_at": "timestamptz",
    },
)


async def start(connection: "Connection[Any]", pool: Pool, month: date) -> date:
    """The month from which on credits of a pool are made here; ``month`` when there is none yet."""
    await connection.execute(
        "INSERT INTO accounts.credit_start VALUES ($1, $2) ON CONFLICT DO NOTHING", pool, month
    )
    found: date = await connection.fetchval(
        "SELECT month FROM accounts.credit_start WHERE pool = $1", pool
    )
    return found


async def known(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str], scheme: Scheme
) -> dict[tuple[str, date], Known]:
    """What was credited to members so far, by member and month."""
    rows = await connection.fetch(
        """SELECT member, month, sum(amount)::bigint AS amount, max(turn) AS turn,
                  (array_agg(basis ORDER BY turn DESC))[1] AS basis
           FROM accounts.credit WHERE pool = $1 AND member = ANY ($2) AND scheme = $3
           GROUP BY member, month""",
        pool,
        members,
        scheme,
    )
    return {
        (row["member"], row["month"]): Known(row["amount"], row["turn"], row["basis"])
        for row in rows
    }


async def insert(
    connection: "Connection[Any]", pool: Pool, credits_: Sequence[MonthlyCredit], now: datetime
) -> None:
    """Record credits; a month credited by another run meanwhile is a unique violation."""
    await _CREDITS.append(
        connection,
        [
            (
                pool, one.member, one.scheme, one.month, one.turn, one.basis, one.amount,
                one.set_off, one.short, one.part, one.posting, one.reason, now,
            )
            for one in credits_
        ],
    )  # fmt: skip


async def shortfalls(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> dict[str, Fen]:
    """What members owe from corrected credits, locked."""
    rows = await connection.fetch(
        """SELECT member, amount FROM accounts.shortfall
           WHERE pool = $1 AND member = ANY ($2) ORDER BY member FOR UPDATE""",
        pool,
        members,
    )
    return {row["member"]: row["amount"] for row in rows}


async def add_to_shortfalls(
    connection: "Connection[Any]", pool: Pool, changes: Mapping[str, Fen]
) -> None:
    """Change what members owe."""
    members = sorted(changes)
    await connection.execute(
        """INSERT INTO accounts.shortfall (pool, member, amount)
           SELECT $1, member, 0 FROM unnest($2::text[]) AS member
           ON CONFLICT DO NOTHING""",
        pool,
        members,
    )
    await connection.execute(
        """UPDATE accounts.shortfall AS known SET amount = known.amount + change.delta
           FROM unnest($2::text[], $3::bigint[]) AS change (member, delta)
           WHERE known.pool = $1 AND known.member = change.member""",
        pool,
        members,
        [changes[member] for member in members],
    )


async def closed_years(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str], year: int
) -> set[str]:
    """The members whose interest of a year is settled."""
    rows = await connection.fetch(
        "SELECT member FROM accounts.year_end WHERE pool = $1 AND member = ANY ($2) AND year = $3",
        pool,
        members,
        year,
    )
    return {row["member"] for row in rows}


async def insert_year_ends(connection: "Connection[Any]", rows: Sequence[tuple[Any, ...]]) -> None:
    """Record years' ends, in the order of the table's columns."""
    await _YEAR_ENDS.append(connection, rows)
