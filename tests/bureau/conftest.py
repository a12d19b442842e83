"""A town with a bureau, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.bureau.builders import Bureau
from tests.settlement.builders import Town, laws_of_beijing
from yibao.bureau import service
from yibao.bureau.model import Office
from yibao.platform.commands.service import Commands
from yibao.registry.service import ReferenceCache


@pytest.fixture
async def bureau(town: Town) -> AsyncIterator[Bureau]:
    """Two clerks at work in the town."""
    office = Office(ReferenceCache(town.vault, laws_of_beijing()), town.vault, town.room)
    commands = Commands(town.database.writer, town.clock, town.numbers, service.handlers(office))
    yield Bureau(town, commands, office)
    await commands.drain()
