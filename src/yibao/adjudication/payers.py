"""What one payer pays: its base, its bands, its caps; rounded half-up once, at the end."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from yibao.adjudication.bands import Exact, Slice, cost_until, cut, rounded
from yibao.adjudication.counters import ReadCounter
from yibao.adjudication.deductible import LimitState, limit_state
from yibao.kernel.money import Fen
from yibao.policy.model import Axis, Band, Base, Case, Counted, Counter, Found, Payer, ReportedAs


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

    payer: Payer
    reported_as: Found[ReportedAs]
    bands: Found[tuple[Band, ...]]
    base: Exact
    slices: tuple[Slice, ...]
    caps: tuple[LimitState, ...]
    available: Fen | None
    """What caps on the fund still allowed; None without one."""
    amount: Fen
    above_cap: Exact


def decide_payer(
    payer: Payer, state: BillState, day: date, case: Case, read: ReadCounter
) -> PayerDecision:
    """A payer's part. Refused: PARAMETER_MISSING."""
    base = _base(payer.base, state)
    bands = payer.bands.find(day, case)
    caps = tuple(
        [limit_state(cap, _used(cap.counter, state, read), day, case) for cap in payer.caps]
    )
    cost, available = base, None
    for cap in caps:
        if cap.left is None:
            continue
        if cap.limit.counter.counts is Counted.FUND:
            available = cap.left if available is None else min(available, cap.left)
        else:
            cost = min(cost, cap.left)
    slices = cut(bands.value, payer.axis, _start(payer, state, read), cost)
    fund: Exact = sum([piece.fund for piece in slices])
    if available is not None and fund > available:
        cost, fund = cost_until(slices, available), available
    return PayerDecision(
        payer=payer,
        reported_as=payer.reported_as.find(day, case),
        bands=bands,
        base=base,
        slices=slices,
        caps=caps,
        available=available,
        amount=rounded(fund),
        above_cap=base - cost,
    )


def _base(base: Base, state: BillState) -> Exact:
    match base:
        case Base.IN_SCOPE:
            return state.in_scope - state.deductible
        case Base.CO_PAY:
            return state.in_scope - state.deductible - sum(state.paid.values())
        case Base.UNPAID:
            return state.in_scope - sum(state.paid.values())
        case Base.ABOVE_CAP:
            return state.above_cap


def _used(counter: Counter, state: BillState, read: ReadCounter) -> Fen:
    """What stands on a counter once this bill's deductible and earlier payers are added."""
    used = read(counter)
    match counter.counts:
        case Counted.FUND:
            return used + sum(state.paid.get(payer, 0) for payer in counter.payers)
        case Counted.IN_SCOPE:
            return used + state.deductible
        case _:
            return used


def _start(payer: Payer, state: BillState, read: ReadCounter) -> Fen:
    """Where on the axis of its bands the payer's base begins."""
    if payer.counter is not None:
        return _used(payer.counter, state, read)
    return state.deductible if payer.axis is Axis.ABSOLUTE else 0
