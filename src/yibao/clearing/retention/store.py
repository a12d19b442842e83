"""SQL of assessments."""

from typing import TYPE_CHECKING, Any

from yibao.clearing.retention.model import Assessment
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen

if TYPE_CHECKING:
    from asyncpg import Connection


async def insert(connection: "Connection[Any]", assessment: Assessment) -> None:
    """Write an assessment."""
    await connection.execute(
        """INSERT INTO clearing.assessment (pool, number, institution, year, withheld, released,
               forfeited, reason, assessed_by, assessed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        *assessment.key,
        assessment.institution,
        assessment.year,
        assessment.withheld,
        assessment.released,
        assessment.forfeited,
        assessment.reason,
        assessment.assessed_by,
        assessment.assessed_at,
    )


async def assessed(connection: "Connection[Any]", pool: Pool, institution: str, year: int) -> Fen:
    """How much of a year's retention was assessed."""
    withheld: Fen = await connection.fetchval(
        """SELECT coalesce(sum(withheld), 0)::bigint FROM clearing.visible_assessment
           WHERE pool = $1 AND institution = $2 AND year = $3""",
        pool,
        institution,
        year,
    )
    return withheld


async def of_institution(connection: "Connection[Any]", institution: str) -> list[Assessment]:
    """An institution's assessments, oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM clearing.visible_assessment WHERE institution = $1 ORDER BY number",
        institution,
    )
    return [
        Assessment(
            PoolKey(row["pool"], row["number"]),
            row["institution"],
            row["year"],
            row["withheld"],
            row["released"],
            row["forfeited"],
            row["reason"],
            row["assessed_by"],
            row["assessed_at"],
        )
        for row in rows
    ]
