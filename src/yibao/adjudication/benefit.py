"""The benefit of a bill: sums, deductible, payers in order, account, cash, counters.

``decide`` makes every decision and keeps what each of them stood on; ``benefit`` is its statement.
The explanation is made from the same record (``trace``), so that it can only say what was computed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from yibao.adjudication.account import AccountDecision, decide_account
from yibao.adjudication.applicable import Applicable, NotCovered, account_rules, applicable
from yibao.adjudication.bands import Exact, rounded
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
from yibao.policy.model import Law, PersonalPart, missing
from yibao.policy.terms import EntitlementExtent


class Care(NamedTuple):
    """What the scheme decides about a bill: deductible, payers, counters."""

    deductible: DeductibleDecision
    payers: tuple[PayerDecision, ...]
    counters: tuple[tuple[CounterKey, int], ...]


NOTHING = Care(DeductibleDecision(0, ()), (), ())
"""The scheme does not pay: neither deductible nor counters move."""


class Decision(NamedTuple):
    """A decided bill with all that decided it."""

    bill: Bill
    law: Law
    applicable: Applicable | NotCovered
    care: Care
    account: AccountDecision | None
    statement: Statement


def benefit(
    bill: Bill, law: Law, history: History, account_parts: Sequence[AccountPart]
) -> Statement:
    """Decide a bill. The statement's identities are asserted; ``trace.explained`` adds its trace.

    Refused: PARAMETER_MISSING when the law lacks a value that the bill needs; AMOUNT_OUT_OF_RANGE
    for negative sums or counters.
    """
    return decide(bill, law, history, account_parts).statement


def needed_counters(bill: Bill, law: Law) -> tuple[CounterKey, ...]:
    """The counters that the bill reads or feeds: lock and read these before ``benefit``."""
    found = applicable(bill, law)
    return tuple(counter_keys(found, bill).values()) if isinstance(found, Applicable) else ()


def decide(
    bill: Bill, law: Law, history: History, account_parts: Sequence[AccountPart]
) -> Decision:
    """Decide a bill and keep every decision. Refused as ``benefit``."""
    if bill.scheme != law.scheme:
        raise ValueError(f"a bill of scheme {bill.scheme} under the law of {law.scheme}")
    sums = _sums_of(bill)
    found = applicable(bill, law)
    care = _decide_care(found, bill, sums, history) if isinstance(found, Applicable) else NOTHING
    payments = tuple([_payment(decision) for decision in care.payers if decision.amount])
    funds = sum([payment.amount for payment in payments])
    account = None
    used: tuple[tuple[str, Fen], ...] = ()
    if account_parts and _account_is_open(bill):
        personal_parts = _personal_parts(sums, care.deductible.paid, funds)
        account = decide_account(account_rules(law, bill.day), personal_parts, account_parts)
        used = account.paid
    personal = sums.total - funds
    statement = Statement(
        sums=sums,
        deductible=care.deductible.paid,
        payments=payments,
        personal=personal,
        account=used,
        cash=personal - sum([amount for _, amount in used]),
        counters=care.counters,
    )
    statement.check(
        deductible_is_personal=isinstance(found, NotCovered) or found.deductible_is_personal
    )
    return Decision(bill, law, found, care, account, statement)


def _personal_parts(sums: Sums, deductible: Fen, funds: Fen) -> dict[PersonalPart, Fen]:
    """The person's part as the account's rules tell it apart."""
    unpaid = sums.in_scope - funds
    of_deductible = min(deductible, unpaid)
    return {
        PersonalPart.DEDUCTIBLE: of_deductible,
        PersonalPart.CO_PAY: unpaid - of_deductible,
        PersonalPart.FIRST_PAY: sums.first_pay,
        PersonalPart.OVER_LIMIT: sums.over_limit,
        PersonalPart.OWN: sums.own,
    }


def _account_is_open(bill: Bill) -> bool:
    """The hospital asked for it, and the person may use the account (its fund may be blocked)."""
    return bill.use_account and bill.person.entitlement is not EntitlementExtent.NONE


def _decide_care(found: Applicable, bill: Bill, sums: Sums, history: History) -> Care:
    keys = counter_keys(found, bill)
    read = reader(keys, history)
    deductible = decide_deductible(found.deductible, sums.in_scope, read)
    decisions: list[PayerDecision] = []
    paid: dict[str, Fen] = {}
    above_cap: Exact = 0
    for payer in found.payers:
        state = BillState(sums.in_scope, deductible.paid, paid, above_cap)
        decision = decide_payer(payer, state, read)
        decisions.append(decision)
        paid[payer.payer.key] = decision.amount
        above_cap = decision.above_cap
    added = entries(found, keys, deductible=deductible.paid, in_scope=sums.in_scope, paid=paid)
    return Care(deductible, tuple(decisions), added)


def _payment(decision: PayerDecision) -> Payment:
    fund, amount_field = decision.found.reported_as.value
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
    if sums.own < 0 or sums.over_limit < 0 or sums.first_pay < 0 or sums.in_scope < 0:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            "本批退费大于收费，分项合计为负，不能结算；请撤销原结算后重新结算",
            field="sums",
        )
    return sums
