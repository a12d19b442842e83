"""SQL of kept files."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.identifiers import PoolKey
from yibao.platform.files.model import FileFacts

if TYPE_CHECKING:
    from asyncpg import Connection


async def insert(
    connection: "Connection[Any]", facts: FileFacts, sealed: bytes, now: datetime
) -> None:
    """Keep a file with its sealed content."""
    await connection.execute(
        """INSERT INTO platform.file
               (pool, number, institution, name, sealed, stored_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *facts.key,
        facts.institution,
        facts.name,
        sealed,
        now,
        facts.expires_at,
    )


async def find(connection: "Connection[Any]", key: PoolKey) -> FileFacts | None:
    """A file's facts, if the role sees it."""
    row = await connection.fetchrow(
        """SELECT institution, name, expires_at FROM platform.visible_file
           WHERE pool = $1 AND number = $2""",
        *key,
    )
    return None if row is None else FileFacts(key, *row)


async def sealed(connection: "Connection[Any]", key: PoolKey) -> bytes:
    """The sealed content of a file that is there."""
    content: bytes = await connection.fetchval(
        "SELECT sealed FROM platform.visible_file WHERE pool = $1 AND number = $2", *key
    )
    return content


async def remove_expired(connection: "Connection[Any]", now: datetime) -> int:
    """Delete what nobody can fetch any more; only the owner may."""
    status = await connection.execute("DELETE FROM platform.file WHERE expires_at <= $1", now)
    return int(status.rsplit(" ", 1)[1])
