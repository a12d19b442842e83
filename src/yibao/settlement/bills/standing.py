"""A settled bill as it stands: what it was settled with, and the supplements since. Pure.

A supplement carries what changed, and the facts it was decided by. Together with the original it
reads like one settlement: summed amounts, the newest facts.
"""

from collections.abc import Mapping, Sequence

from yibao.adjudication.model import CounterKey
from yibao.kernel.frozen import replace
from yibao.settlement.model import PaymentFacts, SettlementFacts

Entries = Sequence[tuple[CounterKey, int]]


def as_it_stands(
    original: SettlementFacts, supplements: Sequence[SettlementFacts]
) -> SettlementFacts:
    """The original with its living supplements (oldest first) in it."""
    if not supplements:
        return original
    latest = supplements[-1]
    rows = (original, *supplements)
    return replace(
        original,
        sums=sum((row.sums for row in supplements), original.sums),
        deductible=sum(row.deductible for row in rows),
        payments=paid_by_payer([payment for row in rows for payment in row.payments]),
        personal=sum(row.personal for row in rows),
        account=sum(row.account for row in rows),
        family=sum(row.family for row in rows),
        cash=sum(row.cash for row in rows),
        person_type=latest.person_type,
        civil_servant=latest.civil_servant,
        level=latest.level,
        law=latest.law,
        snapshot=latest.snapshot,
    )


def paid_by_payer(payments: Sequence[PaymentFacts]) -> tuple[PaymentFacts, ...]:
    """What each payer paid over all of them, told as the last time; those that paid 0 lack."""
    found: dict[tuple[str, str, str], PaymentFacts] = {}
    for payment in payments:
        key = (payment.fund, payment.amount_field, payment.payer)
        before = found[key].amount if key in found else 0
        found[key] = replace(payment, amount=payment.amount + before)
    return tuple(payment for payment in found.values() if payment.amount)


def summed(rows: Sequence[Entries]) -> dict[CounterKey, int]:
    """Counter entries of several rows, without those that come to nothing."""
    sums: dict[CounterKey, int] = {}
    for entries in rows:
        for key, delta in entries:
            sums[key] = sums.get(key, 0) + delta
    return {key: delta for key, delta in sums.items() if delta}


def folded(
    entries: Mapping[int, Entries], numbers: Sequence[int]
) -> tuple[tuple[CounterKey, int], ...]:
    """The counter entries of a bill and its supplements, by their numbers."""
    return tuple(summed([entries.get(number, ()) for number in numbers]).items())
