"""The books, fresh for each test."""

import pytest

from tests.ledger.builders import Books
from yibao.platform.database import Database


@pytest.fixture
async def books(database: Database) -> Books:
    """Empty books of a migrated database."""
    return Books(database, await database.numbers())
