"""An app with a key, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.openapi.builders import App
from tests.openapi.builders import app as opened
from tests.settlement.builders import town as laid_out
from yibao.platform.database import Database


@pytest.fixture
async def app(database: Database) -> AsyncIterator[App]:
    """An app before the REST interface over a small town."""
    async with laid_out(database) as town, opened(town) as built:
        yield built
