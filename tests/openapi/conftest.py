"""An app with a key, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.openapi.builders import App
from tests.openapi.builders import app as opened
from tests.settlement.builders import Town


@pytest.fixture
async def app(town: Town) -> AsyncIterator[App]:
    """An app before the REST interface over a small town."""
    async with opened(town) as built:
        yield built
