"""The counter, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.builders import Counter
from tests.gateway.builders import counter as opened
from tests.settlement.builders import town as laid_out
from yibao.platform.database import Database


@pytest.fixture
async def counter(database: Database) -> AsyncIterator[Counter]:
    """A hospital's counter before a gateway over a small town."""
    async with laid_out(database) as town, opened(town) as built:
        yield built
