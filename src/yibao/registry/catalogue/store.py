"""SQL of items, terms and diagnoses. Rows travel as tuples in the order of the columns below."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Connection, Record

COLUMNS = {
    "item": (
        "code", "name", "list_type", "charge_type", "reference_price", "demo_price", "demo_class",
    ),
    "item_terms": (
        "item", "valid_from", "valid_until", "area", "level", "scheme", "care_kind", "item_class",
        "first_pay", "ceiling", "restricted", "bucket", "demo_class", "demo_terms",
    ),
    "diagnosis": ("code", "name"),
}  # fmt: skip

# The most specific row first: kind of care beats level beats scheme beats area.
_SPECIFIC_FIRST = """item, care_kind IS NULL, level IS NULL, scheme IS NULL, area IS NULL,
                     area, level, scheme, care_kind, valid_from"""


async def items(connection: "Connection[Any]") -> "list[Record]":
    """All current items."""
    return await _current(connection, "item", "code")


async def item_terms(connection: "Connection[Any]") -> "list[Record]":
    """All current terms by item, the most specific first."""
    return await _current(connection, "item_terms", _SPECIFIC_FIRST)


async def diagnoses(connection: "Connection[Any]") -> "list[Record]":
    """All current diagnoses."""
    return await _current(connection, "diagnosis", "code")


async def _current(connection: "Connection[Any]", table: str, order: str) -> "list[Record]":
    columns = ", ".join(COLUMNS[table])
    return await connection.fetch(
        f"SELECT {columns} FROM registry.{table}"  # noqa: S608 - our own table names
        f" WHERE superseded_at IS NULL ORDER BY {order}"
    )


async def replace(
    connection: "Connection[Any]", table: str, rows: Iterable[Sequence[Any]], now: datetime
) -> tuple[int, int]:
    """Make ``rows`` the current ones of a table; answers how many were superseded and recorded.

    Rows that are already there stay; those that differ or are missing in ``rows`` are superseded.
    """
    columns = ", ".join(COLUMNS[table])
    same = " AND ".join(
        f"current.{column} IS NOT DISTINCT FROM wanted.{column}" for column in COLUMNS[table]
    )
    key = COLUMNS[table][0]
    await connection.execute(
        f"CREATE TEMP TABLE wanted ON COMMIT DROP AS"  # noqa: S608
        f" SELECT {columns} FROM registry.{table} LIMIT 0"
    )
    await connection.copy_records_to_table("wanted", columns=COLUMNS[table], records=rows)
    await connection.execute("ANALYZE wanted")
    superseded = await connection.execute(
        f"UPDATE registry.{table} AS current SET superseded_at = $1"  # noqa: S608
        f" WHERE superseded_at IS NULL AND NOT EXISTS"
        f" (SELECT FROM wanted WHERE wanted.{key} = current.{key} AND {same})",
        now,
    )
    recorded = await connection.execute(
        f"INSERT INTO registry.{table} ({columns}, recorded_at)"  # noqa: S608
        f" SELECT {columns}, $1 FROM wanted WHERE NOT EXISTS"
        f" (SELECT FROM registry.{table} AS current WHERE superseded_at IS NULL"
        f"  AND wanted.{key} = current.{key} AND {same})",
        now,
    )
    await connection.execute("DROP TABLE wanted")
    return int(superseded.rsplit(" ", 1)[1]), int(recorded.rsplit(" ", 1)[1])
