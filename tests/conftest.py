"""One embedded PostgreSQL for a test session, and a fresh migrated database for each test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import structlog
from hypothesis import settings

from yibao.platform.database import Database
from yibao.platform.migrations import migrate
from yibao.platform.postgres import EmbeddedPostgres

# how long an example takes says what else the machine does
settings.register_profile("yibao", deadline=None)
settings.load_profile("yibao")

TEMPLATE = "template_migrated"
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _own_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that is run here sets up how the whole process logs: into an output that is closed
    when the command has ended. No logger may keep it."""
    configure = structlog.configure

    def uncached(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of the session's server. It does not sync: no test of its data kills it."""
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with EmbeddedPostgres(
        tmp_path_factory.mktemp("postgres"), {**fast, "shared_buffers": "128MB"}
    ) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def migrated_template(postgres: str) -> str:
    """The name of a migrated database that nobody is connected to."""
    in_thread(_execute(postgres, f"CREATE DATABASE {TEMPLATE}"))
    in_thread(migrate(on_database(postgres, TEMPLATE)))
    return TEMPLATE


@pytest.fixture
async def empty_dsn(postgres: str) -> AsyncIterator[str]:
    """The DSN of a database with nothing in it."""
    async with _own_database(postgres, "template0") as dsn:
        yield dsn


@pytest.fixture
async def dsn(postgres: str, migrated_template: str) -> AsyncIterator[str]:
    """The DSN of a fresh migrated database."""
    async with _own_database(postgres, migrated_template) as dsn:
        yield dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A fresh migrated database, opened."""
    opened = await Database.open(dsn)
    yield opened
    await opened.close()


def on_database(dsn: str, name: str) -> str:
    """The same server's DSN for another database."""
    before, after = dsn.rsplit("?", 1)
    return f"{before.rsplit('/', 1)[0]}/{name}?{after}"


def in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine from a synchronous fixture, whether or not a loop is running here."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


@asynccontextmanager
async def _own_database(postgres: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _execute(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield on_database(postgres, name)
    await _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for the server is a database test, marked or not."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)
