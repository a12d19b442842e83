"""The settlement room's door: commands in, facts out; the trial; what was settled, readable again.

``SettlementRoom.handle`` is the handler of all the room's commands. It locks every visit that a
batch of commands touches, in number order, before anything is decided.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import Refusal
from yibao.platform.commands import service as messages
from yibao.platform.commands.model import (
    Command,
    Done,
    Message,
    Outcome,
    Unit,
)
from yibao.platform.crypto import Vault
from yibao.registry.merging import service as files
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference, ReferenceCache
from yibao.settlement.affected import service as affected
from yibao.settlement.bills import decision
from yibao.settlement.bills import service as bills
from yibao.settlement.bills.recomputation import Recomputed, amounts_of
from yibao.settlement.bills.telling import summary, told
from yibao.settlement.fees import service as fees
from yibao.settlement.fees import withdrawal
from yibao.settlement.model import (
    Admit,
    CancelAdmission,
    CancelRegistration,
    CancelSettlement,
    ChangeAdmission,
    DescribeVisit,
    Discharge,
    LineFacts,
    Purchase,
    RegisterVisit,
    ReopenStay,
    Reverse,
    Settle,
    SettlementFacts,
    UploadFees,
    VisitFacts,
    WithdrawFees,
    WithdrawLines,
)
from yibao.settlement.openings import service as openings
from yibao.settlement.purchases import service as purchases
from yibao.settlement.reversals import service as reversals
from yibao.settlement.stays import service as stays
from yibao.settlement.visits import service as visits
from yibao.settlement.visits import store as visit_store

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = ["Recomputed", "SettlementRoom", "amounts_of", "summary", "told"]

REQUESTS: tuple[type, ...] = (
    RegisterVisit,
    Admit,
    DescribeVisit,
    ChangeAdmission,
    UploadFees,
    WithdrawFees,
    WithdrawLines,
    Discharge,
    ReopenStay,
    CancelRegistration,
    CancelAdmission,
    Settle,
    Purchase,
    CancelSettlement,
    Reverse,
)
"""The room's commands, in the order a batch runs them."""

_STAYS = (Admit, ChangeAdmission, Discharge, ReopenStay, CancelAdmission)

_OF_MEMBERS = frozenset({RegisterVisit, Admit, Discharge, Settle, Purchase})
"""Requests that are decided by what the registry knows of the person."""


class SettlementRoom:
    """The use cases of settlement over one registry and vault."""

    def __init__(
        self,
        references: ReferenceCache,
        vault: Vault,
        reversible_for: timedelta = reversals.WINDOW,
    ) -> None:
        """``reversible_for``: how long after a message it may be reversed."""
        self._references = references
        self._vault = vault
        self._reversible_for = reversible_for

    async def handle(self, unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        """Run commands of one pool; one outcome each, in order."""
        originals = await self._originals(unit, commands)
        touched = await self._lock_visits(unit, commands, originals)
        members = await self._members(unit, commands)
        reference = await self._references.current(unit.connection)
        places: dict[type, list[int]] = {}
        for i, command in enumerate(commands):
            places.setdefault(type(command.request), []).append(i)
        outcomes: dict[int, Outcome] = {}
        for kind in REQUESTS:
            chosen = places.get(kind)
            if chosen is None:
                continue
            requests = [commands[i].request for i in chosen]
            if kind is Reverse:
                results: Sequence[Any] = [
                    await reversals.reverse(unit, request, originals.get(i), self._reversible_for)
                    for i, request in zip(chosen, requests, strict=True)
                ]
            else:
                results = await self._run(unit, kind, requests, touched, members, reference)
            for i, result in zip(chosen, results, strict=True):
                outcomes[i] = result if isinstance(result, Refusal) else outcome_of(result)
        return [outcomes[i] for i in range(len(commands))]

    async def _run(
        self,
        unit: Unit,
        kind: type,
        requests: Sequence[Any],
        touched: Mapping[int, VisitFacts],
        members: Mapping[str, Insured],
        reference: Reference,
    ) -> Sequence[Any]:
        if kind in _STAYS:
            return await self._run_stays(unit, kind, requests, touched, members, reference)
        if kind is RegisterVisit:
            return await visits.register(unit, requests, members, reference)
        if kind is DescribeVisit:
            moved = [request for request in requests if visits.moves(request, touched)]
            settled = await self._living_settlements(unit, moved)
            return await visits.describe(unit, requests, touched, settled, reference)
        if kind is UploadFees:
            return await fees.upload(unit, requests, touched, reference)
        if kind is WithdrawFees:
            return await withdrawal.withdraw(unit, requests, touched)
        if kind is WithdrawLines:
            return await withdrawal.withdraw_lines(unit, requests, touched, reference.catalogue)
        if kind is CancelRegistration:
            settled = await self._living_settlements(unit, requests)
            return await visits.cancel_registration(unit, requests, touched, settled)
        if kind is Settle:
            facts = await self._facts(unit, requests, touched, members, reference)
            return await bills.settle(unit, requests, facts)
        if kind is Purchase:
            return await purchases.buy(unit, requests, members, reference)
        return await bills.cancel(unit, requests, touched)

    async def _run_stays(
        self,
        unit: Unit,
        kind: type,
        requests: Sequence[Any],
        touched: Mapping[int, VisitFacts],
        members: Mapping[str, Insured],
        reference: Reference,
    ) -> Sequence[Any]:
        if kind is Admit:
            return await stays.admit(unit, requests, members, reference)
        if kind is ChangeAdmission:
            return await stays.change(unit, requests, touched, reference)
        if kind is Discharge:
            return await stays.discharge(unit, requests, touched, members, reference)
        if kind is ReopenStay:
            return await stays.reopen(unit, requests, touched)
        return await stays.cancel(unit, requests, touched)

    async def _facts(
        self,
        unit: Unit,
        requests: Sequence[Settle],
        touched: Mapping[int, VisitFacts],
        members: Mapping[str, Insured],
        reference: Reference,
    ) -> decision.Facts:
        """What bills are decided by; only outpatients are asked whether they lie in hospital."""
        outpatients = [members[r.member] for r in requests if r.batch and r.member in members]
        lying = await visits.stays_of(unit.connection, outpatients)
        return decision.Facts(touched, members, reference, lying)

    async def _originals(self, unit: Unit, commands: Sequence[Command]) -> dict[int, Message]:
        """What is remembered of the messages that reversals name, by command index."""
        found = {}
        for i, command in enumerate(commands):
            if isinstance(command.request, Reverse):
                message = await messages.find_message(unit, reversals.original_key(command.request))
                if message is not None:
                    found[i] = message
        return found

    async def _lock_visits(
        self,
        unit: Unit,
        commands: Sequence[Command],
        originals: Mapping[int, Message],
    ) -> dict[int, VisitFacts]:
        numbers = {
            command.request.visit.number
            for command in commands
            if hasattr(command.request, "visit")
        }
        for message in originals.values():
            if visit := await _visit_of(unit, message):
                numbers.add(visit.number)
        if not numbers:
            return {}
        return await visit_store.load(unit.connection, unit.pool, sorted(numbers), lock=True)

    async def _members(self, unit: Unit, commands: Sequence[Command]) -> dict[str, Insured]:
        numbers = {
            command.request.member for command in commands if type(command.request) in _OF_MEMBERS
        }
        if not numbers:
            return {}
        # a purchase has no visit yet whose lock would keep its file from being merged meanwhile
        bought = {c.request.member for c in commands if isinstance(c.request, Purchase)}
        if bought:
            await files.hold_members(unit.connection, unit.pool, sorted(bought))
        return await people.load_members(unit.connection, self._vault, unit.pool, sorted(numbers))

    async def _living_settlements(
        self, unit: Unit, requests: Sequence[CancelRegistration | DescribeVisit]
    ) -> dict[int, int]:
        if not requests:
            return {}
        batches = await fees.batches_by_visit(unit, [r.visit.number for r in requests])
        return {
            visit: sum(batch.living_settlement is not None for batch in found)
            for visit, found in batches.items()
        }

    # ------------------------------------------------------------------------------------ trial

    async def try_settlements(
        self, unit: Unit, requests: Sequence[Settle | Purchase]
    ) -> list[SettlementFacts | Refusal]:
        """Decide as settlements and purchases would, write nothing; the answers' ``key`` is None.

        The unit is a read-only snapshot, so that all that is read is of one moment.
        """
        connection, pool = unit.connection, unit.pool
        bought = [request for request in requests if isinstance(request, Purchase)]
        others = [request for request in requests if isinstance(request, Settle)]
        members = await people.load_members(
            connection, self._vault, pool, sorted({request.member for request in requests})
        )
        reference = await self._references.current(connection)
        decided: list[SettlementFacts | Refusal] = []
        if others:
            touched = await visit_store.load(connection, pool, [r.visit.number for r in others])
            facts = await self._facts(unit, others, touched, members, reference)
            decided = await bills.try_settlements(unit, others, facts)
        purchased = await purchases.try_to_buy(unit, bought, members, reference) if bought else []
        of_settlements, of_purchases = iter(decided), iter(purchased)
        return [
            next(of_purchases if isinstance(request, Purchase) else of_settlements)
            for request in requests
        ]

    # ----------------------------------------------------------------------------------- recall

    async def recall(
        self, connection: "Connection[Any]", pool: Pool, request: Any, reference: Mapping[str, Any]
    ) -> Any:
        """The facts that a repeated message's first answer was rendered from."""
        recalled: Callable[..., Any] = _RECALL.get(type(request), _recall_nothing)
        return await recalled(self, connection, pool, request, reference)

    async def _recall_visit(
        self, connection: "Connection[Any]", pool: Pool, _request: Any, stored: Mapping[str, Any]
    ) -> VisitFacts:
        found = await visits.visit(connection, _key(stored["visit"]))
        assert found is not None, f"visit {stored['visit']} of pool {pool} is gone"
        return found

    async def _recall_lines(
        self,
        connection: "Connection[Any]",
        _pool: Pool,
        request: UploadFees,
        stored: Mapping[str, Any],
    ) -> tuple[LineFacts, ...]:
        reference = await self._references.current(connection)
        return await fees.recall_lines(
            connection, request.visit, stored["batches"], request.lines, reference.catalogue
        )

    async def _recall_settlement(
        self, connection: "Connection[Any]", pool: Pool, _request: Any, stored: Mapping[str, Any]
    ) -> SettlementFacts:
        found = await bills.settlement(connection, _key(stored["settlement"]))
        assert found is not None, f"settlement {stored['settlement']} of pool {pool} is gone"
        return found

    async def _recall_purchase(
        self,
        connection: "Connection[Any]",
        pool: Pool,
        request: Purchase,
        stored: Mapping[str, Any],
    ) -> SettlementFacts:
        found = await self._recall_settlement(connection, pool, request, stored)
        reference = await self._references.current(connection)
        bought = await fees.lines(connection, found.visit, None, reference.catalogue)
        by_serial = {line.line.serial: line for line, _ in bought}
        return replace(found, lines=tuple(by_serial[line.serial] for line in request.lines))


async def _recall_nothing(
    _room: SettlementRoom,
    _connection: "Connection[Any]",
    _pool: Pool,
    _request: Any,
    stored: Mapping[str, Any],
) -> Any:
    return stored.get("count")


_RECALL: Mapping[type, Callable[..., Any]] = {
    RegisterVisit: SettlementRoom._recall_visit,  # noqa: SLF001 - a table of this class's methods
    DescribeVisit: SettlementRoom._recall_visit,  # noqa: SLF001
    CancelRegistration: SettlementRoom._recall_visit,  # noqa: SLF001
    **dict.fromkeys(_STAYS, SettlementRoom._recall_visit),  # noqa: SLF001
    Purchase: SettlementRoom._recall_purchase,  # noqa: SLF001
    UploadFees: SettlementRoom._recall_lines,  # noqa: SLF001
    Settle: SettlementRoom._recall_settlement,  # noqa: SLF001
    CancelSettlement: SettlementRoom._recall_settlement,  # noqa: SLF001
}


def _key(text: str) -> PoolKey:
    key = parse_pool_key(text)
    assert key is not None, text
    return key


async def _visit_of(unit: Unit, message: Message) -> PoolKey | None:
    """The visit that a message's doing concerns; None of a message that did nothing."""
    if visit := parse_pool_key(str(message.reference.get("visit", ""))):
        return visit
    settlement = parse_pool_key(str(message.reference.get("settlement", "")))
    bill = settlement and await bills.settlement(unit.connection, settlement)
    return bill.visit if bill else None


def outcome_of(result: Any) -> Done:
    """The outcome of a command that was done, from the facts that came of it.

    Its reference is what a later rendering needs to find the facts again: a repeated message is
    answered from it.
    """
    if isinstance(result, VisitFacts):
        return Done(result, {"visit": result.key.text()})
    if isinstance(result, SettlementFacts):
        assert result.key is not None
        return Done(result, {"settlement": result.key.text()})
    if isinstance(result, fees.Uploaded):
        return Done(result.lines, {"batches": list(result.batches)})
    if isinstance(result, int):
        return Done(result, {"count": result})
    return Done(None, {})


# ------------------------------------------------------------------- reads, for edges and analysis

visit = visits.visit
visits_of = visits.visits_of
stays_of = visits.stays_of
in_hospital = visits.in_hospital
settlement = bills.settlement
settlements_of_visit = bills.settlements_of_visit
settlements_of_member = bills.settlements_of_member
settlements_of_institution = bills.settlements_of_institution
counters = bills.counters
settled_since = openings.settled_since
bring_in = openings.bring_in
opening_objections = openings.objections
take_openings_back = openings.take_back
explained = bills.explained
person_on = bills.person_on
lines = fees.lines
affected_by_law = affected.by_law
affected_by_facts = affected.by_facts
affected_by_facts_of = affected.by_facts_of
