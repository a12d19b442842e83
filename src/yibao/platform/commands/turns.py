"""Who waits, by pool, and whose turn it is: one batch after the other, the pools in turn.

Every batch pays the same round trips, whatever its size. Two of them side by side in one process
gain nothing, since the process has one interpreter, and are half as large. Only a batch that is
held up, because somebody else has locked what it needs, does not hold up the other pools.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from yibao.kernel.areas import Pool

HELD_UP_SECONDS = 0.25
"""A batch that takes longer is waiting for somebody: the next pool goes on beside it."""

T = TypeVar("T")


class Turns(Generic[T]):
    """The queues of all pools for one kind of work."""

    def __init__(self, run: Callable[[Pool, deque[T]], Awaitable[None]]) -> None:
        """``run`` takes a batch from a pool's queue, at least one of it, and does it."""
        self._run = run
        self._waiting: dict[Pool, deque[T]] = {}
        self._row: deque[Pool] = deque()
        """Pools with somebody waiting, but for those whose batch is under way."""
        self._begun: dict[Pool, float] = {}
        """Since when a batch is under way."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.TimerHandle | None = None

    def add(self, pool: Pool, one: T) -> None:
        """Somebody waits."""
        waiting = self._waiting.setdefault(pool, deque())
        if not waiting and pool not in self._begun:
            self._row.append(pool)
        waiting.append(one)
        self._begin()

    def _begin(self) -> None:
        """Begin a batch unless one is under way that is not held up; then look again later."""
        if not self._row:
            return
        late = time.monotonic() - HELD_UP_SECONDS
        if all(since <= late for since in self._begun.values()):
            task = asyncio.create_task(self._serve(self._next()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif self._looking is None:
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(HELD_UP_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._looking = None
        self._begin()

    def waiting(self, pool: Pool | None = None) -> int:
        """How many wait, in one pool or in all."""
        if pool is None:
            return sum(map(len, self._waiting.values()))
        return len(self._waiting.get(pool, ()))

    async def drain(self) -> None:
        """Wait until nobody waits and nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _next(self) -> Pool:
        pool = self._row.popleft()
        self._begun[pool] = time.monotonic()
        return pool

    async def _serve(self, pool: Pool) -> None:
        while True:
            try:
                await self._run(pool, self._waiting[pool])
            finally:
                del self._begun[pool]
                if self._waiting[pool]:
                    self._row.append(pool)
            if not self._row:
                return
            pool = self._next()
