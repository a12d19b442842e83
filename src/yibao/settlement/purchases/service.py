"""Buy, or try to, at a pharmacy: the steps of an outpatient visit, taken in one.

Nothing is kept before the bill is decided: a refusal leaves nothing, a trial neither.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, Refused
from yibao.platform.commands.model import Unit
from yibao.policy.terms import EMPLOYEE, Scheme
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference
from yibao.settlement.bills import decision
from yibao.settlement.bills import service as bills
from yibao.settlement.fees import service as fees
from yibao.settlement.fees.model import ChargeBatch, Classified
from yibao.settlement.model import (
    Purchase,
    Settle,
    SettlementFacts,
    VisitFacts,
    VisitKind,
    VisitState,
)
from yibao.settlement.visits import store as visit_store
from yibao.settlement.visits.rules import (
    check_begin,
    check_enrolment,
    check_provider,
    check_voucher,
)

BATCH = "1"
"""Label of a purchase's only batch."""


class _Basket(NamedTuple):
    """A purchase before it is decided."""

    visit: VisitFacts
    batch: ChargeBatch
    lines: list[Classified]
    last_fee: date
    request: Settle


async def buy(
    unit: Unit,
    requests: Sequence[Purchase],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[SettlementFacts | Refusal]:
    """Settle purchases (药店结算)."""
    baskets = [_tried(unit, request, members, reference) for request in requests]
    ready = [basket for basket in baskets if isinstance(basket, _Basket)]
    decided = await decision.decide_new(
        unit, [b.request for b in ready], _facts(ready, members, reference), writing=True
    )
    going = [
        basket
        for basket, outcome in zip(ready, decided, strict=True)
        if not isinstance(outcome, Refusal)
    ]
    if going:  # visits before all else, as everywhere (decision 0006)
        await visit_store.insert(unit.connection, [basket.visit for basket in going])
    settled = await bills.write_decisions(unit, decided, kept=False)
    bought = [
        (basket, bill)
        for basket, bill in zip(ready, settled, strict=True)
        if not isinstance(bill, Refusal)
    ]
    if bought:
        await fees.write_batches(
            unit, [(_settled_by(basket.batch, bill), basket.lines) for basket, bill in bought]
        )
    answers = iter(settled)
    return [
        basket if isinstance(basket, Refusal) else _with_lines(next(answers), basket)
        for basket in baskets
    ]


async def try_to_buy(
    unit: Unit,
    requests: Sequence[Purchase],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[SettlementFacts | Refusal]:
    """Decide purchases as ``buy`` would (药店预结算), writing nothing."""
    baskets = [_tried(unit, request, members, reference) for request in requests]
    ready = [basket for basket in baskets if isinstance(basket, _Basket)]
    decided = iter(
        await bills.try_settlements(
            unit, [b.request for b in ready], _facts(ready, members, reference)
        )
    )
    return [
        basket if isinstance(basket, Refusal) else _with_lines(next(decided), basket)
        for basket in baskets
    ]


def _settled_by(batch: ChargeBatch, bill: SettlementFacts) -> ChargeBatch:
    assert bill.key is not None, "it was written"
    return replace(batch, living_settlement=bill.key.number)


def _with_lines(decided: SettlementFacts | Refusal, basket: _Basket) -> SettlementFacts | Refusal:
    if isinstance(decided, Refusal):
        return decided
    return replace(decided, lines=tuple(line.facts for line in basket.lines))


def scheme_of(request: Purchase, insured: Insured | None, day: date) -> Scheme:
    """The scheme that is said, else the one the member is in: the employees' before others."""
    if request.scheme is not None:
        return request.scheme
    if insured is None:
        return EMPLOYEE
    held = [row.scheme for row in insured.enrolments if row.period.holds(day)]
    return EMPLOYEE if EMPLOYEE in held or not held else held[0]


def _facts(
    baskets: Sequence[_Basket], members: Mapping[str, Insured], reference: Reference
) -> decision.Facts:
    return decision.Facts(
        {basket.visit.key.number: basket.visit for basket in baskets},
        members,
        reference,
        batches={basket.visit.key.number: [basket.batch] for basket in baskets},
        last_fees={basket.batch.number: basket.last_fee for basket in baskets},
    )


def _tried(
    unit: Unit, request: Purchase, members: Mapping[str, Insured], reference: Reference
) -> _Basket | Refusal:
    try:
        return _basket(unit, request, members.get(request.member), reference)
    except Refused as refused:
        return refused.refusal


def _basket(
    unit: Unit, request: Purchase, insured: Insured | None, reference: Reference
) -> _Basket:
    day = check_begin(request.begin, unit.now)
    institution = reference.directory.institution(request.institution)
    check_provider(institution, unit.pool, day, VisitKind.PURCHASE)
    scheme = scheme_of(request, insured, day)
    check_enrolment(insured, scheme, day)
    assert insured is not None
    check_voucher(insured, request.voucher_type, request.voucher_number, request.voucher_holder)
    visit = _visit(unit, request, scheme)
    term = check_provider(institution, unit.pool, unit.day, VisitKind.PURCHASE)
    basis = fees.basis_of(visit, term, reference, request.practice)
    sent = [replace(line, batch=BATCH) for line in request.lines]
    lines = fees.classified_purchase(sent, unit, basis, request.practice, reference.catalogue)
    return _Basket(
        visit,
        fees.opened(unit, visit, BATCH, basis, lines),
        lines,
        max(business_date(line.time) for line in sent),
        _settlement(request, visit),
    )


def _visit(unit: Unit, request: Purchase, scheme: Scheme) -> VisitFacts:
    return VisitFacts(
        key=PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution=request.institution,
        member=request.member,
        scheme=scheme,
        state=VisitState.OPEN,
        begin=request.begin,
        voucher_type=request.voucher_type,
        outpatient_number="",
        doctor_code="",
        doctor_name="",
        department_code="",
        department_name="",
        speciality="",
        care_kind=request.care_kind,
        condition=None,
        disease_code=request.disease_code,
        disease_name=request.disease_name,
        diagnoses=(),
        maternity={},
        kind=VisitKind.PURCHASE,
        prescription=request.prescription,
    )


def _settlement(request: Purchase, visit: VisitFacts) -> Settle:
    return Settle(
        institution=request.institution,
        member=request.member,
        visit=visit.key,
        batch=BATCH,
        scheme=visit.scheme,
        care_kind=request.care_kind,
        total=request.total,
        use_account=request.use_account,
        way=request.way,
        voucher_type=request.voucher_type,
        message_id=request.message_id,
        invoice=request.invoice,
        voucher_number=request.voucher_number,
        practice=request.practice,
        voucher_holder=request.voucher_holder,
        held=request.held,
    )
