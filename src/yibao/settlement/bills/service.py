"""Try, settle, cancel and reverse bills. Visits are locked by the room before these run.

Locks are taken in one order everywhere: visits, accumulators, account parts, each by key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.benefit import needed_counters
from yibao.adjudication.case import case_of, facts_asked, facts_of
from yibao.adjudication.model import Bill, CounterKey, Person
from yibao.adjudication.stays import Stay, chain_of
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import age_on, business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import Part, Posting
from yibao.platform.commands.model import Unit
from yibao.policy.model import DateBasis, Fact, Law
from yibao.policy.terms import Scheme
from yibao.registry.laws import service as laws
from yibao.registry.people.model import Enrolment, Insured
from yibao.registry.service import Reference
from yibao.settlement.bills import facts as known
from yibao.settlement.bills import recomputation, rules, store
from yibao.settlement.bills.facts import Deciding, KnownDays, Span, Where
from yibao.settlement.bills.recomputation import Recomputed
from yibao.settlement.bills.rules import Candidate, Decision
from yibao.settlement.fees import service as fees
from yibao.settlement.fees.model import Basis, Booked, ChargeBatch, classifying
from yibao.settlement.model import (
    CancelSettlement,
    Settle,
    SettlementFacts,
    SettlementKind,
    VisitFacts,
    VisitKind,
)
from yibao.settlement.visits import store as visit_store
from yibao.settlement.visits.rules import (
    Dates,
    check_enrolment,
    check_not_in_hospital,
    check_own_visit,
    check_provider,
    check_voucher,
)

if TYPE_CHECKING:
    from asyncpg import Connection

BILL_SETTLED = "settlement.settled"
BILL_CANCELLED = "settlement.cancelled"
"""Kinds of the facts that the room publishes to the outbox."""

CRITICAL_ILLNESS = "hifmi"
"""Amount field of the residents' critical-illness insurance: a payment in it is a claim."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What deciding bills needs beside the requests themselves."""

    visits: Mapping[int, VisitFacts]
    members: Mapping[str, Insured]
    reference: Reference
    stays: Mapping[int, Sequence[Dates]] = field(default_factory=dict)
    """Over all pools, by identity."""
    batches: Mapping[int, list[ChargeBatch]] | None = None
    """The batches of the visits; None: they are looked up."""
    last_fees: Mapping[int, date] = field(default_factory=dict)
    """Day of the last fee of batches that are not kept yet."""


EMERGENCY = "13"
"""Kind of care (``med_type``) of emergency care without admission (急诊)."""


async def settle(
    unit: Unit, requests: Sequence[Settle], facts: Facts
) -> list[SettlementFacts | Refusal]:
    """Settle charge batches (结算): decide, write the facts, move the money."""
    return await write_decisions(unit, await decide_new(unit, requests, facts, writing=True))


async def write_decisions(
    unit: Unit, decisions: Sequence[Decision | Refusal]
) -> list[SettlementFacts | Refusal]:
    """Write what was decided; visits and batches are there."""
    settled: list[tuple[SettlementFacts, int]] = []
    slots: list[tuple[int, int | None]] = []
    chains: list[tuple[int, str]] = []
    postings: list[Posting] = []
    entries: list[tuple[Any, ...]] = []
    changes: dict[store.MemberCounter, int] = {}
    outcomes: list[SettlementFacts | Refusal] = []
    for decision in decisions:
        if isinstance(decision, Refusal):
            outcomes.append(decision)
            continue
        key = PoolKey(unit.pool, unit.numbers.next(unit.now))
        bill = replace(decision.facts, key=key)
        candidate = decision.candidate
        settled.append((bill, candidate.batch.number))
        slots += [(number, key.number) for number in candidate.covered]
        if candidate.bill.chain not in (None, candidate.visit.chain):
            chains.append((candidate.visit.key.number, candidate.bill.chain or ""))
        if candidate.discharges is not None:
            await visit_store.set_end(
                unit.connection, unit.pool, candidate.visit.key.number, candidate.discharges
            )
        postings.append(rules.posting(decision, key.number, unit.day))
        for counter, delta in decision.statement.counters:
            entries.append((unit.pool, key.number, *counter, bill.member, "settlement", delta))
            changes[bill.member, counter] = delta
        unit.outbox.append((BILL_SETTLED, {"settlement": key.text()}))
        outcomes.append(bill)
    if settled:
        await _write(unit, settled, postings, entries, changes)
        await fees.set_living_settlement(unit, slots)
    if chains:
        await visit_store.set_chains(unit.connection, unit.pool, chains)
    return outcomes


async def try_settlements(
    unit: Unit, requests: Sequence[Settle], facts: Facts
) -> list[SettlementFacts | Refusal]:
    """Decide batches as ``settle`` would (预结算), locking and writing nothing."""
    decisions = await decide_new(unit, requests, facts, writing=False)
    return [decision if isinstance(decision, Refusal) else decision.facts for decision in decisions]


async def decide_new(
    unit: Unit, requests: Sequence[Settle], facts: Facts, *, writing: bool
) -> list[Decision | Refusal]:
    """Decide requests to settle; ``writing`` locks what is read and keeps lines classified anew."""
    batches = facts.batches
    if batches is None:
        visits = [request.visit.number for request in requests]
        batches = await fees.batches_by_visit(unit, visits)
    candidates: list[Candidate | Refusal] = []
    changed: dict[int, tuple[list[ChargeBatch], list[Booked]]] = {}
    for place, request in enumerate(requests):
        try:
            visit, chosen, basis = _open_batches(unit, request, batches, facts)
            if any(batch.basis != basis for batch in chosen):
                chosen, lines = await fees.reclassified(
                    unit.connection, unit.pool, chosen, basis, facts.reference.catalogue
                )
                changed[place] = chosen, lines
            own = batches.get(visit.key.number, [])
            candidates.append(await _candidate(request, visit, chosen, own, facts, unit))
        except Refused as refused:
            candidates.append(refused.refusal)
    ready = [candidate for candidate in candidates if isinstance(candidate, Candidate)]
    history = await _counters(unit, ready, lock=writing)
    parts = await _parts(unit, [candidate.request.member for candidate in ready], lock=writing)
    decisions = [
        candidate
        if isinstance(candidate, Refusal)
        else _decided(unit, candidate, history, parts.get(candidate.request.member, []))
        for candidate in candidates
    ]
    # A refused request leaves its lines as they were, whatever basis it had asked for.
    kept = [changed[place] for place in changed if isinstance(decisions[place], Decision)]
    if kept and writing:
        rewritten = [line for _, lines in kept for line in lines]
        await fees.write_reclassified(
            unit, [batch for again, _ in kept for batch in again], rewritten
        )
    return decisions


def _open_batches(
    unit: Unit, request: Settle, batches: Mapping[int, list[ChargeBatch]], facts: Facts
) -> tuple[VisitFacts, list[ChargeBatch], Basis]:
    """The visit and batches to settle, and the basis their lines must be classified by today."""
    visit = _own_visit(request, facts)
    term = check_provider(
        facts.reference.directory.institution(request.institution), unit.pool, unit.day, visit.kind
    )
    found = batches.get(request.visit.number, [])
    if visit.kind is VisitKind.STAY:
        chosen = rules.check_stay_batches(found)
    else:
        labelled = next((batch for batch in found if batch.label == request.batch), None)
        chosen = [rules.check_batch(request, labelled)]
    basis = Basis(
        request.scheme,
        request.care_kind,
        term.level,
        term.area,
        facts.reference.catalogue.version,
        classifying(request.practice),
    )
    return visit, chosen, basis


def _own_visit(request: Settle, facts: Facts) -> VisitFacts:
    """The visit; one that was made for this request alone (a purchase) needs no more checks."""
    found = facts.visits.get(request.visit.number)
    if found is not None and found.kind is VisitKind.PURCHASE and facts.batches is not None:
        return found
    # 2207 names a batch and 2304 none: that is how the two are told apart
    kind = VisitKind.OUTPATIENT if request.batch else VisitKind.STAY
    return check_own_visit(found, request.institution, request.member, kind)


async def _candidate(
    request: Settle,
    visit: VisitFacts,
    chosen: Sequence[ChargeBatch],
    own: Sequence[ChargeBatch],
    facts: Facts,
    unit: Unit,
) -> Candidate:
    batch = fees.together(chosen)
    rules.check_sums(request, batch.sums)
    begin = business_date(visit.begin)
    insured = facts.members.get(request.member)
    enrolment = check_enrolment(insured, request.scheme, begin)
    assert insured is not None
    check_voucher(insured, request.voucher_type, request.voucher_number, request.voucher_holder)
    if visit.kind is VisitKind.OUTPATIENT:
        check_not_in_hospital(begin, facts.stays.get(insured.identity.id, ()))
    institution = facts.reference.directory.institution(request.institution)
    term = check_provider(institution, unit.pool, begin, visit.kind)
    assert institution is not None
    book = facts.reference.laws
    law = book.law_on(enrolment.division, request.scheme, begin)
    rules.check_care_kind(law, request.care_kind, begin)
    stay = None
    if visit.kind is VisitKind.STAY:
        rules.check_not_negative(batch.sums)
        batch = replace(batch, buckets=fees.in_use(batch.buckets))
        stay = await _stay_span(unit, request, visit, chosen, own, insured)
    days = await _deciding_days(unit, request, visit, batch, law, begin, stay, facts)
    if days["law"] != begin:
        law = book.law_on(enrolment.division, request.scheme, days["law"])
        rules.check_care_kind(law, request.care_kind, days["law"])
    if days["person"] != begin:
        enrolment = _enrolment_on(insured, request.scheme, days["person"], enrolment, visit.kind)
    bill = known.bill_of(
        Deciding(
            request.scheme,
            request.care_kind,
            visit.key,
            batch,
            visit.disease_code,
            request.use_account,
            request.way,
            visit.kind,
            None if stay is None else Span(stay.begin, stay.days, None),
            rules.further_diseases(
                insured, request.care_kind, visit.disease_code, request.institution, begin
            ),
        ),
        insured,
        enrolment,
        Where(institution, term, facts.reference.directory),
        law,
        days,
        claim_free_years=await claim_free_years(
            unit.connection, unit.pool, insured, request.scheme, law, days["person"]
        ),
    )
    if visit.kind is VisitKind.STAY and law.stays is not None:
        bill = replace(bill, chain=await _chain(unit, visit, insured, term.division, law, bill))
    return Candidate(
        request,
        visit,
        batch,
        insured,
        enrolment,
        term,
        law,
        bill,
        needed_counters(bill, law),
        tuple(one.number for one in chosen),
        None if stay is None else stay.discharges,
    )


def _enrolment_on(
    insured: Insured, scheme: Scheme, day: date, at_begin: Enrolment, kind: VisitKind
) -> Enrolment:
    """The enrolment of a later day; a stay outlasts its own, entitlement decides what is paid."""
    if kind is VisitKind.STAY:
        return insured.enrolment_on(scheme, day) or at_begin
    return check_enrolment(insured, scheme, day)


# ------------------------------------------------------------------------------------ days of stays


@dataclass(frozen=True, slots=True)
class _Stay:
    """The days of a stay, as far as a bill of it is concerned."""

    begin: date
    days: int
    discharge: date
    last_fee: date
    settlement: date
    """Today; after a death its day, so that what ended with the death still counts."""
    discharges: datetime | None
    """The discharge that only the settlement tells of."""


async def _stay_span(
    unit: Unit,
    request: Settle,
    visit: VisitFacts,
    chosen: Sequence[ChargeBatch],
    own: Sequence[ChargeBatch],
    insured: Insured,
) -> _Stay:
    end = rules.discharge_of(request, visit)
    admitted = business_date(visit.begin)
    ended = None if end is None else business_date(end)
    fee_days = await fees.fee_days(unit.connection, unit.pool, [b.number for b in chosen])
    first, last = fee_days or (admitted, ended or unit.day)
    died_on = insured.identity.died_on
    rules.check_last_fee(fee_days and last, ended, died_on)
    settled_before = any(
        batch.living_settlement is not None and batch.number < chosen[0].number for batch in own
    )
    until = ended or unit.day
    return _Stay(
        first if settled_before else admitted,
        max(1, (until - admitted).days),
        ended or last,
        last,
        unit.day if died_on is None else min(unit.day, died_on),
        end if visit.end is None else None,
    )


async def _chain(
    unit: Unit, visit: VisitFacts, insured: Insured, division: str, law: Law, bill: Bill
) -> str:
    """The chain of stays that a stay belongs to, by the human's care before it in this pool."""
    assert visit.identity is not None, "a stay has its human"
    day = business_date(visit.begin)
    before = await visit_store.care_before(
        unit.connection, unit.pool, visit.identity, visit.member, day, EMERGENCY
    )
    own = Stay(
        visit.key.text(), visit.institution, day, referred=known.is_referred(insured, division, day)
    )
    case = case_of(facts_of(bill, law), law)
    earlier = [
        Stay(
            one.key.text(),
            one.institution,
            business_date(one.begin),
            None if one.end is None else business_date(one.end),
            one.chain,
            emergency=emergency,
        )
        for one, emergency in before
    ]
    return chain_of(own, earlier, law, case).chain


async def _deciding_days(
    unit: Unit,
    request: Settle,
    visit: VisitFacts,
    batch: ChargeBatch,
    law: Law,
    begin: date,
    stay: _Stay | None,
    facts: Facts,
) -> dict[str, date]:
    """The day that the law takes each kind of fact from (``date_basis``)."""
    basis = known.date_basis(law, request.care_kind, begin, visit.kind)
    if stay is not None:
        days = KnownDays(begin, stay.settlement, stay.last_fee, stay.discharge)
    else:
        asked = DateBasis.FEE in basis.values()
        days = KnownDays(begin, unit.day, await _last_fee(unit, batch, facts) if asked else None)
    return {what: days.on(named) for what, named in basis.items()}


async def _last_fee(unit: Unit, batch: ChargeBatch, facts: Facts) -> date:
    if batch.number in facts.last_fees:
        return facts.last_fees[batch.number]
    found = await fees.fee_days(unit.connection, unit.pool, [batch.number])
    assert found is not None, "a batch without lines is not settled"
    return found[1]


async def claim_free_years(
    connection: "Connection[Any]",
    pool: Pool,
    insured: Insured,
    scheme: Scheme,
    law: Law,
    day: date,
) -> int | None:
    """Whole years enrolled without a claim on critical illness; None where the law does not ask."""
    if Fact.CLAIM_FREE_YEARS not in facts_asked(law):
        return None
    number = insured.membership.number
    claimed = await store.last_claim(connection, pool, number, CRITICAL_ILLNESS, day)
    years = insured.enrolled_years(scheme, day)
    return years if claimed is None else min(years, age_on(claimed, day))


def _decided(
    unit: Unit,
    candidate: Candidate,
    history: Mapping[store.MemberCounter, int],
    parts: list[Part],
) -> Decision | Refusal:
    own = {key: history.get((candidate.request.member, key), 0) for key in candidate.counters}
    try:
        return rules.decide(candidate, own, parts, unit.now)
    except Refused as refused:
        return refused.refusal


async def _counters(
    unit: Unit, candidates: Sequence[Candidate], *, lock: bool
) -> dict[store.MemberCounter, int]:
    keys = [
        (candidate.request.member, key) for candidate in candidates for key in candidate.counters
    ]
    return (
        await _locked_accumulators(unit, keys)
        if lock
        else await store.accumulators(unit.connection, unit.pool, keys, lock=False)
    )


async def _locked_accumulators(
    unit: Unit, keys: Sequence[store.MemberCounter]
) -> dict[store.MemberCounter, int]:
    if not keys:
        return {}
    found = await store.accumulators(unit.connection, unit.pool, keys, lock=True)
    if len(found) < len(set(keys)):
        await store.open_accumulators(unit.connection, unit.pool, set(keys) - found.keys())
        found = await store.accumulators(unit.connection, unit.pool, keys, lock=True)
    return found


async def _parts(unit: Unit, members: Sequence[str], *, lock: bool) -> dict[str, list[Part]]:
    if not members:
        return {}
    if lock:
        return await ledger.lock_parts(unit, members)
    return await ledger.balances(unit.connection, unit.pool, members)


async def _write(
    unit: Unit,
    bills: Sequence[tuple[SettlementFacts, int]],
    postings: Sequence[Posting],
    entries: Sequence[tuple[Any, ...]],
    changes: Mapping[store.MemberCounter, int],
) -> None:
    await store.insert(unit.connection, bills)
    await ledger.post(unit, [posting for posting in postings if posting.entries])
    if entries:
        await store.insert_accumulator_entries(unit.connection, entries)
        changed = await store.add_to_accumulators(
            unit.connection, unit.pool, sorted(changes.items())
        )
        assert changed == len(changes), "an accumulator row was not there"


def person_on(insured: Insured, enrolment: Enrolment, law: Law, day: date) -> Person:
    """The person as a bill of a day would see one."""
    days = dict.fromkeys(known.DECIDED, day)
    return known.person_of(insured, enrolment, enrolment.scheme, law, days)


# ------------------------------------------------------------------------- cancelling, reversing


async def cancel(
    unit: Unit, requests: Sequence[CancelSettlement], visits: Mapping[int, VisitFacts]
) -> list[SettlementFacts | Refusal]:
    """Mirror settlements exactly (结算撤销) and flag later bills that depended on them.

    Refused where the law wants the later bills cancelled first (``out_of_order``).
    """
    found = await store.load(
        unit.connection, unit.pool, [request.settlement.number for request in requests]
    )
    outcomes: list[SettlementFacts | Refusal] = []
    for request in requests:
        try:
            original, batch = _living(request, visits, found)
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
    if original.kind is not SettlementKind.SETTLEMENT:
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN, "该结算ID是一笔撤销记录，不能再撤销", "settlement"
        )
    if original.cancelled_by is not None:
        raise Refused(
            RefusalCode.SETTLEMENT_CANCELLED,
            f"该结算已撤销（撤销结算ID {original.cancelled_by.text()}）",
            "settlement",
        )
    return original, batch


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

    None when it stands already. Refused when its batch was settled anew, or the personal account
    no longer holds what it had paid.
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
    rules.check_reinstatable(original, batches, rules.covered_by(original, batch))
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
    moved = (await store.accumulator_entries(unit.connection, unit.pool, [number])).get(number, [])
    await _locked_accumulators(unit, [(original.member, counter) for counter, _ in moved])
    later = await _dependents(unit, original, moved)
    if later and in_order:
        rules.check_order(await _own_law(unit.connection, original), original, later)
    parts = (await _parts(unit, [original.member], lock=True)).get(original.member, [])
    posting = (await ledger.postings_of(unit, [number], unit.day)).get(number)
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    made: Callable[..., SettlementFacts] = rules.cancellation if sign < 0 else rules.reinstatement
    balance = sum(part.amount for part in parts) - sign * original.account
    again = made(original, key, message_id, unit.now, balance)
    postings = []
    if posting is not None:
        entries = (
            posting.mirrored(key.number, unit.day)
            if sign < 0
            else Posting(key.number, unit.day, posting.entries)
        )
        _check_parts(entries, parts)
        postings.append(entries)
    kind = "cancellation" if sign < 0 else "settlement"
    await _write(
        unit,
        [(again, batch)],
        postings,
        [
            (unit.pool, key.number, *counter, original.member, kind, sign * delta)
            for counter, delta in moved
        ],
        {(original.member, counter): sign * delta for counter, delta in moved},
    )
    living = None if sign < 0 else number
    covered = rules.covered_by(original, batch)
    await fees.set_living_settlement(unit, [(one, living) for one in covered])
    if discharge := rules.discharged_by(original):
        end = None if sign < 0 else discharge
        await visit_store.set_end(unit.connection, unit.pool, original.visit.number, end)
    if later:
        flags = [(unit.pool, flagged, key.number, unit.now) for flagged in later]
        await store.insert_flags(unit.connection, flags)
    unit.outbox.append((BILL_CANCELLED if sign < 0 else BILL_SETTLED, {"settlement": key.text()}))
    return again


async def _check_last_of_stay(unit: Unit, original: SettlementFacts) -> None:
    """Of a stay that was settled in several parts only the last may be cancelled."""
    assert original.key is not None
    if rules.is_of_stay(original):
        batches = await fees.batches_by_visit(unit, [original.visit.number])
        rules.check_last_of_stay(original.key, batches[original.visit.number])


def _check_parts(posting: Posting, parts: Sequence[Part]) -> None:
    held = {part.account: part.amount for part in parts}
    for entry in posting.entries:
        if entry.account.startswith("account:") and held.get(entry.account, 0) + entry.amount < 0:
            raise Refused(
                RefusalCode.BALANCE_SHORT, "个人账户余额不足，不能恢复原结算", "original_message"
            )


async def _dependents(
    unit: Unit, original: SettlementFacts, moved: Sequence[tuple[CounterKey, int]]
) -> list[int]:
    """The member's later bills that stand and read a counter that this one moved."""
    assert original.key is not None
    if not moved:
        return []
    later = await store.later_living(
        unit.connection, unit.pool, original.member, original.key.number
    )
    return [number for number, read in later if rules.depended_on(read, moved)]


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


async def settlements_of_institution(
    connection: "Connection[Any]", institution: str, start: date, end: date
) -> list[SettlementFacts]:
    """An institution's settlements over all pools, settled ``start`` ≤ day < ``end``."""
    return await store.of_institution(connection, institution, start, end)


async def counters(
    connection: "Connection[Any]", pool: Pool, member: str
) -> list[tuple[CounterKey, int]]:
    """A member's accumulators (个人累计), in fen."""
    return await store.member_accumulators(connection, pool, member)


async def explained(connection: "Connection[Any]", facts: SettlementFacts) -> Recomputed:
    """A settlement decided again from its stored snapshot and the kept text of its law.

    Its differences to what was settled are named; there are none as long as the computation that
    decided it has not been changed. Refused when the text of its law was not kept.
    """
    return recomputation.recomputed(facts, await _own_law(connection, facts))


async def _own_law(connection: "Connection[Any]", facts: SettlementFacts) -> Law:
    """The law that decided a settlement."""
    law = await laws.law_by_fingerprint(connection, facts.law)
    if law is None:
        raise Refused(
            RefusalCode.PARAMETER_MISSING, f"规则 {facts.law} 的文本没有保存", "law", law=facts.law
        )
    return law
