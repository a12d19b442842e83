"""Which rules of a law apply to a bill, with their values found: the same for many bills.

Everything here depends on the law, the day and a few facts alone, so the answers are remembered;
the amounts of a bill meet them in ``benefit``.
"""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from yibao.adjudication.model import Bill, CounterKey
from yibao.kernel.money import Fen
from yibao.policy.model import (
    PHARMACY,
    Band,
    Base,
    BenefitRules,
    Case,
    Counter,
    Found,
    Law,
    Limit,
    Payer,
    PersonalPart,
    ReportedAs,
    Scope,
)
from yibao.policy.terms import CareKind, EntitlementExtent, Level, PersonType

LIFETIME = "life"
"""The one instance of counters that never start anew."""


class FoundLimit(NamedTuple):
    """A limit with its amount; None: the law says that there is none."""

    limit: Limit
    amount: Found[Fen | None]


class FoundPayer(NamedTuple):
    """A payer with its values."""

    payer: Payer
    reported_as: Found[ReportedAs]
    bands: Found[tuple[Band, ...]]
    caps: tuple[FoundLimit, ...]


class Applicable(NamedTuple):
    """The benefit's rules as they apply on a day to a class of persons at a place."""

    rules: BenefitRules
    case: Case
    deductible: tuple[FoundLimit, ...]
    payers: tuple[FoundPayer, ...]
    keys: dict[str, CounterKey]
    """Counters by name, but for those of visit scope. Read only."""
    visit_counters: tuple[Counter, ...]
    deductible_is_personal: bool
    """No payer's base holds the deductible."""


class NotCovered(NamedTuple):
    """Why the scheme pays nothing: account and cash do."""

    reason: str
    """``care_kind``, ``place`` or ``entitlement``."""
    because: Found[frozenset[str]] | None
    """What the law says about it; None where it is not the law but the entitlement."""


class FoundAccount(NamedTuple):
    """The account's rules with their values."""

    may_pay: Found[frozenset[PersonalPart]]
    parts: Found[tuple[str, ...]]


def applicable(bill: Bill, law: Law) -> Applicable | NotCovered:
    """The rules for a bill. Refused: PARAMETER_MISSING when the law lacks one of the values."""
    if bill.person.entitlement is not EntitlementExtent.FULL:
        return NotCovered("entitlement", None)
    place = PHARMACY if bill.provider.is_pharmacy else bill.provider.level
    return _applicable(
        law, bill.care_kind, bill.person.person_type, bill.provider.level, place, bill.day
    )


@lru_cache(maxsize=16_384)
def account_rules(law: Law, day: date) -> FoundAccount:
    """The account's rules on a day. Refused: PARAMETER_MISSING."""
    case = Case(None, Level.FIRST)
    return FoundAccount(law.account.may_pay.find(day, case), law.account.parts.find(day, case))


@lru_cache(maxsize=16_384)
def _applicable(
    law: Law, care_kind: CareKind, person_type: PersonType, level: Level, place: str, day: date
) -> Applicable | NotCovered:
    case = Case(law.person_class(person_type), level)
    rules = law.benefit_for(care_kind, day)
    if rules is None:
        return NotCovered("care_kind", law.unpaid_care_kinds.find(day, case))
    places = rules.places.find(day, case)
    if place not in places.value:
        return NotCovered("place", places)

    def found(limits: tuple[Limit, ...]) -> tuple[FoundLimit, ...]:
        return tuple(FoundLimit(limit, limit.amount.find(day, case)) for limit in limits)

    return Applicable(
        rules=rules,
        case=case,
        deductible=found(rules.deductible),
        payers=tuple(
            FoundPayer(
                payer,
                payer.reported_as.find(day, case),
                payer.bands.find(day, case),
                found(payer.caps),
            )
            for payer in rules.payers
        ),
        keys={
            counter.name: CounterKey(counter.name, _scope_instance(counter, law, day))
            for counter in rules.counters
            if counter.scope is not Scope.VISIT
        },
        visit_counters=tuple(c for c in rules.counters if c.scope is Scope.VISIT),
        deductible_is_personal=all(payer.base is not Base.UNPAID for payer in rules.payers),
    )


def _scope_instance(counter: Counter, law: Law, day: date) -> str:
    """The instance of a counter's scope that a day falls in."""
    match counter.scope:
        case Scope.YEAR:
            return law.benefit_year(day)
        case Scope.MONTH:
            return f"{day.year:04d}-{day.month:02d}"
        case Scope.DAY:
            return day.isoformat()
        case Scope.LIFE:
            return LIFETIME
        case Scope.VISIT:
            raise ValueError("a visit's counter depends on the bill")
