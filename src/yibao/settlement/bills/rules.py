"""From a request and its facts to a decided bill, its postings and its mirror. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache

from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import AccountPart, Bill, CounterKey, Statement, Sums
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.model import (
    Entry,
    Part,
    Posting,
    cash_account,
    claimed_account,
    collected_account,
    fund_account,
)
from yibao.policy.model import Law, OutOfOrder
from yibao.policy.terms import CareKind
from yibao.registry.institutions.model import InstitutionTerm
from yibao.registry.people.model import Enrolment, Insured
from yibao.settlement.bills import snapshot
from yibao.settlement.fees.model import ChargeBatch
from yibao.settlement.model import (
    Origin,
    Payee,
    PaymentFacts,
    Settle,
    SettlementFacts,
    SettlementKind,
    VisitFacts,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request to settle, with every fact that decides it, before the counters are read."""

    request: Settle
    visit: VisitFacts
    batch: ChargeBatch
    insured: Insured
    enrolment: Enrolment
    term: InstitutionTerm
    law: Law
    bill: Bill
    counters: tuple[CounterKey, ...]
    """The counters the law reads or feeds for this bill."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decided bill: its facts without a number, and what must be written beside it."""

    candidate: Candidate
    statement: Statement
    facts: SettlementFacts


def candidate(
    request: Settle,
    visit: VisitFacts,
    batch: ChargeBatch,
    insured: Insured,
    enrolment: Enrolment,
    term: InstitutionTerm,
    law: Law,
    bill: Bill,
) -> Candidate:
    """The facts of one bill put together, with the counters that the law wants to see."""
    return Candidate(
        request, visit, batch, insured, enrolment, term, law, bill, needed_counters(bill, law)
    )


def check_batch(request: Settle, batch: ChargeBatch | None) -> ChargeBatch:
    """The batch, if there is something in it to settle."""
    if batch is None:
        raise Refused(
            RefusalCode.BATCH_UNKNOWN, f"收费批次 {request.batch} 没有已上传的明细", "batch"
        )
    if batch.line_count == 0:
        raise Refused(RefusalCode.BATCH_EMPTY, f"收费批次 {request.batch} 没有明细", "batch")
    if batch.living_settlement is not None:
        raise Refused(
            RefusalCode.BATCH_SETTLED,
            f"收费批次 {request.batch} 已结算，不能重复结算；需重新结算请先用 2208 撤销",
            "batch",
        )
    return batch


def check_care_kind(law: Law, care_kind: CareKind, day: date) -> None:
    """The law must say something of the kind of care, be it that nothing is paid."""
    try:
        _check_said(law, care_kind, day)
    except Refused as refused:
        raise Refused(
            RefusalCode.PARAMETER_MISSING,
            f"医疗类别 {care_kind} 在 {day} 的统筹区待遇规则中没有规定，不能按此类别结算",
            "care_kind",
            **refused.refusal.facts,
        ) from refused


@lru_cache(maxsize=1_024)
def _check_said(law: Law, care_kind: CareKind, day: date) -> None:
    """Remembered for what the law says; a refusal is found anew each time."""
    law.benefit_for(care_kind, day)


def check_sums(request: Settle, sums: Sums) -> None:
    """The caller's total and sums must be those of the uploaded lines, to the fen."""
    if request.total != sums.total:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"医疗费总额 {yuan(request.total)} 与已上传明细合计 {yuan(sums.total)} 不一致",
            "total",
        )
    if request.sums is None:
        return
    for name, label in (
        ("own", "全自费金额"),
        ("over_limit", "超限价金额"),
        ("first_pay", "先行自付金额"),
        ("in_scope", "符合政策范围金额"),
    ):
        sent, found = getattr(request.sums, name), getattr(sums, name)
        if sent != found:
            raise Refused(
                RefusalCode.SUMS_CHANGED,
                f"{label} {yuan(sent)} 与明细合计 {yuan(found)} 不一致；现行合计：全自费 "
                f"{yuan(sums.own)}，超限价 {yuan(sums.over_limit)}，先行自付 "
                f"{yuan(sums.first_pay)}，政策范围内 {yuan(sums.in_scope)}",
                name,
                own=yuan(sums.own),
                over_limit=yuan(sums.over_limit),
                first_pay=yuan(sums.first_pay),
                in_scope=yuan(sums.in_scope),
            )


def decide(
    candidate: Candidate, history: Mapping[CounterKey, int], parts: Sequence[Part], now: datetime
) -> Decision:
    """Adjudicate one bill; trial and settlement are this one function."""
    account_parts = [AccountPart(part.account, part.origin, part.amount) for part in parts]
    statement = benefit(candidate.bill, candidate.law, history, account_parts)
    request, visit, bill = candidate.request, candidate.visit, candidate.bill
    assert statement.sums.total == request.total
    facts = SettlementFacts(
        key=None,
        kind=SettlementKind.SETTLEMENT,
        mirrors=None,
        visit=visit.key,
        batch=request.batch,
        institution=request.institution,
        member=request.member,
        origin=Origin.INSTITUTION,
        payee=Payee.INSTITUTION,
        scheme=request.scheme,
        care_kind=request.care_kind,
        person_type=candidate.enrolment.person_type,
        civil_servant=candidate.enrolment.civil_servant,
        level=candidate.term.level.value,
        insured_division=candidate.enrolment.division,
        care_division=candidate.term.division,
        voucher_type=request.voucher_type,
        day=bill.day,
        settled_at=now,
        message_id=request.message_id,
        invoice=request.invoice,
        sums=statement.sums,
        deductible=statement.deductible,
        payments=tuple(
            PaymentFacts(
                payment.fund,
                payment.amount_field,
                payment.base,
                payment.amount,
                payment.available,
                None if payment.rate is None else payment.rate.text(),
                payment.payer,
            )
            for payment in statement.payments
        ),
        personal=statement.personal,
        account=statement.account_total,
        family=statement.family,
        cash=statement.cash,
        hospital_part=statement.hospital_part,
        balance=sum(part.amount for part in parts) - statement.account_total,
        law=candidate.law.fingerprint,
        snapshot=snapshot.written(
            bill,
            {key: history.get(key, 0) for key in candidate.counters},
            account_parts,
            candidate.batch.basis.catalogue,
        ),
        insured=candidate.insured,
    )
    return Decision(candidate, statement, facts)


# ------------------------------------------------------------------------------ money and mirrors


def posting(decision: Decision, number: int, day: date) -> Posting:
    """Funds and personal account → the institution's claim; cash → what it collected.

    The hospital's own part moves nothing: it neither claims nor collects it.
    """
    statement, institution = decision.statement, decision.facts.institution
    claimed: Fen = statement.funds + statement.account_total
    entries = [
        *(Entry(fund_account(payment.fund), -payment.amount) for payment in statement.payments),
        *(Entry(account, -amount) for account, amount in statement.account),
        Entry(claimed_account(institution), claimed),
        Entry(cash_account(institution), -statement.cash),
        Entry(collected_account(institution), statement.cash),
    ]
    return Posting(number, day, tuple(entry for entry in entries if entry.amount))


def cancellation(
    original: SettlementFacts, key: PoolKey, message_id: str, now: datetime, balance: Fen
) -> SettlementFacts:
    """The mirror of a settlement: a new fact with every amount negated."""
    sums = original.sums
    return replace(
        original,
        key=key,
        kind=SettlementKind.CANCELLATION,
        mirrors=original.key,
        settled_at=now,
        message_id=message_id,
        sums=Sums(
            -sums.total,
            -sums.own,
            -sums.over_limit,
            -sums.first_pay,
            -sums.in_scope,
            -sums.hospital,
        ),
        deductible=-original.deductible,
        payments=tuple(
            replace(payment, base=-payment.base, amount=-payment.amount)
            for payment in original.payments
        ),
        personal=-original.personal,
        account=-original.account,
        family=-original.family,
        cash=-original.cash,
        hospital_part=-original.hospital_part,
        balance=balance,
        needs_resettlement=False,
        cancelled_by=None,
        insured=None,
    )


def reinstatement(
    original: SettlementFacts, key: PoolKey, message_id: str, now: datetime, balance: Fen
) -> SettlementFacts:
    """The original's amounts again, after its cancellation was reversed."""
    return replace(
        original,
        key=key,
        kind=SettlementKind.REINSTATEMENT,
        mirrors=original.key,
        settled_at=now,
        message_id=message_id,
        balance=balance,
        needs_resettlement=False,
        cancelled_by=None,
        insured=None,
    )


def depended_on(counters_read: Mapping[str, int], moved: Sequence[tuple[CounterKey, int]]) -> bool:
    """Whether a later bill read a counter that a cancelled one had moved."""
    return any(snapshot.counter_text(key) in counters_read for key, _ in moved)


def out_of_order(law: Law, original: SettlementFacts) -> OutOfOrder:
    """What the law says of cancelling a bill that later ones depend on; flagging, unless told."""
    rules = law.benefit_for(original.care_kind, original.day)
    if rules is None or rules.out_of_order is None:
        return OutOfOrder.FLAG
    return rules.out_of_order.find(original.day, {}).value


def check_order(law: Law, original: SettlementFacts, later: Sequence[int]) -> None:
    """Refuse a cancellation that the law wants after those of the bills that depend on it."""
    if later and out_of_order(law, original) is OutOfOrder.REFUSE:
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"该结算之后还有 {len(later)} 笔结算依赖其累计，须先撤销后面的结算",
            "settlement",
            later=PoolKey(original.visit.pool, max(later)).text(),
        )
