"""Bytes by table, as the database tells them."""

import asyncpg
import pytest

from benchmarks import copy_floor
from benchmarks.consumption import stored
from yibao.platform.database import Database

pytestmark = pytest.mark.database


async def test_a_table_grows_by_what_is_written_a_partitioned_one_as_a_whole(
    empty_dsn: str,
) -> None:
    connection = await asyncpg.connect(empty_dsn)
    try:
        await connection.execute(
            """CREATE SCHEMA shop;
               CREATE TABLE shop.till (id bigint PRIMARY KEY, what text) PARTITION BY RANGE (id);
               CREATE TABLE shop.till_one PARTITION OF shop.till FOR VALUES FROM (0) TO (1000);
               CREATE TABLE shop.till_two PARTITION OF shop.till FOR VALUES FROM (1000) TO (9000)"""
        )
        log, sizes = await stored(empty_dsn)
        await connection.execute(
            "INSERT INTO shop.till SELECT n, repeat('x', 1000) FROM generate_series(0, 4999) AS n"
        )
    finally:
        await connection.close()
    later, grown = await stored(empty_dsn)
    assert sizes.keys() == {"shop.till"}
    rows, indexes = grown["shop.till"]
    assert 5_000_000 < rows - sizes["shop.till"][0] < 7_000_000
    assert 0 < indexes - sizes["shop.till"][1] < 500_000
    assert later - log > 5_000_000


@pytest.mark.parametrize("written", [20, 64])
async def test_the_copy_floor_copies_what_was_written_since_and_leaves_nothing(
    database: Database, written: int
) -> None:
    before = await copy_floor.counted(database.dsn)
    async with database.owner() as connection:
        await connection.execute(
            """INSERT INTO platform.outbox (pool, id, kind, payload, recorded_at)
               SELECT '110000', n, 'test', '{}', now() FROM generate_series(1, $1::int) AS n""",
            written,
        )
    floor = await copy_floor.copied(database.dsn, before, written)
    assert (floor.visits, floor.rows_a_visit) == (written, 1.0)
    assert floor.visits_a_second > 0
    async with database.owner() as connection:
        assert await connection.fetchval("SELECT to_regnamespace('floor')") is None
