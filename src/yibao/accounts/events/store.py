"""SQL of what happened to accounts, and of balances on their way."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.accounts.events.model import Event, EventKind, Transfer
from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection, Record


async def insert_event(
    connection: "Connection[Any]", pool: Pool, number: int, event: Event, now: datetime
) -> None:
    """Record an event."""
    await connection.execute(
        """INSERT INTO accounts.event (pool, id, member, kind, day, reason, told, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        pool,
        number,
        event.member,
        event.kind.value,
        event.day,
        event.reason,
        dict(event.told),
        now,
    )


async def events(connection: "Connection[Any]", pool: Pool, member: str) -> list[Event]:
    """What happened to an account, oldest first."""
    rows = await connection.fetch(
        """SELECT member, kind, day, reason, told FROM accounts.event
           WHERE pool = $1 AND member = $2 ORDER BY id""",
        pool,
        member,
    )
    return [Event(row[0], EventKind(row[1]), row[2], row[3], row[4]) for row in rows]


_TRANSFER = "id, member, other_pool, other_member, parts, uses, declined"


async def lock_transfer(connection: "Connection[Any]", pool: Pool, id_: str) -> None:
    """Let nobody else end a transfer in a pool until this transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('transfer ' || $1 || $2, 0))", pool, id_
    )


async def transfer(
    connection: "Connection[Any]", pool: Pool, id_: str, direction: str
) -> Transfer | None:
    """A pool's side (``out`` or ``in``) of a transfer."""
    row = await connection.fetchrow(
        f"""SELECT {_TRANSFER} FROM accounts.transfer
            WHERE pool = $1 AND id = $2 AND direction = $3""",  # noqa: S608 - columns
        pool,
        id_,
        direction,
    )
    return None if row is None else _transfer(row)


async def insert_transfer(
    connection: "Connection[Any]",
    pool: Pool,
    direction: str,
    moved: Transfer,
    posting: int | None,
    now: datetime,
) -> None:
    """Record a pool's side of a transfer; a second one of its id is a unique violation."""
    await connection.execute(
        """INSERT INTO accounts.transfer
               (pool, id, direction, member, other_pool, other_member, parts, uses, declined,
                posting, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        pool,
        moved.id,
        direction,
        moved.member,
        moved.other_pool,
        moved.other_member,
        [list(part) for part in moved.parts],
        [list(use) for use in moved.uses],
        moved.declined,
        posting,
        now,
    )


async def under_way(connection: "Connection[Any]") -> list[tuple[Pool, Transfer]]:
    """Balances that left a pool and have not arrived, with the pool they left."""
    rows = await connection.fetch(
        f"""SELECT pool, {_TRANSFER} FROM accounts.transfer AS gone
            WHERE direction = 'out' AND NOT EXISTS (
                SELECT FROM accounts.transfer AS come
                WHERE come.pool = gone.other_pool AND come.id = gone.id AND come.direction = 'in')
            ORDER BY recorded_at"""  # noqa: S608 - our own words
    )
    return [(Pool(row["pool"]), _transfer(row)) for row in rows]


async def coming_back(connection: "Connection[Any]") -> list[tuple[Pool, Transfer]]:
    """Balances that were declined and are not back yet, with the pool they left."""
    rows = await connection.fetch(
        f"""SELECT pool, {_TRANSFER} FROM accounts.transfer AS gone
            WHERE direction = 'out' AND EXISTS (
                SELECT FROM accounts.transfer AS come
                WHERE come.pool = gone.other_pool AND come.id = gone.id AND come.declined)
              AND NOT EXISTS (
                SELECT FROM accounts.transfer AS back
                WHERE back.pool = gone.pool AND back.id = gone.id AND back.direction = 'back')
            ORDER BY recorded_at"""  # noqa: S608 - our own words
    )
    return [(Pool(row["pool"]), _transfer(row)) for row in rows]


async def last_kind(connection: "Connection[Any]", pool: Pool, member: str) -> EventKind | None:
    """What happened to an account last."""
    kind: str | None = await connection.fetchval(
        """SELECT kind FROM accounts.event WHERE pool = $1 AND member = $2
           ORDER BY id DESC LIMIT 1""",
        pool,
        member,
    )
    return None if kind is None else EventKind(kind)


def _transfer(row: "Record") -> Transfer:
    parts = tuple((name, origin, amount) for name, origin, amount in row["parts"])
    uses = tuple((link, year, amount) for link, year, amount in row["uses"])
    return Transfer(
        row["id"],
        row["member"],
        Pool(row["other_pool"]),
        row["other_member"],
        parts,
        uses,
        row["declined"],
    )
