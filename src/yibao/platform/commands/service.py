"""Submit a command and get its one outcome: the batcher, idempotency and the retry of what raced.

Commands of one pool and one handler that wait at the same time share a transaction (up to
``BATCH_LIMIT``): a batch is what has come while others were under way (``turns``). Two
commands of one subject, or with one message key, never share a batch, so that members of a batch
are independent.

A batch that fails is rolled back and its members run singly, so one bad command fails alone. Every
retry is safe, since a message's key is unique: what had been committed is found, not done again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.clock import Clock
from yibao.platform.commands import store
from yibao.platform.commands.model import (
    Command,
    Done,
    Handler,
    Message,
    MessageKey,
    Outcome,
    Unit,
    message_of,
)
from yibao.platform.commands.turns import Turns

if TYPE_CHECKING:
    from asyncpg import Connection

BATCH_LIMIT = 64
"""Most commands in one transaction (decision 0027): beyond it nothing more is gained."""

WAITING_LIMIT = 2_000
"""Beyond this many waiting commands of a pool and handler a new one is turned away as busy."""

ATTEMPTS = 5
"""Tries of a single command that meets another writer, or a lost connection."""


class Overtaken(Exception):  # noqa: N818 - a fact about another process
    """A message that had been refused was decided anew by two at once, and the other was first."""


RACED = (
    Overtaken,
    asyncpg.UniqueViolationError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection ended in the middle of what its driver did
    asyncpg.OperatorInterventionError,
    ConnectionError,
    OSError,
    TimeoutError,
)

log = structlog.get_logger()


class OutcomeUnknown(Exception):  # noqa: N818 - a state of knowledge, not a fault of the caller
    """A commit was sent and its answer was lost, and the database does not answer now.

    The command may or may not have taken effect; the same message id finds out later.
    """


Writer = Callable[[], AbstractAsyncContextManager["Connection[Any]"]]


def observe_nothing(size: int, seconds: float, waited: float, left: int) -> None:
    """The observer of batches that nobody measures."""


@dataclass(slots=True)
class _Waiting:
    command: Command
    outcome: "asyncio.Future[Outcome]"
    since: float


class Commands:
    """The one place that opens and commits transactions for commands."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        numbers: NumberSource,
        handlers: Mapping[type, Handler],
        observe_batch: Callable[[int, float, float, int], None] = observe_nothing,
    ) -> None:
        """``observe_batch`` is told a batch's size, its seconds, how long its first member had
        waited, and how many commands still wait."""
        self._writer = writer
        self._clock = clock
        self._numbers = numbers
        self._handlers = handlers
        self._observe_batch = observe_batch
        self._turns: dict[Handler, Turns[_Waiting]] = {
            handler: Turns(self._run) for handler in handlers.values()
        }

    async def submit(self, command: Command) -> Outcome:
        """Run ``command`` once, ever, and return its outcome; the answer to a repeat is the first.

        Raises OutcomeUnknown when the database was lost with the commit under way.
        """
        turns = self._turns[self._handlers[type(command.request)]]
        if turns.waiting(command.pool) >= WAITING_LIMIT:
            return Refusal(RefusalCode.BUSY, "系统繁忙，本次请求未受理，请用原报文编号稍后重发")
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        turns.add(command.pool, _Waiting(command, outcome, time.perf_counter()))
        # shielded: a caller that hangs up must not cancel a settlement that is being written
        return await asyncio.shield(outcome)

    async def drain(self) -> None:
        """Wait until nothing is under way (at shutdown)."""
        for turns in self._turns.values():
            await turns.drain()

    async def _run(self, pool: Pool, waiting: deque[_Waiting]) -> int:
        members = _take_batch(waiting)
        started = time.perf_counter()
        try:
            outcomes = await self._transact(pool, [member.command for member in members])
        except Exception as failure:  # noqa: BLE001 - whatever it was, each member gets its own try
            if len(members) > 1 and not isinstance(failure, RACED + LOST):
                log.warning("batch_failed", size=len(members), error=repr(failure))
            for member in members:
                await self._run_singly(pool, member, failure)
        else:
            for member, outcome in zip(members, outcomes, strict=True):
                _answer(member, outcome)
        took, waited = time.perf_counter() - started, started - members[0].since
        left = sum(turns.waiting() for turns in self._turns.values())
        self._observe_batch(len(members), took, waited, left)
        return len(members)

    async def _run_singly(self, pool: Pool, member: _Waiting, failure: Exception) -> None:
        for attempt in range(ATTEMPTS):
            if attempt or isinstance(failure, LOST):
                await asyncio.sleep(0.05 * 2**attempt)
            try:
                (outcome,) = await self._transact(pool, [member.command])
            except RACED + LOST as again:
                failure = again
            except Exception as fault:
                log.exception("command_failed", request=type(member.command.request).__name__)
                _answer(member, _failed(fault))
                return
            else:
                _answer(member, outcome)
                return
        if isinstance(failure, LOST) and not member.outcome.done():
            member.outcome.set_exception(OutcomeUnknown(repr(failure)))
            return
        _answer(member, _failed(failure))

    async def _transact(self, pool: Pool, commands: Sequence[Command]) -> list[Outcome]:
        async with self._writer() as connection, connection.transaction():
            unit = Unit(pool, connection, self._clock.now(), self._numbers)
            remembered = await store.find(connection, pool, [c.key for c in commands])
            outcomes: list[Outcome | None] = [
                _remembered_outcome(command, remembered.get(command.key)) for command in commands
            ]
            fresh = [i for i, outcome in enumerate(outcomes) if outcome is None]
            if fresh:
                handler = self._handlers[type(commands[0].request)]
                decided = await handler(unit, [commands[i] for i in fresh])
                for i, outcome in zip(fresh, decided, strict=True):
                    outcomes[i] = outcome
                await self._remember(unit, [commands[i] for i in fresh], decided, remembered)
            return [outcome for outcome in outcomes if outcome is not None]

    async def _remember(
        self,
        unit: Unit,
        commands: Sequence[Command],
        outcomes: Sequence[Outcome],
        remembered: Mapping[MessageKey, Message],
    ) -> None:
        new: list[Message] = []
        for command, outcome in zip(commands, outcomes, strict=True):
            message = message_of(command, outcome)
            if command.key in remembered:
                if not await store.replace_refusal(unit.connection, unit.pool, message, unit.now):
                    raise Overtaken(f"{command.key} was done meanwhile")
            else:
                new.append(message)
        if new:
            await store.insert(unit.connection, unit.pool, new, unit.now)
        if unit.outbox:
            facts = [(unit.numbers.next(unit.now), kind, payload) for kind, payload in unit.outbox]
            await store.publish(unit.connection, unit.pool, facts, unit.now)


def _take_batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    """The next independent commands, in the order they came."""
    members: list[_Waiting] = []
    left: list[_Waiting] = []
    claims: set[object] = set()  # also of those passed over: a later one must not overtake
    while waiting and len(members) < BATCH_LIMIT:
        one = waiting.popleft()
        wanted = {one.command.subject, one.command.key}
        (left if wanted & claims else members).append(one)
        claims |= wanted
    waiting.extendleft(reversed(left))
    return members


def _answer(member: _Waiting, outcome: Outcome) -> None:
    if not member.outcome.done():
        member.outcome.set_result(outcome)


def _failed(fault: Exception) -> Refusal:
    return Refusal(
        RefusalCode.FAILED,
        "系统处理失败，本次请求未生效，请用原报文编号重发",
        facts={"error": type(fault).__name__},
    )


def _remembered_outcome(command: Command, message: Message | None) -> Outcome | None:
    """The outcome that memory dictates, or None when the command is to be decided.

    A refusal is decided again from the facts: unchanged facts give the same refusal, changed ones
    a new answer (DESIGN.md section 5); what may not change under one message id is its content.
    Where a late copy could not be undone, a refusal stays one.
    """
    if message is None:
        return None
    key = f"{command.key.transaction} {command.key.message_id}"
    if message.outcome == "fenced" or message.reversed_by is not None:
        return Refusal(
            RefusalCode.MESSAGE_REVERSED,
            f"报文 {key} 已被冲正（2601），不再受理；请用新的报文编号重新办理",
            "message_id",
        )
    if message.digest != command.digest:
        return Refusal(
            RefusalCode.MESSAGE_REUSED,
            f"报文编号 {command.key.message_id} 已用于内容不同的 {command.key.transaction} 请求，"
            "同一报文编号只能原样重发",
            "message_id",
        )
    if message.outcome == "refused":
        told = message.reference
        stays = command.stays_refused
        return Refusal(RefusalCode(told["code"]), told["message"]) if stays else None
    return Done(None, message.reference, replayed=True)


# ------------------------------------------------------------- for handlers that undo messages


async def find_message(unit: Unit, key: MessageKey) -> Message | None:
    """What is remembered of a message of the unit's pool."""
    return (await store.find(unit.connection, unit.pool, [key])).get(key)


async def fence(unit: Unit, key: MessageKey, subject: str, reversed_by: str) -> None:
    """Refuse, from now on, a message that has not come: its reversal came first.

    If the message is being written at this moment, the unique key makes one of the two wait and
    then start over, so that either the reversal sees it or it sees the fence.
    """
    message = Message(key, subject, b"", "fenced", {"reversed_by": reversed_by}, None)
    await store.insert(unit.connection, unit.pool, [message], unit.now)


async def mark_reversed(unit: Unit, key: MessageKey, reversed_by: str) -> None:
    """Note that a message was undone; a repeat of it is refused."""
    await store.mark_reversed(unit.connection, unit.pool, key, reversed_by)
