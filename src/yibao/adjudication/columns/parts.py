"""The parts of the bills of a round, and the payers that work on them: the scalar ``parts``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from yibao.adjudication.columns.exact import Exact, rounded
from yibao.adjudication.columns.model import Fens
from yibao.adjudication.columns.payers import ABOVE_DEDUCTIBLE, Paid, Turn, added, decide_payer
from yibao.adjudication.columns.rules import Rows, deductible_due
from yibao.adjudication.columns.tables import UNLIMITED, Column, Indices, PartTable, PayerTable
from yibao.policy.model import Base, Component, Counted, Payer


class Above(NamedTuple):
    """What a payer left above its cap, for the bills at some places of the round."""

    where: Indices
    amount: Exact


@dataclass(slots=True)
class Left:
    """What is left of one part of each bill for those who have yet to pay; falls as they do."""

    cost: Fens
    deductible: Fens
    unpaid: Fens
    own: dict[Component, Fens]
    """Of the parts outside the scope; only where some payer works on them."""
    above: dict[str, Above] = field(default_factory=dict)
    """By payer, at places of the round."""

    @classmethod
    def nothing(cls, width: int, components: bool) -> "Left":
        """No part at all, of any bill."""

        def zeros() -> Fens:
            return np.zeros(width, np.int64)

        own = {component: zeros() for component in Component} if components else {}
        return cls(zeros(), zeros(), zeros(), own)

    def put(self, where: Indices, left: "Left") -> None:
        """Let these be the parts of the bills at these places."""
        self.cost[where] = left.cost
        self.deductible[where] = left.deductible
        self.unpaid[where] = left.unpaid
        for component, amounts in left.own.items():
            self.own[component][where] = amounts
        for payer, above in left.above.items():
            before = self.above.get(payer)
            self.above[payer] = above if before is None else _joined(before, above)

    def base(self, base: Base) -> Fens:
        """What a payer works on, ``above_cap`` apart."""
        match base:
            case Base.IN_SCOPE:
                above: Fens = np.minimum(self.cost - self.deductible, self.unpaid)
                return above
            case Base.CO_PAY:
                return self.co_pay
            case Base.OUTSIDE:
                return np.zeros_like(self.unpaid)
            case _:
                return self.unpaid.copy()  # it falls when the payment is taken

    @property
    def co_pay(self) -> Fens:
        """What is unpaid beside the deductible."""
        beside: Fens = np.maximum(self.unpaid - self.deductible, 0)
        return beside


class Sums(NamedTuple):
    """The sums of a part, as sent."""

    in_scope: Fens
    own: Mapping[Component, Fens]
    """The hospital's share of over-limit taken off; only where somebody asks."""
    total: Fens | None
    """Beside what the hospital bears; only at a fixed price."""


class Opened(NamedTuple):
    """A part with its deductible taken, and what moved on the way."""

    left: Left
    first_pay: Fens | None
    """Moved out of the scope."""
    above_price: Fens | None
    """The hospital's."""


def open_part(table: PartTable, rows: Rows, sums: Sums) -> Opened:
    """First pay, fixed price, deductible: in this order."""
    cost, own = sums.in_scope, dict(sums.own)
    first_pay: Fens | None = None
    if table.first_pay is not None:
        share = table.first_pay
        first_pay = rounded(cost * rows.value(share.numerator), rows.value(share.denominator))
        cost = cost - first_pay
        if own:
            own[Component.FIRST_PAY] = own[Component.FIRST_PAY] + first_pay
    above_price: Fens | None = None
    if sums.total is not None:
        above_price = _above_price(table, rows, sums.total)
        cost, own = _taken_off(above_price, cost, own)
    due = deductible_due(table.deductible, rows)
    deductible = np.zeros_like(cost) if due is None else np.minimum(cost, due)
    for name in table.feeds[Counted.DEDUCTIBLE]:
        rows.round.counters.add(name, rows.where, deductible)
    # payments are taken off `unpaid` in place
    return Opened(Left(cost, deductible, cost.copy(), own), first_pay, above_price)


def _above_price(table: PartTable, rows: Rows, total: Fens) -> Fens:
    price: Any = rows.value(table.price)
    rules = table.rules.fixed_price
    limited = np.less(price, UNLIMITED)
    if rules is not None and rules.per_day:
        price = price * rows.of_round(rows.round.days)
    return np.where(limited, np.maximum(total - price, 0), 0)


def _taken_off(
    amount: Fens, cost: Fens, own: dict[Component, Fens]
) -> tuple[Fens, dict[Component, Fens]]:
    taken = np.minimum(amount, cost)
    rest, left = amount - taken, dict(own)
    for component, amounts in own.items():
        of_component = np.minimum(rest, amounts)
        left[component] = amounts - of_component
        rest = rest - of_component
    return cost - taken, left


def close_part(table: PartTable, rows: Rows, left: Left) -> None:
    """Count what is counted when a part's payers are done."""
    counters = rows.round.counters
    for name in table.feeds[Counted.IN_SCOPE]:
        counters.add(name, rows.where, left.cost)
    for name in table.feeds[Counted.AFTER_DEDUCTIBLE]:
        counters.add(name, rows.where, left.cost - left.deductible)
    for name in table.feeds[Counted.STAYS]:
        rows.round.stays[name][slice(None) if rows.where is None else rows.where] = True


def pay_part(
    table: PayerTable, rows: Rows, left: Left, previous: str, *, keeps_above: bool
) -> Paid | None:
    """A benefit's own payer, after the payer ``previous``: what it pays is taken off the part."""
    payer = table.payer
    base = _base(payer, [left], rows, left.above.get(payer.above_cap_of or previous))
    base = _with_also(table, rows, base, left.own)
    deductible: Column = left.deductible if payer.base in ABOVE_DEDUCTIBLE else 0
    paid = decide_payer(table, Turn(rows, base, deductible, keeps_above=keeps_above))
    if paid is not None:
        take(table, paid, [left], None)
        keep_above(left.above, payer.key, paid, rows)
    return paid


def keep_above(above: dict[str, Above], payer: str, paid: Paid, rows: Rows) -> None:
    """Remember what a payer left above its cap."""
    if paid.above_cap is None:
        return
    some = np.flatnonzero(paid.above_cap.numerator)
    if len(some):
        places = some if paid.where is None else paid.where.take(some)
        where = places if rows.where is None else rows.where.take(places)
        above[payer] = Above(where, paid.above_cap.at(some))


def _base(payer: Payer, parts: list[Left], rows: Rows, above: Above | None) -> Exact:
    if payer.base is not Base.ABOVE_CAP:
        return Exact(parts[0].base(payer.base))
    return at_most_unpaid(spread(above, rows), parts[0].unpaid)


def at_most_unpaid(above: Exact, unpaid: Fens) -> Exact:
    """What lies above a cap, as far as it is not paid yet."""
    if above.is_whole:
        return Exact(np.minimum(above.numerator, unpaid))
    return Exact(np.minimum(above.numerator, unpaid * above.denominator), above.denominator)


def spread(above: Above | None, rows: Rows) -> Exact:
    """Amounts at places of a round as a column of these rows."""
    width = rows.round.width
    numerator = np.zeros(width, np.int64)
    if above is None:
        return Exact(numerator if rows.where is None else numerator[: len(rows.where)])
    denominator = np.ones(width, np.int64)
    numerator[above.where] = above.amount.numerator
    denominator[above.where] = above.amount.denominator
    whole = Exact(numerator, denominator)
    return whole if rows.where is None else whole.at(rows.where)


def with_also(table: PayerTable, rows: Rows, base: Exact, own: Mapping[Component, Any]) -> Exact:
    """A base with its shares of the parts outside the scope."""
    if not table.also:
        return base
    over = rows.value(table.also_denominator)
    outside: Any = 0
    for component, numerator in table.also.items():
        outside = outside + own[component] * rows.value(numerator)
    if isinstance(over, int) and over == 1 and base.is_whole:
        return Exact(base.numerator + outside)
    return added(base, Exact(outside, over), rows)


_with_also = with_also


def take(table: PayerTable, paid: Paid, parts: list[Left], works_on: Any) -> None:
    """Take payments off what is left of the parts: in scope, then outside of it.

    ``works_on``: of each part, which of the bills' parts the payer works on; None: all.
    """
    payer, where, rest = table.payer, paid.where, paid.amount
    if len(parts) == 1 and works_on is None and not table.also:
        # all of it was in scope of this part
        if where is None:
            parts[0].unpaid -= rest
        else:
            parts[0].unpaid[where] -= rest
        return
    if payer.base is not Base.OUTSIDE:
        for n, left in enumerate(parts):
            room = left.co_pay if payer.base in ABOVE_DEDUCTIBLE else left.unpaid
            rest = _take_from(left.unpaid, room, rest, where, works_on and works_on[n])
    for component in Component:
        if component in table.also:
            for n, left in enumerate(parts):
                own = left.own[component]
                rest = _take_from(own, own, rest, where, works_on and works_on[n])


def _take_from(amounts: Fens, room: Fens, rest: Fens, where: Indices | None, works_on: Any) -> Fens:
    """Take from amounts what their room allows; what is left to take."""
    taken = np.minimum(rest, room if where is None else room.take(where))
    if works_on is not None:
        taken = taken * (works_on if where is None else works_on.take(where))
    if where is None:
        amounts -= taken
    else:
        amounts[where] -= taken
    return rest - taken


def _joined(one: Above, other: Above) -> Above:
    """Two benefits' payers of one name left something, of different bills."""
    return Above(
        np.concatenate([one.where, other.where]),
        Exact(
            np.concatenate([one.amount.numerator, other.amount.numerator]),
            np.concatenate([_column(one.amount), _column(other.amount)]),
        ),
    )


def _column(amount: Exact) -> Fens:
    return np.broadcast_to(np.asarray(amount.denominator, np.int64), amount.numerator.shape)
