"""A bureau with one pool, its laws and institutions, and nobody in it."""

from pathlib import Path

import pytest

from tests.loading.builders import Bureau
from tests.settlement.builders import Town, laws_of_beijing
from yibao.registry.service import ReferenceCache


@pytest.fixture
async def bureau(town: Town, tmp_path: Path) -> Bureau:
    """The town's bureau."""
    async with town.database.writer() as connection:  # the town has counted versions by hand
        await connection.execute("SELECT nextval('registry.version_number')")
    references = ReferenceCache(town.vault, laws_of_beijing())
    return Bureau(town.database, town.vault, references, town.clock, tmp_path)
