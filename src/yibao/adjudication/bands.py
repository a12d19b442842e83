"""Bands (费用段): a stretch of cost cut at the law's bounds, exact until the payer rounds."""

from collections.abc import Sequence
from fractions import Fraction

from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen, Rate
from yibao.policy.model import Axis, Band

Exact = int | Fraction
"""Fen, possibly with an exact fraction: cuts inside a bill are not rounded."""

FUND_PAID = Axis.FUND_PAID
"""Bound here: looking a member up on its class takes longer than to compare it."""


class Slice(Frozen):
    """The part of the cost that fell into one band, and the fund's share of it."""

    band: Band
    cost: Exact
    fund: Exact


def cut(bands: Sequence[Band], axis: Axis, start: Exact, length: Exact) -> tuple[Slice, ...]:
    """The slices of ``length`` fen of cost that begin at ``start`` on the axis."""
    if length <= 0:
        return ()
    if len(bands) == 1:  # one ratio for everything
        band = bands[0]
        return (Slice(band, length, _share(length, *band.rate)),)
    slices: list[Slice] = []
    position, rest = start, length
    for band in bands:
        to = band.to
        if to is not None and position >= to:
            continue
        numerator, denominator = band.rate
        cost = rest if to is None else _cost_within(axis, to - position, rest, band.rate)
        fund = _share(cost, numerator, denominator)
        slices.append(Slice(band, cost, fund))
        rest -= cost
        if not rest:
            break
        position += fund if axis is FUND_PAID else cost
    return tuple(slices)


def _cost_within(axis: Axis, room: Exact, rest: Exact, rate: Rate) -> Exact:
    """How much of the rest fits into ``room`` fen of the axis."""
    if axis is not FUND_PAID:
        return min(rest, room)
    # the bound is met when the fund has paid `room` more; at rate 0 it never is
    if rest * rate.numerator <= room * rate.denominator:
        return rest
    return Fraction(room * rate.denominator, rate.numerator)


def fund_of(slices: Sequence[Slice]) -> Exact:
    """The fund's share of all slices, not rounded."""
    if len(slices) == 1:
        return slices[0].fund
    return sum([piece.fund for piece in slices])


def cost_until(slices: Sequence[Slice], fund: Exact) -> Exact:
    """The cost at which the fund's share reaches ``fund``: the last band inverted."""
    cost: Exact = 0
    left = fund
    for piece in slices:
        if left <= 0:
            break
        if piece.fund >= left:
            numerator, denominator = piece.band.rate
            return cost + Fraction(left * denominator, numerator)
        left -= piece.fund
        cost += piece.cost
    return cost


def _share(cost: Exact, numerator: int, denominator: int) -> Exact:
    product = cost * numerator
    if isinstance(product, int) and product % denominator == 0:
        return product // denominator
    return Fraction(product, denominator)


def rounded(exact: Exact) -> Fen:
    """Half-up to whole fen; only ever of amounts that are not negative."""
    if isinstance(exact, int):
        return exact
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
