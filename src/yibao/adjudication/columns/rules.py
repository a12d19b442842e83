"""The rules of limits and bands on columns, for the bills of one round that meet them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from yibao.adjudication.columns.exact import Exact, pick, rounded, scaled
from yibao.adjudication.columns.model import Fens, Flags
from yibao.adjudication.columns.state import Counters
from yibao.adjudication.columns.tables import (
    FINEST,
    LARGEST,
    UNLIMITED,
    Column,
    Indices,
    LimitTable,
    PayerTable,
)


@dataclass(slots=True)
class Round:
    """One bill of each of the first persons: what the rules read of it, and what it moves."""

    counters: Counters
    plan: Indices
    """The plan of each bill."""
    days: Column
    further_diseases: Column
    lost: Flags
    """Bills finer than the columns carry: their persons are decided one by one."""
    before: dict[str, Fens]
    """What stood before the bill on counters that common payers read as it was."""
    paid: dict[str, Flags]
    """Of counters of payments: the bills that were paid something of."""
    stays: dict[str, Flags]

    @property
    def width(self) -> int:
        """How many bills."""
        return len(self.plan)


@dataclass(slots=True)
class Rows:
    """Some bills of a round."""

    round: Round
    where: Indices | None
    """Their places in the round; None: all of it."""
    plan: Indices

    def value(self, column: Column) -> Column:
        """A table's value for each of these bills."""
        return column if isinstance(column, int) else column.take(self.plan)

    def of_round(self, column: Column) -> Column:
        """A round's column for these bills."""
        return pick(column, self.where)

    def at(self, places: Indices) -> "Rows":
        """Those at these places among them."""
        where = places if self.where is None else self.where.take(places)
        return Rows(self.round, where, self.plan.take(places))

    def read(self, counter: str, *, before: bool = False) -> Fens:
        """What stands on a counter; ``before``: stood before these bills."""
        if before and counter in self.round.before:
            stood = self.round.before[counter]
            return stood if self.where is None else stood.take(self.where)
        return self.round.counters.read(counter, self.where)

    def lose(self, lost: Flags) -> None:
        """Leave bills to the scalar engine."""
        places = np.flatnonzero(lost)
        self.round.lost[places if self.where is None else self.where.take(places)] = True


def left_of(limit: LimitTable, rows: Rows, *, before: bool = False) -> Fens:
    """What is left of a limit; never negative."""
    unlimited = rows.value(limit.height)
    height: Any = unlimited
    every = rows.value(limit.every_days)
    if not isinstance(every, int) or every:
        begun = -(-rows.of_round(rows.round.days) // np.maximum(every, 1))
        height = height * np.where(np.greater(every, 0), begun, 1)
    if not isinstance(limit.further, int) or limit.further:
        further = rows.value(limit.further) * rows.of_round(rows.round.further_diseases)
        height = height + further
    left: Fens = height - rows.read(limit.counter, before=before)
    np.maximum(left, 0, out=left)
    if height is not unlimited:  # raised: still less than no limit at all
        np.minimum(left, UNLIMITED - 1, out=left)
    if not isinstance(unlimited, int):
        left[unlimited >= UNLIMITED] = UNLIMITED
    return left


def deductible_due(limits: tuple[LimitTable, ...], rows: Rows) -> Fens | None:
    """The least that any limit leaves; 0 where the law has none. None: nowhere any."""
    least: Fens | None = None
    for limit in limits:
        left = left_of(limit, rows)
        least = left if least is None else np.minimum(least, left, out=least)
    if least is not None and not any(isinstance(limit.height, int) for limit in limits):
        least[least >= UNLIMITED] = 0
    return least


def share_of(
    table: PayerTable, rows: Rows, cost: Exact, start: Fens | None, beside: Fens | None
) -> Exact:
    """The fund's share of a cost that begins at ``start`` on the axis, not rounded.

    ``beside``: more to begin at, over the cost's own denominator.
    """
    over = rows.value(table.denominator)
    if len(table.to) == 1:
        whole = cost.numerator * rows.value(table.numerators[0])
        return Exact(whole, over * cost.denominator)
    if table.by_fund:
        return _share_by_fund(table, rows, cost, start)
    share: Any = cost.numerator * rows.value(table.numerators[-1])
    for to, fall in zip(table.to, table.falls, strict=False):
        within = np.minimum(cost.numerator, _room(rows.value(to), cost, start, beside))
        share += within * rows.value(fall)
    return Exact(share, over * cost.denominator)


def _room(to: Column, cost: Exact, start: Fens | None, beside: Fens | None) -> Any:
    """How much of a cost that begins at ``start`` lies below a bound."""
    if start is None and beside is None:
        return to if cost.is_whole else scaled(np.asarray(to), cost.denominator)
    room: Any = to if start is None else to - start
    room = scaled(np.asarray(room), cost.denominator)
    if beside is not None:
        room = room - beside
    held: Fens = np.maximum(room, 0)
    return held


def _share_by_fund(table: PayerTable, rows: Rows, cost: Exact, start: Fens | None) -> Exact:
    """The same, where bounds are met by what the fund has paid: bands are inverted, not rounded."""
    position: Fens = np.zeros(len(cost.numerator), np.int64) if start is None else start
    ends = [rows.value(to) for to in table.to]
    numerators = [rows.value(numerator) for numerator in table.numerators]
    over: Any = rows.value(table.denominator)
    band = np.zeros(len(position), np.intp)
    for end in ends[:-1]:
        band += position >= end
    numerator = _chosen(band, numerators)
    share = cost.numerator * numerator
    denominator = over * cost.denominator
    room = np.minimum(_chosen(band, ends) - position, LARGEST)
    crosses = np.flatnonzero(share > room * denominator)
    if not len(crosses):
        return Exact(share, denominator)
    share, denominator = share, np.array(np.broadcast_to(denominator, share.shape))
    found = _crossing(
        rows.at(crosses),
        [pick(end, crosses) for end in ends],
        [pick(each, crosses) for each in numerators],
        pick(over, crosses),
        cost.at(crosses),
        position.take(crosses),
        band.take(crosses),
    )
    share[crosses], denominator[crosses] = found
    return Exact(share, denominator)


def _crossing(
    rows: Rows,
    ends: list[Column],
    numerators: list[Column],
    over: Column,
    cost: Exact,
    position: Fens,
    band: Indices,
) -> Exact:
    """Shares of costs that reach over a bound: what is left of each is a fraction from there on."""
    rest = cost.numerator
    scale = np.array(np.broadcast_to(cost.denominator, rest.shape))
    paid = np.zeros(len(rest), np.int64)
    for _ in ends:
        numerator = _chosen(band, numerators)
        end = _chosen(band, ends)
        room = np.minimum(end - position, LARGEST)
        crosses = rest * numerator > room * over * scale
        if not crosses.any():
            break
        finer = np.where(crosses, scale * numerator, scale)
        lost = finer * over > FINEST
        if lost.any():
            rows.lose(lost)
            crosses &= ~lost
        rest = np.where(crosses, rest * numerator - room * over * scale, rest)
        scale = np.where(crosses, scale * numerator, scale)
        common = np.gcd(rest, scale)
        rest, scale = rest // common, scale // common
        paid += np.where(crosses, room, 0)
        position = np.where(crosses, end, position)
        band = band + crosses
    denominator = over * scale
    return Exact(paid * denominator + rest * _chosen(band, numerators), denominator)


def _chosen(band: Indices, columns: list[Column]) -> Fens:
    """Each bill's value of the column that its band names."""
    chosen: Fens = np.empty(len(band), np.int64)
    for n, column in enumerate(columns):
        at = band == n
        np.copyto(chosen, column, where=at)
    return chosen


def cost_above(
    table: PayerTable,
    rows: Rows,
    cost: Exact,
    start: Fens | None,
    beside: Fens | None,
    available: Fens,
) -> Exact:
    """The cost above the point where the fund's share reached what was available, not rounded."""
    if table.by_fund:
        # found by the scalar engine: a person meets the end of such a fund once a year at most
        rows.lose(np.ones(len(available), np.bool_))
        return Exact(np.zeros(len(available), np.int64), np.ones(len(available), np.int64))
    over = rows.value(table.denominator)
    left = available * over * cost.denominator
    numerators = [rows.value(numerator) for numerator in table.numerators]
    ends: list[Any] = [
        np.minimum(cost.numerator, _room(rows.value(to), cost, start, beside))
        for to in table.to[:-1]
    ]
    begin: Any = np.zeros(len(left), np.int64)
    met, at = np.zeros(len(left), np.int64), np.ones(len(left), np.int64)
    waiting = left > 0
    for end, numerator in zip([*ends, cost.numerator], numerators, strict=True):
        share = (end - begin) * numerator
        here = waiting & (share >= left)
        ratio = np.maximum(numerator, 1)
        met = np.where(here, begin * ratio + left, met)
        at = np.where(here, ratio, at)
        waiting = waiting & ~here
        left = left - share
        begin = end
    above = Exact(cost.numerator * at - met, at * cost.denominator).reduced()
    lost = above.denominator > FINEST
    if np.any(lost):
        rows.lose(np.asarray(lost))
        above = Exact(np.where(lost, 0, above.numerator), np.where(lost, 1, above.denominator))
    return above


def rounded_share(share: Exact) -> Fens:
    """A payment: half-up, once."""
    return rounded(share.numerator, share.denominator)
