"""The values of the law's plans as tables: one entry a plan, so that a value is a gather.

A value that all plans share is kept as one number. Entries of plans that do not meet a rule are
never looked at and take any value. Every amount is held within bounds that make int64 exact; a plan
that does not keep within them is decided by the scalar engine (``too_fine``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yibao.adjudication.columns.model import Fens, Flags
from yibao.adjudication.plan import FoundLimit, FoundPayer, Part
from yibao.policy.model import Axis, BenefitRules, Component, Counted, Limit, Payer

LARGEST = 1 << 37
"""No person's bills together reach so many fen (1.37 billion yuan) on columns."""

UNLIMITED = 1 << 40
"""A height or bound that nothing on columns reaches, whatever stands on a counter."""

FINEST = 1 << 23
"""The finest fraction of a fen: an amount times it, doubled, stays below 2^62."""

ONE_SCALE = 100_000
"""Plans share a denominator up to here: dividing by one number is far quicker than by a column."""

Indices = NDArray[np.intp]

Column = Fens | int
"""A value by plan; a number where all plans share it."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Exact shares by plan: ``numerator / denominator``."""

    numerator: Column
    denominator: Column


@dataclass(frozen=True, slots=True)
class LimitTable:
    """A limit: its height, and how it grows with days and diseases."""

    counter: str
    counts: Counted
    height: Column
    """``UNLIMITED`` where there is none."""
    every_days: Column
    """0: due once."""
    further: Column

    @property
    def is_idle(self) -> bool:
        """Whether it limits nothing in any plan."""
        return isinstance(self.height, int) and self.height >= UNLIMITED


@dataclass(frozen=True, slots=True)
class Feed:
    """A counter that is moved, and in which plans."""

    counter: str
    plans: Flags | bool


@dataclass(frozen=True, slots=True)
class PayerTable:
    """A payer: whether it pays, its bands after adjustments, its limits, the counters it moves."""

    payer: Payer
    path: str
    met: Flags | bool
    pays: Flags | bool
    to: tuple[Column, ...]
    """Upper bounds of the bands; ``UNLIMITED`` from the last one on."""
    numerators: tuple[Column, ...]
    """Of the fund's share in each band, over ``denominator``."""
    falls: tuple[Column, ...]
    """By how much the share falls from each band to the next."""
    denominator: Column
    deductible: tuple[LimitTable, ...]
    caps: tuple[LimitTable, ...]
    also: Mapping[Component, Column]
    """Numerators of the shares of parts outside the scope, over ``also_denominator``."""
    also_denominator: Column
    feeds: Mapping[Counted, tuple[Feed, ...]]

    @property
    def by_fund(self) -> bool:
        """Whether the bounds of several bands are measured on what the fund has paid."""
        return self.payer.axis is Axis.FUND_PAID and len(self.to) > 1


@dataclass(frozen=True, slots=True)
class PartTable:
    """A benefit: at which place of the computation it stands (−1: nowhere), and its rules."""

    rules: BenefitRules
    place: Indices
    first_pay: Shares | None
    price: Column
    """Of a bill at a fixed price; ``UNLIMITED`` for others."""
    deductible: tuple[LimitTable, ...]
    payers: tuple[PayerTable, ...]
    feeds: Mapping[Counted, tuple[str, ...]]


def part_table(
    rules: BenefitRules,
    parts: Sequence[Part | None],
    place: Sequence[int],
    read: frozenset[str],
) -> PartTable:
    """The table of a benefit; None where a plan does not meet it. Only counters ``read`` move."""
    shares = [part.first_pay.value if part and part.first_pay else Fraction(0) for part in parts]
    feeds = next((part.feeds for part in parts if part is not None), None)
    return PartTable(
        rules,
        np.array(place, np.intp),
        _shares(shares) if any(shares) else None,
        _column(
            _bounded(part.fixed_price.value if part.fixed_price else None) if part else None
            for part in parts
        ),
        _limits(rules.deductible, [part.deductible if part else None for part in parts]),
        tuple(
            payer_table(payer, [part.payers[n] if part else None for part in parts], read)
            for n, payer in enumerate(rules.payers)
        ),
        {
            counted: tuple(name for name in getattr(feeds, counted.value) if name in read)
            for counted in (
                Counted.DEDUCTIBLE,
                Counted.IN_SCOPE,
                Counted.AFTER_DEDUCTIBLE,
                Counted.STAYS,
            )
        }
        if feeds is not None
        else {},
    )


def payer_table(
    payer: Payer, found: Sequence[FoundPayer | None], read: frozenset[str]
) -> PayerTable:
    """The table of a payer; None where a plan does not meet it."""
    live = [each if each is not None and each.effective is not None else None for each in found]
    bands = [each.effective if each is not None else None for each in live]
    rates = [
        [Fraction(band.rate.numerator, band.rate.denominator) for band in row] if row else []
        for row in bands
    ]
    count = max(map(len, rates), default=0)
    scale = _scale([lcm(*(rate.denominator for rate in row)) for row in rates])
    over = _each(scale, len(rates))
    to = tuple(
        _column(
            None if not row else _bounded(row[n].to) if n < len(row) else UNLIMITED
            for row in bands or ()
        )
        for n in range(count)
    )
    shares = [
        [int(row[n] * over[plan]) if n < len(row) else 0 for n in range(count)] if row else None
        for plan, row in enumerate(rates)
    ]
    also = {
        part: [each.also[part].value if each else Fraction(0) for each in live]
        for part in payer.also
    }
    also_scale = _scale([lcm(*(also[p][n].denominator for p in also)) for n in range(len(found))])
    return PayerTable(
        payer,
        next((each.path for each in found if each is not None), payer.key),
        _flags([each is not None for each in found]),
        _flags([each is not None for each in live]),
        to,
        tuple(_column(row[n] if row else None for row in shares) for n in range(count)),
        tuple(
            _column(row[n] - row[n + 1] if row else None for row in shares)
            for n in range(count - 1)
        ),
        scale,
        _limits(payer.deductible, [each.deductible if each else None for each in live]),
        _limits(payer.caps, [each.caps if each else None for each in live]),
        {part: _over(listed, also_scale) for part, listed in also.items()},
        also_scale,
        {counted: _feeds(live, counted, read) for counted in FED},
    )


FED: Mapping[Counted, Callable[[FoundPayer], Sequence[str]]] = {
    Counted.FUND: lambda found: found.feeds.fund,
    Counted.BASE: lambda found: found.feeds.base,
    Counted.BASE_AFTER_DEDUCTIBLE: lambda found: found.feeds.base_after_deductible,
    Counted.DEDUCTIBLE: lambda found: found.feeds.deductible,
    Counted.PAYMENTS: lambda found: found.feeds.payments,
}
"""The counters that a payer moves, by what they count."""


def too_fine(found: FoundPayer) -> bool:
    """Whether a payer's ratios are finer than the columns carry."""
    rates = [Fraction(band.rate.numerator, band.rate.denominator) for band in found.effective or ()]
    also = [share.value for share in found.also.values()]
    scale = lcm(*(rate.denominator for rate in rates)) * lcm(*(share.denominator for share in also))
    return scale > FINEST


# ------------------------------------------------------------------------------------- columns


def _column(values: Iterable[int | None]) -> Column:
    """A column of a table; None where no plan looks."""
    listed = list(values)
    real = {value for value in listed if value is not None}
    if len(real) <= 1:
        return next(iter(real), 0)
    any_value = next(iter(real))
    return np.array([any_value if value is None else value for value in listed], np.int64)


def _flags(values: Sequence[bool]) -> Flags | bool:
    return True if all(values) else np.array(values, np.bool_)


def _shares(shares: Sequence[Fraction]) -> Shares:
    scale = _scale([share.denominator for share in shares])
    return Shares(_over(shares, scale), scale)


def _over(shares: Sequence[Fraction], scale: Column) -> Column:
    each = _each(scale, len(shares))
    return _column(int(share * n) for share, n in zip(shares, each, strict=True))


def _each(scale: Column, count: int) -> Sequence[int]:
    if isinstance(scale, int):
        return [scale] * count
    listed: list[int] = scale.tolist()
    return listed


def _scale(denominators: Sequence[int]) -> Column:
    common = lcm(*set(denominators))
    if common <= ONE_SCALE:
        return common
    # what is finer than the columns carry is decided one by one
    return _column(n if n <= FINEST else 1 for n in denominators)


def _limits(
    limits: Sequence[Limit], found: Sequence[tuple[FoundLimit, ...] | None]
) -> tuple[LimitTable, ...]:
    tables = [
        _limit(limit, [row[n] if row else None for row in found]) for n, limit in enumerate(limits)
    ]
    return tuple(table for table in tables if not table.is_idle)


def _limit(limit: Limit, found: Sequence[FoundLimit | None]) -> LimitTable:
    return LimitTable(
        limit.counter.name,
        limit.counter.counts,
        _column(_bounded(each.height) if each else None for each in found),
        _column((each.every_days.value or 0) if each and each.every_days else 0 for each in found),
        _column(
            _bounded(each.further.value or 0) if each and each.further else 0 for each in found
        ),
    )


def _bounded(amount: int | None) -> int:
    return UNLIMITED if amount is None else min(amount, UNLIMITED - 1)


def _feeds(
    live: Sequence[FoundPayer | None], counted: Counted, read: frozenset[str]
) -> tuple[Feed, ...]:
    moved: list[Any] = [FED[counted](each) if each else None for each in live]
    names = dict.fromkeys(name for row in moved if row for name in row)
    return tuple(
        # where nothing is paid nothing is moved: those plans may say anything
        Feed(name, _flags([row is None or name in row for row in moved]))
        for name in names
        if name in read
    )
