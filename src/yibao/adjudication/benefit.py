"""The benefit of a bill: sums, deductible, payers in order, account, cash, counters.

``decide`` makes every decision and keeps what each of them stood on; ``benefit`` is its statement.
The explanation is made from the same record (``trace``), so that it can only say what was computed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from yibao.adjudication.account import AccountDecision, decide_account
from yibao.adjudication.bands import rounded
from yibao.adjudication.counters import counter_keys, entries, reader
from yibao.adjudication.deductible import DeductibleDecision, decide_deductible
from yibao.adjudication.model import (
    GENERAL_BUCKET,
    AccountPart,
    Bill,
    CounterKey,
    History,
    Payment,
    Statement,
    Sums,
)
from yibao.adjudication.payers import BillState, PayerDecision, decide_payer
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import PHARMACY, BenefitRules, Case, Law, PersonalPart, missing
from yibao.policy.terms import EntitlementExtent


class Coverage(NamedTuple):
    """Whether the scheme pays for a bill's care at its place at all."""

    rules: BenefitRules | None
    case: Case
    reason: str
    """``covered``, ``care_kind``, ``place`` or ``entitlement``."""


class Decision(NamedTuple):
    """A decided bill with all that decided it."""

    bill: Bill
    law: Law
    coverage: Coverage
    deductible: DeductibleDecision
    payers: tuple[PayerDecision, ...]
    account: AccountDecision | None
    statement: Statement


def benefit(
    bill: Bill, law: Law, history: History, account_parts: Sequence[AccountPart]
) -> Statement:
    """Decide a bill. The statement's identities are asserted; its trace is ``trace.steps``.

    Refused: PARAMETER_MISSING when the law lacks a value that the bill needs; AMOUNT_OUT_OF_RANGE
    for negative sums or counters.
    """
    return decide(bill, law, history, account_parts).statement


def needed_counters(bill: Bill, law: Law) -> tuple[CounterKey, ...]:
    """The counters that the bill reads or feeds: lock and read these before ``benefit``."""
    rules = coverage_of(bill, law).rules
    return tuple(counter_keys(rules, bill, law).values()) if rules else ()


def decide(
    bill: Bill, law: Law, history: History, account_parts: Sequence[AccountPart]
) -> Decision:
    """Decide a bill and keep every decision. Refused as ``benefit``."""
    if bill.scheme != law.scheme:
        raise ValueError(f"a bill of scheme {bill.scheme} under the law of {law.scheme}")
    sums = _sums_of(bill)
    coverage = coverage_of(bill, law)
    deductible = DeductibleDecision(0, ())
    payers: tuple[PayerDecision, ...] = ()
    counters: tuple[tuple[CounterKey, int], ...] = ()
    if coverage.rules is not None:
        deductible, payers, counters = _covered(
            coverage.rules, coverage.case, bill, law, sums, history
        )
    payments = tuple([_payment(decision) for decision in payers if decision.amount])
    funds = sum([payment.amount for payment in payments])
    account = None
    if bill.use_account and bill.person.entitlement is not EntitlementExtent.NONE and account_parts:
        personal_parts = {
            PersonalPart.DEDUCTIBLE: deductible.paid,
            PersonalPart.CO_PAY: sums.in_scope - deductible.paid - funds,
            PersonalPart.FIRST_PAY: sums.first_pay,
            PersonalPart.OVER_LIMIT: sums.over_limit,
            PersonalPart.OWN: sums.own,
        }
        account = decide_account(
            law.account, personal_parts, account_parts, bill.day, coverage.case
        )
    used = account.paid if account else ()
    personal = sums.total - funds
    statement = Statement(
        sums=sums,
        deductible=deductible.paid,
        payments=payments,
        personal=personal,
        account=used,
        cash=personal - sum([amount for _, amount in used]),
        counters=counters,
    )
    statement.check()
    return Decision(bill, law, coverage, deductible, payers, account, statement)


def coverage_of(bill: Bill, law: Law) -> Coverage:
    """Whether the scheme pays for this care, here, for this person.

    Refused: PARAMETER_MISSING when the law says nothing about the kind of care.
    """
    case = Case(law.person_class(bill.person.person_type), bill.provider.level)
    rules = law.benefit_for(bill.care_kind, bill.day)
    if rules is None:
        return Coverage(None, case, "care_kind")
    place = PHARMACY if bill.provider.is_pharmacy else bill.provider.level
    if place not in rules.places.find(bill.day, case).value:
        return Coverage(None, case, "place")
    if bill.person.entitlement is not EntitlementExtent.FULL:
        return Coverage(None, case, "entitlement")
    return Coverage(rules, case, "covered")


def _covered(
    rules: BenefitRules, case: Case, bill: Bill, law: Law, sums: Sums, history: History
) -> tuple[DeductibleDecision, tuple[PayerDecision, ...], tuple[tuple[CounterKey, int], ...]]:
    keys = counter_keys(rules, bill, law)
    read = reader(keys, history)
    deductible = decide_deductible(rules.deductible, sums.in_scope, bill.day, case, read)
    decisions: list[PayerDecision] = []
    paid: dict[str, Fen] = {}
    state = BillState(sums.in_scope, deductible.paid, paid, 0)
    for payer in rules.payers:
        decision = decide_payer(payer, state, bill.day, case, read)
        decisions.append(decision)
        paid[payer.key] = decision.amount
        state = state._replace(above_cap=decision.above_cap)
    added = entries(rules, keys, deductible=deductible.paid, in_scope=sums.in_scope, paid=paid)
    return deductible, tuple(decisions), added


def _payment(decision: PayerDecision) -> Payment:
    fund, amount_field = decision.reported_as.value
    slices = decision.slices
    return Payment(
        fund=fund,
        amount_field=amount_field,
        base=rounded(decision.base),
        amount=decision.amount,
        available=decision.available,
        rate=slices[0].band.rate if len(slices) == 1 and not decision.above_cap else None,
    )


def _sums_of(bill: Bill) -> Sums:
    """The bill's sums over its buckets.

    Refused: PARAMETER_MISSING for a bucket the law treats apart and has no rule for;
    AMOUNT_OUT_OF_RANGE for a negative sum.
    """
    for bucket in bill.sums:
        if bucket != GENERAL_BUCKET:
            raise missing(f"buckets.{bucket}", bill.day)
    sums = bill.sums.get(GENERAL_BUCKET) or Sums()
    for name, amount in (
        ("own", sums.own),
        ("over_limit", sums.over_limit),
        ("first_pay", sums.first_pay),
        ("in_scope", sums.in_scope),
    ):
        if amount < 0:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE,
                "退费金额大于本批收费金额，合计为负，不能结算；请撤销原结算后重新结算",
                field=name,
            )
    return sums
