"""Files are made once, for all who ask, and kept while there is room."""

import asyncio

import pytest

from yibao.gateway.made_files import MadeFiles


class Workshop:
    """Makes files and counts how often; ``opens`` lets it finish."""

    def __init__(self, content: bytes = b"list") -> None:
        self.content = content
        self.made = 0
        self.opens = asyncio.Event()

    async def make(self) -> bytes:
        self.made += 1
        await self.opens.wait()
        return self.content


async def test_who_asks_while_a_file_is_made_waits_for_it() -> None:
    files, workshop = MadeFiles(), Workshop()
    one = asyncio.create_task(files.get("1301", workshop.make))
    other = asyncio.create_task(files.get("1301", workshop.make))
    await asyncio.sleep(0)
    one.cancel()
    workshop.opens.set()
    assert await other == b"list"
    assert await files.get("1301", workshop.make) == b"list"
    assert workshop.made == 1


async def test_a_file_that_failed_is_tried_again() -> None:
    files, workshop = MadeFiles(), Workshop()
    workshop.opens.set()

    async def fail() -> bytes:
        raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        await files.get("1301", fail)
    assert await files.get("1301", workshop.make) == b"list"


async def test_what_was_asked_for_least_lately_makes_room() -> None:
    files, workshop = MadeFiles(kept_bytes=10), Workshop(b"four")
    workshop.opens.set()
    for name in ("1301", "1302", "1301", "1303"):
        await files.get(name, workshop.make)
    assert workshop.made == 3
    await files.get("1301", workshop.make)
    assert workshop.made == 3
    await files.get("1302", workshop.make)
    assert workshop.made == 4
