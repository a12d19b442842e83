"""A command, the unit it runs in, and what comes of it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import Frozen
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal

if TYPE_CHECKING:
    from asyncpg import Connection


class MessageKey(NamedTuple):
    """What makes a message the same message again (with the pool in front)."""

    institution: str
    transaction: str
    """Without its suffix letter: 2207A and 2207 are one transaction."""
    message_id: str

    def place(self) -> str:
        """Where the message is remembered: a UUID, as ``platform.message_key`` computes it in SQL.

        The hour out of an official number (institution, YYYYMMDDhhmmss, turn) and then 96 bits of
        SHA-256: messages of an hour lie together in the index, and older hours rest.
        """
        return _place(self)


@lru_cache(maxsize=1024)  # asked when it is looked for, and again when it is kept
def _place(key: MessageKey) -> str:
    told = _HOUR.match(key.message_id)
    digest = sha256("\n".join(key).encode()).hexdigest()
    hour = told[1] if told else "00000000"
    return f"{hour}-{digest[:4]}-{digest[4:8]}-{digest[8:12]}-{digest[12:24]}"


_HOUR = re.compile(r".{12}20([0-9]{8})", re.ASCII | re.DOTALL)


class Command(Frozen):
    """One message's wish to change something in one pool."""

    pool: Pool
    subject: str
    """Whom it is about (the member's number): two commands of one subject never share a batch."""
    key: MessageKey
    digest: bytes
    """SHA-256 of the canonical typed input alone; not of the envelope's times."""
    request: Any
    """The room's typed request; its type chooses the handler."""

    @property
    def stays_refused(self) -> bool:
        """Whether a refusal is the answer to every repetition, as the request's type says."""
        return getattr(self.request, "STAYS_REFUSED", False)


@dataclass(slots=True)
class Unit:
    """A pool and its open transaction: the first argument of every writing service."""

    pool: Pool
    connection: "Connection[Any]"
    now: datetime
    """Aware UTC instant, one for the whole unit."""
    numbers: NumberSource
    outbox: list[tuple[str, Any]] = field(default_factory=list)
    """Facts to publish with the commit: (kind, payload)."""

    @property
    def day(self) -> date:
        """The business date (Asia/Shanghai) of the unit."""
        return business_date(self.now)


class Done(Frozen):
    """The command took effect (now or, if ``replayed``, when it first came)."""

    result: Any
    """The handler's facts when fresh; None when replayed: then ``reference`` finds them again."""
    reference: dict[str, Any]
    """Stored with the message (plain JSON): what a second rendering needs to find the facts."""
    replayed: bool = False


class Message(Frozen):
    """What is remembered of a message."""

    key: MessageKey
    subject: str
    digest: bytes
    outcome: str
    """``done``, ``refused`` or ``fenced``."""
    reference: dict[str, Any]
    reversed_by: str | None
    recorded_at: datetime | None = None
    """When the outcome was remembered; None of a message that is not kept yet."""


Outcome = Done | Refusal

Handler = Callable[[Unit, Sequence[Command]], Awaitable[Sequence[Outcome]]]
"""Runs commands of one kind, all of one pool, inside the unit's open transaction; one outcome each,
in order. A refusal changes nothing; an exception rolls the whole batch back (members are then
retried singly). Never commits, never opens."""


def message_of(command: Command, outcome: Outcome) -> Message:
    """What is remembered of a command (报文) that was decided: enough to answer it again."""
    if isinstance(outcome, Done):
        kind, reference = "done", outcome.reference
    else:
        kind, reference = "refused", {"code": int(outcome.code), "message": outcome.message}
    return Message(command.key, command.subject, command.digest, kind, reference, None)
