"""A July to clear, fresh for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.bureau.builders import Bureau
from tests.clearing.builders import Month
from tests.settlement.builders import Town, laws_of_beijing
from yibao.bureau import service
from yibao.bureau.model import Office
from yibao.platform.commands.service import Commands
from yibao.registry.service import ReferenceCache


@pytest.fixture
async def month(town: Town) -> AsyncIterator[Month]:
    """The town, its institutions and its bureau's clerks."""
    office = Office(ReferenceCache(town.vault, laws_of_beijing()), town.vault, town.room)
    commands = Commands(town.database.writer, town.clock, town.numbers, service.handlers(office))
    built = Month(town, Bureau(town, commands, office))
    yield built
    await built.close()
    await commands.drain()
