"""SQL of practitioners. Document and name lie encrypted in one value."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.periods import Period
from yibao.platform.crypto import Vault
from yibao.registry.staff.model import Practitioner, PractitionerKind

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_COLUMNS = (
    "institution", "code", "kind", "own_number", "sealed", "qualification", "licence",
    "contracted", "change_reason", "valid_from", "valid_until", "recorded_at",
)  # fmt: skip


async def practitioners(
    connection: "Connection[Any]",
    vault: Vault,
    institution: str,
    kind: PractitionerKind | None = None,
) -> list[tuple[int, Practitioner]]:
    """Current rows of an institution's practitioners, with ids, by code and time."""
    rows = await connection.fetch(
        """SELECT row_id, code, kind, own_number, sealed, qualification, licence, contracted,
                  change_reason, valid_from, valid_until
           FROM registry.visible_practitioner
           WHERE institution = $1 AND ($2::text IS NULL OR kind = $2) AND superseded_at IS NULL
           ORDER BY code, valid_from""",
        institution,
        kind,
    )
    return [(row[0], _practitioner(vault, row)) for row in rows]


async def is_institution(connection: "Connection[Any]", code: str) -> bool:
    """Whether there is such an institution."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM registry.institution WHERE code = $1)", code
    )
    return found


async def record(
    connection: "Connection[Any]",
    vault: Vault,
    institution: str,
    added: Iterable[Practitioner],
    now: datetime,
) -> None:
    """Record new rows."""
    await connection.copy_records_to_table(
        "practitioner",
        schema_name="registry",
        columns=_COLUMNS,
        records=[
            (
                institution, row.code, row.kind.value, row.own_number, _seal(vault, row),
                row.qualification, row.licence, row.contracted, row.change_reason,
                row.period.start, row.period.end, now,
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
            """UPDATE registry.practitioner SET superseded_at = $3
               WHERE institution = $1 AND row_id = ANY($2) AND superseded_at IS NULL""",
            institution,
            row_ids,
            now,
        )


def _seal(vault: Vault, row: Practitioner) -> bytes:
    kept = (row.document_type, row.document_number, row.name)
    return vault.seal(msgspec.json.encode(kept).decode())


def _practitioner(vault: Vault, row: "Record") -> Practitioner:
    document_type, document_number, name = msgspec.json.decode(
        vault.open(row[4]), type=tuple[str, str, str]
    )
    return Practitioner(
        code=row[1],
        kind=PractitionerKind(row[2]),
        name=name,
        document_type=document_type,
        document_number=document_number,
        period=Period(row[9], row[10]),
        contracted=row[7],
        own_number=row[3],
        qualification=row[5],
        licence=row[6],
        change_reason=row[8],
    )
