"""SQL of statements."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection


class Moved(NamedTuple):
    """An entry with what it was made for."""

    account: str
    day: date
    posting: int
    amount: int
    kind: str | None
    reason: str
    institution: str | None


class Summed(NamedTuple):
    """Entries of one account, one kind and one direction."""

    pool: Pool
    account: str
    before: bool
    """They lie before the span."""
    kind: str | None
    gains: bool
    entries: int
    amount: int


async def openings(
    connection: "Connection[Any]", pool: Pool, accounts: Sequence[str], start: date
) -> dict[str, int]:
    """What personal accounts held when a day began."""
    rows = await connection.fetch(
        """SELECT account, sum(amount)::bigint FROM (
               SELECT account, amount FROM ledger.entry
               WHERE pool = $1 AND account = ANY ($2::text[]) AND account LIKE 'account:%'
                 AND posted_on < $3
                 -- what came back of months before is in what was carried
                 AND (posted_on >= date_trunc('month', $3::date)
                      OR posting >= (SELECT coalesce(max(number), 0)
                                     FROM platform.archive_horizon)
                      OR NOT EXISTS (SELECT FROM platform.recalled AS back
                                     WHERE back.pool = entry.pool
                                       AND back.number = entry.posting))
               UNION ALL
               SELECT account, amount FROM ledger.carried_balance
               WHERE pool = $1 AND account = ANY ($2::text[])
                 AND month + interval '1 month' <= $3::date) AS moved
           GROUP BY account""",
        pool,
        accounts,
        start,
    )
    return {row[0]: row[1] for row in rows}


async def movements(
    connection: "Connection[Any]", pool: Pool, accounts: Sequence[str], start: date, end: date
) -> list[Moved]:
    """Entries of personal accounts, ``start`` ≤ day < ``end``, oldest first."""
    rows = await connection.fetch(
        """SELECT entry.account, entry.posted_on, entry.posting, entry.amount, occasion.kind,
                  coalesce(occasion.reason, ''),
                  (SELECT split_part(other.account, ':', 2) FROM ledger.entry AS other
                   WHERE other.pool = entry.pool AND other.posting = entry.posting
                     AND other.account LIKE 'institution:%:claimed' LIMIT 1)
           FROM ledger.entry AS entry
           LEFT JOIN ledger.occasion AS occasion
             ON occasion.pool = entry.pool AND occasion.posting = entry.posting
           WHERE entry.pool = $1 AND entry.account = ANY ($2::text[])
             AND entry.account LIKE 'account:%' AND entry.posted_on >= $3 AND entry.posted_on < $4
           ORDER BY entry.posted_on, entry.posting, entry.line""",
        pool,
        accounts,
        start,
        end,
    )
    return [Moved(*row) for row in rows]


async def sums(
    connection: "Connection[Any]",
    pool: Pool | None,
    accounts: Sequence[str],
    word: str | None,
    start: date,
    end: date,
) -> list[Summed]:
    """Sums of accounts, named or all of a word (``fund``), by what moved them until ``end``."""
    rows = await connection.fetch(
        """SELECT entry.pool, entry.account, entry.posted_on < $4 AS before, occasion.kind,
                  entry.amount > 0 AS gains, count(*), sum(entry.amount)::bigint
           FROM ledger.entry AS entry
           LEFT JOIN ledger.occasion AS occasion
             ON occasion.pool = entry.pool AND occasion.posting = entry.posting
           WHERE ($1::text IS NULL OR entry.pool = $1)
             AND (entry.account = ANY ($2::text[]) OR split_part(entry.account, ':', 1) = $3)
             AND entry.posted_on < $5
             -- what came back of months before is in what was carried
             AND (entry.posted_on >= date_trunc('month', $4::date)
                  OR entry.posting >= (SELECT coalesce(max(number), 0)
                                       FROM platform.archive_horizon)
                  OR NOT EXISTS (SELECT FROM platform.recalled AS back
                                 WHERE back.pool = entry.pool AND back.number = entry.posting))
           GROUP BY 1, 2, 3, 4, 5
           UNION ALL
           SELECT pool, account, true, NULL, true, 0, sum(amount)::bigint
           FROM ledger.carried_balance
           WHERE ($1::text IS NULL OR pool = $1)
             AND (account = ANY ($2::text[]) OR split_part(account, ':', 1) = $3)
             AND month + interval '1 month' <= $4::date
           GROUP BY 1, 2
           ORDER BY 1, 2, 4 NULLS FIRST, 5""",
        pool,
        accounts,
        word,
        start,
        end,
    )
    return [Summed(Pool(row[0]), *row[1:]) for row in rows]
