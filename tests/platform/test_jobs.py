"""What the server does by itself: by the clock, one process at a time, and never its end."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from yibao.platform.clock import SettableClock
from yibao.platform.database import Database
from yibao.platform.jobs import Housekeeping

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)


@pytest.fixture
async def shelf(database: Database) -> Database:
    """A database with a shelf of two things: one is good for a day, one for a month."""
    async with database.owner() as connection:
        await connection.execute("CREATE TABLE thing (expires_at timestamptz)")
        for days in (1, 30):
            await connection.execute("INSERT INTO thing VALUES ($1)", NOW + timedelta(days=days))
    return database


async def throw_away(connection: Any, now: datetime) -> int:
    """Remove what has expired."""
    status: str = await connection.execute("DELETE FROM thing WHERE expires_at <= $1", now)
    return int(status.rsplit(" ", 1)[1])


async def left(shelf: Database) -> int:
    async with shelf.owner() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM thing"))


async def until_left(shelf: Database, wanted: int) -> None:
    """Wait until so many things are left."""
    async with asyncio.timeout(10):
        while await left(shelf) != wanted:  # noqa: ASYNC110 - the database sets no event
            await asyncio.sleep(0.02)


async def test_jobs_go_by_the_clock(shelf: Database) -> None:
    clock = SettableClock(NOW)
    housekeeping = Housekeeping(shelf, clock, {"things": throw_away})
    assert await housekeeping.once() == {"things": 0}
    clock.move(timedelta(days=1))
    assert await housekeeping.once() == {"things": 1}
    clock.move(timedelta(days=29))
    assert await housekeeping.once() == {"things": 1}
    assert await left(shelf) == 0


async def test_they_are_done_at_the_start_and_again_and_again(shelf: Database) -> None:
    clock = SettableClock(NOW + timedelta(days=1))
    housekeeping = Housekeeping(shelf, clock, {"things": throw_away}, every=0.05)
    housekeeping.start()
    try:
        await until_left(shelf, 1)
        clock.move(timedelta(days=29))
        await until_left(shelf, 0)
    finally:
        await housekeeping.stop()


async def test_nothing_is_done_while_another_process_is_at_it(shelf: Database) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    async def take_long(_connection: Any, _now: datetime) -> int:
        begun.set()
        await finish.wait()
        return 0

    clock = SettableClock(NOW + timedelta(days=1))
    other = asyncio.create_task(Housekeeping(shelf, clock, {"long": take_long}).once())
    await begun.wait()
    mine = Housekeeping(shelf, clock, {"things": throw_away})
    assert await mine.once() is None
    assert await left(shelf) == 2
    finish.set()
    assert await other == {"long": 0}
    assert await mine.once() == {"things": 1}


async def test_a_job_that_fails_is_tried_again(shelf: Database) -> None:
    tried = 0

    async def fail_once(connection: Any, now: datetime) -> int:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise OSError("the disk is full")
        return await throw_away(connection, now)

    clock = SettableClock(NOW + timedelta(days=1))
    housekeeping = Housekeeping(shelf, clock, {"things": fail_once}, every=0.05)
    housekeeping.start()
    try:
        await until_left(shelf, 1)
    finally:
        await housekeeping.stop()
    assert tried > 1


async def test_a_job_that_fails_leaves_nothing_and_keeps_no_other_from_its_work(
    shelf: Database,
) -> None:
    async def throw_all_away(connection: Any, _now: datetime) -> int:
        await connection.execute("DELETE FROM thing")
        await connection.execute("SELECT 1 / 0")
        return 2

    async def lose_the_way(_now: datetime) -> int:
        raise OSError("nobody answers")

    clock = SettableClock(NOW + timedelta(days=1))
    housekeeping = Housekeeping(
        shelf,
        clock,
        {"all": throw_all_away, "things": throw_away},
        errands={"errand": lose_the_way},
    )
    assert await housekeeping.once() == {"things": 1}
    assert await left(shelf) == 1


async def test_what_was_under_way_at_the_end_is_undone(shelf: Database) -> None:
    removed = asyncio.Event()

    async def never_end(connection: Any, now: datetime) -> int:
        await throw_away(connection, now)
        removed.set()
        await asyncio.Event().wait()
        return 0

    clock = SettableClock(NOW + timedelta(days=1))
    housekeeping = Housekeeping(shelf, clock, {"things": never_end})
    housekeeping.start()
    await removed.wait()
    await housekeeping.stop()
    assert await left(shelf) == 2
