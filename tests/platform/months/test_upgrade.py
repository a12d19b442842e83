"""Tables that were filled before they were cut: every row stays where it is, and nobody notices."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from yibao.kernel.periods import business_date
from yibao.platform.migrations import FOLDER
from yibao.platform.months import service
from yibao.platform.months.model import Month

SCRIPTS = sorted((FOLDER / "versions").glob("[0-9]*.sql"))
CUT = (
    "platform.outbox",
    "settlement.visit",
    "settlement.charge_batch",
    "settlement.fee_upload",
    "settlement.settlement",
    "settlement.accumulator_entry",
    "ledger.entry",
    "ledger.occasion",
)
PLAIN = {
    "text": "x",
    "bigint": 0,
    "integer": 1,
    "smallint": 1,
    "boolean": False,
    "date": date(2026, 7, 15),
    "timestamp with time zone": datetime(2026, 7, 15, tzinfo=UTC),
    "json": "{}",
    "jsonb": "{}",
    "bytea": b"x",
}
"""A value of each type that no column refuses, where nothing else is said."""

VISIT = Month(2026, 7).first


@pytest.fixture
async def filled(empty_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A database as it was before its tables were cut, with a settled stay in it."""
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("CREATE SCHEMA platform")
    await run(connection, until="0024")
    await put(connection, "settlement.visit", id=VISIT, state="open", kind="stay", identity=7)
    await put(connection, "settlement.charge_batch", id=VISIT + 1, visit=VISIT)
    await put(
        connection, "settlement.fee_upload", visit=VISIT, batch=VISIT + 1, count=1,
        lowest="a", highest="b",
    )  # fmt: skip
    for turn in range(3):
        await put(
            connection, "settlement.settlement", id=VISIT + 2 + turn, visit=VISIT, batch=VISIT + 1,
            kind="settlement", origin="institution", payee="institution",
        )  # fmt: skip
    await put(
        connection, "settlement.accumulator_entry", settlement=VISIT + 2, kind="settlement", delta=5
    )
    await put(connection, "ledger.entry", posting=VISIT + 2, amount=5)
    await put(connection, "ledger.occasion", posting=VISIT + 2)
    await put(connection, "platform.outbox", id=VISIT + 3)
    yield connection
    await connection.close()


async def run(connection: asyncpg.Connection, *, after: str = "", until: str = "9999") -> None:
    """The revisions behind one, up to another."""
    for script in SCRIPTS:
        if after < script.stem[:4] <= until:
            await connection.execute(script.read_text(encoding="utf-8"))


async def put(connection: asyncpg.Connection, table: str, **said: Any) -> None:
    """A row that says this, and otherwise what its columns must have."""
    columns = await connection.fetch(
        """SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
           WHERE attrelid = $1::text::regclass AND attnum > 0 AND attnotnull
             AND NOT atthasdef AND attidentity = ''""",
        table,
    )
    row = {column["name"]: PLAIN.get(column["type"]) for column in columns} | said
    names, places = ", ".join(row), ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *row.values())


async def content(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """All rows of the tables, as text."""
    return {
        table: [
            row[0] for row in await connection.fetch(f"SELECT t::text FROM {table} t ORDER BY 1")
        ]
        for table in CUT
    }


async def files(connection: asyncpg.Connection, ending: str = "") -> list[int]:
    """The files that the tables lie in."""
    return [
        await connection.fetchval("SELECT pg_relation_filenode($1::text::regclass)", table + ending)
        for table in CUT
    ]


async def test_every_row_stays_in_its_file_and_is_found_as_before(
    filled: asyncpg.Connection,
) -> None:
    rows, lay_in = await content(filled), await files(filled)
    assert all(rows.values())
    await run(filled, after="0024")
    assert await content(filled) == rows
    assert await files(filled, "_first") == lay_in
    for table in CUT:
        assert await filled.fetchval(f"SELECT count(*) FROM ONLY {table}_default") == 0
        invalid = (
            "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid = $1::text::regclass"
        )
        assert await filled.fetchval(invalid, table) == 0


async def test_the_first_partition_ends_with_the_running_month_and_the_next_ones_follow(
    filled: asyncpg.Connection,
) -> None:
    await run(filled, after="0024")
    today = business_date(datetime.now(UTC))
    ends = {table.partitions[0].end for table in await service.tables(filled)}
    assert ends == {Month.of(today).end}
    assert len(await service.ensure(filled, today)) == service.AHEAD * len(ends) * len(CUT)
    assert await service.missing(filled) == 0.0


async def test_a_clock_that_was_set_ahead_is_no_hindrance(filled: asyncpg.Connection) -> None:
    ahead = Month.of(business_date(datetime.now(UTC))).later(5)
    await put(filled, "platform.outbox", id=ahead.first)
    await run(filled, after="0024")
    ends = {table.partitions[0].end for table in await service.tables(filled)}
    assert ends == {ahead.end}


async def test_turns_go_on_where_they_were(filled: asyncpg.Connection) -> None:
    before = await filled.fetchval("SELECT max(turn) FROM settlement.settlement")
    await run(filled, after="0024")
    await filled.execute("SET ROLE yibao_writer")
    await put(
        filled, "settlement.settlement", id=VISIT + 9, visit=VISIT, batch=VISIT + 1,
        kind="settlement", origin="institution", payee="institution",
    )  # fmt: skip
    turn = await filled.fetchval("SELECT turn FROM settlement.settlement WHERE id = $1", VISIT + 9)
    assert turn == before + 1


async def test_who_might_not_read_a_table_may_not_read_its_parts(
    filled: asyncpg.Connection,
) -> None:
    await run(filled, after="0024")
    await filled.execute("SET ROLE yibao_reader")
    for relation in ("settlement.visit", "settlement.visit_first", "ledger.entry_first"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await filled.fetch(f"SELECT FROM {relation}")
    assert await filled.fetch("SELECT FROM settlement.visible_settlement") == []
    await filled.execute("SET yibao.institutions = '*'")
    assert len(await filled.fetch("SELECT FROM settlement.visible_settlement")) == 3
    await filled.execute("SET ROLE yibao_writer")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await filled.execute("UPDATE settlement.settlement SET total = 1")


async def test_what_was_unique_is_unique_still(filled: asyncpg.Connection) -> None:
    await run(filled, after="0024")
    with pytest.raises(asyncpg.UniqueViolationError):
        await put(filled, "settlement.charge_batch", id=VISIT + 5, visit=VISIT)
    with pytest.raises(asyncpg.UniqueViolationError):
        await put(filled, "settlement.visit", id=VISIT, state="open")
    with pytest.raises(asyncpg.CheckViolationError):
        await put(filled, "settlement.visit", id=VISIT + 1, state="closed")


async def test_where_people_lay_is_known(filled: asyncpg.Connection) -> None:
    await run(filled, after="0024")
    (stay,) = await filled.fetch("SELECT pool, visit, identity, state FROM settlement.stay")
    assert tuple(stay) == ("x", VISIT, 7, "open")
