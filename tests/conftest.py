"""One embedded PostgreSQL for a test session; a fresh migrated database, or town, for each test."""

import asyncio
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from hypothesis import settings

from tests.settlement.builders import Town, found_town, town_of
from tests.world.server import Pristine
from yibao.platform.database import Database
from yibao.platform.migrations import migrate
from yibao.platform.postgres import EmbeddedPostgres

# how long an example takes says what else the machine does
settings.register_profile("yibao", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("yibao")

TEMPLATE, TOWN_TEMPLATE = "template_migrated", "template_town"
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory before a cluster is laid there."""
PLAIN_LOG = [
    *structlog.get_config()["processors"][:-1],
    structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
]
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _own_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that is run here sets up how the whole process logs: into an output that is closed
    when the command has ended. No logger may keep it. Until then faults are told without the values
    around them: to write a book of laws out for one takes a minute."""
    configure = structlog.configure
    configure(processors=list(PLAIN_LOG))

    def uncached(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of the session's server. It does not sync: no test of its data kills it."""
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    small = {"shared_buffers": "128MB", "max_wal_size": "128MB"}
    with (
        _fast_folder(tmp_path_factory) as folder,
        EmbeddedPostgres(folder, fast | small) as dsn,
    ):
        yield dsn


@contextmanager
def _fast_folder(elsewhere: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory if there is room: a database is a thousand files, made for every test."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        with tempfile.TemporaryDirectory(prefix="yibao-tests-", dir=MEMORY) as folder:
            yield Path(folder) / "postgres"
    else:
        yield elsewhere.mktemp("postgres")


@pytest.fixture(scope="session")
def migrated_template(postgres: str) -> str:
    """The name of a migrated database that nobody is connected to."""
    in_thread(_execute(postgres, f"CREATE DATABASE {TEMPLATE}"))
    in_thread(migrate(on_database(postgres, TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def town_template(postgres: str, migrated_template: str) -> str:
    """The name of a database with a founded town in it, that nobody is connected to."""

    async def made() -> None:
        await _execute(postgres, _copied(TOWN_TEMPLATE, migrated_template))
        database = await Database.open(on_database(postgres, TOWN_TEMPLATE))
        await found_town(database)
        await database.close()

    in_thread(made())
    return TOWN_TEMPLATE


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


@pytest.fixture
async def town(postgres: str, town_template: str) -> AsyncIterator[Town]:
    """A town of one's own: a pool with institutions, items and the settlement room over it."""
    async with _own_database(postgres, town_template) as dsn:
        database = await Database.open(dsn)
        async with town_of(database) as built:
            yield built
        await database.close()


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Pristine:
    """A filled sandbox that servers begin with a copy of: filling takes longer than most tests.
    One for all processes that share the tests."""
    folder = tmp_path_factory.getbasetemp()
    return Pristine((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "pristine")


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
    await _execute(postgres, _copied(name, template))
    yield on_database(postgres, name)
    await _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _copied(name: str, template: str) -> str:
    return f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def pytest_collection() -> None:
    """Nothing that is imported becomes garbage: it is not looked through again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nor while the tests run."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever asks for the server is a database test, marked or not. Where several processes share
    the tests, the long ones come first: one of them at the end would leave the others idle."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("system") is None)
