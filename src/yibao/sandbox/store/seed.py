"""The seeded state of a world, kept beside the database, and the way back to it.

Kept as PostgreSQL's own binary COPY, a file a table: putting it back takes seconds and brings back
the first keys, so that a hospital's configuration goes on working.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yibao.platform.database import Database

if TYPE_CHECKING:
    from asyncpg import Connection

_LEFT_ALONE = frozenset(
    {
        "platform.writer",  # live processes hold these numbers
        "platform.alembic_version",
        "public.alembic_version",
        "settlement.law_text",  # found by fingerprint: never wrong, and running servers count on it
    }
)
_SCHEMAS_OF_POSTGRES = ("pg_catalog", "information_schema", "pg_toast")


class NoSeed(Exception):  # noqa: N818 - a fact
    """The world's seeded state was not kept."""


async def keep_seed(database: Database, folder: Path) -> None:
    """Write the contents of all tables to ``folder`` (mode 0700), all of one moment."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    columns: dict[str, list[str]] = {}
    async with (
        database.owner() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for name in await _tables(connection):
            schema, table = name.split(".")
            columns[name] = await _columns(connection, schema, table)
            listed = ", ".join(f'"{column}"' for column in columns[name])
            await connection.copy_from_query(  # a table that is cut cannot be copied as one
                f'SELECT {listed} FROM "{schema}"."{table}"',  # noqa: S608 - from the catalogue
                output=fresh / f"{name}.copy",
                format="binary",
            )
    (fresh / "columns.json").write_text(json.dumps(columns, indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


async def put_back(database: Database, folder: Path) -> None:
    """Empty all tables and fill them again, in one transaction; calls under way come before it.

    Raises NoSeed. Sequences go on, so that no number and no version is ever given twice.
    """
    try:
        columns: dict[str, list[str]] = json.loads((folder / "columns.json").read_text())
    except OSError:
        raise NoSeed(f"the seeded state was not kept in {folder}") from None
    async with database.owner() as connection, connection.transaction():
        present = await _tables(connection)
        await connection.execute(f"TRUNCATE {', '.join(present)} CASCADE")
        # rows refer to rows of tables that are filled later
        await connection.execute("SET LOCAL session_replication_role = replica")
        for name in present:
            path = folder / f"{name}.copy"
            if name in columns and path.exists():
                schema, table = name.split(".")
                await connection.copy_to_table(
                    table,
                    schema_name=schema,
                    columns=columns[name],
                    source=path,
                    format="binary",
                )


async def _tables(connection: "Connection[Any]") -> list[str]:
    """Our tables; a partitioned one by its parent alone."""
    rows = await connection.fetch(
        """SELECT nspname || '.' || relname FROM pg_class
           JOIN pg_namespace ON pg_namespace.oid = relnamespace
           WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname <> ALL ($1)
             AND nspname NOT LIKE 'pg\\_%'
           ORDER BY 1""",
        _SCHEMAS_OF_POSTGRES,
    )
    return [row[0] for row in rows if row[0] not in _LEFT_ALONE]


async def _columns(connection: "Connection[Any]", schema: str, table: str) -> list[str]:
    rows = await connection.fetch(
        """SELECT attname FROM pg_attribute
           WHERE attrelid = format('%I.%I', $1::text, $2::text)::regclass
             AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
           ORDER BY attnum""",
        schema,
        table,
    )
    return [row[0] for row in rows]
