"""SQL of the access record."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.platform.access.model import Sighting, Viewer, ViewerKind

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_COLUMNS = """pool, writer, number, block, seen_at, kind, who, operator, purpose, identity, member,
    found"""


@dataclass(frozen=True, slots=True)
class Block:
    """What was written together, and its link in the writer's chain."""

    writer: int
    block: int
    first: int
    last: int
    before: bytes
    link: bytes
    sealed: bytes
    written_at: datetime


async def insert(
    connection: "Connection[Any]", block: Block, sightings: Sequence[Sighting]
) -> None:
    """Write a block and its rows in one statement."""
    rows = [_row(sighting) for sighting in sightings]
    columns = list(zip(*rows, strict=True))
    await connection.execute(
        f"""WITH written AS (
                INSERT INTO safety.access ({_COLUMNS})
                SELECT * FROM unnest($1::text[], $2::int[]::smallint[], $3::bigint[], $4::bigint[],
                    $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[],
                    $10::bigint[], $11::text[], $12::boolean[])
            )
            INSERT INTO safety.access_block (writer, block, first, last, before, link, sealed,
                                             written_at)
            VALUES ($13, $14, $15, $16, $17, $18, $19, $20)""",  # noqa: S608 - our own columns
        *columns,
        block.writer,
        block.block,
        block.first,
        block.last,
        block.before,
        block.link,
        block.sealed,
        block.written_at,
    )


async def last_block(connection: "Connection[Any]", writer: int) -> Block | None:
    """The writer's newest block."""
    row = await connection.fetchrow(
        """SELECT * FROM safety.access_block WHERE writer = $1 ORDER BY block DESC LIMIT 1""",
        writer,
    )
    return None if row is None else Block(*row)


async def last_removal(connection: "Connection[Any]", writer: int) -> "tuple[int, bytes] | None":
    """Number and seal of the newest block of a writer that was removed."""
    row = await connection.fetchrow(
        """SELECT block, sealed FROM safety.visible_access_removal
           WHERE writer = $1 ORDER BY block DESC LIMIT 1""",
        writer,
    )
    return None if row is None else (row["block"], row["sealed"])


async def writers(connection: "Connection[Any]") -> list[int]:
    """Writers that have rows, blocks or removed blocks."""
    rows = await connection.fetch(
        """SELECT writer FROM safety.visible_access UNION
           SELECT writer FROM safety.visible_access_block UNION
           SELECT writer FROM safety.visible_access_removal ORDER BY writer"""
    )
    return [row["writer"] for row in rows]


async def blocks(connection: "Connection[Any]", writer: int) -> AsyncIterator[Block]:
    """A writer's blocks, oldest first; inside a transaction."""
    async for row in connection.cursor(
        "SELECT * FROM safety.visible_access_block WHERE writer = $1 ORDER BY block", writer
    ):
        yield Block(*row)


async def sightings(
    connection: "Connection[Any]", writer: int, first: int, last: int
) -> list[Sighting]:
    """A writer's rows of a span of numbers, in order."""
    return _sightings(
        await connection.fetch(
            f"""SELECT {_COLUMNS} FROM safety.visible_access
                WHERE writer = $1 AND number BETWEEN $2 AND $3
                ORDER BY number, pool""",  # noqa: S608
            writer,
            first,
            last,
        )
    )


async def count(connection: "Connection[Any]", writer: int) -> int:
    """How many rows a writer has."""
    number: int = await connection.fetchval(
        "SELECT count(*) FROM safety.visible_access WHERE writer = $1", writer
    )
    return number


async def of_person(
    connection: "Connection[Any]", identity: int | None, members: Sequence[str], limit: int
) -> list[Sighting]:
    """Who saw a human, newest first."""
    return _sightings(
        await connection.fetch(
            f"""SELECT {_COLUMNS} FROM safety.visible_access
                WHERE identity = $1 OR member = ANY ($2::text[])
                ORDER BY seen_at DESC, number DESC LIMIT $3""",  # noqa: S608
            identity,
            list(members),
            limit,
        )
    )


async def by_viewer(connection: "Connection[Any]", who: str, limit: int) -> list[Sighting]:
    """Whom an institution, clerk or person saw, newest first."""
    return _sightings(
        await connection.fetch(
            f"""SELECT {_COLUMNS} FROM safety.visible_access WHERE who = $1
                ORDER BY seen_at DESC, number DESC LIMIT $2""",  # noqa: S608
            who,
            limit,
        )
    )


async def expired(connection: "Connection[Any]", before: datetime) -> "list[Record]":
    """(writer, block, last, link) of each writer's newest block of those that are all older.

    A block that was written while the clock stood years back takes none with it before its time.
    """
    return await connection.fetch(
        """SELECT DISTINCT ON (b.writer) b.writer, b.block, b.last, b.link
           FROM safety.access_block AS b
           LEFT JOIN (SELECT writer, min(block) AS block FROM safety.access_block
                      WHERE written_at >= $1 GROUP BY writer) AS young USING (writer)
           WHERE young.block IS NULL OR b.block < young.block
           ORDER BY b.writer, b.block DESC""",
        before,
    )


async def remove(
    connection: "Connection[Any]", writer: int, block: int, last: int, sealed: bytes, now: datetime
) -> int:
    """Remove a writer's rows up to a block, and say so; how many. Only the owner may."""
    await connection.execute(
        "INSERT INTO safety.access_removal (writer, block, sealed, removed_at)"
        " VALUES ($1, $2, $3, $4)",
        writer,
        block,
        sealed,
        now,
    )
    await connection.execute(
        "DELETE FROM safety.access_block WHERE writer = $1 AND block <= $2", writer, block
    )
    status = await connection.execute(
        "DELETE FROM safety.access WHERE writer = $1 AND number <= $2", writer, last
    )
    return int(status.rsplit(" ", 1)[1])


def _row(sighting: Sighting) -> tuple[Any, ...]:
    viewer = sighting.viewer
    return (
        sighting.pool, sighting.writer, sighting.number, sighting.block, sighting.seen_at,
        viewer.kind.value, viewer.who, viewer.operator, viewer.purpose, sighting.identity,
        sighting.member, sighting.found,
    )  # fmt: skip


def _sightings(rows: "Sequence[Record]") -> list[Sighting]:
    return [
        Sighting(
            Pool(row["pool"]),
            row["writer"],
            row["number"],
            row["block"],
            row["seen_at"],
            Viewer(ViewerKind(row["kind"]), row["who"], row["purpose"], row["operator"]),
            row["identity"],
            row["member"],
            row["found"],
        )
        for row in rows
    ]
