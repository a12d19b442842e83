"""SQL that sums and lists entries by account."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.ledger.inquiries.model import InstitutionPosting, Movement
from yibao.ledger.model import claimed_account, collected_account, personal_account

if TYPE_CHECKING:
    from asyncpg import Connection

_OWED = """(account LIKE '%:payable' OR account LIKE '%:withheld' OR account LIKE '%:advanced'
            OR account LIKE '%:deducted' OR account LIKE 'person:%' OR account LIKE 'transit:%')"""
"""As the partial index ``ledger.entry_owed`` says it, term by term: else it is not used."""


async def balances(
    connection: "Connection[Any]", pool: Pool, accounts: Sequence[str], before: date | None
) -> dict[str, Fen]:
    """Balances of owed accounts by all entries, or by those posted before a day."""
    rows = await connection.fetch(
        f"""SELECT account, sum(amount)::bigint FROM ledger.balance_entry
            WHERE pool = $1 AND account = ANY ($2::text[]) AND {_OWED}
              AND ($3::date IS NULL OR posted_on < $3)
            GROUP BY account""",  # noqa: S608 - our own words
        pool,
        accounts,
        before,
    )
    found = {row[0]: row[1] for row in rows}
    return {account: found.get(account, 0) for account in accounts}


async def all_balances(
    connection: "Connection[Any]", pool: Pool, pattern: str
) -> list[tuple[str, Fen]]:
    """(account, balance) of the owed accounts that a LIKE pattern fits, unless zero."""
    rows = await connection.fetch(
        f"""SELECT account, sum(amount)::bigint FROM ledger.balance_entry
            WHERE pool = $1 AND account LIKE $2 AND {_OWED}
            GROUP BY account HAVING sum(amount) <> 0 ORDER BY account""",  # noqa: S608
        pool,
        pattern,
    )
    return [(row[0], row[1]) for row in rows]


async def movements(
    connection: "Connection[Any]", pool: Pool, accounts: Sequence[str], start: date, end: date
) -> list[Movement]:
    """Entries of owed accounts, posted ``start`` ≤ day < ``end``, in time order."""
    rows = await connection.fetch(
        f"""SELECT entry.account, entry.posting, entry.posted_on, entry.amount, occasion.kind,
                   coalesce(occasion.reference, '{{}}'), coalesce(occasion.reason, '')
            FROM ledger.entry AS entry
            LEFT JOIN ledger.occasion AS occasion
              ON occasion.pool = entry.pool AND occasion.posting = entry.posting
            WHERE entry.pool = $1 AND entry.account = ANY ($2::text[])
              AND {_OWED} AND entry.posted_on >= $3 AND entry.posted_on < $4
            ORDER BY entry.posted_on, entry.posting, entry.line""",  # noqa: S608
        pool,
        accounts,
        start,
        end,
    )
    return [Movement(*row) for row in rows]


async def claimed_balance(connection: "Connection[Any]", pool: Pool, institution: str) -> Fen:
    """What an institution has claimed and was not cleared, by all its entries; reads the ledger."""
    balance: Fen = await connection.fetchval(
        """SELECT coalesce(sum(amount), 0)::bigint FROM ledger.balance_entry
           WHERE pool = $1 AND account = $2""",
        pool,
        claimed_account(institution),
    )
    return balance


async def opened(connection: "Connection[Any]", pool: Pool, accounts: Sequence[str]) -> list[str]:
    """Those of personal accounts, part by part, that were ever opened."""
    parts = [account.split(":", 2)[1:] for account in accounts]
    rows = await connection.fetch(
        """SELECT member, part FROM ledger.account_part
           WHERE pool = $1 AND (member, part) IN (SELECT * FROM unnest($2::text[], $3::text[]))
           ORDER BY member, part""",
        pool,
        [member for member, _ in parts],
        [part for _, part in parts],
    )
    return [personal_account(member, part) for member, part in rows]


async def brought_in(
    connection: "Connection[Any]", pool: Pool, accounts: Sequence[str]
) -> set[str]:
    """Personal accounts, part by part, that an older system's balance was put into and is in."""
    rows = await connection.fetch(
        """SELECT entry.account
           FROM ledger.entry AS entry
           JOIN ledger.occasion AS occasion
             ON occasion.pool = entry.pool AND occasion.posting = entry.posting
            AND occasion.kind = 'brought_in'
           WHERE entry.pool = $1 AND entry.account = ANY ($2::text[])
             AND entry.account LIKE 'account:%'
           GROUP BY entry.account HAVING sum(entry.amount) <> 0""",
        pool,
        accounts,
    )
    return {row[0] for row in rows}


async def institution_postings(
    connection: "Connection[Any]", institution: str, start: date, end: date
) -> list[InstitutionPosting]:
    """Every posting that moved an institution's claim or cash in a span, over all pools."""
    claimed, collected = claimed_account(institution), collected_account(institution)
    rows = await connection.fetch(
        """SELECT entry.pool, entry.posting, entry.posted_on,
                  coalesce(sum(amount) FILTER (WHERE account = $1), 0)::bigint,
                  coalesce(sum(amount) FILTER (WHERE account = $2), 0)::bigint,
                  occasion.kind
           FROM ledger.entry AS entry
           LEFT JOIN ledger.occasion AS occasion
             ON occasion.pool = entry.pool AND occasion.posting = entry.posting
           WHERE account IN ($1, $2) AND posted_on >= $3 AND posted_on < $4
           GROUP BY entry.pool, entry.posting, entry.posted_on, occasion.kind
           ORDER BY entry.pool, entry.posting""",
        claimed,
        collected,
        start,
        end,
    )
    return [InstitutionPosting(*row) for row in rows]
