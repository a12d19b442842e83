"""SQL of the documents."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_COLUMNS = "pool, id, institution, transaction, visit, content, received_at, expires_on"


async def insert(connection: "Connection[Any]", row: Sequence[Any]) -> None:
    """Insert one document, its values in the order of the table's columns."""
    await connection.execute(
        """INSERT INTO uploads.document (pool, id, institution, transaction, record, visit,
                                         own_visit, content, received_at, expires_on)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        *row,
    )


async def lock_own_visit(connection: "Connection[Any]", own_visit: bytes) -> None:
    """Let one transaction at a time change what stands of an institution's own visit."""
    number = int.from_bytes(own_visit[:8], signed=True)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", number)


async def load(connection: "Connection[Any]", pool: Pool, number: int) -> "Record | None":
    """One document as the reader may see it."""
    return await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM uploads.visible_document WHERE pool = $1 AND id = $2",  # noqa: S608 - our own names
        pool,
        number,
    )


async def of_visit(connection: "Connection[Any]", pool: Pool, visit: int) -> "list[Record]":
    """The latest document of each record of a visit, oldest first."""
    return await connection.fetch(
        f"""SELECT * FROM (
                SELECT DISTINCT ON (transaction, record) {_COLUMNS}
                FROM uploads.visible_document WHERE pool = $1 AND visit = $2
                ORDER BY transaction, record, id DESC
            ) AS latest ORDER BY id""",  # noqa: S608 - our own names
        pool,
        visit,
    )


async def of_own_visit(
    connection: "Connection[Any]", institution: str, own_visit: bytes
) -> "list[Record]":
    """The latest document of each record of an institution's own visit, oldest first."""
    return await connection.fetch(
        f"""SELECT * FROM (
                SELECT DISTINCT ON (transaction, record) {_COLUMNS}
                FROM uploads.visible_document WHERE institution = $1 AND own_visit = $2
                ORDER BY transaction, record, id DESC
            ) AS latest ORDER BY id""",  # noqa: S608 - our own names
        institution,
        own_visit,
    )


async def history_of_own_visit(
    connection: "Connection[Any]", institution: str, own_visit: bytes
) -> "list[Record]":
    """Every document of an institution's own visit, in the order they came."""
    return await connection.fetch(
        f"""SELECT {_COLUMNS} FROM uploads.visible_document
            WHERE institution = $1 AND own_visit = $2 ORDER BY id""",  # noqa: S608 - our own names
        institution,
        own_visit,
    )
