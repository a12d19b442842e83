"""SQL of entries and account parts."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.ledger.model import Part, Posting
from yibao.platform.appending import Appending

if TYPE_CHECKING:
    from asyncpg import Connection

_ENTRIES = Appending(
    "ledger",
    "entry",
    {
        "pool": "text",
        "posting": "bigint",
        "line": "smallint",
        "account": "text",
        "amount": "bigint",
        "posted_on": "date",
    },
)


async def insert_entries(
    connection: "Connection[Any]", pool: Pool, postings: Sequence[Posting]
) -> None:
    """Write the entries of postings."""
    await _ENTRIES.append(
        connection,
        [
            (pool, posting.number, line, entry.account, entry.amount, posting.day)
            for posting in postings
            for line, entry in enumerate(posting.entries)
        ],
    )


async def entries_of(
    connection: "Connection[Any]", pool: Pool, postings: Sequence[int]
) -> dict[int, list[tuple[str, int]]]:
    """(account, amount) of each posting, in line order."""
    rows = await connection.fetch(
        """SELECT posting, account, amount FROM ledger.entry
           WHERE pool = $1 AND posting = ANY ($2::bigint[]) ORDER BY posting, line""",
        pool,
        postings,
    )
    found: dict[int, list[tuple[str, int]]] = {}
    for posting, account, amount in rows:
        found.setdefault(posting, []).append((account, amount))
    return found


async def parts(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str], *, lock: bool
) -> list[Part]:
    """Account parts of members, in (member, part) order: the one order of locking."""
    rows = await connection.fetch(
        f"""SELECT member, part, origin, amount FROM ledger.account_part
            WHERE pool = $1 AND member = ANY ($2::text[]) ORDER BY member, part
            {"FOR UPDATE" if lock else ""}""",  # noqa: S608 - a fixed word
        pool,
        members,
    )
    return [Part(*row) for row in rows]


async def change_parts(
    connection: "Connection[Any]", pool: Pool, changes: Sequence[tuple[str, str, int]]
) -> int:
    """Add (member, part, delta) to locked parts; returns how many rows changed."""
    status = await connection.execute(
        """UPDATE ledger.account_part AS part SET amount = part.amount + change.delta
           FROM unnest($2::text[], $3::text[], $4::bigint[]) AS change (member, part, delta)
           WHERE part.pool = $1 AND part.member = change.member AND part.part = change.part""",
        pool,
        [change[0] for change in changes],
        [change[1] for change in changes],
        [change[2] for change in changes],
    )
    return int(status.split()[1])


async def open_parts(
    connection: "Connection[Any]", pool: Pool, parts: Sequence[tuple[str, str, str]]
) -> None:
    """Make absent (member, part, origin) rows with balance zero."""
    await connection.execute(
        """INSERT INTO ledger.account_part (pool, member, part, origin, amount)
           SELECT $1, member, part, origin, 0
           FROM unnest($2::text[], $3::text[], $4::text[]) AS new (member, part, origin)
           ORDER BY member, part
           ON CONFLICT DO NOTHING""",
        pool,
        [part[0] for part in parts],
        [part[1] for part in parts],
        [part[2] for part in parts],
    )


async def institution_totals(
    connection: "Connection[Any]", start: date, end: date
) -> list[tuple[str, str, int]]:
    """(institution, ``claimed`` or ``collected``, sum) of postings of ``start`` ≤ day < ``end``."""
    rows = await connection.fetch(
        """SELECT split_part(account, ':', 2), split_part(account, ':', 3), sum(amount)::bigint
           FROM ledger.entry
           WHERE account LIKE 'institution:%' AND posted_on >= $1 AND posted_on < $2
           GROUP BY 1, 2 ORDER BY 1, 2""",
        start,
        end,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def imbalance(connection: "Connection[Any]") -> int:
    """Number of postings whose entries do not sum to zero."""
    count: int = await connection.fetchval(
        """SELECT count(*) FROM (SELECT FROM ledger.entry GROUP BY pool, posting
                                 HAVING sum(amount) <> 0) AS broken"""
    )
    return count


async def part_differences(connection: "Connection[Any]") -> list[tuple[str, str, str, int, int]]:
    """Parts whose balance differs from the sum of their entries: (pool, member, part, has, is)."""
    rows = await connection.fetch(
        """SELECT part.pool, part.member, part.part, part.amount,
                  coalesce(sum(entry.amount), 0)::bigint AS entries
           FROM ledger.account_part AS part
           LEFT JOIN ledger.entry AS entry
             ON entry.pool = part.pool
            AND entry.account = 'account:' || part.member || ':' || part.part
           GROUP BY part.pool, part.member, part.part, part.amount
           HAVING part.amount <> coalesce(sum(entry.amount), 0)"""
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
