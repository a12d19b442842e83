"""SQL of entries and account parts."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.ledger.chain.rules import Content
from yibao.ledger.model import AccountState, Part, PartEntry, Posting
from yibao.platform.appending import HANDFUL, Appending
from yibao.platform.months.sql import within

if TYPE_CHECKING:
    from asyncpg import Connection

_OCCASIONS = Appending(
    "ledger",
    "occasion",
    {
        "pool": "text",
        "posting": "bigint",
        "kind": "text",
        "reference": "jsonb",
        "reason": "text",
        "recorded_at": "timestamptz",
    },
)

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

_LINK = """
    INSERT INTO ledger.block
        (pool, writer, number, postings, lines, digests, content, previous, hash, recorded_at)
    SELECT $1, $2, place.number, $3, $4, $5, $6, place.previous,
           sha256(place.previous || int8send(place.number) || $6), $7
    FROM (SELECT coalesce(newest.number, 0) + 1 AS number,
                 coalesce(newest.hash, decode(repeat('00', 32), 'hex')) AS previous
          FROM (VALUES (1)) AS one
          LEFT JOIN LATERAL (SELECT number, hash FROM ledger.block
                             WHERE pool = $1 AND writer = $2
                             ORDER BY number DESC LIMIT 1) AS newest ON true) AS place"""
_LINK_WITH_ENTRIES = f"""
    WITH linked AS ({_LINK})
    INSERT INTO ledger.entry (pool, posting, line, account, amount, posted_on)
    SELECT entry.*
    FROM unnest($8::text[], $9::bigint[], $10::smallint[], $11::text[], $12::bigint[], $13::date[])
         AS entry"""  # noqa: S608 - our own words


async def write_block(
    connection: "Connection[Any]",
    pool: Pool,
    writer: int,
    now: datetime,
    postings: Sequence[Posting],
    content: Content,
) -> None:
    """Write the entries of postings and the block that they make.

    The block's link is made of the newest block of this pool and writer as the database has it.
    Two writes at once under one writer's number meet in the block's key, a unique violation. A
    handful of entries goes with the block in one statement, many go by COPY before it.
    """
    entries = [
        (pool, posting.number, line, entry.account, entry.amount, posting.day)
        for posting in postings
        for line, entry in enumerate(posting.entries)
    ]
    block = (pool, writer, content.postings, content.lines, content.digests, content.hash, now)
    if len(entries) <= HANDFUL:
        await connection.execute(_LINK_WITH_ENTRIES, *block, *zip(*entries, strict=True))
    else:
        await _ENTRIES.append(connection, entries)
        await connection.execute(_LINK, *block)


async def insert_occasions(
    connection: "Connection[Any]", pool: Pool, now: datetime, postings: Sequence[Posting]
) -> None:
    """Write what those postings were made for that say it."""
    await _OCCASIONS.append(
        connection,
        [
            (pool, posting.number, made_for.kind.value, made_for.reference, made_for.reason, now)
            for posting in postings
            if (made_for := posting.occasion) is not None
        ],
    )


async def entries_of(
    connection: "Connection[Any]", pool: Pool, postings: Sequence[int]
) -> dict[int, list[tuple[str, int]]]:
    """(account, amount) of each posting, in line order."""
    rows = await connection.fetch(
        f"""SELECT posting, account, amount FROM ledger.entry
            WHERE pool = $1 AND posting = ANY ($2::bigint[]) AND {within("posting", postings)}
            ORDER BY posting, line""",  # noqa: S608 - figures
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
        f"""SELECT member, part, origin, amount, held, state FROM ledger.account_part
            WHERE pool = $1 AND member = ANY ($2::text[]) ORDER BY member, part
            {"FOR UPDATE" if lock else ""}""",  # noqa: S608 - a fixed word
        pool,
        members,
    )
    return [
        Part(member, name, origin, amount, held, AccountState(state))
        for member, name, origin, amount, held, state in rows
    ]


async def part_entries(
    connection: "Connection[Any]", pool: Pool, member: str, limit: int
) -> list[PartEntry]:
    """The newest movements of an account's parts, newest first."""
    rows = await connection.fetch(
        """SELECT entry.posting, entry.posted_on, part.part, entry.amount,
                  coalesce(occasion.kind, 'settlement')
           FROM ledger.account_part AS part
           JOIN ledger.entry AS entry
             ON entry.pool = part.pool
            AND entry.account = 'account:' || part.member || ':' || part.part
            AND entry.account LIKE 'account:%'
           LEFT JOIN ledger.occasion
             ON occasion.pool = entry.pool AND occasion.posting = entry.posting
           WHERE part.pool = $1 AND part.member = $2
           ORDER BY entry.posting DESC, entry.line LIMIT $3""",
        pool,
        member,
        limit,
    )
    return [PartEntry(*row) for row in rows]


async def moved_since(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str], day: date
) -> dict[str, int]:
    """By how much accounts have changed from the first of a month on; those that did not lack."""
    rows = await connection.fetch(
        """SELECT part.member, sum(entry.amount)::bigint AS amount
           FROM ledger.account_part AS part
           JOIN ledger.balance_entry AS entry
             ON entry.pool = part.pool
            AND entry.account = 'account:' || part.member || ':' || part.part
            AND entry.account LIKE 'account:%'
           WHERE part.pool = $1 AND part.member = ANY ($2) AND entry.posted_on >= $3
           GROUP BY part.member""",
        pool,
        members,
        day,
    )
    return {row["member"]: row["amount"] for row in rows}


async def set_state(
    connection: "Connection[Any]", pool: Pool, member: str, state: AccountState
) -> None:
    """Set the state of all parts of an account; refused by the database: closed with money in."""
    await connection.execute(
        "UPDATE ledger.account_part SET state = $3 WHERE pool = $1 AND member = $2",
        pool,
        member,
        state.value,
    )


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
    """Make absent (member, part, origin) rows with balance zero, in the account's state."""
    await connection.execute(
        """INSERT INTO ledger.account_part (pool, member, part, origin, amount, state)
           SELECT $1, member, part, origin, 0,
                  coalesce((SELECT known.state FROM ledger.account_part AS known
                            WHERE known.pool = $1 AND known.member = new.member LIMIT 1), 'open')
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
