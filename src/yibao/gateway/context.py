"""What the application hands to the interface, and one call as a transaction sees it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from yibao.gateway.authentication import CLOCK_TOLERANCE, Door
from yibao.gateway.dialects.model import GENERAL, Dialect
from yibao.gateway.envelope import NO_DIVISION, Envelope
from yibao.gateway.exchange import Exchange
from yibao.gateway.hooks import Faults, Record, Welcome
from yibao.gateway.made_files import MadeFiles
from yibao.gateway.reading import Input, digest
from yibao.gateway.reply import Manner
from yibao.gateway.tokens import Tokens
from yibao.gateway.turnstile import Turnstile
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import Frozen
from yibao.kernel.frozen import field as frozen_field
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.access.lockout import Lockout
from yibao.platform.access.record import AccessRecord
from yibao.platform.clock import Clock
from yibao.platform.commands.model import Command, MessageKey, Outcome
from yibao.platform.commands.shared_reads import SharedReads
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.institutions.model import Institution, InstitutionTerm, Sender
from yibao.registry.service import Reference, ReferenceCache
from yibao.settlement.service import SettlementRoom

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of a request body; a 2204 with 500 lines has 0.4 MB."""

REFERENCE_AGE = 1.0
"""Seconds that senders and catalogue may be old at the door; a batch checks versions exactly."""


NO_TRANSACTION = "none"
"""What observers are told for a call whose transaction is not known."""


class Submits(Protocol):
    """Runs commands: ``Commands``, or who sees to other pools beside it."""

    async def submit(self, command: Command) -> Outcome:
        """Run a command once, ever, and return its outcome."""
        ...


Recall = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Finds the facts of a message that is answered again, from what was remembered of it."""


def observe_nothing(number: str, code: int, seconds: float) -> None:
    """The observer of an application that does not measure."""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything the interface stands on, composed by the application."""

    clock: Clock
    database: Database
    commands: Submits
    trials: SharedReads[Any, Any]
    """Decides ``Settle`` and ``Purchase`` without writing: their facts, or Refused."""
    room: SettlementRoom
    references: ReferenceCache
    vault: Vault
    door: Door
    body_limit: int = BODY_LIMIT
    line_clock: Clock | None = None
    """The clock of keys and of callers' timestamps; None: ``clock``, which a sandbox may set."""
    clock_tolerance: timedelta = CLOCK_TOLERANCE
    """How far the timestamp of an outer message may be off."""
    tokens: Tokens | None = None
    """Issues bearer tokens; None: there is no token endpoint."""
    reference_age: float = REFERENCE_AGE
    access: AccessRecord | None = None
    """Told of every person that a read shows, before the answer is sent; None: nobody is."""
    made_files: MadeFiles = field(default_factory=MadeFiles)
    observe: Callable[[str, int, float], None] = observe_nothing
    """Told of every answer: transaction number (or ``none``), ``infcode``, seconds."""
    record: Record | None = None
    welcome: Welcome | None = None
    faults: Faults | None = None
    lockout: Lockout = field(default_factory=Lockout)
    """Who has failed too often to prove who it is."""
    turnstile: Turnstile | None = None
    """Turns calls away when more come than can be done; None lets all in."""

    def line_now(self) -> datetime:
        """Now, as callers see it."""
        return (self.line_clock or self.clock).now()


@dataclass(slots=True)
class Progress:
    """How far a message has come: what its answer and the log need when it goes no further."""

    division: str = NO_DIVISION
    number: str = ""
    """As the caller wrote it."""
    transaction: str = NO_TRANSACTION
    """A known number: callers' inventions must not become labels of metrics."""
    message_id: str = ""
    took_effect: bool = False
    """A command was committed: from here on nothing may be answered as "not done"."""
    warning: str | None = None
    """``warn_msg`` of a call that is done all the same."""
    manner: Manner = field(default_factory=Manner)
    """How the answer must look."""
    exchange: Exchange | None = None
    """What is recorded of the call; always there inside the gateway."""


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What a transaction answers instead of ``output`` when it sends a file (9102)."""

    name: str
    content: bytes


class Call(Frozen):
    """One authenticated call of a known transaction, its input read."""

    context: Context
    envelope: Envelope
    sender: Sender
    institution: Institution
    term: InstitutionTerm
    """What holds of the institution on the day of the call."""
    reference: Reference
    received: datetime
    day: date
    """The business date of the call."""
    input: Input
    progress: Progress
    guest_pools: Mapping[str, Pool] = frozen_field(default_factory=dict)
    """Pools of person numbers that do not begin with theirs (strangers let in)."""
    dialect: Dialect = GENERAL
    """How the sender's province speaks; ``dialect.practice`` is what settlement needs of it."""

    @property
    def base_number(self) -> str:
        """The transaction number without its suffix letter."""
        return self.envelope.number[:4]

    async def perform(
        self, pool: Pool, subject: str, request: Any, recall: Recall | None = None
    ) -> Any:
        """Run a state-changing request once, ever; its facts, or Refused.

        A repeated message gets the facts of the first time, found again by ``recall``, or by the
        settlement room whose request it is.
        """
        key = MessageKey(self.institution.code, self.base_number, self.envelope.message_id)
        outcome = await self.context.commands.submit(
            Command(pool, subject, key, digest(self.input), request)
        )
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        self.progress.took_effect = True
        if not outcome.replayed:
            return outcome.result
        if recall is not None:
            return await recall(outcome.reference)
        async with self.context.database.reader([self.institution.code]) as connection:
            return await self.context.room.recall(connection, pool, request, outcome.reference)


def unlisted(call: Call, items: Iterable[str]) -> Iterator[str]:
    """What to warn of items that the catalogue does not have; a mistyped code should be seen."""
    known = call.reference.catalogue.items
    for item in sorted({item for item in items if item not in known}):
        yield f"med_list_codg（医疗目录编码）{item} 不在医保目录中"


def warn_of_unlisted(call: Call, items: Iterable[str]) -> None:
    """Say with the answer which items were own expense because no catalogue has them."""
    found = [f"{warning}，按自费处理" for warning in unlisted(call, items)]
    call.progress.warning = "；".join(found) or None


def refused(refusal: Refusal) -> Refused:
    """A refusal that came as a value, as the exception that carries it to the edge."""
    return Refused(refusal.code, refusal.message, refusal.field, **refusal.facts)


def missing(field: str, label: str) -> Refused:
    """A field that the tables do not enforce, but this call cannot do without."""
    return Refused(RefusalCode.FIELD_MISSING, f"{field}（{label}）不能为空", field)
