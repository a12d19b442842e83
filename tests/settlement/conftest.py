"""The town, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.settlement.builders import Town
from tests.settlement.builders import town as laid_out
from yibao.platform.database import Database


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """One pool with institutions, items and the room over it."""
    async with laid_out(database) as built:
        yield built
