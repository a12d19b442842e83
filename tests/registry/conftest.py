"""A vault and a writing connection inside an open transaction."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from yibao.platform.crypto import Vault
from yibao.platform.database import Database


@pytest.fixture(scope="session")
def vault() -> Vault:
    """Sealing with a key of the tests."""
    return Vault(b"k" * 32)


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the writer role; each test opens its own transactions where it needs them."""
    async with database.writer() as connection:
        yield connection
