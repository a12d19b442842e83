"""How the supervisor tells the server's processes that it is about to end: by a small file.

First the server is *leaving*: not ready any more, yet every call is still served, so that a load
balancer can notice and send the next ones elsewhere. Then it is *closing*: calls are answered "not
accepted, nothing done", while those that were accepted go on to their end. A file and no signal,
because a process that is started in the middle of it must see it too.
"""

import asyncio
import enum
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

STOPPING_VARIABLE = "YIBAO_STOPPING"
"""Names the file; ``yibao serve`` sets it."""

LOOK_SECONDS = 0.1


class Phase(enum.StrEnum):
    """How far the end has come."""

    OPEN = "open"
    LEAVING = "leaving"
    CLOSING = "closing"


class Stopping:
    """The phase as one process knows it."""

    def __init__(self, file: Path | None) -> None:
        """Without a file it is open for good."""
        self._file = file
        self.phase = Phase.OPEN

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Stopping":
        """Going by the file that the supervisor named."""
        named = environment.get(STOPPING_VARIABLE)
        return cls(Path(named) if named else None)

    async def watch(self) -> None:
        """Look at the file as long as the process lives."""
        while self._file is not None:
            with suppress(OSError, ValueError):
                self.phase = Phase(self._file.read_text())
            await asyncio.sleep(LOOK_SECONDS)


def tell(file: Path, phase: Phase) -> None:
    """Let the processes know; whole or not at all."""
    aside = file.with_name(f"{file.name}.{os.getpid()}")
    aside.write_text(phase)
    aside.replace(file)
