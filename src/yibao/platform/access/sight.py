"""Which people a piece of work has looked at, noticed where their names are opened.

Whoever answers somebody (a call, a page, a command) does so ``with watching()``; the registry says
``saw`` wherever it opens who a person is. So no way of asking can be forgotten. Work that is done
for several callers at once (batches) runs in tasks of its own and is nobody's sight.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from yibao.kernel.areas import Pool
from yibao.platform.access.model import Seen, ViewerKind

LIMIT = 1_000
"""People of one piece of work that are told one by one; a longer list ends with a row that says
nobody's name."""


@dataclass(slots=True)
class Sight:
    """The people seen so far, each human once."""

    task: Any
    humans: dict[int | tuple[Pool, str], Seen] = field(default_factory=dict)
    """By identity; by pool and number where the registry was not asked who it is."""
    who: str | None = None
    """Who has signed in meanwhile."""
    kind: ViewerKind = ViewerKind.CLERK
    overflowed: bool = False

    @property
    def people(self) -> list[Seen]:
        """What the record is to tell."""
        return [*self.humans.values(), *([Seen()] if self.overflowed else [])]


_sight: ContextVar[Sight | None] = ContextVar("sight", default=None)


@contextmanager
def watching() -> Iterator[Sight]:
    """The people whom the body's own task sees."""
    sight = Sight(_task())
    token = _sight.set(sight)
    try:
        yield sight
    finally:
        _sight.reset(token)


def saw(identity: int, pool: Pool, member: str) -> None:
    """Somebody is being shown who a human is."""
    _add(identity, Seen(identity, member, pool))


def saw_number(pool: Pool, member: str) -> None:
    """Somebody is being shown what concerns a member, without the name."""
    _add((pool, member), Seen(None, member, pool))


def _add(key: int | tuple[Pool, str], seen: Seen) -> None:
    sight = _sight.get()
    if sight is None or key in sight.humans or sight.task is not _task():
        return
    if len(sight.humans) >= LIMIT:
        sight.overflowed = True
        return
    sight.humans[key] = seen


def known_as(kind: ViewerKind, who: str) -> None:
    """The work is done for a signed-in clerk or person."""
    sight = _sight.get()
    if sight is not None:
        sight.kind, sight.who = kind, who


def _task() -> Any:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop: a command that has not begun to talk to the database
        return None
