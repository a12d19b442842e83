"""Counters (累计): which instances a bill meets, what stands on them, what the bill adds."""

from collections.abc import Callable, Mapping

from yibao.adjudication.applicable import Applicable
from yibao.adjudication.model import Bill, CounterKey, History
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import Counted, Counter

ReadCounter = Callable[[Counter], Fen]
"""What stands on a counter before the bill."""


def counter_keys(found: Applicable, bill: Bill) -> Mapping[str, CounterKey]:
    """The counters that a bill reads and feeds, by name."""
    if not found.visit_counters or bill.visit is None:
        return found.keys
    visit = bill.visit
    return found.keys | {c.name: CounterKey(c.name, visit) for c in found.visit_counters}


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
    found: Applicable,
    keys: Mapping[str, CounterKey],
    *,
    deductible: Fen,
    in_scope: Fen,
    paid: Mapping[str, Fen],
) -> tuple[tuple[CounterKey, int], ...]:
    """What the bill adds to each counter; nothing for those that it does not move."""
    added = []
    for counter in found.rules.counters:
        key = keys.get(counter.name)
        if key is None:
            continue
        match counter.counts:
            case Counted.DEDUCTIBLE:
                delta = deductible
            case Counted.FUND:
                delta = sum([paid[payer] for payer in counter.payers if payer in paid])
            case Counted.IN_SCOPE:
                delta = in_scope
            case Counted.AFTER_DEDUCTIBLE:
                delta = in_scope - deductible
        if delta:
            added.append((key, delta))
    return tuple(added)
