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

# The most specific first: kind of care beats level beats scheme beats area. Many items have equal
# terms, so each set of terms travels once, with the items it holds for.
_TERMS = """
SELECT valid_from, valid_until, area, level, scheme, care_kind, item_class, first_pay, ceiling,
       restricted, bucket, array_agg(item)
FROM registry.item_terms WHERE superseded_at IS NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
ORDER BY care_kind IS NULL, level IS NULL, scheme IS NULL, area IS NULL, valid_from,
         care_kind, level, scheme, area
"""


async def items(connection: "Connection[Any]") -> "list[Record]":
    """All current items."""
    columns = ", ".join(COLUMNS["item"])
    return await connection.fetch(
        f"SELECT {columns} FROM registry.item WHERE superseded_at IS NULL"  # noqa: S608
    )


async def item_terms(connection: "Connection[Any]") -> "list[Record]":
    """All current terms, the most specific first, each with the codes of its items."""
    return await connection.fetch(_TERMS)


async def diagnoses(connection: "Connection[Any]") -> "list[Record]":
    """All current diagnoses."""
    return await connection.fetch(
        "SELECT code, name FROM registry.diagnosis WHERE superseded_at IS NULL"
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
