"""The benefit of a bill: parts, deductible, payers in order, account, cash, counters.

``decide`` makes every decision and keeps what each of them stood on; ``benefit`` is its statement.
The explanation is made from the same record (``trace``), so that it can only say what was computed.
"""

from collections.abc import Sequence

from yibao.adjudication.account import Account, AccountDecision, FamilyDecision, family_pays
from yibao.adjudication.applicable import (
    Frame,
    Times,
    account_rules,
    family_rules,
    frame_for,
    plan_of,
)
from yibao.adjudication.bands import Exact, rounded
from yibao.adjudication.case import class_of_number
from yibao.adjudication.checks import check_bill
from yibao.adjudication.counters import Counters
from yibao.adjudication.instances import instances_of
from yibao.adjudication.model import (
    AccountPart,
    Bill,
    CounterKey,
    FamilyAccount,
    History,
    Payment,
    Statement,
    Sums,
)
from yibao.adjudication.parts import (
    FIRST_PAY,
    OVER_LIMIT,
    OWN,
    Left,
    Opening,
    close_part,
    open_part,
    sums_of,
)
from yibao.adjudication.payers import PayerDecision, Turn, decide_payer
from yibao.adjudication.plan import FoundFamily, FoundPayer, NotCovered, Part, Plan
from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen
from yibao.policy.model import Base, Law
from yibao.policy.purses import PersonalPart
from yibao.policy.terms import EntitlementExtent

PERSONAL_PARTS = (
    PersonalPart.DEDUCTIBLE,
    PersonalPart.CO_PAY,
    PersonalPart.FIRST_PAY,
    PersonalPart.OVER_LIMIT,
    PersonalPart.OWN,
)
NO_ENTITLEMENT = EntitlementExtent.NONE


class PartDecision(Frozen):
    """What was decided about one part of a bill."""

    found: Part | NotCovered
    buckets: tuple[str, ...]
    opening: Opening
    payers: tuple[PayerDecision, ...]


class Decision(Frozen):
    """A decided bill with all that decided it."""

    bill: Bill
    law: Law
    plan: Plan
    parts: tuple[PartDecision, ...]
    common: tuple[PayerDecision, ...]
    """What the common payers decided, after all parts."""
    account: AccountDecision | None
    family: FamilyDecision | None
    """None where no relative's account may pay."""
    times: tuple[tuple[str, int], ...]
    """Which stay this is, by the law's counters of stays."""
    statement: Statement

    @property
    def payers(self) -> tuple[PayerDecision, ...]:
        """All payers in the order in which they decided."""
        return (*[payer for part in self.parts for payer in part.payers], *self.common)


def benefit(
    bill: Bill,
    law: Law,
    history: History,
    account_parts: Sequence[AccountPart],
    family: Sequence[FamilyAccount] = (),
) -> Statement:
    """Decide a bill. The statement's identities are asserted; ``trace.explained`` adds its trace.

    Refused: PARAMETER_MISSING when the law lacks a value that the bill needs, FIELD_MISSING when
    the bill lacks a number that the law needs, AMOUNT_OUT_OF_RANGE for negative sums, days or
    counters, TOTAL_DIFFERS, DATE_NOT_ALLOWED for a birth after the bill's day and for a stay that
    the law cuts at the year's end.
    """
    return decide(bill, law, history, account_parts, family).statement


def needed_counters(bill: Bill, law: Law) -> tuple[CounterKey, ...]:
    """The counters that the bill reads or feeds: lock and read these before ``benefit``."""
    check_bill(bill)
    instances = instances_of(frame_for(bill, law).slots, bill, law)
    read = [key for keys in instances.keys.values() for key in keys]
    return (*read, *instances.marks.values())


def decide(
    bill: Bill,
    law: Law,
    history: History,
    account_parts: Sequence[AccountPart],
    family: Sequence[FamilyAccount] = (),
) -> Decision:
    """Decide a bill and keep every decision. Refused as ``benefit``.

    ``family`` pays what the own account leaves, in the order given; no fund and no counter moves
    by who pays.
    """
    if bill.scheme != law.scheme:
        raise ValueError(f"a bill of scheme {bill.scheme} under the law of {law.scheme}")
    check_bill(bill)
    frame = frame_for(bill, law)
    counters = Counters(instances_of(frame.slots, bill, law), history)
    manieth = _how_manieth(frame, counters) if frame.times else ()
    times = _times(frame, manieth) if manieth else ()
    plan = plan_of(frame, times)
    account = _account(frame, times, bill, account_parts)
    parts: list[PartDecision] = []
    lefts: list[Left] = []
    for found, buckets in plan.groups:
        sums = sums_of(buckets, bill.sums)
        opening, left = open_part(found, sums, bill, law, counters, account)
        payers = _part_payers(found, left, bill, counters) if isinstance(found, Part) else ()
        parts.append(PartDecision(found, buckets, opening, payers))
        lefts.append(left)
    common = _common_payers(plan, lefts, bill, counters) if plan.payers else ()
    relatives = Relatives(_family(frame, times, bill, family), family)
    return _decision(bill, law, plan, parts, lefts, common, account, relatives, counters, manieth)


# -------------------------------------------------------------------------------------- counters


def _how_manieth(frame: Frame, counters: Counters) -> tuple[tuple[str, int], ...]:
    """Which stay this is, by each counter of stays that decides a class."""
    names = dict.fromkeys([c.counter for c in frame.times if c.counter is not None])
    declared = frame.law.counters
    return tuple([(name, counters.how_manieth(declared[name])) for name in names])


def _times(frame: Frame, manieth: tuple[tuple[str, int], ...]) -> Times:
    by_counter = dict(manieth)
    return tuple(
        [
            (c.dimension, class_of_number(c, by_counter[c.counter]))
            for c in frame.times
            if c.counter is not None
        ]
    )


# ---------------------------------------------------------------------------------------- payers


def _part_payers(
    part: Part, left: Left, bill: Bill, counters: Counters
) -> tuple[PayerDecision, ...]:
    decisions: list[PayerDecision] = []
    before = ""
    for found in part.payers:
        payer = found.payer
        above = left.above_cap.get(payer.above_cap_of or before, 0) if before else 0
        decision = decide_payer(found, Turn((left,), above, bill, counters))
        left.above_cap[payer.key] = decision.above_cap
        before = payer.key
        decisions.append(decision)
    close_part(part, left, counters)
    return tuple(decisions)


def _common_payers(
    plan: Plan, lefts: Sequence[Left], bill: Bill, counters: Counters
) -> tuple[PayerDecision, ...]:
    decisions: list[PayerDecision] = []
    above: dict[str, Exact] = {}
    for found in plan.payers:
        payer = found.payer
        works_on = [
            left
            for left in lefts
            if left.benefit and (not payer.benefits or left.benefit in payer.benefits)
        ]
        left_above = _above_cap(found, works_on, decisions, above)
        decision = decide_payer(found, Turn(works_on, left_above, bill, counters, common=True))
        above[payer.key] = decision.above_cap
        decisions.append(decision)
    return tuple(decisions)


def _above_cap(
    found: FoundPayer,
    works_on: Sequence[Left],
    before: Sequence[PayerDecision],
    above: dict[str, Exact],
) -> Exact:
    """What the payer named, or else the one before, left above its cap in the parts worked on."""
    if found.payer.base is not Base.ABOVE_CAP:
        return 0
    name = found.payer.above_cap_of
    if name is None:
        if before:
            return before[-1].above_cap
        return sum([[*left.above_cap.values()][-1] for left in works_on if left.above_cap])
    return above.get(name, 0) + sum([left.above_cap.get(name, 0) for left in works_on])


def _payment(decision: PayerDecision) -> Payment:
    found, slices = decision.found, decision.slices
    fund, amount_field = found.reported_as.value
    rate = slices[0].band.rate if len(slices) == 1 and not decision.above_cap else None
    base = rounded(decision.base)
    return Payment(fund, amount_field, base, decision.amount, decision.available, rate, found.path)


# ------------------------------------------------------------------------------------- the account


def _account(
    frame: Frame, times: Times, bill: Bill, parts: Sequence[AccountPart]
) -> Account | None:
    """The account, if the hospital asked for it and the person may use it."""
    if not parts or not bill.use_account:
        return None
    if bill.person.entitlement is NO_ENTITLEMENT:  # its fund and account are blocked
        return None
    return Account(account_rules(frame, times), parts)


class Relatives(Frozen):
    """The relatives' accounts that may pay, and the law's rules for them."""

    found: FoundFamily | None
    accounts: Sequence[FamilyAccount]


def _family(
    frame: Frame, times: Times, bill: Bill, accounts: Sequence[FamilyAccount]
) -> FoundFamily | None:
    """The rules of relatives' accounts, if the hospital asked for accounts and some may pay."""
    if not accounts or not bill.use_account or bill.person.entitlement is NO_ENTITLEMENT:
        return None
    return family_rules(frame, times)


def _personal_parts(lefts: Sequence[Left]) -> dict[PersonalPart, Fen]:
    """The person's part as the account's rules tell it apart."""
    deductible = unpaid = first_pay = over_limit = own = 0
    for left in lefts:
        deductible += min(left.deductible, left.unpaid)
        unpaid += left.unpaid
        first_pay += left.own[FIRST_PAY]
        over_limit += left.own[OVER_LIMIT]
        own += left.own[OWN]
    amounts = (deductible, unpaid - deductible, first_pay, over_limit, own)
    return dict(zip(PERSONAL_PARTS, amounts, strict=True))


# ----------------------------------------------------------------------------------- the statement


def _decision(
    bill: Bill,
    law: Law,
    plan: Plan,
    parts: Sequence[PartDecision],
    lefts: Sequence[Left],
    common: tuple[PayerDecision, ...],
    account: Account | None,
    relatives: Relatives,
    counters: Counters,
    times: tuple[tuple[str, int], ...],
) -> Decision:
    payers = [*[payer for part in parts for payer in part.payers], *common]
    payments = tuple([_payment(decision) for decision in payers if decision.amount])
    sums, hospital = _settled(parts)
    personal = sums.total - hospital
    for payment in payments:
        personal -= payment.amount
    paid: AccountDecision | None = None
    used: tuple[tuple[str, Fen], ...] = ()
    cash = personal
    if account is not None:
        paid = account.pay(_personal_parts(lefts))
        used = paid.paid
        cash -= sum([amount for _, amount in used])
    shared: FamilyDecision | None = None
    if relatives.found is not None:
        left = _personal_parts(lefts) if paid is None else paid.rest
        shared = family_pays(relatives.found, relatives.accounts, left)
        cash -= sum([amount for _, amount in shared.paid])
    statement = Statement(
        sums=sums,
        deductible=sum([left.deductible for left in lefts]),
        payments=payments,
        personal=personal,
        account=used,
        cash=cash,
        hospital_part=hospital,
        family_accounts=() if shared is None else shared.paid,
        counters=counters.entries(),
    )
    statement.check(
        deductible_is_personal=plan.deductible_is_personal,
        outside=sum([decision.outside for decision in payers]),
    )
    return Decision(bill, law, plan, tuple(parts), common, paid, shared, times, statement)


def _settled(parts: Sequence[PartDecision]) -> tuple[Sums, Fen]:
    """The bill's sums as settled, and the hospital's part of them."""
    sums, hospital = parts[0].opening.settled, 0
    for part in parts:
        opening = part.opening
        hospital += opening.over_limit_borne + opening.above_price
        if part is not parts[0]:
            sums += opening.settled
    return sums, hospital
