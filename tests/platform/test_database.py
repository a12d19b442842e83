"""Roles, codecs, the sight of readers, and the numbers of writers."""

import asyncio
import os
import subprocess
import sys
from decimal import Decimal

import asyncpg
import pytest

from yibao.platform.database import Database


async def test_a_writer_and_a_reader_have_their_roles(database: Database) -> None:
    async with database.writer() as writer, database.reader(None) as reader:
        assert await writer.fetchval("SELECT current_user") == "yibao_writer"
        assert await reader.fetchval("SELECT current_user") == "yibao_reader"


async def test_a_role_outlives_a_reset(database: Database) -> None:
    async with database.writer() as writer:
        await writer.execute("RESET ROLE")
        assert await writer.fetchval("SELECT current_user") == "yibao_writer"


async def test_a_reader_may_not_write(database: Database) -> None:
    async with database.reader(None) as reader:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute("UPDATE platform.writer SET given_at = now()")


async def test_jsonb_is_plain_data_without_floats(database: Database) -> None:
    async with database.writer() as writer:
        told = await writer.fetchval("SELECT $1::jsonb", {"名": ["甲", 1, None]})
        assert told == {"名": ["甲", 1, None]}
        assert await writer.fetchval("""SELECT '{"a": 1.10}'::jsonb""") == {"a": Decimal("1.10")}


async def test_copy_takes_jsonb(database: Database) -> None:
    async with database.owner() as owner:
        await owner.execute("CREATE TABLE fact (body jsonb)")
        await owner.copy_records_to_table("fact", records=[({"a": "甲"},)])
        assert await owner.fetchval("SELECT body FROM fact") == {"a": "甲"}


_ASK_URGENTLY = """
import asyncio, os, sys
from yibao.platform.database import Database

async def ask():
    database = Database(sys.argv[1], None, None)
    for urgent in (True, False):
        async with database.owner(urgent=urgent) as owner:
            print(os.getpriority(os.PRIO_PROCESS, owner.get_server_pid()))

os.nice(5)
asyncio.run(ask())
"""


async def test_what_is_urgent_is_not_held_up_by_a_process_that_gives_way(
    database: Database,
) -> None:
    asking = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ASK_URGENTLY, database.dsn, stdout=subprocess.PIPE
    )
    told, _ = await asking.communicate()
    async with database.owner() as owner:
        usual = os.getpriority(os.PRIO_PROCESS, owner.get_server_pid())
    urgent, lowered = map(int, told.split())
    assert urgent == usual < lowered


@pytest.mark.parametrize(
    ("institutions", "seen"),
    [
        (["H00000000001"], [1]),
        (["H00000000001", "H00000000002"], [1, 2]),
        ([], []),
        (None, [1, 2, 3]),
    ],
)
async def test_a_reader_sees_the_rows_of_its_institutions(
    database: Database, institutions: list[str] | None, seen: list[int]
) -> None:
    await _make_guarded_table(database)
    async with database.reader(institutions) as reader:
        rows = await reader.fetch("SELECT number FROM bill ORDER BY number")
        assert [row["number"] for row in rows] == seen


async def test_the_next_borrower_does_not_inherit_sight(dsn: str) -> None:
    database = await Database.open(dsn, readers=1)
    await _make_guarded_table(database)
    async with database.reader(None) as reader:
        assert await reader.fetchval("SELECT count(*) FROM bill") == 3
    async with database.reader(["H00000000003"]) as reader:
        assert await reader.fetchval("SELECT count(*) FROM bill") == 1
    await database.close()


async def test_a_reading_connection_without_sight_sees_nothing(
    database: Database, dsn: str
) -> None:
    await _make_guarded_table(database)
    connection = await asyncpg.connect(dsn, server_settings={"role": "yibao_reader"})
    assert await connection.fetchval("SELECT count(*) FROM bill") == 0
    await connection.close()


async def test_a_star_is_no_institution_code(database: Database) -> None:
    with pytest.raises(ValueError, match="not institution codes"):
        async with database.reader(["*"]):
            pass


async def test_an_unfinished_transaction_does_not_reach_the_next_borrower(dsn: str) -> None:
    database = await Database.open(dsn, writers=1)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with database.writer() as writer:
        await writer.execute("BEGIN")
    async with database.writer() as writer:
        assert not writer.is_in_transaction()
    await database.close()


async def test_a_writer_plans_what_it_asks_with_arrays_once(database: Database) -> None:
    asked = "SELECT name FROM registry.pool WHERE code = ANY ($1::text[])"
    async with database.writer() as writer:
        for _ in range(7):
            assert await writer.fetch(asked, ["999999"]) == []
        planned = await writer.fetchrow(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement = $1",
            asked,
        )
    assert planned is not None
    assert tuple(planned) == (0, 7)


async def test_two_processes_never_share_a_writer_number(dsn: str) -> None:
    databases = [await Database.open(dsn, writers=1, readers=1) for _ in range(5)]
    sources = [await database.numbers() for database in databases]
    assert len({source._writer for source in sources}) == 5
    for database in databases:
        await database.close()


async def test_a_number_rests_before_it_is_given_again(dsn: str) -> None:
    first = await Database.open(dsn)
    used = (await first.numbers())._writer
    await first.close()
    second = await Database.open(dsn)
    assert (await second.numbers())._writer != used
    await second.close()


async def test_a_broken_lease_is_taken_up_again(dsn: str) -> None:
    database = await Database.open(dsn)
    number = (await database.numbers())._writer
    lock = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted"
    async with database.owner() as owner:
        holder = await owner.fetchval(lock, number)
        await owner.execute("SELECT pg_terminate_backend($1, 5000)", holder)
        for _ in range(200):
            if await owner.fetchval(lock, number) not in {None, holder}:
                break
            await asyncio.sleep(0.05)
        assert await owner.fetchval(lock, number) not in {None, holder}
    await database.close()


async def _make_guarded_table(database: Database) -> None:
    async with database.owner() as owner:
        await owner.execute(
            """CREATE TABLE bill AS SELECT n AS number, 'H0000000000' || n AS institution
                   FROM generate_series(1, 3) n;
               ALTER TABLE bill ENABLE ROW LEVEL SECURITY;
               CREATE POLICY sight ON bill TO yibao_reader
                   USING (platform.may_see(institution));
               GRANT SELECT ON bill TO yibao_reader"""
        )


NICE = 7
_ASK_AS_ONE_WHO_STEPS_BACK = f"""
import asyncio, os, pathlib, sys
from yibao.platform.database import Database

async def ask():
    database = await Database.open(sys.argv[1], writers=1, readers=1)
    async with database.writer() as writer, database.owner() as owner:
        for connection in (writer, owner):
            process = connection.get_server_pid()
            session = pathlib.Path(f"/proc/{{process}}/autogroup")
            nice = os.getpriority(os.PRIO_PROCESS, process)
            print(nice)
            print(session.read_text().split()[-1] if session.exists() else nice)
            print(await connection.fetchval("SHOW max_parallel_workers_per_gather"))
    await database.close()

os.nice({NICE})
asyncio.run(ask())
"""


async def test_the_database_works_for_a_nice_process_as_nicely(database: Database) -> None:
    asking = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ASK_AS_ONE_WHO_STEPS_BACK, database.dsn, stdout=subprocess.PIPE
    )
    told, _ = await asking.communicate()
    nice = str(os.getpriority(os.PRIO_PROCESS, 0) + NICE).encode()
    assert told.split() == [nice, nice, b"0"] * 2  # itself, its session, its helpers
