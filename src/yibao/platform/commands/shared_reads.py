"""Reads that many callers want at once share one read-only snapshot of their pool.

The reading twin of the batcher, for trials: what waits at the same time is answered from one
transaction, so that its round trips are paid once for all.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import structlog

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import Refusal, Refused
from yibao.platform.clock import Clock
from yibao.platform.commands.model import Unit
from yibao.platform.commands.service import BATCH_LIMIT, Writer
from yibao.platform.commands.turns import Turns

Q = TypeVar("Q")
A = TypeVar("A")
_Asked: TypeAlias = "tuple[Q, asyncio.Future[A]]"

log = structlog.get_logger()


class SharedReads(Generic[Q, A]):
    """Answers questions about a pool, up to ``BATCH_LIMIT`` from one snapshot."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        answer: Callable[[Unit, Sequence[Q]], Awaitable[Sequence[A | Refusal]]],
    ) -> None:
        """``answer`` gives one answer or refusal for each question, in order, writing nothing.

        A writer's connection, because a trial reads what a settlement would lock.
        """
        self._writer = writer
        self._clock = clock
        self._answer = answer
        self._turns: Turns[_Asked[Q, A]] = Turns(self._run)

    async def ask(self, pool: Pool, question: Q) -> A:
        """The answer to one question. Raises Refused, or what went wrong."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._turns.add(pool, (question, answer))
        return await answer

    async def _run(self, pool: Pool, waiting: "deque[_Asked[Q, A]]") -> int:
        asked = [waiting.popleft() for _ in range(min(BATCH_LIMIT, len(waiting)))]
        try:
            answers: Sequence[Any] = await self._read(pool, [question for question, _ in asked])
        except Exception as fault:  # noqa: BLE001 - each of them is asked again alone
            # one that was alone already too: a read changes nothing, and a connection may be bad
            log.warning("shared_read_failed", asked=len(asked), error=repr(fault))
            answers = [await self._alone(pool, question) for question, _ in asked]
        for (_, future), answer in zip(asked, answers, strict=True):
            if future.done():  # the caller hung up
                continue
            if isinstance(answer, Refusal):
                future.set_exception(Refused.of(answer))
            elif isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        return len(asked)

    async def _read(self, pool: Pool, questions: Sequence[Q]) -> Sequence[A | Refusal]:
        async with (
            self._writer() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            unit = Unit(pool, connection, self._clock.now(), _NO_NUMBERS)
            return await self._answer(unit, questions)

    async def _alone(self, pool: Pool, question: Q) -> A | Refusal | Exception:
        try:
            return (await self._read(pool, [question]))[0]
        except Exception as fault:  # noqa: BLE001 - handed to the one who asked
            return fault


_NO_NUMBERS = NumberSource(0)
"""A reading unit makes no rows, so it needs no number of its own."""
