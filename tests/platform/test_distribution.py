"""The schema can be distributed by pool, and ``deploy/citus`` says of every table where it lies."""

import ast
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

HOUSE = Path(__file__).parent.parent.parent
DISTRIBUTE = HOUSE / "deploy" / "citus" / "distribute.sql"
CHECK = HOUSE / "deploy" / "citus" / "check.sql"

LOCKS_OVER_POOLS = {
    "ledger/holds/store.py": "expired holds of all pools are ended in one statement, every hour",
}
"""Statements that Citus refuses because they lock rows of several pools; each is to be mended."""

STAND_INS = """
    CREATE TABLE public.laid (name regclass, how text, by text, beside regclass, place serial);
    CREATE FUNCTION public.create_reference_table(name regclass) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO public.laid (name, how) VALUES (name, 'reference') $$;
    CREATE FUNCTION public.create_distributed_table(
        name regclass, by text, shard_count int DEFAULT NULL, colocate_with text DEFAULT 'default'
    ) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO public.laid (name, how, by, beside)
           VALUES (name, 'distributed', by, nullif(colocate_with, 'default')::regclass) $$;
    CREATE FUNCTION public.create_distributed_function(name regprocedure) RETURNS void
        LANGUAGE sql AS $$ $$;
    CREATE VIEW public.citus_tables AS
        SELECT name AS table_name, how AS citus_table_type, by AS distribution_column,
               CASE WHEN how = 'distributed' THEN coalesce(beside, name)::oid END AS colocation_id
        FROM public.laid;
"""
"""In the place of Citus's functions: they note what was asked of them."""


@dataclass(frozen=True)
class Layout:
    """The migrated schema, and where each of its tables is to lie."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    tables: dict[str, str]
    """Every table of the schema → reference, distributed, local; "" for one that nobody named."""
    named: Counter[str]
    """How often each is named."""

    def of(self, *kinds: str) -> list[str]:
        """The tables that lie so."""
        return sorted(name for name, how in self.tables.items() if how in kinds)


@pytest.fixture
async def layout(dsn: str) -> AsyncIterator[Layout]:
    """The administrator's script, run on a real database with stand-ins for Citus."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        """SELECT c.oid::regclass::text AS name FROM pg_class AS c
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"""
    )
    await connection.execute(STAND_INS)
    script = DISTRIBUTE.read_text(encoding="utf-8")
    await connection.execute(script)
    laid = await connection.fetch("SELECT name::text, how FROM public.laid ORDER BY place")
    found = [(row["name"], row["how"]) for row in laid]
    found += [(name, "local") for name in re.findall(r"^-- local: (\S+?): +\S", script, re.M)]
    how = dict(found)
    yield Layout(
        connection,
        {row["name"]: how.get(row["name"], "") for row in rows},
        Counter(name for name, _ in found),
    )
    await connection.close()


async def test_every_table_is_named_exactly_once(layout: Layout) -> None:
    assert {name for name, how in layout.tables.items() if not how} == set(), "tell where they lie"
    assert set(layout.named) - set(layout.tables) == set(), "no such tables"
    assert {name for name, count in layout.named.items() if count > 1} == set()


async def test_all_that_is_distributed_lies_together_by_pool(layout: Layout) -> None:
    rows = await layout.connection.fetch(
        """SELECT name::text, by, coalesce(beside, name)::text AS beside
           FROM public.laid WHERE how = 'distributed'"""
    )
    assert {row["by"] for row in rows} == {"pool"}
    assert {row["beside"] for row in rows} == {"settlement.visit"}


async def test_whatever_belongs_to_a_pool_is_distributed(layout: Layout) -> None:
    """Or everybody needs it (which divisions a pool insures, the versions of what is cached), or
    it is written over pools at once (who saw whom)."""
    rows = await layout.connection.fetch(
        """SELECT attrelid::regclass::text AS name FROM pg_attribute
           WHERE attname = 'pool' AND NOT attisdropped AND attrelid = ANY ($1::regclass[])""",
        list(layout.tables),
    )
    elsewhere = {row["name"] for row in rows} - set(layout.of("distributed"))
    assert elsewhere == {"registry.pool_division", "registry.version", "safety.access"}


async def test_every_unique_key_of_a_distributed_table_contains_the_pool(layout: Layout) -> None:
    rows = await layout.connection.fetch(
        """SELECT indexrelid::regclass::text AS name FROM pg_index
           WHERE indrelid = ANY ($1::regclass[]) AND indisunique AND NOT EXISTS (
               SELECT FROM pg_attribute
               WHERE attrelid = indrelid AND attname = 'pool' AND attnotnull
                 AND attnum = ANY (indkey))""",
        layout.of("distributed"),
    )
    assert [row["name"] for row in rows] == []


async def test_a_distributed_tables_first_key_begins_with_the_pool(layout: Layout) -> None:
    rows = await layout.connection.fetch(
        """SELECT laid::text AS name FROM unnest($1::regclass[]) AS laid WHERE NOT EXISTS (
               SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
               WHERE indrelid = laid AND indisprimary AND attname = 'pool')""",
        layout.of("distributed"),
    )
    assert [row["name"] for row in rows] == []


async def test_no_foreign_key_crosses_pools_or_points_where_rows_are_not(layout: Layout) -> None:
    """Within a pool, or to a copy that every node has; what is referred to was laid before."""
    rows = await layout.connection.fetch(
        """SELECT conname, conrelid::regclass::text AS own, confrelid::regclass::text AS other,
                  EXISTS (SELECT FROM unnest(conkey, confkey) AS pair (own, other)
                          JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = pair.own
                          JOIN pg_attribute AS b ON b.attrelid = confrelid AND b.attnum = pair.other
                          WHERE a.attname = 'pool' AND b.attname = 'pool') AS within_a_pool,
                  (SELECT place FROM public.laid WHERE name = conrelid) AS place,
                  (SELECT place FROM public.laid WHERE name = confrelid) AS before
           FROM pg_constraint
           WHERE contype = 'f' AND conparentid = 0
             AND connamespace::regnamespace::text !~ '^(pg_|public)'"""
    )
    assert rows
    wrong = []
    for row in rows:
        own, other = layout.tables[row["own"]], layout.tables[row["other"]]
        allowed = {
            ("distributed", "distributed"): row["within_a_pool"],
            ("distributed", "reference"): True,
            ("reference", "reference"): True,
            ("local", "local"): True,
        }.get((own, other), False)
        if not allowed or (own != "local" and row["before"] > row["place"]):
            wrong.append((row["conname"], own, other))
    assert wrong == []


async def test_no_table_of_ours_has_a_trigger(layout: Layout) -> None:
    rows = await layout.connection.fetch(
        """SELECT tgrelid::regclass::text AS name, tgname FROM pg_trigger
           WHERE NOT tgisinternal AND tgrelid = ANY ($1::regclass[])""",
        list(layout.tables),
    )
    assert [(row["name"], row["tgname"]) for row in rows] == []


async def test_identity_columns_of_distributed_tables_are_large(layout: Layout) -> None:
    """Citus numbers a smaller one differently on each node, from a range that it does not have."""
    rows = await layout.connection.fetch(
        """SELECT attrelid::regclass::text AS name FROM pg_attribute
           WHERE attrelid = ANY ($1::regclass[]) AND attidentity <> ''
             AND atttypid <> 'bigint'::regtype""",
        layout.of("distributed"),
    )
    assert [row["name"] for row in rows] == []


async def test_the_administrators_check_finds_nothing_and_would(layout: Layout) -> None:
    check = CHECK.read_text(encoding="utf-8")
    assert await layout.connection.fetch(check) == []
    await layout.connection.execute(
        "DELETE FROM public.laid WHERE name = 'ledger.entry'::regclass;"
        " UPDATE public.laid SET by = 'id' WHERE name = 'ledger.block'::regclass;"
        " UPDATE public.laid SET beside = NULL WHERE name = 'ledger.head'::regclass"
    )
    rows = await layout.connection.fetch(check)
    assert {row["table"]: row["fault"] for row in rows} == {
        "ledger.block": "distributed by id",
        "ledger.entry": "on the coordinator alone",
        "ledger.head": "does not lie with settlement.visit",
    }


def test_rows_of_one_pool_alone_are_locked_by_a_statement() -> None:
    found = {file for file, text in locking_statements() if "pool = $" not in text}
    assert found == set(LOCKS_OVER_POOLS)


def locking_statements() -> Iterator[tuple[str, str]]:
    """(file, text) of every SQL text that locks rows of a table that is distributed."""
    distributed = re.findall(
        r"create_distributed_table\('(\S+?)'", DISTRIBUTE.read_text(encoding="utf-8")
    )
    source = HOUSE / "src" / "yibao"
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
                  for part in ast.walk(node) if part is not node}  # fmt: skip
        for node in ast.walk(tree):
            if node in inside or not isinstance(node, ast.JoinedStr | ast.Constant):
                continue
            text = " ".join(
                part.value
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            locks = re.search(r"\bFOR (UPDATE|NO KEY UPDATE|SHARE|KEY SHARE)\b", text)
            if locks and any(re.search(rf"{re.escape(one)}\b", text) for one in distributed):
                yield str(path.relative_to(source)), text
