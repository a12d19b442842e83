"""What one payer pays: its base, its deductible, bands and caps; rounded half-up once, last."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yibao.adjudication.bands import Exact, Slice, cost_until, cut, fund_of, rounded
from yibao.adjudication.counters import Counters
from yibao.adjudication.limits import (
    NO_DEDUCTIBLE,
    DeductibleDecision,
    LimitState,
    decide_deductible,
    limit_state,
)
from yibao.adjudication.model import Bill
from yibao.adjudication.parts import COMPONENTS, Left
from yibao.adjudication.plan import FoundPayer
from yibao.kernel.frozen import Frozen, replace
from yibao.kernel.money import Fen
from yibao.policy.model import Axis, Base, Component, Counted, Counter

# Members are bound here: looking one up on its class takes longer than what is done with it.
IN_SCOPE, CO_PAY, UNPAID = Base.IN_SCOPE, Base.CO_PAY, Base.UNPAID
ABOVE_CAP, OUTSIDE = Base.ABOVE_CAP, Base.OUTSIDE
FUND, PAYMENTS, COST_IN_SCOPE = Counted.FUND, Counted.PAYMENTS, Counted.IN_SCOPE
BASE_AFTER_DEDUCTIBLE = Counted.BASE_AFTER_DEDUCTIBLE
ABSOLUTE = Axis.ABSOLUTE

ABOVE_DEDUCTIBLE = frozenset({IN_SCOPE, CO_PAY})
"""Bases that the benefit's deductible is no part of."""

COST = frozenset({Counted.IN_SCOPE, Counted.AFTER_DEDUCTIBLE})
"""Counters of a part's cost."""


class Turn(Frozen):
    """A payer's turn: the parts of the bill it works on, and what stands beside them."""

    parts: Sequence[Left]
    above_cap: Exact
    """The cost that the payer named by it left above its cap."""
    bill: Bill
    counters: Counters
    common: bool = False
    """It works when all parts are done: counters of cost hold this bill already."""


class PayerDecision(Frozen):
    """What a payer pays of a bill, and everything that decided it."""

    found: FoundPayer
    base: Exact
    """What it was asked to work on."""
    also: Mapping[Component, Exact]
    """Of it, what lies outside the scope."""
    deductible: DeductibleDecision
    """Its own."""
    start: Exact
    """Where on the axis its bands began."""
    slices: tuple[Slice, ...]
    caps: tuple[LimitState, ...]
    available: Fen | None
    """What caps on the fund still allowed; None without one."""
    amount: Fen
    above_cap: Exact
    outside: Fen
    """Of the amount, what it pays of parts outside the scope."""


NOTHING: tuple[Any, ...] = (0, {}, NO_DEDUCTIBLE, 0, (), (), None, 0, 0, 0)
"""The rest of the decision of a payer that has nothing to work on, or does not pay."""


def decide_payer(found: FoundPayer, turn: Turn) -> PayerDecision:
    """A payer's part of a bill; what it pays is taken off the parts, and its counters move."""
    if found.effective is None:
        return PayerDecision(found, *NOTHING)
    also = _also(found, turn) if found.also else {}
    base = _base(found.payer.base, turn)
    if also:
        base += sum(also.values())
    if not base:
        return PayerDecision(found, *NOTHING)
    own = (
        decide_deductible(found.deductible, base, turn.bill, turn.counters)
        if found.deductible
        else NO_DEDUCTIBLE
    )
    caps: tuple[LimitState, ...] = ()
    available, worked_on = None, base
    if found.caps:
        caps, available, worked_on = _capped(found, turn, base, own.paid)
        if worked_on < own.paid:
            own = replace(own, paid=worked_on)
    cost = worked_on - own.paid
    start = _start(found, turn, own.paid)
    slices = cut(found.effective, found.payer.axis, start, cost)
    fund = fund_of(slices)
    if available is not None and fund > available:
        cost, fund = cost_until(slices, available), available
    amount = rounded(fund)
    outside = _take(amount, found, turn) if amount else 0
    _count(found, amount, worked_on, own.paid, turn.counters)
    above_cap = base - own.paid - cost
    return PayerDecision(
        found, base, also, own, start, slices, caps, available, amount, above_cap, outside
    )


def _also(found: FoundPayer, turn: Turn) -> dict[Component, Exact]:
    """What counts of the parts outside the scope."""
    return {
        component: sum([left.own[component] for left in turn.parts]) * share.value
        for component, share in found.also.items()
        if share.value
    }


def _base(base: Base, turn: Turn) -> Exact:
    parts = turn.parts
    if len(parts) == 1:
        return _of_part(base, parts[0], turn.above_cap)
    if base is ABOVE_CAP:
        return min(turn.above_cap, sum([left.unpaid for left in parts]))
    return sum([_of_part(base, left, 0) for left in parts])


def _of_part(base: Base, left: Left, above_cap: Exact) -> Exact:
    if base is IN_SCOPE:
        return left.cost - left.deductible
    if base is UNPAID:
        return left.unpaid
    if base is CO_PAY:
        return left.co_pay
    if base is ABOVE_CAP:
        return min(above_cap, left.unpaid)
    return 0


def _capped(
    found: FoundPayer, turn: Turn, base: Exact, deductible: Exact
) -> tuple[tuple[LimitState, ...], Fen | None, Exact]:
    """The caps' states, what those on the fund still allow, and the base that the others leave."""
    caps = []
    available: Fen | None = None
    worked_on = base
    for cap in found.caps:
        counts = cap.limit.counter.counts
        of_cost = counts in COST
        state = limit_state(cap, turn.bill, turn.counters, before=turn.common and of_cost)
        caps.append(state)
        left = state.left
        if left is None:
            continue
        if counts is FUND:
            available = left if available is None else min(available, left)
        elif counts is PAYMENTS:
            worked_on = worked_on if left else 0
        elif counts is BASE_AFTER_DEDUCTIBLE:
            worked_on = min(worked_on, left + deductible)
        elif counts is COST_IN_SCOPE:
            worked_on = min(worked_on, max(0, left - _deductible_before(found, turn)))
        else:
            worked_on = min(worked_on, left)
    return tuple(caps), available, worked_on


def _start(found: FoundPayer, turn: Turn, own_deductible: Exact) -> Exact:
    """Where on the axis the bands begin."""
    payer = found.payer
    counter = payer.counter
    start: Exact = 0 if counter is None else _stands(counter, turn)
    if payer.axis is ABSOLUTE:
        start += own_deductible
        if counter is None or counter.counts is COST_IN_SCOPE:
            start += _deductible_before(found, turn)
    return start


def _stands(counter: Counter, turn: Turn) -> int:
    if turn.common and counter.counts in COST:
        return turn.counters.before(counter)
    return turn.counters.value(counter)


def _deductible_before(found: FoundPayer, turn: Turn) -> Fen:
    """The benefit's deductible of this bill, where the payer's base begins above it."""
    if found.payer.base not in ABOVE_DEDUCTIBLE:
        return 0
    return sum([left.deductible for left in turn.parts])


def _take(amount: Fen, found: FoundPayer, turn: Turn) -> Fen:
    """Take a payment off what is left: in scope, then outside of it; what was taken there."""
    rest = amount
    if found.payer.base is not OUTSIDE:
        room: Callable[[Left], Fen] = _co_pay if found.payer.base in ABOVE_DEDUCTIBLE else _unpaid
        for left in turn.parts:
            taken = min(rest, room(left))
            left.unpaid -= taken
            rest -= taken
    return _take_outside(rest, found, turn) if rest else 0


def _take_outside(amount: Fen, found: FoundPayer, turn: Turn) -> Fen:
    rest = amount
    for component in COMPONENTS:
        if component in found.also:
            for left in turn.parts:
                taken = min(rest, left.own[component])
                left.own[component] -= taken
                rest -= taken
    assert rest == 0, "a payer pays what it worked on, not more"
    return amount


def _co_pay(left: Left) -> Fen:
    return left.co_pay


def _unpaid(left: Left) -> Fen:
    return left.unpaid


def _count(
    found: FoundPayer, amount: Fen, worked_on: Exact, own: Exact, counters: Counters
) -> None:
    """Move the payer's counters."""
    feeds = found.feeds
    if amount:
        counters.add(feeds.fund, amount)
        counters.count_payment(feeds.payments)
    if feeds.base:
        counters.add(feeds.base, rounded(worked_on))
    if feeds.base_after_deductible:
        counters.add(feeds.base_after_deductible, rounded(worked_on - own))
    if own:
        counters.add(feeds.deductible, rounded(own))
