"""Months are made ahead, take over what the rest kept, and give way to settlements."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest

from yibao.platform.database import Database
from yibao.platform.months import service
from yibao.platform.months.model import Month

JULY, AUGUST, SEPTEMBER = Month(2026, 7), Month(2026, 8), Month(2026, 9)
TODAY = date(2026, 7, 15)


@pytest.fixture
async def hall(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database whose one table that is cut by month keeps events of a hall."""
    async with database.owner() as connection:
        for table in await service.tables(connection):
            await connection.execute(f"DROP TABLE {table} CASCADE")
        await connection.execute(
            """CREATE SCHEMA hall;
               CREATE TABLE hall.event (id bigint, what text NOT NULL DEFAULT 'concert'
                   CHECK (what <> ''), PRIMARY KEY (id)) PARTITION BY RANGE (id);
               CREATE INDEX event_what ON hall.event (what);
               CREATE TABLE hall.event_default PARTITION OF hall.event DEFAULT;
               ALTER TABLE hall.event_default SET (fillfactor = 60)"""
        )
        yield connection


async def events(hall: asyncpg.Connection, part: str = "event") -> list[int]:
    """Numbers of a part's events."""
    return [row[0] for row in await hall.fetch(f"SELECT id FROM hall.{part} ORDER BY id")]


async def hold(hall: asyncpg.Connection, *numbers: int) -> None:
    """Let events happen."""
    await hall.executemany("INSERT INTO hall.event (id) VALUES ($1)", [(n,) for n in numbers])


async def parts(hall: asyncpg.Connection) -> list[str]:
    """Names of the partitions beside the rest."""
    (table,) = await service.tables(hall)
    return [partition.name for partition in table.partitions]


async def test_the_running_month_and_two_more_are_made_once(hall: asyncpg.Connection) -> None:
    made = await service.ensure(hall, TODAY)
    assert made == ["hall.event_2026_07", "hall.event_2026_08", "hall.event_2026_09"]
    assert await service.ensure(hall, TODAY) == []
    assert await service.ensure(hall, date(2026, 8, 1)) == ["hall.event_2026_10"]
    assert await parts(hall) == [f"event_2026_{month:02}" for month in range(7, 11)]


async def test_a_row_lies_in_the_month_of_its_number_from_the_first_to_the_last(
    hall: asyncpg.Connection,
) -> None:
    await service.ensure(hall, TODAY)
    await hold(hall, JULY.first, JULY.end - 1, AUGUST.first)
    assert await events(hall, "event_2026_07") == [JULY.first, JULY.end - 1]
    assert await events(hall, "event_2026_08") == [AUGUST.first]


async def test_a_missing_month_refuses_nothing_and_takes_over_what_came_before_it(
    hall: asyncpg.Connection,
) -> None:
    before = JULY.first - 1
    await hold(hall, before, JULY.first, JULY.first + 5)
    assert len(await events(hall, "event_default")) == 3
    await service.ensure(hall, TODAY)
    assert await events(hall, "event_default") == [before]
    assert await events(hall, "event_2026_07") == [JULY.first, JULY.first + 5]
    assert await events(hall) == [before, JULY.first, JULY.first + 5]


async def test_a_month_is_kept_as_the_rest_is_and_its_indexes_are_called_as_the_tables(
    hall: asyncpg.Connection,
) -> None:
    await service.ensure(hall, TODAY)
    kept = await hall.fetchval(
        "SELECT reloptions FROM pg_class WHERE oid = 'hall.event_2026_07'::regclass"
    )
    assert kept == ["fillfactor=60"]
    names = await hall.fetch(
        "SELECT indexrelid::regclass::text FROM pg_index"
        " WHERE indrelid = 'hall.event_2026_07'::regclass"
    )
    assert {row[0] for row in names} == {"hall.event_2026_07_pkey", "hall.event_2026_07_what"}
    with pytest.raises(asyncpg.CheckViolationError):
        await hall.execute("INSERT INTO hall.event VALUES ($1, '')", JULY.first)


async def test_many_may_make_months_at_once(hall: asyncpg.Connection, database: Database) -> None:
    async def one() -> list[str]:
        async with database.owner() as connection:
            return await service.ensure(connection, TODAY)

    made = await asyncio.gather(*(one() for _ in range(4)))
    assert sorted(name for names in made for name in names) == [
        f"hall.event_2026_{month:02}" for month in (7, 8, 9)
    ]


async def test_a_month_waits_for_who_uses_the_rest_and_is_made_afterwards(
    hall: asyncpg.Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PAUSE", 0.01)
    async with database.owner() as other:
        using = other.transaction()
        await using.start()
        await hold(other, JULY.first)
        making = asyncio.create_task(service.ensure(hall, TODAY))
        await until_waiting(other)
        await hold(other, JULY.first + 1)  # whoever is at work goes on
        await using.commit()
        assert len(await making) == 3
    assert await events(hall, "event_2026_07") == [JULY.first, JULY.first + 1]


async def test_a_table_that_cannot_be_had_is_told_and_what_was_made_stays(
    hall: asyncpg.Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_TRIES", 2)
    monkeypatch.setattr(service, "_PAUSE", 0.0)
    await service.make(hall, [JULY])
    async with database.owner() as other, other.transaction():
        await other.execute("LOCK TABLE hall.event_default IN ACCESS SHARE MODE")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await service.ensure(hall, TODAY)
    assert await parts(hall) == ["event_2026_07"]


async def test_a_missing_month_is_told_until_it_is_made(hall: asyncpg.Connection) -> None:
    today = await hall.fetchval("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date")
    assert await service.missing(hall) == 1.0
    await service.make(hall, [Month.of(today)])
    assert await service.missing(hall) == 1.0
    await service.make(hall, [Month.of(today).later()])
    assert await service.missing(hall) == 0.0


async def until_waiting(connection: asyncpg.Connection) -> None:
    """Until somebody waits for a lock."""
    async with asyncio.timeout(10):
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not await connection.fetchval(waiting):  # noqa: ASYNC110 - the database sets no event
            await asyncio.sleep(0.005)
