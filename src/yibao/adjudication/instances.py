"""Which instances of the law's counters a bill meets, and which counters it moves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from yibao.adjudication.case import Class, Facts
from yibao.adjudication.model import Bill, CounterKey
from yibao.adjudication.plan import PartFeeds, PayerFeeds
from yibao.policy.model import (
    BenefitRules,
    Classes,
    Counted,
    Counter,
    Law,
    Limit,
    Payer,
    Scope,
)

LIFETIME = "life"
"""The one instance of counters that never start anew."""

VISIT_MARK = "visit:"
"""Scope of the second instance of a counter of stays, by which a visit is counted once."""

UNKNOWN = "unknown"
"""The class, in an instance's name, of a bill that the law places in no class."""

OF_PAYERS = frozenset({Counted.FUND, Counted.BASE, Counted.BASE_AFTER_DEDUCTIBLE, Counted.PAYMENTS})
"""What payers count; a counter of deductibles is theirs when it names payers."""


class Slot(NamedTuple):
    """A counter as bills of one case meet it."""

    counter: Counter
    classes: str
    """The end of its instances' names: ``|l3``."""
    key: CounterKey | None
    """None: the instance depends on the bill (its visit, its chain, its months)."""


class Slots(NamedTuple):
    """The counters that bills of one case read or feed, in the law's order."""

    every: tuple[Slot, ...]
    dated: Mapping[str, tuple[CounterKey, ...]]
    """By name, the instances that the day alone decides."""
    of_bill: tuple[Slot, ...]
    """Those whose instance depends on the bill."""
    stays: tuple[str, ...]
    """Counters of stays, by which a visit is counted once."""


class Instances(NamedTuple):
    """The counter instances that one bill meets."""

    keys: Mapping[str, tuple[CounterKey, ...]]
    """By name; several only where a prescription is spread over months; none for a counter of
    visits of a bill that is a visit of its own."""
    marks: Mapping[str, CounterKey]
    """Of counters of stays: the instance by which the visit is counted once."""


def needed_slots(
    law: Law,
    facts: Facts,
    case: Mapping[str, Class],
    benefits: Sequence[BenefitRules],
    paying: Mapping[str, Sequence[Payer]],
    common: Sequence[Payer],
    times: Sequence[Classes],
) -> Slots:
    """The counters that bills of one case read or feed.

    ``paying`` are the payers by benefit, and ``common`` the common ones, that may pay in this case.
    """
    payers = [*(payer for own in paying.values() for payer in own), *common]
    read = {c.counter for c in times} | _of_payers(payers)
    for rules in benefits:
        read |= _of_limits(rules.deductible)
    keys = {rules.key for rules in benefits}
    names = {payer.key for payer in payers}
    slots = tuple(
        _slot(counter, law, facts.day, case)
        for counter in law.counters.values()
        if counter.name in read
        or (
            keys.intersection(counter.benefits)
            and (not is_of_payers(counter) or names.intersection(counter.payers))
        )
    )
    return Slots(
        slots,
        {slot.counter.name: (slot.key,) for slot in slots if slot.key is not None},
        tuple(slot for slot in slots if slot.key is None),
        tuple(slot.counter.name for slot in slots if slot.counter.counts is Counted.STAYS),
    )


def is_of_payers(counter: Counter) -> bool:
    """Whether payers move it."""
    return counter.counts in OF_PAYERS or bool(counter.payers)


def _of_limits(limits: Iterable[Limit]) -> set[str]:
    return {limit.counter.name for limit in limits}


def _of_payers(payers: Iterable[Payer]) -> set[str]:
    names: set[str] = set()
    for payer in payers:
        names |= _of_limits(payer.deductible) | _of_limits(payer.caps)
        if payer.counter is not None:
            names.add(payer.counter.name)
    return names


def _slot(counter: Counter, law: Law, day: date, case: Mapping[str, Class]) -> Slot:
    classes = "".join([f"|{case.get(name) or UNKNOWN}" for name in counter.by])
    instance = None if counter.spread else dated_instance(counter.scope, law, day)
    key = None if instance is None else CounterKey(counter.name, instance + classes)
    return Slot(counter, classes, key)


def dated_instance(scope: Scope, law: Law, day: date) -> str | None:
    """The instance of a scope that a day falls in; None for the scopes of visits and chains."""
    match scope:
        case Scope.YEAR:
            return law.benefit_year(day)
        case Scope.QUARTER:
            return f"{day.year:04d}-Q{(day.month + 2) // 3}"
        case Scope.MONTH:
            return f"{day.year:04d}-{day.month:02d}"
        case Scope.DAY:
            return day.isoformat()
        case Scope.LIFE:
            return LIFETIME
        case _:
            return None


def instances_of(slots: Slots, bill: Bill, law: Law) -> Instances:
    """The instances that a bill meets."""
    keys = slots.dated
    if slots.of_bill:
        keys = {**keys, **{s.counter.name: _of_bill(s, bill, law) for s in slots.of_bill}}
    marks = {}
    if slots.stays and bill.visit is not None:
        mark = f"{VISIT_MARK}{bill.visit}"
        marks = {name: CounterKey(name, mark) for name in slots.stays}
    return Instances(keys, marks)


def _of_bill(slot: Slot, bill: Bill, law: Law) -> tuple[CounterKey, ...]:
    counter = slot.counter
    if counter.spread:
        spanned = _months(bill.day, bill.months)
        scopes = dict.fromkeys(dated_instance(counter.scope, law, day) for day in spanned)
        return tuple(CounterKey(counter.name, f"{scope}{slot.classes}") for scope in scopes)
    visit = bill.visit
    if counter.scope is Scope.CHAIN and bill.chain is not None:
        visit = bill.chain
    if visit is None:
        return ()
    if counter.scope is Scope.VISIT_YEAR:
        visit = f"{visit}/{law.benefit_year(bill.day)}"
    return (CounterKey(counter.name, visit + slot.classes),)


def _months(day: date, months: int) -> list[date]:
    """The first days of so many months, from the one that ``day`` lies in."""
    first = day.year * 12 + day.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(first, first + months)]


# ---------------------------------------------------------------------------- who moves which


def part_feeds(law: Law, benefit: str) -> PartFeeds:
    """The counters that a benefit's part of a bill moves itself."""

    def names(counted: Counted) -> tuple[str, ...]:
        return tuple(
            counter.name
            for counter in law.counters.values()
            if counter.counts is counted
            and not is_of_payers(counter)
            and benefit in counter.benefits
        )

    return PartFeeds(
        names(Counted.DEDUCTIBLE),
        names(Counted.IN_SCOPE),
        names(Counted.AFTER_DEDUCTIBLE),
        names(Counted.STAYS),
    )


def payer_feeds(law: Law, payer: Payer, benefits: Sequence[str]) -> PayerFeeds:
    """The counters that a payer moves, working for these benefits."""
    worked_for = [key for key in benefits if not payer.benefits or key in payer.benefits]

    def names(counted: Counted) -> tuple[str, ...]:
        return tuple(
            counter.name
            for counter in law.counters.values()
            if counter.counts is counted
            and payer.key in counter.payers
            and any(key in counter.benefits for key in worked_for)
        )

    return PayerFeeds(
        names(Counted.FUND),
        names(Counted.BASE),
        names(Counted.BASE_AFTER_DEDUCTIBLE),
        names(Counted.DEDUCTIBLE),
        names(Counted.PAYMENTS),
    )
