"""From a request and its facts to a decided bill and its postings. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from yibao.adjudication.benefit import benefit
from yibao.adjudication.model import AccountPart, Bill, CounterKey, FamilyAccount, Statement, Sums
from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen, yuan
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.model import (
    Entry,
    Part,
    Posting,
    cash_account,
    claimed_account,
    collected_account,
    fund_account,
    owed_account,
)
from yibao.policy.model import Law
from yibao.policy.terms import CareKind
from yibao.registry.family.model import FamilyLink
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


class Candidate(Frozen):
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
    covered: tuple[int, ...] = ()
    """The batches it settles: of a stay all that were open, ``batch`` being their sum."""
    discharges: datetime | None = None
    """Discharge that only the settlement tells of."""


class Purse(NamedTuple):
    """A relative's account as a bill sees it (家庭共济)."""

    link: FamilyLink
    account: FamilyAccount
    year: int | None
    """The year whose limit this use counts against; None: the link has none."""

    def stored(self) -> list[Any]:
        """Plain, for the bill's snapshot."""
        parts = [[part.key, part.origin, part.available] for part in self.account.parts]
        return [self.link.number, self.account.limit, self.year, parts]


class Decision(Frozen):
    """A decided bill: its facts without a number, and what must be written beside it."""

    candidate: Candidate
    statement: Statement
    facts: SettlementFacts
    purses: Sequence[Purse] = ()
    """The relatives' accounts that might pay."""


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


def check_stay_batches(batches: Sequence[ChargeBatch]) -> list[ChargeBatch]:
    """Everything of a stay that is not settled yet, if there is something in it."""
    unsettled = [b for b in batches if b.living_settlement is None and b.line_count]
    if unsettled:
        return unsettled
    settled = any(batch.living_settlement is not None for batch in batches)
    raise Refused(
        RefusalCode.BATCH_SETTLED if settled else RefusalCode.BATCH_EMPTY,
        "该住院的费用明细已全部结算；需重新结算请先用 2305 撤销"
        if settled
        else "该住院没有已上传的费用明细",
        "batch",
    )


def discharge_of(request: Settle, visit: VisitFacts) -> datetime | None:
    """When the stay ended; None for an interim settlement, which goes up to its last fee.

    Refused: NOT_DISCHARGED for a final settlement of a stay whose end nobody told,
    DATE_NOT_ALLOWED when the settlement tells another day than the discharge.
    """
    if request.interim:
        return None
    told = request.discharged_at
    end = visit.end or told
    if end is None:
        raise Refused(
            RefusalCode.NOT_DISCHARGED,
            "该住院尚未办理出院：出院结算请先用 2402 办理出院，未出院请使用中途结算标志",
            "discharged_at",
        )
    day = business_date(end)
    if told is not None and business_date(told) != day:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"出院日期 {business_date(told)} 与出院办理的日期 {day} 不一致",
            "discharged_at",
            day=day.isoformat(),
        )
    if day < business_date(visit.begin):
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"出院日期 {day} 早于入院日期 {business_date(visit.begin)}",
            "discharged_at",
            day=day.isoformat(),
        )
    return end


def check_last_fee(last: date | None, end: date | None, died_on: date | None) -> None:
    """No fee of a stay lies after its end, and none after a death."""
    for day, what in ((end, "出院日期"), (died_on, "死亡日期")):
        if last is not None and day is not None and last > day:
            raise Refused(
                RefusalCode.DATE_NOT_ALLOWED,
                f"费用日期 {last} 晚于{what} {day}，请先用 2302 撤销这些明细",
                "time",
                day=last.isoformat(),
            )


def check_not_negative(sums: Sums) -> None:
    """A bill of a stay whose returns outweigh its new lines belongs to the interim one before."""
    if min(sums.total, sums.own, sums.over_limit, sums.first_pay, sums.in_scope, sums.hospital) < 0:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            "本次退费多于新发生的费用，不能单独结算：请先用 2305 撤销前一笔中途结算，再一并结算",
            "total",
        )


def further_diseases(
    insured: Insured, care_kind: CareKind, disease: str | None, institution: str, day: date
) -> int:
    """How many chronic diseases are on file beside the one that is treated.

    Refused for a person with diseases on file when the one treated is not among them, or may only
    be treated elsewhere. Of a person with none on file nothing is asked.
    """
    if not care_kind.startswith(CHRONIC) or not insured.diseases:
        return 0
    filed = insured.diseases_on(day)
    treated = [one for one in filed if one.code == disease]
    if not treated:
        named = "未填写病种" if disease is None else f"病种 {disease} 未备案或备案已失效"
        raise Refused(RefusalCode.FILING_UNKNOWN, f"门诊慢特病：{named}（{day}）", "disease_code")
    if all(one.institution not in (None, institution) for one in treated):
        raise Refused(
            RefusalCode.CARE_NOT_OFFERED,
            f"门诊慢特病：病种 {disease} 备案的定点机构不是本机构",
            "institution",
        )
    return len({one.code for one in filed} - {disease})


CHRONIC = "14"
"""Kinds of care (``med_type``) of chronic and special diseases (门诊慢特病) begin with this."""


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
    candidate: Candidate,
    history: Mapping[CounterKey, int],
    parts: Sequence[Part],
    now: datetime,
    purses: Sequence[Purse] = (),
) -> Decision:
    """Adjudicate one bill; trial and settlement are this one function.

    ``purses`` are the relatives' accounts that may pay what the own one leaves.
    """
    account_parts = [AccountPart(part.account, part.origin, part.available) for part in parts]
    accounts = [purse.account for purse in purses]
    statement = benefit(candidate.bill, candidate.law, history, account_parts, accounts)
    request, visit, bill = candidate.request, candidate.visit, candidate.bill
    assert statement.sums.total == request.total
    facts = SettlementFacts(
        key=None,
        kind=SettlementKind.SETTLEMENT,
        mirrors=None,
        visit=visit.key,
        batch=candidate.batch.label,
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
        balance=sum([part.available for part in parts]) - statement.account_total,
        law=candidate.law.fingerprint,
        snapshot=snapshot.written(
            bill,
            {key: history.get(key, 0) for key in candidate.counters},
            account_parts,
            candidate.batch.basis.catalogue,
            [purse.stored() for purse in purses],
            statement.sums,
            request.member,
        )
        | _for_undoing(candidate),
        interim=request.interim,
        insured=candidate.insured,
    )
    return Decision(candidate, statement, facts, purses)


def _for_undoing(candidate: Candidate) -> dict[str, Any]:
    """What undoing a settlement must know beside the bill; days only where they are not the bill's.

    The days of the visit; of a stay its batches, and whether the settlement ended it.
    """
    kept: dict[str, Any] = {}
    ended = candidate.discharges or candidate.visit.end
    for name, moment in (("begun", candidate.visit.begin), ("ended", ended)):
        if moment is not None and business_date(moment) != candidate.bill.day:
            kept[name] = business_date(moment).isoformat()
    if len(candidate.covered) > 1:
        kept["batches"] = list(candidate.covered)
    if candidate.discharges is not None:
        kept["discharges"] = candidate.discharges.isoformat()
    return kept


# ------------------------------------------------------------------------------------------- money


def posting(decision: Decision, number: int, day: date) -> Posting:
    """Funds and personal accounts → the institution's claim; cash → what it collected.

    The hospital's own part moves nothing: it neither claims nor collects it.
    """
    if decision.facts.payee is Payee.PERSON:
        return posting_to_person(decision, number, day)
    statement, institution = decision.statement, decision.facts.institution
    claimed: Fen = statement.funds + statement.account_total + statement.family
    entries = [
        *(Entry(fund_account(payment.fund), -payment.amount) for payment in statement.payments),
        *(Entry(account, -amount) for account, amount in statement.account),
        *(Entry(account, -amount) for account, amount in statement.family_accounts),
        Entry(claimed_account(institution), claimed),
        Entry(cash_account(institution), -statement.cash),
        Entry(collected_account(institution), statement.cash),
    ]
    return Posting(number, day, tuple(entry for entry in entries if entry.amount))


def posting_to_person(decision: Decision, number: int, day: date) -> Posting:
    """Funds → what the person is owed: a paper bill was paid in full where the care was."""
    statement, member = decision.statement, decision.facts.member
    entries = [
        *(Entry(fund_account(payment.fund), -payment.amount) for payment in statement.payments),
        Entry(owed_account(member), statement.funds),
    ]
    return Posting(number, day, tuple(entry for entry in entries if entry.amount))
