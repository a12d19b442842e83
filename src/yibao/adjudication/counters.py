"""Counters (累计): which instance a bill meets, what stands on it, what the bill adds."""

from collections.abc import Callable, Mapping
from datetime import date

from yibao.adjudication.model import Bill, CounterKey, History
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import BenefitRules, Counted, Counter, Law, Scope

LIFETIME = "life"

ReadCounter = Callable[[Counter], Fen]
"""What stands on a counter before the bill."""


def scope_instance(counter: Counter, bill: Bill, law: Law) -> str | None:
    """The instance of a counter's scope that a bill falls in; None where it has none."""
    day: date = bill.day
    match counter.scope:
        case Scope.YEAR:
            return law.benefit_year(day)
        case Scope.VISIT:
            return bill.visit
        case Scope.DAY:
            return day.isoformat()
        case Scope.MONTH:
            return f"{day.year:04d}-{day.month:02d}"
        case Scope.LIFE:
            return LIFETIME


def counter_keys(rules: BenefitRules, bill: Bill, law: Law) -> dict[str, CounterKey]:
    """The counters of a benefit that a bill reads and feeds, by name."""
    keys = {}
    for counter in rules.counters:
        instance = scope_instance(counter, bill, law)
        if instance is not None:
            keys[counter.name] = CounterKey(counter.name, instance)
    return keys


def reader(keys: Mapping[str, CounterKey], history: History) -> ReadCounter:
    """Reads counters of a history; one without an instance stands at zero.

    Refused: AMOUNT_OUT_OF_RANGE when a counter is negative.
    """

    def read(counter: Counter) -> Fen:
        key = keys.get(counter.name)
        value = history.get(key, 0) if key is not None else 0
        if value < 0:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE,
                f"累计“{counter.title}”（{counter.name}）为负数，请先更正",
                field="counters",
                counter=counter.name,
            )
        return value

    return read


def entries(
    rules: BenefitRules,
    keys: Mapping[str, CounterKey],
    *,
    deductible: Fen,
    in_scope: Fen,
    paid: Mapping[str, Fen],
) -> tuple[tuple[CounterKey, int], ...]:
    """What the bill adds to each counter; nothing for those that it does not move."""
    added = []
    for counter in rules.counters:
        key = keys.get(counter.name)
        if key is None:
            continue
        match counter.counts:
            case Counted.DEDUCTIBLE:
                delta = deductible
            case Counted.IN_SCOPE:
                delta = in_scope
            case Counted.AFTER_DEDUCTIBLE:
                delta = in_scope - deductible
            case Counted.FUND:
                delta = sum(paid.get(payer, 0) for payer in counter.payers)
        if delta:
            added.append((key, delta))
    return tuple(added)
