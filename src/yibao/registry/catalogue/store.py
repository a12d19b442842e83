"""SQL of items, terms and diagnoses. Rows travel as tuples in the order of the columns below."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.registry.catalogue.model import (
    CodeList,
    Listed,
    ListedQuery,
    QueriedTerms,
    TermsQuery,
)

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
    "list_entry": ("code", "list", "name"),
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


# --------------------------------------------------------------------------------- single changes


async def current(
    connection: "Connection[Any]", table: str, codes: Sequence[str]
) -> "list[Record]":
    """(row id, columns …) of the current rows of items."""
    columns = ", ".join(COLUMNS[table])
    return await connection.fetch(
        f"""SELECT row_id, {columns} FROM registry.{table}
            WHERE {COLUMNS[table][0]} = ANY ($1) AND superseded_at IS NULL
            ORDER BY row_id""",  # noqa: S608 - our own names
        codes,
    )


async def supersede(
    connection: "Connection[Any]", table: str, row_ids: Sequence[int], now: datetime
) -> None:
    """Stamp rows as known only until ``now``."""
    if row_ids:
        await connection.execute(
            f"""UPDATE registry.{table} SET superseded_at = $2
                WHERE row_id = ANY ($1) AND superseded_at IS NULL""",  # noqa: S608 - our own names
            row_ids,
            now,
        )


async def copy(
    connection: "Connection[Any]", table: str, rows: Sequence[Sequence[Any]], now: datetime
) -> None:
    """Record new rows."""
    if rows:
        await connection.copy_records_to_table(
            table,
            schema_name="registry",
            columns=(*COLUMNS[table], "recorded_at"),
            records=[(*row, now) for row in rows],
        )


# ----------------------------------------------------------------------------- downloads, queries

PORTION = 500
"""Rows of a download that are read at once: some milliseconds of work."""

_TABLES = {
    CodeList.DIAGNOSES: "registry.diagnosis WHERE $1 <> ''",
    CodeList.PROCEDURES: "registry.list_entry WHERE list = $1",
    CodeList.CASE_GROUPS: "registry.list_entry WHERE list = $1",
}
_ITEMS = "registry.item WHERE list_type = $1"

# The newest row of each code: the current one, else the one that was superseded last.
_CHANGES = """
FROM (SELECT DISTINCT ON (code) code, name, superseded_at IS NULL AS valid, row_id, recorded_at,
             coalesce(superseded_at, recorded_at) AS changed_at
      FROM {table}
      ORDER BY code, superseded_at DESC NULLS FIRST, row_id DESC) AS newest
WHERE changed_at > $2
"""


_LISTED = """  AND ($3::text IS NULL OR code = $3)
  AND ($4::text IS NULL OR strpos(name, $4) > 0)
  AND ($5::boolean IS NULL OR valid = $5)
"""


async def last_change(
    connection: "Connection[Any]", kind: CodeList, after: datetime
) -> "tuple[int, datetime | None]":
    """How many codes of a list changed after an instant, and when the last of them did."""
    row = await connection.fetchrow(
        "SELECT count(*)::bigint, max(changed_at)"
        + _CHANGES.format(table=_TABLES.get(kind, _ITEMS)),
        kind.value,
        after,
    )
    assert row is not None, "an aggregate has one row"
    return row[0], row[1]


async def changes(
    connection: "Connection[Any]", kind: CodeList, after: datetime, until: datetime
) -> AsyncIterator[list[Listed]]:
    """The codes of a list that changed after one instant and not after another, oldest first.

    In portions: a list has tens of thousands, and whoever else waits is to be served meanwhile.
    """
    query = "SELECT *" + _CHANGES.format(table=_TABLES.get(kind, _ITEMS))
    async with connection.transaction():
        found = await connection.cursor(
            query + "AND changed_at <= $3 ORDER BY changed_at, code", kind.value, after, until
        )
        while rows := await found.fetch(PORTION):
            yield [Listed(*row) for row in rows]


_QUERIED = """
FROM registry.item_terms AS terms
JOIN registry.item AS item ON item.code = terms.item AND item.superseded_at IS NULL
WHERE terms.superseded_at IS NULL
  AND (terms.area = ANY ($1::text[]) OR terms.area IS NULL AND NOT EXISTS (
      SELECT FROM registry.item_terms AS narrower
      WHERE narrower.item = terms.item AND narrower.superseded_at IS NULL
        AND narrower.area = ANY ($1::text[])
        AND narrower.level IS NOT DISTINCT FROM terms.level
        AND narrower.scheme IS NOT DISTINCT FROM terms.scheme
        AND narrower.care_kind IS NOT DISTINCT FROM terms.care_kind))
  AND terms.recorded_at >= $2
  AND (NOT $3 OR terms.level IS NULL AND terms.scheme IS NULL AND terms.care_kind IS NULL)
  AND (NOT $4 OR terms.ceiling IS NOT NULL)
  AND (NOT $5 OR terms.first_pay > 0)
  AND ($6::date IS NULL
       OR terms.valid_from <= $6 AND (terms.valid_until IS NULL OR terms.valid_until > $6))
  AND ($7::boolean IS NULL OR $7 = (
       terms.valid_from <= $8::date AND (terms.valid_until IS NULL OR terms.valid_until > $8)))
  AND ($9::date IS NULL OR terms.valid_from = $9)
  AND ($10::text IS NULL OR terms.item = $10)
  AND ($11::text IS NULL OR strpos(item.name, $11) > 0)
  AND ($12::text IS NULL OR item.list_type = $12)
  AND ($13::text IS NULL OR item.charge_type = $13)
  AND ($14::text IS NULL OR terms.item_class = $14)
  AND ($15::boolean IS NULL OR terms.restricted = $15)
  AND ($16::bigint IS NULL OR terms.row_id = $16)
  AND ($17::text[] IS NULL OR terms.item = ANY ($17))
"""


async def query_terms(
    connection: "Connection[Any]", query: TermsQuery, skip: int, most: int
) -> tuple[int, list[QueriedTerms]]:
    """How many terms a query finds, and a page of them in the order of codes."""
    asked = (
        query.areas, query.changed_since, query.general, query.with_ceiling, query.with_first_pay,
        query.day, query.valid, query.today, query.start, query.code, query.name, query.list_type,
        query.charge_type, query.item_class, query.restricted, query.row, query.codes,
    )  # fmt: skip
    count: int = await connection.fetchval("SELECT count(*)::bigint" + _QUERIED, *asked)
    rows = await connection.fetch(
        "SELECT terms.row_id, item.code, item.name, item.list_type, item.charge_type,"
        " terms.valid_from, terms.valid_until, terms.area, terms.level, terms.scheme,"
        " terms.care_kind, terms.item_class, terms.first_pay, terms.ceiling, terms.restricted,"
        f" terms.recorded_at {_QUERIED} ORDER BY item.code, terms.row_id OFFSET $18 LIMIT $19",
        *asked,
        skip,
        most,
    )
    return count, [QueriedTerms(*row) for row in rows]


async def listed(
    connection: "Connection[Any]", kind: CodeList, query: ListedQuery, skip: int, most: int
) -> tuple[int, list[Listed]]:
    """How many codes of a list a query finds, and a page of them by code."""
    found = _CHANGES.format(table=_TABLES.get(kind, _ITEMS)) + _LISTED
    # "since" is inclusive here, and no row is recorded between two microseconds
    after = query.changed_since - timedelta(microseconds=1)
    asked = (kind.value, after, query.code, query.name, query.valid)
    count: int = await connection.fetchval("SELECT count(*)::bigint" + found, *asked)
    rows = await connection.fetch(
        f"SELECT * {found} ORDER BY code OFFSET $6 LIMIT $7", *asked, skip, most
    )
    return count, [Listed(*row) for row in rows]
