"""A database's schema as text: what the migrations amount to, kept beside them in ``schema.txt``.

Read from the catalogs, the same on every PostgreSQL from 15 on. Partitions are left out: they come
and go with the months. ``make schema`` writes the file anew; a test compares the two.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from yibao.platform.migrations import migrate
from yibao.platform.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from asyncpg import Connection

KEPT = Path(__file__).with_name("schema.txt")
_SCHEMAS = """
    SELECT array_agg(nspname::text) FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')"""
"""Asked, not listed here: one that a migration makes and nobody enters would never be looked at."""

# Each query gives (sort key, text) rows of the schemas $1.
_QUERIES = (
    # columns, in order
    """SELECT c.oid::regclass::text || ' 0 ' || lpad(a.attnum::text, 4, '0'),
              c.oid::regclass || ' . ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
              || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
              || CASE a.attidentity WHEN 'a' THEN ' ALWAYS IDENTITY'
                                    WHEN 'd' THEN ' IDENTITY' ELSE '' END
              || coalesce(CASE WHEN a.attgenerated <> '' THEN ' GENERATED ' ELSE ' DEFAULT ' END
                          || pg_get_expr(d.adbin, d.adrelid), '')
              || coalesce(' -- ' || col_description(c.oid, a.attnum), '')
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE c.relnamespace::regnamespace::text = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm')
         AND NOT c.relispartition AND NOT a.attisdropped""",
    # tables themselves
    """SELECT c.oid::regclass::text || ' ',
              c.oid::regclass || ' : '
              || CASE c.relkind WHEN 'v' THEN 'VIEW ' || pg_get_viewdef(c.oid)
                                WHEN 'm' THEN 'MATERIALIZED VIEW ' || pg_get_viewdef(c.oid)
                                WHEN 'p' THEN 'TABLE BY ' || pg_get_partkeydef(c.oid)
                                WHEN 'S' THEN 'SEQUENCE'
                                ELSE 'TABLE' END
              || CASE WHEN c.relrowsecurity THEN ' ROW SECURITY' ELSE '' END
              || CASE WHEN c.relforcerowsecurity THEN ' FORCED' ELSE '' END
              || coalesce(' -- ' || obj_description(c.oid, 'pg_class'), '')
       FROM pg_class c
       WHERE c.relnamespace::regnamespace::text = ANY ($1)
         AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition""",
    """SELECT conrelid::regclass::text || ' 1 ' || conname,
              conrelid::regclass || ' CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(k.oid)
       FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
       WHERE k.connamespace::regnamespace::text = ANY ($1) AND k.contype <> 'n'
         AND NOT c.relispartition""",
    """SELECT indrelid::regclass::text || ' 2 ' || indexrelid::regclass,
              pg_get_indexdef(indexrelid)
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
       WHERE c.relnamespace::regnamespace::text = ANY ($1) AND NOT c.relispartition
         AND NOT EXISTS (SELECT FROM pg_constraint k
                         WHERE k.conindid = i.indexrelid AND k.conrelid = c.oid)""",
    """SELECT polrelid::regclass::text || ' 3 ' || polname,
              polrelid::regclass || ' POLICY ' || polname || ' FOR ' || polcmd::text || ' TO '
              || (SELECT string_agg(r::regrole::text, ', ' ORDER BY r::regrole::text)
                  FROM unnest(polroles) r)
              || coalesce(' USING ' || pg_get_expr(polqual, polrelid), '')
              || coalesce(' CHECK ' || pg_get_expr(polwithcheck, polrelid), '')
       FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
       WHERE c.relnamespace::regnamespace::text = ANY ($1)""",
    """SELECT c.oid::regclass::text || ' 4 ' || g.grantee::regrole || g.privilege_type,
              c.oid::regclass || ' GRANT ' || g.privilege_type || ' TO ' || g.grantee::regrole
       FROM pg_class c, aclexplode(c.relacl) g
       WHERE c.relnamespace::regnamespace::text = ANY ($1) AND NOT c.relispartition
         AND g.grantee <> c.relowner AND g.grantee <> 0""",
    """SELECT c.oid::regclass::text || ' 5 ' || a.attname || g.grantee::regrole || g.privilege_type,
              c.oid::regclass || ' GRANT ' || g.privilege_type || ' (' || a.attname || ') TO '
              || g.grantee::regrole
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) g
       WHERE c.relnamespace::regnamespace::text = ANY ($1) AND NOT c.relispartition
         AND g.grantee <> c.relowner""",
    """SELECT n.nspname || ' ' || g.grantee::regrole || g.privilege_type,
              n.nspname || ' SCHEMA GRANT ' || g.privilege_type || ' TO ' || g.grantee::regrole
       FROM pg_namespace n, aclexplode(n.nspacl) g
       WHERE n.nspname = ANY ($1) AND g.grantee <> n.nspowner""",
    """SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid)
       FROM pg_proc p WHERE p.pronamespace::regnamespace::text = ANY ($1)""",
    """SELECT t.tgrelid::regclass::text || ' 6 ' || t.tgname, pg_get_triggerdef(t.oid)
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       WHERE c.relnamespace::regnamespace::text = ANY ($1) AND NOT t.tgisinternal""",
)


async def describe_schema(connection: "Connection[Any]") -> str:
    """The schema of the connected database, one fact a line, in an order that never varies."""
    facts: list[tuple[str, str]] = []
    async with connection.transaction():
        # every name is told in full, also to a user who is called as a schema is
        await connection.execute("SET LOCAL search_path TO ''")
        schemas = await connection.fetchval(_SCHEMAS)
        for query in _QUERIES:
            facts += [(row[0], row[1]) for row in await connection.fetch(query, schemas)]
    return "".join(f"{' '.join(text.split())}\n" for _, text in sorted(facts))


async def _migrated_schema(dsn: str) -> str:
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        return await describe_schema(connection)
    finally:
        await connection.close()


def main() -> None:
    """Write the kept file from a database of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder) / "postgres", {"fsync": "off"}) as dsn,
    ):
        KEPT.write_text(asyncio.run(_migrated_schema(dsn)), encoding="utf-8")


if __name__ == "__main__":
    main()
