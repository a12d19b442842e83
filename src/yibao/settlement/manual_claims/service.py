"""Settle a paper bill with the person who paid it, and cancel one (零星报销).

The bill is decided by the same law and counters as any other: a visit with its lines, whose
institution is the bureau, so that no institution sees it. What the funds pay is owed to the person.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.adjudication.benefit import needed_counters
from yibao.kernel.areas import Division, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period, instant_of
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.archive import missing
from yibao.platform.archive.service import archived_before
from yibao.platform.commands.model import Unit
from yibao.policy.model import DateBasis, Law
from yibao.registry.institutions.model import Institution, InstitutionKind, InstitutionTerm
from yibao.registry.merging import service as files
from yibao.registry.people.model import Enrolment, Insured
from yibao.registry.service import Reference
from yibao.settlement.bills import decision as deciding
from yibao.settlement.bills import facts as known
from yibao.settlement.bills import rules as bill_rules
from yibao.settlement.bills import service as bills
from yibao.settlement.bills import wallets
from yibao.settlement.bills.facts import Deciding, KnownDays, Span, Where
from yibao.settlement.bills.rules import Candidate, Decision
from yibao.settlement.fees import rules as fee_rules
from yibao.settlement.fees import service as fees
from yibao.settlement.fees.model import Basis, ChargeBatch, Classified, classifying
from yibao.settlement.manual_claims import rules, store
from yibao.settlement.manual_claims.model import (
    OWN_EXPENSE,
    Claim,
    ClaimedLine,
    PaidTwice,
    Release,
)
from yibao.settlement.model import (
    BUREAU,
    Diagnosis,
    FeeLine,
    Origin,
    Payee,
    Practice,
    Settle,
    SettlementFacts,
    VisitFacts,
    VisitKind,
    VisitState,
)
from yibao.settlement.visits import store as visit_store
from yibao.settlement.visits.rules import check_enrolment

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = ["cancel", "enter", "paid_twice"]

BATCH = "1"
_PRACTICE = Practice(own_expense_codes=frozenset({OWN_EXPENSE}))
_APPROVALS = {None: "0", True: "1", False: "2"}


class _Paper(NamedTuple):
    """A claim read as a visit with its lines, before it is decided."""

    claim: Claim
    visit: VisitFacts
    batch: ChargeBatch
    lines: list[Classified]
    insured: Insured
    enrolment: Enrolment
    where: Where
    law: Law


async def enter(
    unit: Unit, claim: Claim, insured: Insured | None, reference: Reference, release: Release
) -> SettlementFacts:
    """Settle a paper bill. Refused as a bill is, and for costs that were settled before."""
    rules.check_claim(claim, unit.day)
    paper = _read(unit, claim, insured, reference)
    await visit_store.lock_people(unit.connection, [paper.insured.identity.id])
    await store.lock_invoice(unit.connection, unit.pool, claim.invoice)
    candidate = await _candidate(unit, paper, reference, release)
    decision = await _decided(unit, candidate)
    # only now: a bill of the member that is settled beside has met the locked counters
    await _check_not_claimed(unit, paper.insured.identity.id, claim, release)
    await visit_store.insert(unit.connection, [paper.visit])
    await fees.write_batches(unit, [(paper.batch, paper.lines)])
    (settled,) = await bills.write_decisions(unit, [decision])
    assert isinstance(settled, SettlementFacts), "it was decided"
    assert settled.key is not None
    place = paper.where.term.name
    await store.insert(unit.connection, settled.key, claim, place, release, unit.now)
    return settled


async def cancel(unit: Unit, settlement: PoolKey, reference: str) -> SettlementFacts:
    """Mirror the settlement of a paper bill; it may be entered again, rightly.

    Refused for a settlement that is not of a paper bill, or is cancelled.
    """
    found = await bills.settlement(unit.connection, settlement)
    if found is None or found.origin is not Origin.BUREAU_MANUAL:
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN,
            f"结算 {settlement.text()} 不存在或不是零星报销",
            "settlement",
        )
    mirror = await bills.cancel_for_bureau(unit, settlement, reference)
    await visit_store.cancel(unit.connection, unit.pool, [found.visit.number])
    return mirror


async def paid_twice(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[PaidTwice]:
    """An institution's bills of a span whose costs a paper bill was paid for.

    A paper bill is held against what was settled before it; that a hospital settles the same costs
    afterwards is found here, by the same grounds, as asking at each bill would cost them all.
    """
    await _bring_back_papers(connection, institution, first_day, last_day)
    meeting = await store.meeting_paper(connection, institution, first_day, last_day)
    return [
        replace(one, why=why) for one in meeting if (why := rules.same_costs(one.paper, one.bill))
    ]


async def _check_not_claimed(unit: Unit, human: int, claim: Claim, release: Release) -> None:
    numbers = await files.numbers_of(unit.connection, human)
    await _bring_back(unit, numbers, claim.invoice)
    standing = await store.standing(unit.connection, numbers, claim.first_day, claim.last_day)
    rules.check_not_claimed(claim, standing, release.remark)
    other = await store.claimed_by_others(unit.connection, unit.pool, claim.member, claim.invoice)
    if other is not None:
        raise Refused(
            RefusalCode.CLAIM_DOUBLE,
            f"票据号 {claim.invoice} 已由结算 {PoolKey(unit.pool, other).text()} 报销给他人",
            "invoice",
        )


async def _bring_back(unit: Unit, numbers: Sequence[tuple[Pool, str]], invoice: str) -> None:
    """What was put away of a human's numbers, and of paper bills with the same invoice."""
    for pool in sorted({where for where, _ in numbers}):
        own = [number for where, number in numbers if where == pool]
        await missing.bring_whole(unit.connection, pool, {"member": own})
    claims = await store.claims_on(unit.connection, unit.pool, invoice)
    await missing.came_back(unit.connection, unit.pool, claims, ())


async def _bring_back_papers(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> None:
    """What was put away of a span's bills, and of the paper bills that they may repeat."""
    if not await archived_before(connection):
        return
    bills_of = {"institution": [institution]}
    await missing.bring_days(connection, None, first_day, last_day, bills_of)
    papers = await store.papers_met(connection, institution, first_day, last_day)
    for pool in sorted({paper.pool for paper in papers}):
        numbers = [paper.number for paper in papers if paper.pool == pool]
        await missing.came_back(connection, pool, numbers, ())


# ------------------------------------------------------------------------------- reading the paper


def _read(unit: Unit, claim: Claim, insured: Insured | None, reference: Reference) -> _Paper:
    enrolment = check_enrolment(insured, claim.scheme, claim.first_day)
    assert insured is not None
    law = reference.laws.law_on(enrolment.division, claim.scheme, claim.first_day)
    bill_rules.check_care_kind(law, claim.care_kind, claim.first_day)
    where = _where(claim, reference)
    if claim.diagnosis not in reference.catalogue.diagnoses:
        raise Refused(
            RefusalCode.CODE_UNKNOWN,
            f"诊断代码 {claim.diagnosis} 不在医保疾病诊断目录中",
            "diagnosis",
        )
    name = reference.catalogue.diagnoses[claim.diagnosis]
    visit = _visit(unit, claim, insured, name)
    basis = Basis(
        claim.scheme,
        claim.care_kind,
        where.term.level,
        Division(law.area),  # the home catalogue, wherever the care was
        reference.catalogue.version,
        classifying(_PRACTICE),
    )
    sent = [_line(number, line) for number, line in enumerate(claim.lines, 1)]
    lines = fees.classified_purchase(sent, unit, basis, _PRACTICE, reference.catalogue)
    batch = fees.opened(unit, visit, BATCH, basis, lines)
    batch = replace(batch, buckets=fee_rules.in_use(batch.buckets))
    return _Paper(claim, visit, batch, lines, insured, enrolment, where, law)


def _where(claim: Claim, reference: Reference) -> Where:
    """Where the care was: as the registry has it, or as the clerk tells."""
    place = claim.place
    if place.code is not None:
        institution = reference.directory.institution(place.code)
        term = None if institution is None else institution.term_on(claim.first_day)
        if institution is None or term is None:
            raise Refused(
                RefusalCode.INSTITUTION_UNKNOWN,
                f"医药机构 {place.code} 在 {claim.first_day} 不是本平台的定点机构；"
                "非定点机构请填写名称、等级和所在区划",
                "institution",
            )
        return Where(institution, term, reference.directory)
    if not place.name or place.division is None:
        raise Refused(
            RefusalCode.FIELD_MISSING,
            "非本平台的医疗机构须填写 institution_name（名称）和 division（所在区划）",
            "institution_name",
        )
    term = InstitutionTerm(
        Period(claim.first_day), place.name, place.level, "", place.division, place.division, ""
    )
    stranger = Institution(BUREAU, InstitutionKind.HOSPITAL, Pool(""), (term,))
    return Where(stranger, term, reference.directory)


def _visit(unit: Unit, claim: Claim, insured: Insured, diagnosis: str) -> VisitFacts:
    begin = _noon(claim.first_day)
    found = Diagnosis("1", 1, claim.diagnosis, diagnosis, "", "", "", begin)
    stay = claim.discharged is not None
    return VisitFacts(
        key=PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution=BUREAU,
        member=claim.member,
        scheme=claim.scheme,
        state=VisitState.OPEN,
        begin=begin,
        voucher_type="",
        outpatient_number=claim.invoice,
        doctor_code="",
        doctor_name="",
        department_code="",
        department_name="",
        speciality="",
        care_kind=claim.care_kind,
        condition=None,
        disease_code=claim.disease,
        disease_name=None,
        diagnoses=(found,),
        maternity={},
        kind=VisitKind.STAY if stay else VisitKind.OUTPATIENT,
        end=_noon(claim.last_day) if stay else None,
        discharge_diagnoses=(found,) if stay else (),
        identity=insured.identity.id if stay else None,
    )


def _line(number: int, line: ClaimedLine) -> FeeLine:
    return FeeLine(
        serial=str(number),
        batch=BATCH,
        item=line.item,
        institution_item="",
        amount=line.amount,
        price=line.price,
        quantity=line.quantity,
        time=_noon(line.day),
        approval=_APPROVALS[line.approved],
        details={"medins_list_name": line.name},
    )


def _noon(day: date) -> datetime:
    return instant_of(datetime.combine(day, time(12)))


# ---------------------------------------------------------------------------------------- deciding


async def _candidate(
    unit: Unit, paper: _Paper, reference: Reference, release: Release
) -> Candidate:
    claim, visit, insured = paper.claim, paper.visit, paper.insured
    basis = known.date_basis(paper.law, claim.care_kind, claim.first_day, visit.kind)
    days = _days(basis, claim, unit.day)
    law = reference.laws.law_on(paper.enrolment.division, claim.scheme, days["law"])
    bill_rules.check_care_kind(law, claim.care_kind, days["law"])
    enrolment = insured.enrolment_on(claim.scheme, days["person"]) or paper.enrolment
    stay = claim.discharged is not None
    span = Span(claim.first_day, max(1, (claim.last_day - claim.first_day).days), None)
    bill = known.bill_of(
        Deciding(
            claim.scheme,
            claim.care_kind,
            visit.key,
            paper.batch,
            claim.disease,
            use_account=False,  # the person has paid already
            way="01",
            kind=visit.kind,
            span=span if stay else None,
            further_diseases=bill_rules.further_diseases(
                insured, claim.care_kind, claim.disease, claim.place.code or BUREAU, claim.first_day
            ),
        ),
        insured,
        enrolment,
        paper.where,
        law,
        days,
        claim_free_years=await deciding.claim_free_years(
            unit.connection, unit.pool, insured, claim.scheme, law, days["person"]
        ),
    )
    if stay and law.stays is not None:
        division = paper.where.term.division
        chain = await deciding.stay_chain(unit, visit, insured, division, law, bill)
        bill = replace(bill, chain=chain)
    return Candidate(
        _request(paper, release),
        visit,
        paper.batch,
        insured,
        enrolment,
        paper.where.term,
        law,
        bill,
        needed_counters(bill, law),
        (paper.batch.number,),
    )


def _days(basis: Mapping[str, DateBasis], claim: Claim, today: date) -> dict[str, date]:
    last_fee = max(line.day for line in claim.lines)
    days = KnownDays(claim.first_day, today, last_fee, claim.discharged)
    return {what: days.on(named) for what, named in basis.items()}


def _request(paper: _Paper, release: Release) -> Settle:
    claim = paper.claim
    return Settle(
        institution=BUREAU,
        member=claim.member,
        visit=paper.visit.key,
        batch=BATCH,
        scheme=claim.scheme,
        care_kind=claim.care_kind,
        total=claim.total,
        use_account=False,
        way="01",
        voucher_type="",
        message_id=release.proposal.text(),
        invoice=claim.invoice,
        practice=_PRACTICE,
    )


async def _decided(unit: Unit, candidate: Candidate) -> Decision:
    member = candidate.request.member
    wanted = [(member, key) for key in candidate.counters]
    stood = await deciding.locked_accumulators(unit, wanted)
    history = {key: stood.get((member, key), 0) for key in candidate.counters}
    decided = bill_rules.decide(candidate, history, [], unit.now)
    parts = (await wallets.account_parts(unit, [member], lock=False)).get(member, [])
    facts = replace(
        decided.facts,
        origin=Origin.BUREAU_MANUAL,
        payee=Payee.PERSON,
        balance=sum(part.amount for part in parts),
    )
    return replace(decided, facts=facts)
