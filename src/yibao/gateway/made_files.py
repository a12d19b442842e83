"""Files that are costly to make and the same for everybody: made once, kept while asked for."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

KEPT_BYTES = 16 * 1024 * 1024
"""The catalogue's lists come to 2 MB, packed."""


class MadeFiles:
    """The files of one process, those asked for last."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The file of a name; while it is being made, whoever else asks waits for the same."""
        content = self._kept.get(name)
        if content is not None:
            self._kept.move_to_end(name)
            return content
        making = self._making.get(name)
        if making is None:
            making = self._making[name] = asyncio.create_task(self._make(name, make))
        return await asyncio.shield(making)  # one who hangs up does not take it from the others

    async def _make(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            content = self._kept[name] = await make()
        finally:
            del self._making[name]
        while sum(map(len, self._kept.values())) > self._kept_bytes:
            self._kept.popitem(last=False)
        return content
