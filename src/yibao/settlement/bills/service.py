"""Try, settle, cancel and reverse bills. Visits are locked by the room before these run.

Locks are taken in one order everywhere: visits, accumulators, account parts, each by key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.adjudication.case import facts_asked
from yibao.adjudication.model import CounterKey, Person
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
from yibao.settlement.bills.facts import Deciding, KnownDays, Where
from yibao.settlement.bills.recomputation import Recomputed
from yibao.settlement.bills.rules import Candidate, Decision
from yibao.settlement.fees import service as fees
from yibao.settlement.fees.model import Basis, ChargeBatch
from yibao.settlement.model import (
    CancelSettlement,
    LineFacts,
    Settle,
    SettlementFacts,
    SettlementKind,
    VisitFacts,
)
from yibao.settlement.visits.rules import (
    check_enrolment,
    check_outpatient_institution,
    check_own_visit,
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


async def settle(
    unit: Unit, requests: Sequence[Settle], facts: Facts
) -> list[SettlementFacts | Refusal]:
    """Settle charge batches (结算): decide, write the facts, move the money."""
    decisions = await _decide(unit, requests, facts, writing=True)
    settled: list[tuple[SettlementFacts, int]] = []
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
        settled.append((bill, decision.candidate.batch.number))
        postings.append(rules.posting(decision, key.number, unit.day))
        for counter, delta in decision.statement.counters:
            entries.append((unit.pool, key.number, *counter, bill.member, "settlement", delta))
            changes[bill.member, counter] = delta
        unit.outbox.append((BILL_SETTLED, {"settlement": key.text()}))
        outcomes.append(bill)
    if settled:
        await _write(unit, settled, postings, entries, changes)
        await fees.set_living_settlement(
            unit, [(batch, bill.key.number) for bill, batch in settled if bill.key]
        )
    return outcomes


async def try_settlements(
    unit: Unit, requests: Sequence[Settle], facts: Facts
) -> list[SettlementFacts | Refusal]:
    """Decide batches as ``settle`` would (预结算), locking and writing nothing."""
    decisions = await _decide(unit, requests, facts, writing=False)
    return [decision if isinstance(decision, Refusal) else decision.facts for decision in decisions]


async def _decide(
    unit: Unit, requests: Sequence[Settle], facts: Facts, *, writing: bool
) -> list[Decision | Refusal]:
    batches = await fees.batches_by_visit(unit, [request.visit.number for request in requests])
    candidates: list[Candidate | Refusal] = []
    changed: dict[int, tuple[ChargeBatch, list[tuple[int, int, LineFacts, str]]]] = {}
    for place, request in enumerate(requests):
        try:
            visit, batch, basis = _open_batch(unit, request, batches, facts)
            if batch.basis != basis:
                batch, rows = await fees.reclassified(
                    unit.connection, unit.pool, batch, basis, facts.reference.catalogue
                )
                changed[place] = batch, rows
            candidates.append(await _candidate(request, visit, batch, facts, unit))
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
        rewritten = [row for _, rows in kept for row in rows]
        await fees.write_reclassified(unit, [batch for batch, _ in kept], rewritten)
    return decisions


def _open_batch(
    unit: Unit, request: Settle, batches: Mapping[int, list[ChargeBatch]], facts: Facts
) -> tuple[VisitFacts, ChargeBatch, Basis]:
    """The visit and batch to settle, and the basis its lines must be classified by today."""
    visit = check_own_visit(
        facts.visits.get(request.visit.number), request.institution, request.member
    )
    term = check_outpatient_institution(
        facts.reference.directory.institution(request.institution), unit.pool, unit.day
    )
    found = batches.get(request.visit.number, [])
    labelled = next((batch for batch in found if batch.label == request.batch), None)
    batch = rules.check_batch(request, labelled)
    basis = Basis(
        request.scheme, request.care_kind, term.level, term.area, facts.reference.catalogue.version
    )
    return visit, batch, basis


async def _candidate(
    request: Settle, visit: VisitFacts, batch: ChargeBatch, facts: Facts, unit: Unit
) -> Candidate:
    rules.check_sums(request, batch.sums)
    begin = business_date(visit.begin)
    insured = facts.members.get(request.member)
    enrolment = check_enrolment(insured, request.scheme, begin)
    assert insured is not None
    check_voucher(insured, request.voucher_type, request.voucher_number)
    institution = facts.reference.directory.institution(request.institution)
    term = check_outpatient_institution(institution, unit.pool, begin)
    assert institution is not None
    book = facts.reference.laws
    law = book.law_on(enrolment.division, request.scheme, begin)
    rules.check_care_kind(law, request.care_kind, begin)
    days = await _deciding_days(unit, request, batch, law, begin)
    if days["law"] != begin:
        law = book.law_on(enrolment.division, request.scheme, days["law"])
        rules.check_care_kind(law, request.care_kind, days["law"])
    if days["person"] != begin:
        enrolment = check_enrolment(insured, request.scheme, days["person"])
    bill = known.bill_of(
        Deciding(
            request.scheme,
            request.care_kind,
            visit.key,
            batch,
            visit.disease_code,
            request.use_account,
            request.way,
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
    return rules.candidate(request, visit, batch, insured, enrolment, term, law, bill)


async def _deciding_days(
    unit: Unit, request: Settle, batch: ChargeBatch, law: Law, begin: date
) -> dict[str, date]:
    """The day that the law takes each kind of fact from (``date_basis``)."""
    basis = known.date_basis(law, request.care_kind, begin)
    fee = None
    if DateBasis.FEE in basis.values():
        fee = await fees.last_fee_day(unit.connection, unit.pool, batch)
    days = KnownDays(begin, unit.day, fee)
    return {what: days.on(named) for what, named in basis.items()}


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
    check_own_visit(visits.get(request.visit.number), request.institution, request.member)
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
    batches = await fees.batches_by_visit(unit, [original.visit.number])
    slot = next((b for b in batches.get(original.visit.number, []) if b.number == batch), None)
    if slot is None or slot.living_settlement is not None:
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"收费批次 {original.batch} 已重新结算或已撤销明细，不能恢复原结算",
            "original_message",
        )
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
    await fees.set_living_settlement(unit, [(batch, None if sign < 0 else number)])
    if later:
        flags = [(unit.pool, flagged, key.number, unit.now) for flagged in later]
        await store.insert_flags(unit.connection, flags)
    unit.outbox.append((BILL_CANCELLED if sign < 0 else BILL_SETTLED, {"settlement": key.text()}))
    return again


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
