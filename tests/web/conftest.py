"""A sandbox, fresh for each test, with its door closed or open."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.builders import counter as opened
from tests.settlement.builders import Town
from tests.web.builders import Sandbox
from tests.web.builders import sandbox as built


@pytest.fixture
async def sandbox(town: Town, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox whose door is closed."""
    async with (
        opened(town) as counter,
        built(counter, tmp_path) as ready,
    ):
        yield ready
