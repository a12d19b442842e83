"""The counter, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.builders import Counter
from tests.gateway.builders import counter as opened
from tests.settlement.builders import Town


@pytest.fixture
async def counter(town: Town) -> AsyncIterator[Counter]:
    """A hospital's counter before a gateway over a small town."""
    async with opened(town) as built:
        yield built
