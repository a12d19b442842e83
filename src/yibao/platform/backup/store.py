"""The SQL of backups: which tables there are, in what order, and their rows as COPY streams.

Every ordinary table outside PostgreSQL's own schemas is taken; which ones there are is asked of the
database, so that no migration can forget to tell.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yibao.platform.backup.model import BackupFault
from yibao.platform.months import service as months
from yibao.platform.months.model import Partition

if TYPE_CHECKING:
    from asyncpg import Connection

MIGRATIONS = "platform.alembic_version"
"""Says the revision; written by the migration that comes before the rows."""

_OURS = "nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\\_%'"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the columns that are stored."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]
    """Name and type, in order; what is computed from others is left out."""
    partitions: tuple[Partition, ...] = field(default=(), compare=False)
    """The months that it is cut into; a new database has others."""

    @property
    def full_name(self) -> str:
        """``ledger.entry``."""
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return [name for name, _ in self.columns]


async def tables(connection: "Connection[Any]") -> list[Table]:
    """All tables, what others refer to first."""
    rows = await connection.fetch(
        f"""SELECT n.nspname AS schema, c.relname AS name,
                   array_agg(a.attname::text ORDER BY a.attnum) AS columns,
                   array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                      AND NOT a.attisdropped AND a.attgenerated = ''
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {_OURS}
            GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 - our own text
    )
    cut = {str(table): table.partitions for table in await months.tables(connection)}
    found = {}
    for row in rows:
        table = Table(
            row["schema"],
            row["name"],
            tuple(zip(row["columns"], row["types"], strict=True)),
            cut.get(f"{row['schema']}.{row['name']}", ()),
        )
        if table.full_name != MIGRATIONS:
            found[table.full_name] = table
    return _in_order(found, await _references(connection))


async def _references(connection: "Connection[Any]") -> set[tuple[str, str]]:
    rows = await connection.fetch(
        """SELECT DISTINCT n.nspname || '.' || c.relname AS child,
                  m.nspname || '.' || p.relname AS parent
           FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_class p ON p.oid = k.confrelid
                JOIN pg_namespace m ON m.oid = p.relnamespace
           WHERE k.contype = 'f' AND c.oid <> p.oid"""
    )
    return {(row["child"], row["parent"]) for row in rows}


def _in_order(found: dict[str, Table], references: set[tuple[str, str]]) -> list[Table]:
    left = dict(found)
    ordered: list[Table] = []
    while left:
        waiting = {child for child, parent in references if parent in left}
        free = [name for name in left if name not in waiting]
        if not free:
            raise BackupFault(f"tables refer to each other in a circle: {', '.join(left)}")
        ordered += [left.pop(name) for name in free]
    return ordered


async def sequences(connection: "Connection[Any]") -> dict[str, int]:
    """The last number that each sequence gave; 0 for one that gave none."""
    rows = await connection.fetch(
        f"""SELECT n.nspname || '.' || c.relname AS name,
                   coalesce(pg_sequence_last_value(c.oid), 0) AS last
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'S' AND {_OURS} ORDER BY 1"""  # noqa: S608
    )
    return {row["name"]: row["last"] for row in rows}


async def continue_sequence(connection: "Connection[Any]", name: str, last: int) -> None:
    """Let a sequence go on behind ``last``."""
    await connection.execute("SELECT setval($1::text::regclass, $2)", name, last)


async def schemas(connection: "Connection[Any]") -> set[str]:
    """The schemas that are not PostgreSQL's own."""
    rows = await connection.fetch(f"SELECT nspname FROM pg_namespace WHERE {_OURS}")  # noqa: S608
    return {row["nspname"] for row in rows}


async def has_tables(connection: "Connection[Any]") -> bool:
    """Whether anything is in the database."""
    return bool(
        await connection.fetchval(
            f"""SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                               WHERE c.relkind IN ('r', 'p') AND {_OURS})"""  # noqa: S608
        )
    )


async def drop_schemas(connection: "Connection[Any]", names: set[str]) -> None:
    """Take away what an unfinished restoration made."""
    for name in sorted(names):
        await connection.execute(f'DROP SCHEMA "{name}" CASCADE')


async def hold(connection: "Connection[Any]", found: Sequence[Table]) -> None:
    """Let no month leave these tables until the transaction ends. Takes no snapshot."""
    names = ", ".join(f'ONLY "{table.schema}"."{table.name}"' for table in found)
    if names:
        await connection.execute(f"LOCK TABLE {names} IN ACCESS SHARE MODE")


async def copy_out(
    connection: "Connection[Any]", table: Table, take: Callable[[bytes], Coroutine[Any, Any, None]]
) -> int:
    """Hand on a table's rows in binary COPY format; how many they were."""
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    told = await connection.copy_from_query(
        f'SELECT {columns} FROM "{table.schema}"."{table.name}"',  # noqa: S608 - from the catalog
        output=take,
        format="binary",
    )
    return _count(told)


async def copy_in(connection: "Connection[Any]", table: Table, source: AsyncIterator[bytes]) -> int:
    """Put rows into a table; how many they were."""
    told = await connection.copy_to_table(
        table.name,
        schema_name=table.schema,
        columns=table.column_names,
        source=source,
        format="binary",
    )
    return _count(told)


async def empty(connection: "Connection[Any]", found: Sequence[Table]) -> None:
    """Remove what the migrations themselves put in; what refers to others first."""
    for table in reversed(found):
        await connection.execute(
            f'DELETE FROM "{table.schema}"."{table.name}"'  # noqa: S608 - from the catalog
        )


async def count(connection: "Connection[Any]", table: Table) -> int:
    """Rows of a table."""
    return int(
        await connection.fetchval(
            f'SELECT count(*) FROM "{table.schema}"."{table.name}"'  # noqa: S608
        )
    )


def _count(told: str) -> int:
    return int(told.rsplit(" ", 1)[-1])
