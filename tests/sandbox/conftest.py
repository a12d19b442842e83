"""One small filled world for the tests that only look at it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import in_thread, on_database
from tests.sandbox.builders import NOW, VAULT
from yibao.platform.database import Database
from yibao.sandbox.world import fill

EACH = 120
WORLD = "small_world"


@pytest.fixture(scope="session")
def world_dsn(postgres: str, migrated_template: str) -> str:
    """The DSN of a database with a small world in it. Tests change nothing there."""

    async def make() -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(f"CREATE DATABASE {WORLD} TEMPLATE {migrated_template}")
        await connection.close()
        database = await Database.open(on_database(postgres, WORLD))
        await fill(database, VAULT, NOW, persons_each=EACH)
        await database.close()

    in_thread(make())
    return on_database(postgres, WORLD)


@pytest.fixture
async def world(world_dsn: str) -> AsyncIterator[Database]:
    """The small world, opened."""
    database = await Database.open(world_dsn)
    yield database
    await database.close()
