"""Who waits, by pool, and whose turn it is: one batch after the other, the pools in turn.

Every batch pays the same round trips, whatever its size. Two of them side by side in one process
gain nothing, since the process has one interpreter, and are half as large. Only a batch that is
held up, because somebody else has locked what it needs, does not hold up the other pools.

After a batch of several the process rests as long as the batch took, unless the next one is worth
its round trips by then: where many call, those who come meanwhile share one (decision 0025). Who
calls alone never waits.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from yibao.kernel.areas import Pool

HELD_UP_SECONDS = 0.25
"""A batch that takes longer is waiting for somebody: the next pool goes on beside it."""

LONGEST_REST = 0.02
"""Seconds that somebody waits at most for others to share a batch with."""
PLENTY = 32
"""So many who wait, in all pools together, are worth a batch at once."""

T = TypeVar("T")


class Turns(Generic[T]):
    """The queues of all pools for one kind of work."""

    def __init__(self, run: Callable[[Pool, deque[T]], Awaitable[int]]) -> None:
        """``run`` takes a batch from a pool's queue, at least one of it, does it, and tells how
        many it took."""
        self._run = run
        self._waiting: dict[Pool, deque[T]] = {}
        self._row: deque[Pool] = deque()
        """Pools with somebody waiting, but for those whose batch is under way."""
        self._begun: dict[Pool, float] = {}
        """Since when a batch is under way."""
        self._rests_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._looks_at = 0.0

    def add(self, pool: Pool, one: T) -> None:
        """Somebody waits."""
        waiting = self._waiting.setdefault(pool, deque())
        if not waiting and pool not in self._begun:
            self._row.append(pool)
        waiting.append(one)
        self._begin()

    def _begin(self) -> None:
        """Begin a batch unless it is to wait: then look again later."""
        while self._row:
            pause = self._pause()
            if pause > 0:
                self._look_again_in(pause)
                return
            task = asyncio.create_task(self._serve(self._next()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _pause(self) -> float:
        """Seconds until the next batch may begin: one is under way, or the process rests."""
        now = time.monotonic()
        pause = max(self._begun.values(), default=-math.inf) + HELD_UP_SECONDS - now
        if pause <= 0 and self.waiting() < PLENTY:
            pause = self._rests_until - now
        return pause

    def _look_again_in(self, seconds: float) -> None:
        due = time.monotonic() + seconds
        if self._looking is not None:
            if self._looks_at <= due:
                return
            self._looking.cancel()
        self._looks_at = due
        self._looking = asyncio.get_running_loop().call_later(seconds, self._look_again)

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
        while self._tasks or self._row:
            self._rests_until = 0.0
            self._begin()
            await asyncio.wait(self._tasks)

    def _next(self) -> Pool:
        pool = self._row.popleft()
        self._begun[pool] = time.monotonic()
        return pool

    async def _serve(self, pool: Pool) -> None:
        taken = 0
        try:
            taken = await self._run(pool, self._waiting[pool])
        finally:
            ended, began = time.monotonic(), self._begun.pop(pool)
            if taken > 1:
                self._rests_until = ended + min(ended - began, LONGEST_REST)
            if self._waiting[pool]:
                self._row.append(pool)
            self._begin()
