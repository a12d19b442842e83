"""SQL of merging: rows that hang on a human go over to another, the old ones stay as history."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection

_CARD = "identity, number_key, serial_key, sealed, valid_from, valid_until"
_FAMILY_LINK = """relative, owner, link, owner_pool, owner_member, relation, place, origins,
    bill_limit, year_limit, consent, valid_from, valid_until"""
_REPRESENTATION = """represented, representative, representation, kind, acts, consent, valid_from,
    valid_until"""

_NAMING = (
    ("card", "identity", _CARD),
    ("family_link", "relative", _FAMILY_LINK),
    ("family_link", "owner", _FAMILY_LINK),
    ("representation", "represented", _REPRESENTATION),
    ("representation", "representative", _REPRESENTATION),
)
"""Tables whose rows name a human, the column that does, and all columns of a fact."""

_BETWEEN = (
    ("family_link", "relative", "owner"),
    ("representation", "represented", "representative"),
)
"""Tables whose rows link two humans."""


async def hand_over(connection: "Connection[Any]", gone: int, kept: int, now: datetime) -> None:
    """Cards and links of one human become another's; links between the two end."""
    for table, one, other in _BETWEEN:
        await connection.execute(
            f"""UPDATE registry.{table} SET superseded_at = $3
                WHERE superseded_at IS NULL
                  AND ({one} = $1 AND {other} = $2 OR {one} = $2 AND {other} = $1)""",  # noqa: S608
            gone,
            kept,
            now,
        )
    for table, column, columns in _NAMING:
        taken = columns.replace(column, "$2", 1)
        await connection.execute(
            f"""WITH moved AS (
                    UPDATE registry.{table} SET superseded_at = $3
                    WHERE {column} = $1 AND superseded_at IS NULL RETURNING {columns})
                INSERT INTO registry.{table} ({columns}, recorded_at)
                SELECT {taken}, $3 FROM moved""",  # noqa: S608 - our own names
            gone,
            kept,
            now,
        )


async def hold_members(connection: "Connection[Any]", pool: Pool, numbers: Sequence[str]) -> None:
    """Share the current rows of numbers until the transaction ends."""
    await connection.fetch(
        """SELECT FROM registry.membership
           WHERE pool = $1 AND number = ANY ($2::text[]) AND superseded_at IS NULL
           ORDER BY number FOR SHARE""",
        pool,
        numbers,
    )


async def close_file(
    connection: "Connection[Any]", gone: int, row: int, kept: int, reason: str, now: datetime
) -> None:
    """The file of a human points to another; its documents find that one."""
    await connection.execute(
        """UPDATE registry.identity SET superseded_at = $3
           WHERE id = $1 AND row_id = $2""",
        gone,
        row,
        now,
    )
    await connection.execute(
        """INSERT INTO registry.merged_identity (identity, kept, reason, merged_at)
           VALUES ($1, $2, $3, $4)""",
        gone,
        kept,
        reason,
        now,
    )
    await connection.execute(
        """WITH moved AS (
               UPDATE registry.former_document SET superseded_at = $3
               WHERE identity = $1 AND superseded_at IS NULL
               RETURNING document_identity, document_row)
           INSERT INTO registry.former_document
               (identity, document_identity, document_row, recorded_at)
           SELECT $2, document_identity, document_row, $3 FROM moved""",
        gone,
        kept,
        now,
    )
    await keep_document(connection, kept, gone, row, now)


async def keep_document(
    connection: "Connection[Any]", identity: int, document_identity: int, row: int, now: datetime
) -> None:
    """Let the document of a superseded row find a human from now on."""
    await connection.execute(
        """INSERT INTO registry.former_document
               (identity, document_identity, document_row, recorded_at)
           VALUES ($1, $2, $3, $4)""",
        identity,
        document_identity,
        row,
        now,
    )


async def merged_into(connection: "Connection[Any]", identity: int) -> int | None:
    """The human that a closed file points to; None for a file that goes on."""
    kept: int | None = await connection.fetchval(
        "SELECT kept FROM registry.merged_identity WHERE identity = $1", identity
    )
    return kept
