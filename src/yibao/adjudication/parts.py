"""One part of a bill: what is taken off before any fund works on it, and its deductible."""

from collections.abc import Mapping, Sequence

from yibao.adjudication.account import Account
from yibao.adjudication.bands import Exact, rounded
from yibao.adjudication.checks import check_within_year
from yibao.adjudication.counters import Counters
from yibao.adjudication.limits import NO_DEDUCTIBLE, DeductibleDecision, decide_deductible
from yibao.adjudication.model import Bill, Sums
from yibao.adjudication.plan import NotCovered, Part
from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen, round_half_up
from yibao.policy.model import Component, Law

COMPONENTS = FIRST_PAY, OVER_LIMIT, OWN = tuple(Component)
"""The parts outside the scope in the order in which they are paid; bound here, because looking a
member up on its class takes longer than what is done with it."""


class Left:
    """What is left of a part of a bill for those who have yet to pay; falls as they do."""

    __slots__ = ("above_cap", "benefit", "cost", "deductible", "own", "unpaid")

    def __init__(self, benefit: str, cost: Fen, deductible: Fen, own: dict[Component, Fen]) -> None:
        self.benefit = benefit
        self.cost = cost
        """What the scheme's funds work on, deductible included."""
        self.deductible = deductible
        self.unpaid = cost
        """Of the cost."""
        self.own = own
        """Of the parts outside the scope, the hospital's taken off."""
        self.above_cap: dict[str, Exact] = {}
        """The cost that each payer of the benefit left above its cap."""

    @property
    def co_pay(self) -> Fen:
        """What is unpaid beside the deductible, of which a payer may have paid some too."""
        return max(0, self.unpaid - self.deductible)


class Opening(Frozen):
    """What was taken off a part before its payers."""

    sums: Sums
    """As sent."""
    settled: Sums
    """With the out-of-area first pay moved out of the scope."""
    over_limit_borne: Fen
    """The hospital's share of what lies above price ceilings."""
    above_price: Fen
    """What lies above a fixed price, the hospital's too."""
    spent: Fen
    """Paid by parts of the account that are spent first."""
    cost: Fen
    deductible: DeductibleDecision


def open_part(
    part: Part | NotCovered,
    sums: Sums,
    bill: Bill,
    law: Law,
    counters: Counters,
    account: Account | None,
) -> tuple[Opening, Left]:
    """First pay, fixed price, account parts spent first, deductible: in this order."""
    own = {
        FIRST_PAY: sums.first_pay,
        OVER_LIMIT: sums.over_limit - sums.hospital,
        OWN: sums.own,
    }
    if isinstance(part, NotCovered):
        opening = Opening(sums, sums, sums.hospital, 0, 0, sums.in_scope, NO_DEDUCTIBLE)
        return opening, Left("", sums.in_scope, 0, own)
    if part.across_year is not None:
        check_within_year(part.across_year, bill, law)
    settled, cost = sums, sums.in_scope
    if part.first_pay is not None and part.first_pay.value:
        share = part.first_pay.value
        first_pay = round_half_up(cost * share.numerator, share.denominator)
        cost -= first_pay
        own[FIRST_PAY] += first_pay
        settled = Sums(sums.total, sums.own, sums.over_limit, own[FIRST_PAY], cost, sums.hospital)
    above_price = 0
    if part.fixed_price is not None:
        above_price = _above_price(part, sums, bill)
        cost = _taken_off(above_price, cost, own)
    spent = 0 if account is None else account.spend_first(cost)
    cost -= spent
    deductible = decide_deductible(part.deductible, cost, bill, counters)
    paid = rounded(deductible.paid)
    counters.add(part.feeds.deductible, paid)
    opening = Opening(sums, settled, sums.hospital, above_price, spent, cost, deductible)
    return opening, Left(part.rules.key, cost, paid, own)


def _above_price(part: Part, sums: Sums, bill: Bill) -> Fen:
    """What lies above the fixed price, beside what the hospital bears already."""
    assert part.fixed_price is not None
    assert part.rules.fixed_price is not None
    price = part.fixed_price.value
    if price is None:
        return 0
    if part.rules.fixed_price.per_day:
        price *= bill.days
    return max(0, sums.total - sums.hospital - price)


def _taken_off(amount: Fen, cost: Fen, own: dict[Component, Fen]) -> Fen:
    """Take an amount from the cost, then from the parts outside the scope; the cost left."""
    taken = min(amount, cost)
    rest = amount - taken
    for component in COMPONENTS:
        of_component = min(rest, own[component])
        own[component] -= of_component
        rest -= of_component
    return cost - taken


def close_part(part: Part, left: Left, counters: Counters) -> None:
    """Count what is counted when a part's payers are done."""
    feeds = part.feeds
    counters.add(feeds.in_scope, left.cost)
    counters.add(feeds.after_deductible, left.cost - left.deductible)
    counters.count_stay(feeds.stays)


def sums_of(buckets: Sequence[str], sums: Mapping[str, Sums]) -> Sums:
    """The sums of one part over its buckets."""
    if len(buckets) == 1:
        return sums.get(buckets[0]) or Sums()
    found = [sums[bucket] for bucket in buckets if bucket in sums]
    return sum(found, Sums())
