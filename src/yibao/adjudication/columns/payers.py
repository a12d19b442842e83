"""What one payer pays of the bills of a round: the scalar ``payers``, a column a figure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from yibao.adjudication.columns.exact import Exact, pick, scaled
from yibao.adjudication.columns.model import Fens
from yibao.adjudication.columns.rules import (
    Rows,
    cost_above,
    deductible_due,
    left_of,
    rounded_share,
    share_of,
)
from yibao.adjudication.columns.tables import FINEST, LARGEST, Column, Indices, PayerTable
from yibao.adjudication.payers import ABOVE_DEDUCTIBLE, COST
from yibao.policy.model import Axis, Counted

SPARSE = 7
"""When fewer tenths of the bills have something for a payer, only those are computed."""


class Turn(NamedTuple):
    """A payer's turn."""

    rows: Rows
    base: Exact
    deductible: Column
    """The benefit's deductible with these bills, where the payer's base begins above it; else 0."""
    common: bool = False
    """It works when all parts are done: counters of cost are read as they were before."""
    keeps_above: bool = False
    """Whether another payer may work on what this one leaves above its cap."""


class Paid(NamedTuple):
    """What a payer paid, for the bills at ``where`` among those of its turn (None: all)."""

    where: Indices | None
    amount: Fens
    base: Fens
    """Rounded."""
    above_cap: Exact | None
    """None: nothing anywhere."""


def decide_payer(table: PayerTable, turn: Turn) -> Paid | None:
    """A payer's part of these bills; its counters move. None when it pays nothing of any."""
    has_base = turn.base.numerator > 0
    if not isinstance(table.pays, bool):
        has_base &= table.pays.take(turn.rows.plan)
    live = np.flatnonzero(has_base)
    if not len(live):
        return None
    if 10 * len(live) < SPARSE * len(has_base):
        turn = turn._replace(
            rows=turn.rows.at(live),
            base=turn.base.at(live),
            deductible=pick(turn.deductible, live),
        )
        return _decide(table, turn)._replace(where=live)
    if len(live) < len(has_base):
        base = turn.base
        turn = turn._replace(base=Exact(base.numerator * has_base, base.denominator))
    return _decide(table, turn)


def _decide(table: PayerTable, turn: Turn) -> Paid:
    rows, base = turn.rows, _carried(table, turn)
    worked_on, scale = base.numerator, base.denominator
    own: Fens | None = None
    if table.deductible:
        due = deductible_due(table.deductible, rows)
        assert due is not None
        own = np.minimum(worked_on, scaled(due, scale))
    available, worked_on = _capped(table, turn, worked_on, scale, own)
    if own is not None and worked_on is not base.numerator:
        own = np.minimum(own, worked_on)
    cost = Exact(worked_on if own is None else worked_on - own, scale)
    start, beside = _start(table, turn, own)
    share = share_of(table, rows, cost, start, beside)
    amount = rounded_share(share)
    above: Exact | None = None
    if available is not None:
        if turn.keeps_above:
            held = np.minimum(available, LARGEST)
            above = _above_fund(table, turn, cost, share, held, start, beside)
        amount = np.minimum(amount, available)
    if turn.keeps_above and worked_on is not base.numerator:
        above = _sum(above, Exact(base.numerator - worked_on, scale), rows)
    _count(table, rows, amount, Exact(worked_on, scale), cost, own)
    return Paid(None, amount, base.rounded(), above)


def _carried(table: PayerTable, turn: Turn) -> Exact:
    """The base; what is finer than the columns carry is left to the scalar engine."""
    base = turn.base
    if base.is_whole:
        return base
    lost = np.asarray(base.denominator * turn.rows.value(table.denominator) > FINEST)
    if not lost.any():
        return base
    lost = np.broadcast_to(lost, base.numerator.shape)
    turn.rows.lose(lost)
    return Exact(np.where(lost, 0, base.numerator), np.where(lost, 1, base.denominator))


def _capped(
    table: PayerTable, turn: Turn, worked_on: Fens, scale: Column, own: Fens | None
) -> tuple[Fens | None, Fens]:
    """What caps on the fund still allow, and the base that the others leave."""
    available: Fens | None = None
    for cap in table.caps:
        left = left_of(cap, turn.rows, before=turn.common and cap.counts in COST)
        match cap.counts:
            case Counted.FUND:
                available = left if available is None else np.minimum(available, left)
            case Counted.PAYMENTS:
                worked_on = worked_on * (left > 0)
            case Counted.BASE_AFTER_DEDUCTIBLE:
                room = scaled(left, scale)
                worked_on = np.minimum(worked_on, room if own is None else room + own)
            case Counted.IN_SCOPE:
                room = np.maximum(left - turn.deductible, 0)
                worked_on = np.minimum(worked_on, scaled(room, scale))
            case _:
                worked_on = np.minimum(worked_on, scaled(left, scale))
    return available, worked_on


def _start(table: PayerTable, turn: Turn, own: Fens | None) -> tuple[Fens | None, Fens | None]:
    """Where on the axis the bands begin: whole fen, and the own deductible beside them."""
    counter = table.payer.counter
    start: Any = None
    if len(table.to) == 1:  # one ratio is the same everywhere
        return None, None
    if counter is not None:
        before = turn.common and counter.counts in COST
        start = turn.rows.read(counter.name, before=before)
    if table.payer.axis is not Axis.ABSOLUTE:
        return start, None
    if counter is None or counter.counts is Counted.IN_SCOPE:
        start = turn.deductible if start is None else start + turn.deductible
        if isinstance(start, int):  # no deductible is before it
            start = None
    return start, own


def _above_fund(
    table: PayerTable,
    turn: Turn,
    cost: Exact,
    share: Exact,
    available: Fens,
    start: Fens | None,
    beside: Fens | None,
) -> Exact | None:
    """The cost above the point where a cap on the fund was met."""
    met = np.flatnonzero(share.numerator > available * share.denominator)
    if not len(met):
        return None
    found = cost_above(
        table,
        turn.rows.at(met),
        cost.at(met),
        None if start is None else start.take(met),
        None if beside is None else beside.take(met),
        available.take(met),
    )
    numerator = np.zeros(len(available), np.int64)
    denominator = np.ones(len(available), np.int64)
    numerator[met], denominator[met] = found
    return Exact(numerator, denominator)


def _sum(one: Exact | None, other: Exact, rows: Rows) -> Exact:
    if one is None:
        return other
    return added(one, other, rows)


def added(one: Exact, other: Exact, rows: Rows) -> Exact:
    """The sum of exact amounts; what gets too fine is left to the scalar engine."""
    denominator = np.asarray(one.denominator * other.denominator)
    denominator = np.where(one.numerator == 0, other.denominator, denominator)
    denominator = np.where(other.numerator == 0, one.denominator, denominator)
    lost = denominator > FINEST
    if lost.any():
        rows.lose(lost)
        denominator = np.where(lost, 1, denominator)
    numerator = np.where(
        other.numerator == 0,
        one.numerator,
        np.where(
            one.numerator == 0,
            other.numerator,
            one.numerator * other.denominator + other.numerator * one.denominator,
        ),
    )
    return Exact(np.where(lost, 0, numerator), denominator).reduced()


def _count(
    table: PayerTable,
    rows: Rows,
    amount: Fens,
    worked_on: Exact,
    cost: Exact,
    own: Fens | None,
) -> None:
    """Move the counters that the payer moves."""
    feeds = table.feeds
    moved: Mapping[Counted, Any] = {
        Counted.FUND: lambda: amount,
        Counted.BASE: worked_on.rounded,
        Counted.BASE_AFTER_DEDUCTIBLE: cost.rounded,
        Counted.DEDUCTIBLE: lambda: 0 if own is None else Exact(own, cost.denominator).rounded(),
    }
    for counted, figure in moved.items():
        for feed in feeds[counted]:
            added_to = figure()
            if not isinstance(feed.plans, bool):
                added_to = added_to * feed.plans.take(rows.plan)
            rows.round.counters.add(feed.counter, rows.where, added_to)
    for feed in feeds[Counted.PAYMENTS]:
        paid = amount > 0
        if not isinstance(feed.plans, bool):
            paid = paid & feed.plans.take(rows.plan)
        flags = rows.round.paid[feed.counter]
        places = np.flatnonzero(paid)
        flags[places if rows.where is None else rows.where.take(places)] = True


__all__ = ["ABOVE_DEDUCTIBLE", "Paid", "Turn", "added", "decide_payer"]
