"""A town with a bureau, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.bureau.builders import Bureau
from tests.settlement.builders import Town, laws_of_beijing
from tests.settlement.builders import town as laid_out
from yibao.bureau import service
from yibao.bureau.model import Office
from yibao.platform.commands.service import Commands
from yibao.platform.database import Database
from yibao.registry.service import ReferenceCache


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """One pool with institutions, items and the room over it."""
    async with laid_out(database) as built:
        yield built


@pytest.fixture
async def bureau(town: Town) -> AsyncIterator[Bureau]:
    """Two clerks at work in the town."""
    office = Office(ReferenceCache(town.vault, laws_of_beijing()), town.vault, town.room)
    commands = Commands(town.database.writer, town.clock, town.numbers, service.handlers(office))
    yield Bureau(town, commands, office)
    await commands.drain()
