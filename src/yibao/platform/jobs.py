"""What the server does now and then by itself, beside its calls: one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from yibao.platform import metrics
from yibao.platform.clock import Clock
from yibao.platform.database import Database

if TYPE_CHECKING:
    from asyncpg import Connection

Job = Callable[["Connection[Any]", datetime], Awaitable[int]]
"""Does its work at an instant, with all rights, in a transaction of its own; says how many rows it
was."""

Errand = Callable[[datetime], Awaitable[int]]
"""Work that is commands of its own, each in its own transaction; says how many it was."""

HOUR = 3600.0
HOUSEKEEPING, ARCHIVING = 2, 3
"""Among the works that ``Database`` does one process at a time."""

log = structlog.get_logger()


class Housekeeping:
    """Runs jobs at the start and then every so often, as long as the process lives."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jobs: Mapping[str, Job],
        *,
        errands: Mapping[str, Errand] | None = None,
        every: float = HOUR,
        work: int = HOUSEKEEPING,
    ) -> None:
        """``every`` is in real seconds; the instant that the jobs go by is the clock's.

        ``work``: which of the works that one process does at a time; what takes hours is another.
        """
        self._work = work
        self._errands = errands or {}
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; nobody waits for it."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Break off; what was under way is rolled back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> Mapping[str, int] | None:
        """Do all jobs now: rows by job; None when another process is at it.

        One that fails keeps none of the others from being done, and is missing from the answer.
        """
        async with self._database.owner_alone(self._work) as connection:
            if connection is None:
                return None
            now = self._clock.now()
            # errands first: the jobs' transaction locks nothing yet that they could wait for
            done: dict[str, int] = {}
            for name, errand in self._errands.items():
                with _noting_failure(name):
                    done[name] = await errand(now)
            for name, job in self._jobs.items():
                with _noting_failure(name):
                    async with connection.transaction():
                        done[name] = await job(connection, now)
            return done

    async def _go_on(self) -> None:
        while True:
            try:
                done = await self.once()
            except Exception as error:  # noqa: BLE001 - it is tried again, the server goes on
                _failed("all", error)
            else:
                if done and any(done.values()):
                    log.info("housekeeping", **done)
            await asyncio.sleep(self._every)


@contextmanager
def _noting_failure(job: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - it is tried again, and the others are done
        _failed(job, error)


def _failed(job: str, error: Exception) -> None:
    log.warning("housekeeping_failed", job=job, error=repr(error))
    metrics.jobs_failed.inc()
