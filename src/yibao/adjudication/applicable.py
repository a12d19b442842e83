"""Which rules of a law apply to a bill, with their values found: the same for many bills.

In two stages, because the class of a ``times`` dimension waits for counters: a ``Frame`` holds what
is known without history (which benefits, which counters), a ``Plan`` all values. Both are
remembered by law and ``Facts``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from yibao.adjudication.case import (
    Class,
    Facts,
    case_of,
    facts_of,
    times_of,
    with_bucket,
)
from yibao.adjudication.instances import Slots, needed_slots, part_feeds, payer_feeds
from yibao.adjudication.model import GENERAL_BUCKET, Bill
from yibao.adjudication.plan import (
    FoundAccount,
    FoundFamily,
    FoundLimit,
    FoundPayer,
    NotCovered,
    Part,
    PartFeeds,
    PayerFeeds,
    Plan,
)
from yibao.adjudication.values import find_limits, find_payer
from yibao.policy.model import PHARMACY, Base, BenefitRules, Classes, Law, Payer
from yibao.policy.parameters import Case, missing
from yibao.policy.purses import PersonalPart
from yibao.policy.terms import EntitlementExtent

__all__ = [
    "FoundAccount",
    "FoundLimit",
    "FoundPayer",
    "Frame",
    "NotCovered",
    "Part",
    "PartFeeds",
    "PayerFeeds",
    "Plan",
    "account_rules",
    "family_rules",
    "frame_for",
    "plan_for",
]

Times = tuple[tuple[str, Class], ...]
"""The classes of ``times`` dimensions, by dimension."""


REACH_DEDUCTIBLE = frozenset({Base.UNPAID, Base.ABOVE_CAP})
"""Bases out of which a fund may pay of the deductible too: cost above a cap is what is unpaid, also
where a payer in between has paid of it already."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What is known of a bill's rules before its counters are read. Told apart by identity."""

    law: Law
    facts: Facts
    case: Mapping[str, Class]
    """Without the ``times`` dimensions."""
    groups: tuple[tuple[BenefitRules | NotCovered, tuple[str, ...]], ...]
    """Each benefit once, with its buckets, in the order of the computation."""
    payers: tuple[Payer, ...]
    """Common payers of these benefits."""
    slots: Slots
    """The counters that the bill reads or feeds."""
    times: tuple[Classes, ...]


def frame_for(bill: Bill, law: Law) -> Frame:
    """The rules of a bill, values apart. Refused: PARAMETER_MISSING, DATE_NOT_ALLOWED."""
    return _frame(law, facts_of(bill, law))


def plan_for(bill: Bill, law: Law, times: Mapping[str, Class] | None = None) -> Plan:
    """The values for a bill, given its classes in the ``times`` dimensions.

    Refused: PARAMETER_MISSING when the law lacks one of them.
    """
    return plan_of(frame_for(bill, law), tuple(times.items()) if times else ())


def plan_of(frame: Frame, times: Times) -> Plan:
    """The values for bills of one frame and the classes of its ``times`` dimensions."""
    return _plan(frame, times)


def account_rules(frame: Frame, times: Times = ()) -> FoundAccount:
    """The account's rules for a bill. Refused: PARAMETER_MISSING."""
    return _account(frame, times)


def family_rules(frame: Frame, times: Times = ()) -> FoundFamily | None:
    """The rules of relatives' accounts for a bill; None where none may pay.

    Refused: PARAMETER_MISSING.
    """
    return _family(frame, times)


# ------------------------------------------------------------------------------------- the frame


@lru_cache(maxsize=65_536)
def _frame(law: Law, facts: Facts) -> Frame:
    case = case_of(facts, law)
    grouped: dict[str, tuple[BenefitRules | NotCovered, list[str]]] = {}
    for bucket in sorted(facts.buckets, key=_general_first):
        rules = _coverage(law, facts, case, bucket)
        name = bucket if isinstance(rules, NotCovered) else rules.key
        grouped.setdefault(name, (rules, []))[1].append(bucket)
    groups = tuple(
        (rules, tuple(buckets))
        for _, (rules, buckets) in sorted(
            grouped.items(), key=lambda item: (GENERAL_BUCKET not in item[1][1], item[0])
        )
    )
    benefits = tuple(rules for rules, _ in groups if isinstance(rules, BenefitRules))
    keys = {rules.key for rules in benefits}
    payers = tuple(p for p in law.payers if not p.benefits or keys.intersection(p.benefits))
    payers = payers if keys else ()
    own = tuple(rules.key for rules in benefits)
    times = times_of(law, own, tuple(p.key for p in payers)) if benefits else ()
    may_pay = {
        rules.key: tuple(
            p for p in rules.payers if _may_pay(p, facts, with_bucket(case, law, bs[0]))
        )
        for rules, bs in groups
        if isinstance(rules, BenefitRules)
    }
    general = with_bucket(case, law, GENERAL_BUCKET)
    common = tuple(payer for payer in payers if _may_pay(payer, facts, general))
    slots = needed_slots(law, facts, case, benefits, may_pay, common, times)
    return Frame(law, facts, case, groups, payers, slots, times)


def _may_pay(payer: Payer, facts: Facts, case: Case) -> bool:
    """Whether a payer may pay in a case; one that does not has no counters to lock and read."""
    version = payer.bands.in_force(facts.day)
    if version is None or not set(version.by) <= case.keys():
        return True  # its absence is refused, or the class of a stay decides, later
    return version.cases.get(tuple(case[dimension] for dimension in version.by), ()) is not None


def _general_first(bucket: str) -> tuple[bool, str]:
    return bucket != GENERAL_BUCKET, bucket


def _coverage(law: Law, facts: Facts, case: Case, bucket: str) -> BenefitRules | NotCovered:
    if facts.entitlement is not EntitlementExtent.FULL:
        return NotCovered("entitlement", None)
    day = facts.day
    rules = law.benefit_for(facts.care_kind, day, bucket)
    if rules is None:
        return NotCovered("care_kind", law.unpaid_care_kinds.find(day, {}))
    places = rules.places.find(day, case)
    if (PHARMACY if facts.is_pharmacy else facts.level) not in places.value:
        return NotCovered("place", places)
    return rules


# -------------------------------------------------------------------------------------- the plan


@lru_cache(maxsize=65_536)
def _plan(frame: Frame, times: Times) -> Plan:
    law, facts = frame.law, frame.facts
    case = {**frame.case, **dict(times)}
    groups = tuple(
        (
            rules if isinstance(rules, NotCovered) else _part(law, facts, case, rules, buckets[0]),
            buckets,
        )
        for rules, buckets in frame.groups
    )
    parts = {bucket: part for part, buckets in groups for bucket in buckets}
    covered = [part for part, _ in groups if isinstance(part, Part)]
    if facts.fixed_price and covered and all(part.fixed_price is None for part in covered):
        raise missing(f"benefits.{covered[0].rules.key}.fixed_price.amount", facts.day)
    general = with_bucket(case, law, GENERAL_BUCKET)
    keys = tuple(part.rules.key for part in covered)
    payers = tuple(
        find_payer(payer, f"payers.{payer.key}", facts, general, payer_feeds(law, payer, keys))
        for payer in frame.payers
    )
    everyone = [*payers, *(payer for part in covered for payer in part.payers)]
    return Plan(
        case=general,
        parts=parts,
        payers=payers,
        deductible_is_personal=all(found.payer.base not in REACH_DEDUCTIBLE for found in everyone),
        groups=groups,
    )


def _part(law: Law, facts: Facts, case: dict[str, Class], rules: BenefitRules, bucket: str) -> Part:
    day, case = facts.day, with_bucket(case, law, bucket)
    price = rules.fixed_price if facts.fixed_price else None
    path = f"benefits.{rules.key}.payers"
    return Part(
        rules=rules,
        first_pay=None if rules.first_pay is None else rules.first_pay.find(day, case),
        fixed_price=None if price is None else price.amount.find(day, case),
        across_year=None if rules.across_year is None else rules.across_year.find(day, case),
        deductible=find_limits(rules.deductible, facts, case),
        payers=tuple(
            find_payer(
                payer, f"{path}.{payer.key}", facts, case, payer_feeds(law, payer, (rules.key,))
            )
            for payer in rules.payers
        ),
        feeds=part_feeds(law, rules.key),
    )


@lru_cache(maxsize=16_384)
def _account(frame: Frame, times: Times) -> FoundAccount:
    case = with_bucket({**frame.case, **dict(times)}, frame.law, GENERAL_BUCKET)
    rules, day = frame.law.account, frame.facts.day
    parts = rules.parts.find(day, case)
    may_pay = {part: rules.may_pay.find(day, {**case, "part": part}) for part in parts.value}
    order = tuple((part, _in_order(found.value)) for part, found in may_pay.items())
    return FoundAccount(
        may_pay,
        parts,
        None if rules.spent_first is None else rules.spent_first.find(day, case),
        order,
        _in_order(frozenset().union(*[found.value for found in may_pay.values()])),
    )


@lru_cache(maxsize=16_384)
def _family(frame: Frame, times: Times) -> FoundFamily | None:
    law, day = frame.law, frame.facts.day
    if law.family is None:
        return None
    case = with_bucket({**frame.case, **dict(times)}, law, GENERAL_BUCKET)
    parts = law.family.parts.find(day, case)
    rule = law.family.may_pay or law.account.may_pay
    may_pay = {part: rule.find(day, {**case, "part": part}) for part in parts.value}
    order = tuple((part, _in_order(found.value)) for part, found in may_pay.items())
    return FoundFamily(may_pay, parts, order)


def _in_order(parts: frozenset[PersonalPart]) -> tuple[PersonalPart, ...]:
    """Parts of the person's share in the order in which an account pays them."""
    return tuple(part for part in PersonalPart if part in parts)
