"""SQL of partitions; which tables there are is asked of the catalogue."""

from typing import TYPE_CHECKING, Any

from yibao.platform.months.model import Partition, Table

if TYPE_CHECKING:
    from asyncpg import Connection


async def tables(connection: "Connection[Any]") -> list[Table]:
    """The tables that are cut by a number and keep a rest, by name."""
    rows = await connection.fetch(
        """SELECT space.nspname AS schema, whole.relname AS name, part_key.attname AS column,
                  rest.relname AS rest,
                  ARRAY(SELECT ROW (part.relname, pg_get_expr(part.relpartbound, part.oid))
                        FROM pg_inherits AS inherits
                        JOIN pg_class AS part ON part.oid = inherits.inhrelid
                        WHERE inherits.inhparent = whole.oid AND part.oid <> rest.oid) AS partitions
           FROM pg_partitioned_table AS cut
           JOIN pg_class AS whole ON whole.oid = cut.partrelid
           JOIN pg_namespace AS space ON space.oid = whole.relnamespace
           JOIN pg_class AS rest ON rest.oid = cut.partdefid
           JOIN pg_attribute AS part_key
             ON part_key.attrelid = whole.oid AND part_key.attnum = cut.partattrs[0]
           WHERE cut.partstrat = 'r' AND cut.partnatts = 1
             AND part_key.atttypid = 'bigint'::regtype
           ORDER BY 1, 2"""
    )
    return [
        Table(
            row["schema"],
            row["name"],
            row["column"],
            row["rest"],
            tuple(
                sorted(
                    (
                        part
                        for name, bounds in row["partitions"]
                        if (part := Partition.told(name, bounds)) is not None
                    ),
                    key=lambda part: part.first,
                )
            ),
        )
        for row in rows
    ]


async def wait_at_most(connection: "Connection[Any]", milliseconds: int) -> None:
    """How long the transaction waits for a lock; whoever comes behind it waits as long."""
    await connection.execute(f"SET LOCAL lock_timeout = {milliseconds}")


async def make(connection: "Connection[Any]", table: Table, partition: Partition) -> bool:
    """Make a partition, with what the rest keeps of it; False when somebody else has made it."""
    whole, rest = _full(table, table.name), _full(table, table.rest)
    made = _full(table, partition.name)
    await connection.execute(f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE")
    if await connection.fetchval("SELECT to_regclass($1)", made) is not None:
        return False
    kept_as = await connection.fetchval(
        "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = $1::text::regclass",
        rest,
    )
    await connection.execute(
        f"CREATE TABLE {made} (LIKE {whole} INCLUDING ALL EXCLUDING COMMENTS)"
        + (f" WITH ({kept_as})" if kept_as else "")
    )
    column = _quoted(table.column)
    belongs = f"{column} >= {partition.first} AND {column} < {partition.end}"
    await connection.execute(
        f"""WITH moved AS (DELETE FROM {rest} WHERE {belongs} RETURNING *)
            INSERT INTO {made} SELECT * FROM moved"""  # noqa: S608 - names of the catalogue
    )
    await connection.execute(
        f"ALTER TABLE {whole} ATTACH PARTITION {made}"
        f" FOR VALUES FROM ({partition.first or 'MINVALUE'}) TO ({partition.end})"
    )
    await _name_indexes(connection, table, partition.name)
    return True


async def _name_indexes(connection: "Connection[Any]", table: Table, made: str) -> None:
    """Call a partition's indexes as the table's are called: plans and figures can be read then."""
    rows = await connection.fetch(
        """SELECT own.relname AS own, whole.relname AS whole
           FROM pg_index AS of_made
           JOIN pg_class AS own ON own.oid = of_made.indexrelid
           JOIN pg_inherits AS inherits ON inherits.inhrelid = own.oid
           JOIN pg_class AS whole ON whole.oid = inherits.inhparent
           WHERE of_made.indrelid = $1::text::regclass""",
        _full(table, made),
    )
    for own, whole in rows:
        named = made + whole.removeprefix(table.name)
        if named != own:
            await connection.execute(f"ALTER INDEX {_full(table, own)} RENAME TO {_quoted(named)}")


def _full(table: Table, name: str) -> str:
    return f"{_quoted(table.schema)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
