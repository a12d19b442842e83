"""A shop for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.platform.archive.builders import Shop, shop_of
from yibao.platform.database import Database


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """An empty shop, partitioned by month, and a folder for its archive."""
    async with shop_of(database, tmp_path / "archive") as built:
        yield built
