"""SQL of the tables that are put away: what is in them, what leaves, what comes back.

Which tables there are is asked of PostgreSQL's catalogue: none is named here.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import EPOCH_MS
from yibao.platform.archive.files import ROWS_AT_ONCE
from yibao.platform.archive.model import NUMBER, TOGETHER, Column, Table
from yibao.platform.archive.rules import TIME_SHIFT, day_of, month_of
from yibao.platform.archive.store.known import horizon
from yibao.platform.months import service as months
from yibao.platform.months.model import Table as Cut

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000
_SHANGHAI_MS = 8 * 3_600_000
_NO_NUMBER = 2**63 - 1
"""Above all that are given."""


async def tables(connection: "Connection[Any]") -> list[Table]:
    """The tables that are partitioned by a number and belong to pools, what is a visit's first.

    The platform's own are left out: they are no facts.
    """
    rows = await connection.fetch(
        """SELECT n.nspname AS schema, c.relname AS name, key.attname AS key,
                  array_agg(a.attname::text ORDER BY a.attnum) AS columns,
                  array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types
           FROM pg_partitioned_table p
                JOIN pg_class c ON c.oid = p.partrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute key ON key.attrelid = c.oid AND key.attnum = p.partattrs[0]
                     AND key.atttypid = 'bigint'::regtype
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                     AND NOT a.attisdropped AND a.attgenerated = ''
           WHERE p.partstrat = 'r' AND p.partnatts = 1 AND n.nspname <> 'platform'
             AND NOT c.relispartition
           GROUP BY 1, 2, 3 HAVING 'pool' = ANY (array_agg(a.attname::text)) ORDER BY 1, 2"""
    )
    return [
        Table(
            row["schema"],
            row["name"],
            row["key"],
            tuple(Column(*one) for one in zip(row["columns"], row["types"], strict=True)),
        )
        for row in rows
    ]


async def lowest_number(
    connection: "Connection[Any]", table: Table, part: str, at_least: int
) -> int | None:
    """The smallest number of a partition from one on: a look into the index for each pool."""
    number: int | None = await connection.fetchval(
        f"""WITH RECURSIVE there (pool) AS (
                (SELECT pool FROM {part} ORDER BY pool LIMIT 1)
                UNION ALL
                SELECT (SELECT pool FROM {part} WHERE pool > there.pool ORDER BY pool LIMIT 1)
                FROM there WHERE there.pool IS NOT NULL)
            SELECT min(lowest) FROM there CROSS JOIN LATERAL (
                SELECT min({table.key}) AS lowest FROM {part} AS part
                WHERE part.pool = there.pool AND {table.key} >= $1) AS found""",  # noqa: S608
        at_least,
    )
    return number


async def oldest_month(connection: "Connection[Any]") -> date | None:
    """First day of the oldest month that lies in the database alone; None: it is empty."""
    end = await horizon(connection)
    cuts = {str(cut): cut for cut in await months.tables(connection)}
    found: list[int | None] = []
    for table in await tables(connection):
        if table.key == TOGETHER:
            continue  # never older than its visits, and not indexed by them
        cut = cuts[table.full_name]
        found.append(await lowest_number(connection, table, _named(cut, cut.rest), end))
        for part in cut.partitions:
            name = _named(cut, part.name)
            if part.end > end and await holds(connection, name, table, end, part.end):
                bounded = part.first >= max(end, 1)
                found.append(
                    part.first if bounded else await lowest_number(connection, table, name, end)
                )
                break
    first = min((number for number in found if number is not None), default=None)
    return None if first is None else month_of(day_of(first))


async def filled_before(connection: "Connection[Any]", number: int) -> int:
    """How many partitions end up to a number and are not empty, of the table that has the most."""
    counts = [0]
    for cut in await months.tables(connection):
        ended = [part for part in cut.partitions if part.end <= number and cut.schema != "platform"]
        filled = [
            await connection.fetchval(
                f"SELECT EXISTS (SELECT FROM {_named(cut, part.name)})"  # noqa: S608
            )
            for part in ended
        ]
        counts.append(sum(filled))
    return max(counts)


def _named(cut: Cut, part: str) -> str:
    return f'"{cut.schema}"."{part}"'


class DayOfPool(NamedTuple):
    """A pool's rows of a civil day."""

    pool: Pool
    day: date
    rows: int


async def days(connection: "Connection[Any]", table: Table, low: int, high: int) -> list[DayOfPool]:
    """How many rows each pool and day has among the numbers ``low`` ≤ number < ``high``."""
    rows = await connection.fetch(
        f"""SELECT pool, (({table.key} >> {TIME_SHIFT}) + {EPOCH_MS + _SHANGHAI_MS}) / {_DAY_MS},
                   count(*)
            FROM {table.quoted} WHERE {table.key} >= $1 AND {table.key} < $2
            GROUP BY 1, 2 ORDER BY 1, 2""",  # noqa: S608 - from the catalogue
        low,
        high,
    )
    return [DayOfPool(Pool(row[0]), date.fromordinal(_EPOCH_DAY + row[1]), row[2]) for row in rows]


async def rows_between(
    connection: "Connection[Any]", table: Table, pool: Pool, low: int, high: int
) -> AsyncIterator[list["Record"]]:
    """A pool's rows in an order that never varies, some at a time; inside a transaction.

    Row by row from the driver: so it closes the query after the last one. What it is asked for in
    portions stays open, with what was sorted for it, until the transaction ends.
    """
    rows: list[Record] = []
    async for row in connection.cursor(
        f"""SELECT {_selected(table)} FROM {table.quoted}
            WHERE pool = $1 AND {table.key} >= $2 AND {table.key} < $3
            ORDER BY {table.key}, {_order(table)}""",  # noqa: S608 - from the catalogue
        pool,
        low,
        high,
        prefetch=ROWS_AT_ONCE,
    ):
        rows.append(row)
        if len(rows) == ROWS_AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows


async def sums_between(
    connection: "Connection[Any]", table: Table, pool: Pool, low: int, high: int
) -> tuple[int, dict[str, int]]:
    """How many rows a pool has, and the sum of each bigint column, as PostgreSQL adds them up."""
    sums = "".join(f', coalesce(sum("{name}"), 0)' for name in table.summed)
    (row,) = await connection.fetch(
        f"""SELECT count(*){sums} FROM {table.quoted}
            WHERE pool = $1 AND {table.key} >= $2 AND {table.key} < $3""",  # noqa: S608
        pool,
        low,
        high,
    )
    return row[0], {name: int(row[i + 1]) for i, name in enumerate(table.summed)}


async def versions(
    connection: "Connection[Any]", table: Table, low: int, high: int
) -> tuple[int, int]:
    """Rows, and the sum of the hashes of where each lies and which transaction wrote it.

    PostgreSQL never changes a row in its place: a change of any column is another version, written
    by another transaction. So this tells as much as all the rows' contents, and reads none of them:
    it is asked again while the month is closed to writers, and that must not take minutes.
    """
    (row,) = await connection.fetch(
        f"""SELECT count(*), coalesce(sum(hashtidextended(
                       ctid, (tableoid::bigint << 32) + xmin::text::bigint)), 0)
            FROM {table.quoted}
            WHERE {table.key} >= $1 AND {table.key} < $2""",  # noqa: S608 - from the catalogue
        low,
        high,
    )
    return row[0], int(row[1])


async def rows_of(
    connection: "Connection[Any]", table: Table, pool: Pool, numbers: Sequence[int], *, lock: bool
) -> list["Record"]:
    """The rows of numbers, in an order that never varies."""
    found: list[Record] = await connection.fetch(
        f"""SELECT {_selected(table)} FROM {table.quoted}
            WHERE pool = $1 AND {table.key} = ANY ($2::bigint[])
            ORDER BY {table.key}, {_order(table)}
            {"FOR UPDATE" if lock else ""}""",  # noqa: S608 - from the catalogue
        pool,
        numbers,
    )
    return found


async def put_back(
    connection: "Connection[Any]",
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Insert rows of these columns; those that are there already stay as they are."""
    types = {column.name: column.type for column in table.columns}
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(_taken(n + 1, types[name]) for n, name in enumerate(columns))
    await connection.executemany(
        f"""INSERT INTO {table.quoted} ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})
            ON CONFLICT DO NOTHING""",  # noqa: S608 - from the catalogue
        rows,
    )


async def remove(
    connection: "Connection[Any]", table: Table, pool: Pool, numbers: Sequence[int]
) -> None:
    """Delete the rows of numbers."""
    await connection.execute(
        f"""DELETE FROM {table.quoted}
            WHERE pool = $1 AND {table.key} = ANY ($2::bigint[])""",  # noqa: S608
        pool,
        numbers,
    )


def _selected(table: Table) -> str:
    """The columns as Parquet takes them: JSON as its text."""
    return ", ".join(
        f'"{one.name}"::{one.type.replace("jsonb", "text")} AS "{one.name}"'
        for one in table.columns
    )


def _taken(number: int, kind: str) -> str:
    """A parameter as a column takes it: JSON comes as its text."""
    if "jsonb" in kind:
        return f"${number}::{kind.replace('jsonb', 'text')}::{kind}"
    return f"${number}"


def _order(table: Table) -> str:
    """Every column that can be part of a key: what is JSON never is."""
    return ", ".join(f'"{column.name}"' for column in table.columns if "json" not in column.type)


async def holds(
    connection: "Connection[Any]", part: str, table: Table, low: int, high: int
) -> bool:
    """Whether a partition has any of some numbers."""
    found: bool = await connection.fetchval(
        f"""SELECT EXISTS (SELECT FROM {part}
                           WHERE {table.key} >= $1 AND {table.key} < $2)""",  # noqa: S608
        low,
        high,
    )
    return found


Kept: TypeAlias = tuple[Pool, int, int]
"""A number whose rows stay, and the visit that they belong to."""


async def kept_of(
    connection: "Connection[Any]",
    found: Sequence[Table],
    visits: Collection[tuple[Pool, int]],
    low: int,
    high: int,
) -> set[Kept]:
    """The numbers ``low`` ≤ number < ``high`` that belong to visits, those of the visits too."""
    kept = {(pool, visit, visit) for pool, visit in visits}
    if not visits:
        return kept
    pools, numbers = [pool for pool, _ in visits], [number for _, number in visits]
    for table in found:
        if not table.has(TOGETHER):
            continue
        columns = {table.key, NUMBER} if table.has(NUMBER) else {table.key}
        for column in sorted(columns - {TOGETHER}):
            rows = await connection.fetch(
                f"""SELECT DISTINCT part.pool, part.{column}, part.{TOGETHER}
                    FROM {table.quoted} AS part
                    JOIN unnest($1::text[], $2::bigint[]) AS visit (pool, number)
                      ON visit.pool = part.pool AND visit.number = part.{TOGETHER}
                    WHERE part.{table.key} >= $3 AND part.{table.key} < $4""",  # noqa: S608
                pools,
                numbers,
                low,
                high,
            )
            kept |= {(Pool(row[0]), row[1], row[2]) for row in rows}
    return kept


async def set_aside(
    connection: "Connection[Any]",
    found: Sequence[Table],
    kept: Collection[Kept],
    low: int,
    high: int,
    now: datetime,
) -> list[int]:
    """Copy the rows of numbers that must stay into temporary tables, and note that they do.

    Says of which of the tables there are any.
    """
    if not kept:
        return []
    await connection.execute(
        "CREATE TEMP TABLE kept (pool text, number bigint, visit bigint) ON COMMIT DROP"
    )
    await connection.copy_records_to_table("kept", records=sorted(kept))
    await connection.execute("ANALYZE kept")
    filled = []
    for number, table in enumerate(found):
        await connection.execute(
            f"""CREATE TEMP TABLE kept_{number} ON COMMIT DROP AS
                SELECT part.* FROM {table.quoted} AS part
                WHERE {table.key} >= {low} AND {table.key} < {high}
                  AND (pool, {table.key}) IN (SELECT pool, number FROM kept)"""  # noqa: S608
        )
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM kept_{number})"):  # noqa: S608
            filled.append(number)
    await connection.execute(
        """INSERT INTO platform.recalled (pool, number, cause, recalled_at, waits)
           SELECT pool, number, min(visit), $2, $1 FROM kept WHERE number < $1
           GROUP BY pool, number
           ON CONFLICT (pool, number) DO UPDATE SET waits = EXCLUDED.waits""",
        high,
        now,
    )
    return filled


async def empty_rest(
    connection: "Connection[Any]", rest: str, table: Table, low: int, high: int
) -> None:
    """Delete what a table's rest has of some numbers."""
    await connection.execute(
        f"DELETE FROM {rest} WHERE {table.key} >= $1 AND {table.key} < $2",  # noqa: S608
        low,
        high,
    )


def dropped(parts: Sequence[str]) -> str:
    """SQL: partitions go.

    They are not detached before: that would make them tables of their own, and take as long again.
    """
    return f"DROP TABLE {', '.join(parts)};" if parts else ""


def put_back_aside(found: Sequence[Table], filled: Sequence[int]) -> str:
    """SQL: what was set aside goes behind the horizon, as if it had been recalled.

    Not sooner than the partitions are gone: it would be sorted into them.
    """
    written = []
    for number in filled:
        names = ", ".join(f'"{column.name}"' for column in found[number].columns)
        written.append(
            f"""INSERT INTO {found[number].quoted} ({names}) OVERRIDING SYSTEM VALUE
                SELECT {names} FROM kept_{number};"""  # noqa: S608 - from the catalogue
        )
    return "\n".join(written)


async def visits_with_later_rows(
    connection: "Connection[Any]",
    found: Sequence[Table],
    number: int,
    low: int = 0,
    high: int = _NO_NUMBER,
) -> set[tuple[Pool, int]]:
    """The visits from before a number that have rows from it on, in any table.

    Of the later rows only those with the numbers ``low`` ≤ number < ``high`` are looked at.
    """
    visits = set()
    for table in found:
        if table.has(TOGETHER) and table.key != TOGETHER:
            rows = await connection.fetch(
                f"""SELECT DISTINCT pool, {TOGETHER} FROM {table.quoted}
                    WHERE {table.key} >= $2 AND {table.key} < $3
                      AND {TOGETHER} < $1""",  # noqa: S608
                number,
                max(number, low),
                high,
            )
            visits |= {(Pool(row[0]), row[1]) for row in rows}
    return visits
