"""What one payer pays: its base, its bands, its caps; rounded half-up once, at the end."""

from collections.abc import Mapping
from typing import NamedTuple

from yibao.adjudication.applicable import FoundPayer
from yibao.adjudication.bands import Exact, Slice, cost_until, cut, fund_of, rounded
from yibao.adjudication.counters import ReadCounter
from yibao.adjudication.deductible import LimitState, limit_state
from yibao.kernel.money import Fen
from yibao.policy.model import Axis, Base, Counted, Counter


class BillState(NamedTuple):
    """Where a bill stands when a payer's turn comes."""

    in_scope: Fen
    deductible: Fen
    paid: Mapping[str, Fen]
    """What the payers before pay, by key."""
    above_cap: Exact
    """The cost that the payer before left above its cap."""


class PayerDecision(NamedTuple):
    """What a payer pays of a bill, and everything that decided it."""

    found: FoundPayer
    base: Exact
    slices: tuple[Slice, ...]
    caps: tuple[LimitState, ...]
    available: Fen | None
    """What caps on the fund still allowed; None without one."""
    amount: Fen
    above_cap: Exact


def decide_payer(found: FoundPayer, state: BillState, read: ReadCounter) -> PayerDecision:
    """A payer's part of a bill."""
    payer = found.payer
    base = cost = _base(payer.base, state)
    available: Fen | None = None
    caps = tuple([limit_state(cap, _used(cap.limit.counter, state, read)) for cap in found.caps])
    for cap in caps:
        if cap.left is None:
            continue
        if cap.found.limit.counter.counts is Counted.FUND:
            available = cap.left if available is None else min(available, cap.left)
        else:
            cost = min(cost, cap.left)
    if payer.counter is not None:
        start = _used(payer.counter, state, read)
    else:
        start = state.deductible if payer.axis is Axis.ABSOLUTE else 0
    slices = cut(found.bands.value, payer.axis, start, cost)
    fund = fund_of(slices)
    if available is not None and fund > available:
        cost, fund = cost_until(slices, available), available
    return PayerDecision(found, base, slices, caps, available, rounded(fund), base - cost)


def _base(base: Base, state: BillState) -> Exact:
    match base:
        case Base.IN_SCOPE:
            return state.in_scope - state.deductible
        case Base.CO_PAY:
            # a payer before may have paid of the deductible too
            return max(0, state.in_scope - state.deductible - sum(state.paid.values()))
        case Base.UNPAID:
            return state.in_scope - sum(state.paid.values())
        case Base.ABOVE_CAP:
            return state.above_cap


def _used(counter: Counter, state: BillState, read: ReadCounter) -> Fen:
    """What stands on a counter once this bill's deductible and earlier payers are added."""
    used = read(counter)
    match counter.counts:
        case Counted.FUND:
            return used + sum([state.paid[key] for key in counter.payers if key in state.paid])
        case Counted.IN_SCOPE:
            return used + state.deductible
        case _:
            return used
