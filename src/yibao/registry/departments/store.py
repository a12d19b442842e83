"""SQL of departments."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.periods import Period
from yibao.registry.departments.model import Department

if TYPE_CHECKING:
    from asyncpg import Connection

_COLUMNS = (
    "institution", "code", "name", "speciality", "details", "valid_from", "valid_until",
    "recorded_at",
)  # fmt: skip


async def departments(
    connection: "Connection[Any]", institution: str, code: str | None = None
) -> list[tuple[int, Department]]:
    """Current rows of an institution's departments (or of one), with ids, by code and time."""
    rows = await connection.fetch(
        """SELECT row_id, code, name, speciality, details, valid_from, valid_until
           FROM registry.visible_department
           WHERE institution = $1 AND ($2::text IS NULL OR code = $2) AND superseded_at IS NULL
           ORDER BY code, valid_from""",
        institution,
        code,
    )
    return [
        (row[0], Department(row[1], row[2], row[3], Period(row[5], row[6]), row[4])) for row in rows
    ]


async def record(
    connection: "Connection[Any]", institution: str, added: Iterable[Department], now: datetime
) -> None:
    """Record new rows."""
    await connection.copy_records_to_table(
        "department",
        schema_name="registry",
        columns=_COLUMNS,
        records=[
            (
                institution, row.code, row.name, row.speciality, row.details, row.period.start,
                row.period.end, now,
            )
            for row in added
        ],
    )  # fmt: skip


async def supersede(
    connection: "Connection[Any]", institution: str, row_ids: Sequence[int], now: datetime
) -> None:
    """Stamp rows as known only until ``now``."""
    if row_ids:
        await connection.execute(
            """UPDATE registry.department SET superseded_at = $3
               WHERE institution = $1 AND row_id = ANY($2) AND superseded_at IS NULL""",
            institution,
            row_ids,
            now,
        )
