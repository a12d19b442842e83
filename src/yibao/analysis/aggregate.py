"""Counts and sums of a comparison, block by block; whatever is kept is small and adds up.

Sums over groups are made in int64: NumPy adds them exactly, and a block is too small to overflow.
"""

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yibao.adjudication.columns.model import BillColumns, Coded, Decided, Fens
from yibao.analysis.model import Cell, ChangeBin, Decile, Sums

AGES = (18, 45, 60, 70, 80)
"""Where the age groups of the tables begin; the first begins at birth."""

CHANGE_BOUNDS = tuple(
    sign * yuan * 100
    for sign, steps in (
        (-1, (20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 10)),
        (1, (10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)),
    )
    for yuan in steps
)
"""Bounds in fen of the histogram of changes; nobody's change of 0 shares a bin with another's."""

_EDGES = np.array(
    [b for b in CHANGE_BOUNDS if b < 0] + [-1, 0] + [b for b in CHANGE_BOUNDS if b > 0]
)
"""Last fen of each bin but the open one at the end: … (−50 yuan, −10], (−10, 0), 0, (0, 10] …"""

_BITS = 45
"""Bits of a float64 below the seven first of its mantissa: bins of amounts that differ by < 1 %."""

_MEASURES = tuple(Sums.__slots__)


def age_names() -> tuple[str, ...]:
    """Names of the age groups: ``0-17`` … ``80+``."""
    bounds = (0, *AGES)
    closed = [f"{low}-{high - 1}" for low, high in pairwise(bounds)]
    return (*closed, f"{AGES[-1]}+")


@dataclass(slots=True)
class Aggregate:
    """All that is kept of the bills seen so far; two of them add up to one."""

    bills: int = 0
    cells: dict[Cell, Sums] = field(default_factory=dict)
    paid: tuple[Tally[str], Tally[str]] = field(default_factory=lambda: (Tally(), Tally()))
    """By law and payer: fen."""
    paid_bills: tuple[Tally[str], Tally[str]] = field(default_factory=lambda: (Tally(), Tally()))
    over: tuple[Tally[str], Tally[str]] = field(default_factory=lambda: (Tally(), Tally()))
    """By law and payer: persons who rose over its own deductible."""
    refused: tuple[Tally[str], Tally[str]] = field(default_factory=lambda: (Tally(), Tally()))
    """By law and parameter: bills."""
    refused_bills: int = 0
    by_scalar: int = 0
    """Decisions that the columns left to the scalar engine."""
    changes: Tally[int] = field(default_factory=Tally)
    """Persons by bin of their change."""
    burdens: dict[int, list[int]] = field(default_factory=dict)
    """By bin of what a person pays under law A: [persons, fen before, fen after]."""

    def merge(self, other: "Aggregate") -> None:
        """Add what another has seen."""
        self.bills += other.bills
        self.refused_bills += other.refused_bills
        self.by_scalar += other.by_scalar
        for cell, sums in other.cells.items():
            self.cells.setdefault(cell, Sums()).add(sums)
        for name in ("paid", "paid_bills", "over", "refused"):
            for mine, others in zip(getattr(self, name), getattr(other, name), strict=True):
                mine.update(others)
        self.changes.update(other.changes)
        for key, values in other.burdens.items():
            self._add_burden(key, values)

    def add(
        self,
        bills: BillColumns,
        before: Decided,
        after: Decided,
        lines: Sequence[Mapping[str, bool]],
    ) -> None:
        """Count a block. ``lines`` name each law's payers with a deductible of their own."""
        self.bills += len(bills)
        if not len(bills):
            return
        seen = np.ones(len(bills), np.bool_)
        for law, decided in enumerate((before, after)):
            self.by_scalar += decided.by_scalar
            self.refused[law].update(Tally(decided.refused.values()))
            seen[np.fromiter(decided.refused, np.int64, len(decided.refused))] = False
        self.refused_bills += int(len(seen) - np.count_nonzero(seen))
        starts = _starts(bills.person)
        for law, decided in enumerate((before, after)):
            self._add_payers(law, decided, seen, starts, lines[law])
        personal = [_where(seen, decided.personal) for decided in (before, after)]
        of_person = [np.add.reduceat(amounts, starts) for amounts in personal]
        counted = np.logical_or.reduceat(seen, starts)
        self._add_persons(of_person[0][counted], of_person[1][counted])
        self._add_cells(bills, seen, starts, counted, personal, of_person, (before, after))

    def _add_payers(
        self,
        law: int,
        decided: Decided,
        seen: NDArray[np.bool_],
        starts: NDArray[np.int64],
        lines: Mapping[str, bool],
    ) -> None:
        for path, amounts in decided.payments.items():
            paid = _where(seen, amounts)
            self.paid[law][path] += int(paid.sum())
            self.paid_bills[law][path] += int(np.count_nonzero(paid))
            if lines.get(path):
                # whoever is over the line is paid: bands begin where the deductible ends
                over = np.logical_or.reduceat(paid > 0, starts)
                self.over[law][path] += int(np.count_nonzero(over))

    def _add_persons(self, before: Fens, after: Fens) -> None:
        changes = np.bincount(np.searchsorted(_EDGES, after - before), minlength=len(_EDGES) + 1)
        self.changes.update({place: int(n) for place, n in enumerate(changes) if n})
        bins = _burden_bins(before)
        found, places = np.unique(bins, return_inverse=True)
        sums = np.zeros((3, len(found)), np.int64)
        for row, values in enumerate((np.ones_like(before), before, after)):
            np.add.at(sums[row], places, values)
        for key, added in zip(found.tolist(), sums.T.tolist(), strict=True):
            self._add_burden(key, added)

    def _add_burden(self, key: int, added: Sequence[int]) -> None:
        kept = self.burdens.setdefault(key, [0, 0, 0])
        self.burdens[key] = [a + b for a, b in zip(kept, added, strict=True)]

    def _add_cells(
        self,
        bills: BillColumns,
        seen: NDArray[np.bool_],
        starts: NDArray[np.int64],
        counted: NDArray[np.bool_],
        personal: Sequence[Fens],
        of_person: Sequence[Fens],
        decided: tuple[Decided, Decided],
    ) -> None:
        codes, names = _cells(bills)
        first = decided[0]
        ends = np.append(starts[1:], len(bills)) - 1
        change = of_person[1] - of_person[0]
        by_bill = {
            "bills": seen.astype(np.int64),
            "total": _where(seen, first.funds + first.personal + first.hospital_part),
            "personal_before": personal[0],
            "personal_after": personal[1],
            "funds_before": _where(seen, decided[0].funds),
            "funds_after": _where(seen, decided[1].funds),
        }
        by_person = {
            "persons": counted.astype(np.int64),
            "winners": (counted & (change < 0)).astype(np.int64),
            "losers": (counted & (change > 0)).astype(np.int64),
        }
        sums = np.zeros((len(_MEASURES), names.size), np.int64)
        for measure, values in by_bill.items():
            np.add.at(sums[_MEASURES.index(measure)], codes, values)
        for measure, values in by_person.items():
            np.add.at(sums[_MEASURES.index(measure)], codes[ends], values)
        for code in np.flatnonzero(sums.any(axis=0)):
            cell = self.cells.setdefault(names.cell(int(code)), Sums())
            cell.add(Sums(*sums[:, code].tolist()))

    # ----------------------------------------------------------------------------- what it tells

    def compared(self) -> Sums:
        """The sums over all bills that both laws decide."""
        total = Sums()
        for sums in self.cells.values():
            total.add(sums)
        return total

    def change_bins(self) -> tuple[ChangeBin, ...]:
        """The histogram of changes, from those who gain most to those who lose most."""
        edges = [None, *_EDGES.tolist(), None]
        return tuple(
            ChangeBin(low, high, self.changes[place])
            for place, (low, high) in enumerate(pairwise(edges))
        )

    def deciles(self) -> tuple[Decile, ...]:
        """Tenths of the persons by what they pay under law A; a bin on a bound is split evenly."""
        persons = sum(values[0] for values in self.burdens.values())
        bins = sorted((key, list(values)) for key, values in self.burdens.items())
        found = []
        for tenth in range(1, 11):
            wanted = persons * tenth // 10 - persons * (tenth - 1) // 10
            taken, up_to = [0, 0, 0], 0
            while wanted > taken[0]:
                key, left = bins[0]
                take = min(left[0], wanted - taken[0])
                part = [take, *(amount * take // left[0] for amount in left[1:])]
                taken = [a + b for a, b in zip(taken, part, strict=True)]
                bins[0] = (key, [a - b for a, b in zip(left, part, strict=True)])
                up_to = _bin_end(key)
                if not bins[0][1][0]:
                    bins.pop(0)
            found.append(Decile(taken[0], up_to, taken[1], taken[2]))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Names:
    """The classes of a block, and which cell a code of it is."""

    classes: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        return reduce(lambda size, names: size * len(names), self.classes, 1)

    def cell(self, code: int) -> Cell:
        words = []
        for names in reversed(self.classes):
            code, place = divmod(code, len(names))
            words.append(names[place])
        return Cell(*reversed(words))


def _cells(bills: BillColumns) -> tuple[NDArray[np.int64], _Names]:
    """A code a bill, and what it stands for."""
    years = (bills.day - bills.birth) // 10_000
    identities = bills.optional.get("identities")
    columns = (
        _regrouped(bills.person_type, lambda word: str(word)[:2]),
        (np.searchsorted(np.array(AGES), years, side="right"), age_names()),
        (np.zeros(len(bills), np.int64), ("",))
        if identities is None
        else _regrouped(identities, "+".join),
        _regrouped(bills.level, lambda pair: "pharmacy" if pair[1] else str(pair[0])),
    )
    codes = np.zeros(len(bills), np.int64)
    for places, names in columns:
        codes *= len(names)
        codes += places
    return codes, _Names(tuple(names for _, names in columns))


def _regrouped(
    fact: Coded, name_of: Callable[[Any], str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The place of each row's name in the names, for words of which several share a name."""
    names = [name_of(word) for word in fact.words]
    distinct = tuple(dict.fromkeys(names))
    places = np.array([distinct.index(name) for name in names], np.int64)
    return places[fact.codes], distinct


def _starts(person: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first row of each person."""
    return np.concatenate([[0], np.flatnonzero(person[1:] != person[:-1]) + 1])


def _where(seen: NDArray[np.bool_], amounts: Fens) -> Fens:
    return amounts if seen.all() else np.where(seen, amounts, 0)


def _burden_bins(amounts: Fens) -> NDArray[np.int64]:
    """128 bins an octave: the exponent and seven bits of the mantissa of the amount."""
    return amounts.astype(np.float64).view(np.int64) >> _BITS


def _bin_end(key: int) -> int:
    """The greatest amount in a bin."""
    return int(np.nextafter(np.array((key + 1) << _BITS, np.int64).view(np.float64), 0.0))
