"""The list of what lies sealed is whole."""

from yibao.platform.database import Database
from yibao.platform.vault.catalogue import NOT_SEALED, SEALED


async def test_every_column_of_bytes_is_sealed_a_look_up_key_or_said_to_be_neither(
    database: Database,
) -> None:
    async with database.owner() as connection:
        rows = await connection.fetch(
            """SELECT c.oid::regclass || '.' || a.attname AS name
               FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
               WHERE c.relnamespace::regnamespace::text <> ALL
                         (ARRAY['pg_catalog', 'pg_toast', 'information_schema'])
                 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped
                 AND a.atttypid IN ('bytea'::regtype, 'bytea[]'::regtype)"""
        )
    present = {row["name"] for row in rows}
    listed = {f"{one.table}.{one.column}" for one in SEALED if one.inside is None}
    listed |= {f"{one.table}.{look.column}" for one in SEALED for look in one.look_ups}
    assert not listed & set(NOT_SEALED), "a column is sealed or not"
    assert present - listed - set(NOT_SEALED) == set(), "name them in platform/vault/catalogue.py"
    assert (listed | set(NOT_SEALED)) - present == set(), "named, but not in the schema"


async def test_what_is_sealed_has_a_key_to_go_over_it_by(database: Database) -> None:
    async with database.owner() as connection:
        for sealed in SEALED:
            found = await connection.fetchval(
                "SELECT count(*) FROM pg_index WHERE indrelid = $1::regclass AND indisprimary",
                sealed.table,
            )
            assert found == 1, sealed.table
