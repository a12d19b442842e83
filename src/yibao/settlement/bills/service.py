"""Try, settle, cancel and reverse bills. Visits are locked by the room before these run.

Locks are taken in one order everywhere: visits, accumulators, account parts, each by key.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.accounts.family import service as family
from yibao.adjudication.model import CounterKey, Person
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import Part, Posting
from yibao.platform.archive import missing
from yibao.platform.commands.model import Unit
from yibao.policy.model import Law
from yibao.registry.laws import service as laws
from yibao.registry.people.model import Enrolment, Insured
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills import (
    elsewhere,
    recomputation,
    rules,
    snapshot,
    store,
    undoing,
    wallets,
)
from yibao.settlement.bills import facts as known
from yibao.settlement.bills.decision import (
    Facts,
    decide_new,
    locked_accumulators,
)
from yibao.settlement.bills.recomputation import Recomputed
from yibao.settlement.bills.rules import Decision
from yibao.settlement.bills.standing import as_it_stands
from yibao.settlement.bills.writing import mirror_supplements, write
from yibao.settlement.clearing import service as clearing
from yibao.settlement.fees import service as fees
from yibao.settlement.fees.model import Slot
from yibao.settlement.model import (
    CancelSettlement,
    Settle,
    SettlementFacts,
    SettlementKind,
    VisitFacts,
)
from yibao.settlement.visits import store as visit_store
from yibao.settlement.visits.rules import check_alone, check_own_visit

if TYPE_CHECKING:
    from asyncpg import Connection

BILL_SETTLED = "settlement.settled"
BILL_CANCELLED = "settlement.cancelled"
"""Kinds of the facts that the room publishes to the outbox."""


async def settle(
    unit: Unit, requests: Sequence[Settle], facts: Facts
) -> list[SettlementFacts | Refusal]:
    """Settle charge batches (结算): decide, write the facts, move the money."""
    return await write_decisions(unit, await decide_new(unit, requests, facts, writing=True))


async def write_decisions(
    unit: Unit, decisions: Sequence[Decision | Refusal], *, kept: bool = True
) -> list[SettlementFacts | Refusal]:
    """Write what was decided.

    ``kept``: the batches are there, and are told the settlements that live in them. Otherwise
    whoever calls keeps them with that: a row that is changed when it is new is written twice.
    """
    settled: list[tuple[SettlementFacts, int]] = []
    slots: list[Slot] = []
    chains: list[tuple[int, str]] = []
    postings: list[Posting] = []
    entries: list[tuple[Any, ...]] = []
    changes: dict[accumulators.MemberCounter, int] = {}
    uses: dict[tuple[int, int], Fen] = {}
    written: list[tuple[Decision, int]] = []
    outcomes: list[SettlementFacts | Refusal] = []
    for decision in decisions:
        if isinstance(decision, Refusal):
            outcomes.append(decision)
            continue
        key = PoolKey(unit.pool, unit.numbers.next(unit.now))
        bill = replace(decision.facts, key=key)
        candidate = decision.candidate
        settled.append((bill, candidate.batch.number))
        visit = candidate.visit.key.number
        slots += [Slot(visit, number, key.number) for number in candidate.covered]
        if candidate.bill.chain not in (None, candidate.visit.chain):
            chains.append((candidate.visit.key.number, candidate.bill.chain or ""))
        if candidate.discharges is not None:
            await visit_store.set_end(
                unit.connection, unit.pool, candidate.visit.key.number, candidate.discharges
            )
        postings.append(rules.posting(decision, key.number, unit.day))
        for use, paid in wallets.counted_uses(bill.snapshot, postings[-1].entries).items():
            uses[use] = uses.get(use, 0) + paid
        for counter, delta in decision.statement.counters:
            entries.append((unit.pool, key.number, *counter, bill.member, "settlement", delta))
            changes[bill.member, counter] = delta
        unit.outbox.append((BILL_SETTLED, {"settlement": key.text()}))
        outcomes.append(bill)
        written.append((decision, key.number))
    if settled:
        await write(unit, settled, postings, entries, changes)
        await fees.set_living_settlement(unit, slots if kept else ())
    if uses:
        await family.count(unit, uses)
    await elsewhere.end_holds(unit, written)
    if chains:
        await visit_store.set_chains(unit.connection, unit.pool, chains)
    return outcomes


async def try_settlements(
    unit: Unit, requests: Sequence[Settle], facts: Facts
) -> list[SettlementFacts | Refusal]:
    """Decide batches as ``settle`` would (预结算), locking and writing nothing."""
    decisions = await decide_new(unit, requests, facts, writing=False)
    return [decision if isinstance(decision, Refusal) else decision.facts for decision in decisions]


def person_on(insured: Insured, enrolment: Enrolment, law: Law, day: date) -> Person:
    """The person as a bill of a day would see one."""
    days = dict.fromkeys(known.DECIDED, day)
    return known.person_of(insured, enrolment, enrolment.scheme, law, days)


# ------------------------------------------------------------------------- cancelling, reversing


async def cancel(
    unit: Unit, requests: Sequence[CancelSettlement], visits: Mapping[int, VisitFacts]
) -> list[SettlementFacts | Refusal]:
    """Mirror settlements exactly (结算撤销) and flag later bills that depended on them.

    Refused where the law wants the later bills cancelled first (``out_of_order``), and where the
    month is cleared or the benefit year closed: then it is the bureau's alone.
    """
    found = await store.load(
        unit.connection, unit.pool, [request.settlement.number for request in requests]
    )
    outcomes: list[SettlementFacts | Refusal] = []
    for request in requests:
        try:
            original, batch = _living(request, visits, found)
            await _check_open(unit, original)
            mirror = await _repeat(
                unit, original, batch, request.message_id, sign=-1, in_order=True
            )
        except Refused as refused:
            outcomes.append(refused.refusal)
            continue
        outcomes.append(mirror)
    return outcomes


def _living(
    request: CancelSettlement,
    visits: Mapping[int, VisitFacts],
    found: Mapping[int, tuple[SettlementFacts, int]],
) -> tuple[SettlementFacts, int]:
    check_own_visit(visits.get(request.visit.number), request.institution, request.member, None)
    if request.settlement.number not in found:
        raise Refused(RefusalCode.SETTLEMENT_UNKNOWN, "结算ID不存在", "settlement")
    original, batch = found[request.settlement.number]
    if original.visit != request.visit:
        raise Refused(RefusalCode.SETTLEMENT_UNKNOWN, "结算ID不属于该就诊", "settlement")
    undoing.check_stands(original)
    return original, batch


async def _check_open(unit: Unit, original: SettlementFacts) -> None:
    """What is cleared or closed is cancelled by the bureau alone; a bill of today is neither."""
    settled_on = business_date(original.settled_at)
    if settled_on == unit.day:
        return
    cleared_as = clearing.clearing_class(original.care_kind)
    undoing.check_open(
        original,
        cleared=await clearing.is_cleared(
            unit.connection, original.institution, settled_on, cleared_as
        ),
        closed=await store.is_closed(unit.connection, unit.pool, original.scheme, original.day),
    )


async def cancel_for_bureau(unit: Unit, settlement: PoolKey, message_id: str) -> SettlementFacts:
    """Mirror a settlement, booked today, be its month cleared or its year closed.

    Refused when it is unknown, no settlement or cancelled, and where the law wants the bills that
    depend on it cancelled first.
    """
    found = await store.load(unit.connection, unit.pool, [settlement.number])
    if settlement.number not in found:
        raise Refused(RefusalCode.SETTLEMENT_UNKNOWN, "结算ID不存在", "settlement")
    visit = found[settlement.number][0].visit
    await visit_store.load(unit.connection, unit.pool, [visit.number], lock=True)
    found = await store.load(unit.connection, unit.pool, [settlement.number])
    original, batch = found[settlement.number]
    undoing.check_stands(original)
    return await _repeat(unit, original, batch, message_id, sign=-1, in_order=True)


async def reverse_settlement(
    unit: Unit, settlement: PoolKey, message_id: str
) -> SettlementFacts | None:
    """Undo a settlement whose answer was lost; None when it is cancelled already."""
    original, batch = (await store.load(unit.connection, unit.pool, [settlement.number]))[
        settlement.number
    ]
    if original.cancelled_by is not None:
        return None
    return await _repeat(unit, original, batch, message_id, sign=-1)


async def reverse_cancellation(
    unit: Unit, cancellation: PoolKey, message_id: str
) -> SettlementFacts | None:
    """Let a settlement stand again whose cancellation's answer was lost.

    None when it stands already. Refused when its batch was settled anew, its visit has changed, or
    the personal account no longer holds what it had paid.
    """
    mirror, _ = (await store.load(unit.connection, unit.pool, [cancellation.number]))[
        cancellation.number
    ]
    assert mirror.mirrors is not None
    original, batch = (await store.load(unit.connection, unit.pool, [mirror.mirrors.number]))[
        mirror.mirrors.number
    ]
    if original.cancelled_by != cancellation:
        return None
    batches = (await fees.batches_by_visit(unit, [original.visit.number])).get(
        original.visit.number, []
    )
    visit = original.visit.number
    stands = (await visit_store.load(unit.connection, unit.pool, [visit]))[visit]
    covered = undoing.covered_by(original, batch)
    undoing.check_reinstatable(original, stands, batches, covered)
    paid = await ledger.entries_of(unit.connection, unit.pool, [mirror.mirrors.number])
    elsewhere.check_repeatable(paid.get(mirror.mirrors.number, ()))
    return await _repeat(unit, original, batch, message_id, sign=1)


async def _repeat(
    unit: Unit,
    original: SettlementFacts,
    batch: int,
    message_id: str,
    *,
    sign: int,
    in_order: bool = False,
) -> SettlementFacts:
    """Write the mirror (sign −1) or the repetition (sign +1) of a settlement, and move the rest.

    ``in_order``: Refused where the law wants the bills that depend on it cancelled first.
    """
    assert original.key is not None
    number = original.key.number
    if sign < 0:
        await _check_last_of_stay(unit, original)
    supplements = original.supplements if sign < 0 else ()
    moved_by, found = await accumulators.moved_entries(
        unit.connection, unit.pool, [number, *supplements]
    )
    holder = found or original.member
    moved = moved_by.get(number, [])
    touched = [entry for entries in moved_by.values() for entry in entries]
    # also what it had read: two that are undone at once must know which of them came first, or the
    # one would be flagged because of the other, or not, against the order of their turns
    read = map(snapshot.counter_key, original.snapshot.get("counters", ()))
    locked = {*(counter for counter, _ in touched), *read}
    await locked_accumulators(unit, [(holder, counter) for counter in locked])
    later = await _dependents(unit, original, holder, touched)
    if later and in_order:
        undoing.check_order(await _own_law(unit.connection, original), original, later)
    posting = (await ledger.postings_of(unit, [number], unit.day)).get(number)
    entries = () if posting is None else posting.entries
    held = await wallets.account_parts(
        unit, sorted({original.member, *wallets.owners(entries)}), lock=True
    )
    parts = [part for some in held.values() for part in some]
    instead = await wallets.instead_of_closed(unit, parts) if sign < 0 else {}
    if sign > 0:
        await wallets.check_links_stand(unit, original.snapshot, entries)
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    make: Callable[..., SettlementFacts]
    make = undoing.cancellation if sign < 0 else undoing.reinstatement
    postings = []
    if posting is not None:
        moving = (
            undoing.given_back(posting.mirrored(key.number, unit.day), instead)
            if sign < 0
            else Posting(key.number, unit.day, posting.entries)
        )
        _check_parts(moving, parts)
        postings.append(moving)
    if discharge := undoing.discharged_by(original):  # after all else that may refuse
        await _move_end(unit, original.visit, None if sign < 0 else discharge)
    balance = undoing.balance_after(held.get(original.member, []), postings)
    again = make(original, key, message_id, unit.now, balance)
    kind = "cancellation" if sign < 0 else "settlement"
    await write(
        unit,
        [(again, batch)],
        postings,
        [(unit.pool, key.number, *counter, holder, kind, sign * delta) for counter, delta in moved],
        {(holder, counter): sign * delta for counter, delta in moved},
    )
    await elsewhere.give_back(unit, key.number, entries, supplements)
    if supplements:
        await mirror_supplements(unit, original, holder, moved_by, message_id)
    elif sign > 0 and await store.had_supplements(unit.connection, unit.pool, number):
        later = [number, *later]  # it stands as it was first settled
    if uses := wallets.counted_uses(original.snapshot, entries):
        await family.count(unit, {use: sign * amount for use, amount in uses.items()})
    living = None if sign < 0 else number
    covered = undoing.covered_by(original, batch)
    slots = [Slot(original.visit.number, one, living) for one in covered]
    await fees.set_living_settlement(unit, slots)
    if later:
        flags = [(unit.pool, flagged, key.number, unit.now) for flagged in later]
        await store.insert_flags(unit.connection, flags)
    unit.outbox.append((BILL_CANCELLED if sign < 0 else BILL_SETTLED, {"settlement": key.text()}))
    return again


async def _check_last_of_stay(unit: Unit, original: SettlementFacts) -> None:
    """Of a stay that was settled in several parts only the last may be cancelled."""
    assert original.key is not None
    if undoing.is_of_stay(original):
        batches = await fees.batches_by_visit(unit, [original.visit.number])
        number = original.key.number
        others = {batch.living_settlement for batch in batches[original.visit.number]}
        if standing := sorted(one for one in others if one not in (None, number)):
            later = await store.decided_after(unit.connection, unit.pool, number, standing)
            undoing.check_last_of_stay(unit.pool, later)


async def _move_end(unit: Unit, visit: PoolKey, end: datetime | None) -> None:
    """A discharge that only a settlement told of goes with it, and comes back with it.

    It stays when the person has gone to another hospital since: nobody lies in two. Refused when
    it cannot come back for the same reason.
    """
    stay = (await visit_store.load(unit.connection, unit.pool, [visit.number]))[visit.number]
    assert stay.identity is not None, "a stay has its human"
    await visit_store.lock_people(unit.connection, [stay.identity])
    others = await visit_store.stays_of(unit.connection, [stay.identity])
    try:
        check_alone(stay.begin, end, others.get(stay.identity, ()), visit)
    except Refused:
        if end is not None:
            raise
        return
    await visit_store.set_end(unit.connection, unit.pool, visit.number, end)


def _check_parts(posting: Posting, parts: Sequence[Part]) -> None:
    left = {part.account: part.available for part in parts}
    for entry in posting.entries:
        if entry.account.startswith("account:") and left.get(entry.account, 0) + entry.amount < 0:
            raise Refused(
                RefusalCode.BALANCE_SHORT, "个人账户余额不足，不能恢复原结算", "original_message"
            )


async def _dependents(
    unit: Unit, original: SettlementFacts, holder: str, moved: Sequence[tuple[CounterKey, int]]
) -> list[int]:
    """The later bills that stand and read a counter that this one moved, whoever holds it now."""
    assert original.key is not None
    if not moved:
        return []
    later = []
    members = sorted({original.member, holder})
    settled_on = business_date(original.settled_at)
    if settled_on != unit.day:  # what was decided after it may have been put away with it
        await missing.bring_days(
            unit.connection, unit.pool, settled_on, unit.day, {"member": members}
        )
    for member in members:
        later += await store.later_living(unit.connection, unit.pool, member, original.key.number)
    return [number for number, read in later if undoing.depended_on(read, moved)]


# ---------------------------------------------------------------------------------------- reading


async def settlement(connection: "Connection[Any]", key: PoolKey) -> SettlementFacts | None:
    """One settlement, cancellation or reinstatement, as the reader may see it."""
    found = await store.load(connection, key.pool, [key.number])
    return found[key.number][0] if key.number in found else None


async def settlements_of_visit(
    connection: "Connection[Any]", member: str, visit: PoolKey
) -> list[SettlementFacts]:
    """A visit's settlements and mirrors, oldest first."""
    return await store.of_visit(connection, visit.pool, member, visit.number)


async def settlements_of_member(
    connection: "Connection[Any]", pool: Pool, member: str, *, before: int, limit: int
) -> list[SettlementFacts]:
    """A member's settlements and mirrors older than the number ``before``, newest first."""
    found = await store.of_member(connection, pool, member, before, limit)
    shown = [one.key.number for one in found if one.key is not None]
    bills = missing.Rows("settlement.settlement", "member", [member])
    if await missing.bring_newest(connection, pool, bills, shown, limit=limit, before=before):
        found = await store.of_member(connection, pool, member, before, limit)
    return found


async def settlements_of_institution(
    connection: "Connection[Any]", institution: str, start: date, end: date
) -> list[SettlementFacts]:
    """An institution's settlements over all pools, settled ``start`` ≤ day < ``end``.

    Refused when too many of them were put away.
    """
    await missing.bring_days(connection, None, start, end, {"institution": [institution]})
    return await store.of_institution(connection, institution, start, end)


async def counters(
    connection: "Connection[Any]", pool: Pool, member: str
) -> list[tuple[CounterKey, int]]:
    """A member's accumulators (个人累计), in fen."""
    return await accumulators.of_member(connection, pool, member)


async def explained(connection: "Connection[Any]", facts: SettlementFacts) -> Recomputed:
    """A settlement decided again from its stored snapshot and the kept text of its law.

    Its differences to what was settled are named; there are none as long as the computation that
    decided it has not been changed. Refused when the text of its law was not kept.
    """
    facts = await _as_decided(connection, facts)
    return recomputation.recomputed(facts, await _own_law(connection, facts))


async def _as_decided(connection: "Connection[Any]", facts: SettlementFacts) -> SettlementFacts:
    """What a supplement decided: the whole bill as it stood with it, not the difference alone."""
    if facts.kind is not SettlementKind.SUPPLEMENT:
        return facts
    assert facts.key is not None
    assert facts.mirrors is not None
    pool, number = facts.key
    found = await store.load(connection, pool, [facts.mirrors.number])
    original, _ = found[facts.mirrors.number]
    until = [one for one in original.supplements if one < number]
    before = await store.load(connection, pool, until)
    return as_it_stands(original, [*(before[one][0] for one in until), facts])


async def _own_law(connection: "Connection[Any]", facts: SettlementFacts) -> Law:
    """The law that decided a settlement."""
    law = await laws.law_by_fingerprint(connection, facts.law)
    if law is None:
        raise Refused(
            RefusalCode.PARAMETER_MISSING, f"规则 {facts.law} 的文本没有保存", "law", law=facts.law
        )
    return law
