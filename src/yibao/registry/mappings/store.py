"""SQL of mappings."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.periods import Period
from yibao.registry.mappings.model import ItemMapping

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_MAPPING = """row_id, institution, list_type, own_code, own_name, item, valid_from, valid_until,
              details, recorded_at"""
_COLUMNS = (
    "institution", "list_type", "own_code", "own_name", "item", "details", "valid_from",
    "valid_until", "recorded_at",
)  # fmt: skip


async def current(
    connection: "Connection[Any]", institution: str, own_codes: Sequence[str]
) -> list[ItemMapping]:
    """What is known now of some of an institution's items, by time."""
    rows = await connection.fetch(
        f"SELECT {_MAPPING} FROM registry.visible_mapping"  # noqa: S608 - fixed names
        " WHERE institution = $1 AND own_code = ANY($2) AND superseded_at IS NULL"
        " ORDER BY valid_from",
        institution,
        own_codes,
    )
    return [_mapping(row) for row in rows]


_WANTED = """
FROM registry.visible_mapping
WHERE institution = $1 AND superseded_at IS NULL
  AND ($2::timestamptz IS NULL OR recorded_at >= $2)
  AND ($3::text IS NULL OR own_code = $3)
  AND ($4::text IS NULL OR list_type = $4)
  AND ($5::text IS NULL OR item = $5)
  AND ($6::date IS NULL OR valid_from <= $6 AND (valid_until IS NULL OR valid_until > $6))
"""


async def page(
    connection: "Connection[Any]",
    institution: str,
    updated_after: datetime | None,
    own_code: str | None,
    list_type: str | None,
    item: str | None,
    day: date | None,
    *,
    skip: int,
    most: int,
) -> tuple[list[ItemMapping], int]:
    """Some of an institution's mappings in the order they were recorded, and how many there are."""
    wanted = (institution, updated_after, own_code, list_type, item, day)
    rows = await connection.fetch(
        f"SELECT {_MAPPING} {_WANTED} ORDER BY recorded_at, row_id OFFSET $7 LIMIT $8",
        *wanted,
        skip,
        most,
    )
    total = await connection.fetchval(f"SELECT count(*) {_WANTED}", *wanted)
    return [_mapping(row) for row in rows], total


async def list_types(connection: "Connection[Any]", items: Sequence[str]) -> dict[str, str]:
    """The list types of those items that the catalogue has, by national code."""
    rows = await connection.fetch(
        """SELECT code, list_type FROM registry.item
           WHERE code = ANY($1) AND superseded_at IS NULL""",
        items,
    )
    return dict(rows)


async def record(
    connection: "Connection[Any]", added: Iterable[ItemMapping], now: datetime
) -> None:
    """Record new rows; their numbers are given by the database."""
    await connection.copy_records_to_table(
        "mapping",
        schema_name="registry",
        columns=_COLUMNS,
        records=[
            (
                row.institution, row.list_type, row.own_code, row.own_name, row.item, row.details,
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
            """UPDATE registry.mapping SET superseded_at = $3
               WHERE institution = $1 AND row_id = ANY($2) AND superseded_at IS NULL""",
            institution,
            row_ids,
            now,
        )


def _mapping(row: "Record") -> ItemMapping:
    return ItemMapping(
        number=row[0],
        institution=row[1],
        list_type=row[2],
        own_code=row[3],
        own_name=row[4],
        item=row[5],
        period=Period(row[6], row[7]),
        details=row[8],
        recorded_at=row[9],
    )
