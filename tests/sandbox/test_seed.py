"""The seeded state: kept once, put back whole."""

from pathlib import Path
from typing import Any

import pytest

from tests.settlement.builders import town as laid_out
from yibao.platform.database import Database
from yibao.sandbox.store.seed import NoSeed, keep_seed, put_back

TABLES = (
    "registry.identity",
    "registry.membership",
    "registry.institution",
    "registry.version",
    "registry.item",
    "settlement.visit",
    "platform.message",
    "ledger.entry",
)


async def contents(database: Database) -> dict[str, list[Any]]:
    found = {}
    async with database.owner() as connection:
        for table in TABLES:
            found[table] = await connection.fetch(
                f"SELECT row::text FROM {table} AS row ORDER BY 1"
            )
    return found


async def test_everything_comes_back_and_the_world_goes_on(
    database: Database, tmp_path: Path
) -> None:
    async with laid_out(database) as town:
        first = await town.insure(account="10")
        await keep_seed(database, tmp_path / "seed")
        before = await contents(database)
        await town.open_visit(await town.insure())
        async with database.owner() as connection:
            await connection.execute("DELETE FROM registry.item")
        assert await contents(database) != before
        await put_back(database, tmp_path / "seed")
        assert await contents(database) == before
        assert await town.balance(first) == 1000
        await town.open_visit(first)


async def test_without_a_seed_nothing_is_touched(database: Database, tmp_path: Path) -> None:
    async with laid_out(database):
        before = await contents(database)
        with pytest.raises(NoSeed):
            await put_back(database, tmp_path / "seed")
        assert await contents(database) == before


async def test_the_seed_is_for_its_owner_alone(database: Database, tmp_path: Path) -> None:
    await keep_seed(database, tmp_path / "seed")
    assert (tmp_path / "seed").stat().st_mode & 0o077 == 0
