"""A room made for these tests: a wish publishes a fact, fails, is refused, or takes its time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.clock import SettableClock
from yibao.platform.commands.model import Command, Done, MessageKey, Outcome, Unit
from yibao.platform.commands.service import Commands
from yibao.platform.database import Database

POOL = Pool("110000")
_messages = count()


@dataclass(frozen=True)
class Wish:
    """What the test's room is asked for."""

    publish: int | None = None
    fault: bool = False
    refuse: bool = False
    seconds: float = 0


@dataclass
class Room:
    """Runs wishes and remembers in which batches they came."""

    batches: list[list[str]]

    async def handle(self, unit: Unit, wishes: Sequence[Command]) -> list[Outcome]:
        """One outcome a wish."""
        self.batches.append([command.subject for command in wishes])
        await asyncio.sleep(max(command.request.seconds for command in wishes))
        return [self._outcome(unit, command) for command in wishes]

    @staticmethod
    def _outcome(unit: Unit, command: Command) -> Outcome:
        request: Wish = command.request
        if request.fault:
            raise RuntimeError("a fault of ours")
        if request.refuse:
            return Refusal(RefusalCode.NOT_ENROLLED, "未参保")
        if request.publish is not None:
            unit.outbox.append(("wished", {"n": request.publish}))
        return Done(command.subject, {"subject": command.subject})


def wish(
    subject: str, *, message: str | None = None, digest: bytes = b"d", **wanted: Any
) -> Command:
    """A command about a subject."""
    key = MessageKey("H11000000001", "2207", message or f"M{next(_messages)}")
    return Command(POOL, subject, key, digest, Wish(**wanted))


async def commands(
    database: Database,
    room: Room | None = None,
    writer: Callable[[], AbstractAsyncContextManager[Any]] | None = None,
) -> Commands:
    """Commands over the room."""
    clock = SettableClock(datetime(2026, 7, 1, tzinfo=UTC))
    return Commands(
        writer or database.writer,
        clock,
        await database.numbers(),
        {Wish: (room or Room([])).handle},
    )


@dataclass
class LosingWriter:
    """A writer whose connections break when they are told to."""

    database: Database
    lose_after_commit: int = 0
    lose_before: int = 0
    loss: type[Exception] = ConnectionResetError

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        """Borrow a connection; break the wire at the agreed moment."""
        if self.lose_before:
            self.lose_before -= 1
            raise self.loss("the database is away")
        async with self.database.writer() as connection:
            yield connection
        if self.lose_after_commit:
            self.lose_after_commit -= 1
            raise ConnectionResetError("the answer to the commit was lost")
