"""SQL of advances."""

from typing import TYPE_CHECKING, Any

from yibao.clearing.advances.model import Advance
from yibao.kernel.identifiers import PoolKey

if TYPE_CHECKING:
    from asyncpg import Connection


async def insert(connection: "Connection[Any]", advance: Advance) -> None:
    """Write an advance."""
    await connection.execute(
        """INSERT INTO clearing.advance (pool, number, institution, amount, reason, granted_by,
               granted_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *advance.key,
        advance.institution,
        advance.amount,
        advance.reason,
        advance.granted_by,
        advance.granted_at,
    )


async def of_institution(connection: "Connection[Any]", institution: str) -> list[Advance]:
    """An institution's advances, oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM clearing.visible_advance WHERE institution = $1 ORDER BY number",
        institution,
    )
    return [
        Advance(
            PoolKey(row["pool"], row["number"]),
            row["institution"],
            row["amount"],
            row["reason"],
            row["granted_by"],
            row["granted_at"],
        )
        for row in rows
    ]
