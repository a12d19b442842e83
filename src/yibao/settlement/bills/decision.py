"""Decide bills: from a request to settle and the facts of its day to a decision, nothing written.

Locks are taken in one order everywhere: visits, accumulators, account parts, each by key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from yibao.adjudication.benefit import needed_counters
from yibao.adjudication.case import case_of, dimensions_of, facts_asked, facts_of
from yibao.adjudication.model import Bill
from yibao.adjudication.stays import Stay, chain_of
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.periods import age_on, business_date
from yibao.kernel.refusals import Refusal, Refused
from yibao.platform.archive import missing
from yibao.platform.commands.model import Unit
from yibao.policy.model import DateBasis, Fact, Law, Payer, ReportedAs
from yibao.policy.terms import Scheme
from yibao.registry.people.model import Enrolment, Insured
from yibao.registry.service import Reference
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills import elsewhere, rules, store, wallets
from yibao.settlement.bills import facts as known
from yibao.settlement.bills.facts import Deciding, KnownDays, Span, Where
from yibao.settlement.bills.rules import Candidate, Decision
from yibao.settlement.bills.wallets import Wallets
from yibao.settlement.fees import reclassification
from yibao.settlement.fees import rules as fee_rules
from yibao.settlement.fees import service as fees
from yibao.settlement.fees.model import Basis, Booked, ChargeBatch, classifying
from yibao.settlement.model import (
    Settle,
    VisitFacts,
    VisitKind,
)
from yibao.settlement.stays.rules import Standing, check_end
from yibao.settlement.visits import store as visit_store
from yibao.settlement.visits.rules import (
    Dates,
    check_alone,
    check_begin,
    check_enrolment,
    check_not_in_hospital,
    check_own_visit,
    check_provider,
    check_scheme_of_stay,
    check_voucher,
)

if TYPE_CHECKING:
    from asyncpg import Connection

CRITICAL_ILLNESS = "hifmi"
"""Amount field that the interface has for critical illness (大病保险): where it is paid under a law
that does not say by which payer."""


EMERGENCY = "13"
"""Kind of care (``med_type``) of emergency care without admission (急诊)."""


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
                chosen, lines = await reclassification.reclassified(
                    unit.connection, unit.pool, chosen, basis, facts.reference.catalogue
                )
                changed[place] = chosen, lines
            own = batches.get(visit.key.number, [])
            candidates.append(await _candidate(request, visit, chosen, own, facts, unit))
        except Refused as refused:
            candidates.append(refused.refusal)
    ready = [candidate for candidate in candidates if isinstance(candidate, Candidate)]
    history = await _counters(unit, ready, lock=writing)
    purses = await wallets.opened(unit, ready, lock=writing)
    decisions = [
        candidate
        if isinstance(candidate, Refusal)
        else _decided(unit, candidate, history, purses, writing=writing)
        for candidate in candidates
    ]
    # A refused request leaves its lines as they were, whatever basis it had asked for.
    kept = [changed[place] for place in changed if isinstance(decisions[place], Decision)]
    if kept and writing:
        rewritten = [line for _, lines in kept for line in lines]
        await reclassification.write_reclassified(
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
    visit = check_own_visit(found, request.institution, request.member, kind)
    if visit.kind is VisitKind.STAY:
        check_scheme_of_stay(visit, request.scheme)
    return visit


async def _candidate(
    request: Settle,
    visit: VisitFacts,
    chosen: Sequence[ChargeBatch],
    own: Sequence[ChargeBatch],
    facts: Facts,
    unit: Unit,
) -> Candidate:
    batch = reclassification.together(chosen)
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
        batch = replace(batch, buckets=fee_rules.in_use(batch.buckets))
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
    if stay is not None and law.stays is not None:
        # what an earlier bill of the stay was counted by is not changed under it
        chain = stay.continues and visit.chain
        if not chain:
            chain = await stay_chain(unit, visit, insured, term.division, law, bill)
        bill = replace(bill, chain=chain)
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
    continues: bool
    """Some of the stay is settled already."""


async def _stay_span(
    unit: Unit,
    request: Settle,
    visit: VisitFacts,
    chosen: Sequence[ChargeBatch],
    own: Sequence[ChargeBatch],
    insured: Insured,
) -> _Stay:
    end = rules.discharge_of(request, visit)
    if end is not None and visit.end is None:
        await _check_discharge(unit, visit, end, own, insured)
    admitted = business_date(visit.begin)
    ended = None if end is None else business_date(end)
    fee_days = await fees.fee_days(unit.connection, unit.pool, chosen)
    first, last = fee_days or (admitted, ended or unit.day)
    died_on = insured.identity.died_on
    rules.check_last_fee(fee_days and last, ended, died_on)
    settled_before = any(
        batch.living_settlement is not None and batch.number < chosen[0].number for batch in own
    )
    known_end = end or visit.end
    until = unit.day if known_end is None else business_date(known_end)
    return _Stay(
        first if settled_before else admitted,
        max(1, (until - admitted).days),
        ended or last,
        last,
        unit.day if died_on is None else min(unit.day, died_on),
        end if visit.end is None else None,
        settled_before,
    )


async def _check_discharge(
    unit: Unit, visit: VisitFacts, end: datetime, own: Sequence[ChargeBatch], insured: Insured
) -> None:
    """A discharge that only the settlement tells of must be one that 2402 would take.

    No lock is needed: while the stay is open, no other of the human can begin or move into it.
    """
    assert visit.identity is not None, "a stay has its human"
    fee_days = await fees.fee_days(unit.connection, unit.pool, own)
    others = await visit_store.stays_of(unit.connection, [visit.identity])
    try:
        check_begin(end, unit.now)
        standing = Standing(last_fee=None if fee_days is None else fee_days[1])
        check_end(visit, end, standing, insured.identity.died_on)
        check_alone(visit.begin, end, others.get(visit.identity, ()), visit.key)
    except Refused as refused:
        told = refused.refusal
        raise Refused(told.code, told.message, "discharged_at", **told.facts) from refused


async def stay_chain(
    unit: Unit, visit: VisitFacts, insured: Insured, division: str, law: Law, bill: Bill
) -> str:
    """The chain of stays that a stay belongs to, by the human's care before it in this pool.

    For laws that have rules of stays.
    """
    assert visit.identity is not None, "a stay has its human"
    day = business_date(visit.begin)
    before = await _care_before(unit, visit, visit.identity, law, day)
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


async def _care_before(
    unit: Unit, visit: VisitFacts, identity: int, law: Law, day: date
) -> list[tuple[VisitFacts, bool]]:
    """What a stay may continue; it comes back if it is so long ago that it may be put away.

    A human's stays are known by number however old they are, under all of the human's numbers.
    """
    first = day - timedelta(days=_chained_within(law, day))
    if unit.day - first > HOT:
        only = {"member": [visit.member]}
        await missing.bring_days(unit.connection, unit.pool, first, day, only)
    stays = (await visit_store.stays_of(unit.connection, [identity])).get(identity, ())
    near = [
        key.number
        for key, begin, end in stays
        if key.pool == unit.pool and business_date(end or begin) >= first
    ]

    async def load() -> list[tuple[VisitFacts, bool]]:
        return await visit_store.care_before(
            unit.connection, unit.pool, near, visit.member, first, day, EMERGENCY
        )

    found = await load()
    there = [one.key.number for one, _ in found]
    if await missing.came_back(unit.connection, unit.pool, near, there):
        found = await load()
    return found


def _chained_within(law: Law, day: date) -> int:
    """The most days that may lie between stays of one chain, whatever the case."""
    assert law.stays is not None
    rules_ = (law.stays.referral_days, law.stays.readmission_days, law.stays.emergency_days)
    versions = [version for rule in rules_ if (version := rule.in_force(day))]
    return max((days or 0 for version in versions for days in version.cases.values()), default=0)


HOT = timedelta(days=28)
"""What is younger was never put away: at the least, a whole month stays after each."""


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
    found = await fees.fee_days(unit.connection, unit.pool, [batch])
    assert found is not None, "a batch without lines is not settled"
    return found[1]


@lru_cache(maxsize=64)
def claimed_as(law: Law) -> frozenset[ReportedAs]:
    """As what a claim on critical illness stands in settled bills: areas pay it by different funds.

    It is what the payers pay whose own rules look at the years without one.
    """
    payers = [*law.payers, *(payer for benefit in law.benefits for payer in benefit.payers)]
    asking = {name for name, c in law.classes.items() if c.fact is Fact.CLAIM_FREE_YEARS}
    turning = [payer for payer in payers if asking & dimensions_of(payer) or _grows(payer)]
    told = {
        payer.key: {
            value for version in payer.reported_as.versions for value in version.cases.values()
        }
        for payer in payers
    }
    found = frozenset(one for payer in turning for one in told[payer.key])
    return found or frozenset(
        one for ones in told.values() for one in ones if one.amount_field == CRITICAL_ILLNESS
    )


def _grows(payer: Payer) -> bool:
    """Whether a payer's cap or deductible grows with the years without a claim."""
    limits = (*payer.caps, *payer.deductible)
    return any(g.years is Fact.CLAIM_FREE_YEARS for limit in limits for g in limit.growth)


async def claim_free_years(
    connection: "Connection[Any]",
    pool: Pool,
    insured: Insured,
    scheme: Scheme,
    law: Law,
    day: date,
) -> int | None:
    """Whole years enrolled without a claim on critical illness; None where the law does not ask.

    Where it asks, all bills of the person come back: which of them was a claim is not known before.
    """
    if Fact.CLAIM_FREE_YEARS not in facts_asked(law):
        return None
    number = insured.membership.number
    await missing.bring_whole(connection, pool, {"member": [number]})
    claimed = await store.last_claim(connection, pool, number, claimed_as(law), day)
    years = insured.enrolled_years(scheme, day)
    return years if claimed is None else min(years, age_on(claimed, day))


def _decided(
    unit: Unit,
    candidate: Candidate,
    history: Mapping[accumulators.MemberCounter, int],
    accounts: Wallets,
    *,
    writing: bool,
) -> Decision | Refusal:
    own = {key: history.get((candidate.request.member, key), 0) for key in candidate.counters}
    parts, purses = accounts.of(candidate)
    try:
        if wanted := accounts.elsewhere.to_be_asked(candidate):
            elsewhere.check_none_needed(candidate, wanted, own, parts, unit.now)
        decision = rules.decide(candidate, own, parts, unit.now, purses)
    except Refused as refused:
        return refused.refusal
    if writing:  # a trial takes nothing from those that share its snapshot
        accounts.spend(decision)
    return decision


async def _counters(
    unit: Unit, candidates: Sequence[Candidate], *, lock: bool
) -> dict[accumulators.MemberCounter, int]:
    keys = [
        (candidate.request.member, key) for candidate in candidates for key in candidate.counters
    ]
    return (
        await locked_accumulators(unit, keys)
        if lock
        else await accumulators.values(unit.connection, unit.pool, keys, lock=False)
    )


async def locked_accumulators(
    unit: Unit, keys: Sequence[accumulators.MemberCounter]
) -> dict[accumulators.MemberCounter, int]:
    """Counters, locked; those that were not there begin at zero."""
    if not keys:
        return {}
    found = await accumulators.values(unit.connection, unit.pool, keys, lock=True)
    if lacking := set(keys) - found.keys():
        opened = await accumulators.open_at_zero(unit.connection, unit.pool, lacking)
        found |= dict.fromkeys(opened, 0)
        if others := sorted(lacking - opened):
            found |= await accumulators.values(unit.connection, unit.pool, others, lock=True)
    return found
