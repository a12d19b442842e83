"""What a law can see of a fact: rows that look alike to it are decided by the same plan.

The law cuts facts into classes, and changes only on known days. So of a word it sees which of the
words it lists belong to it, of a number between which of its bounds it lies, of a day how many of
its values have begun. That is finer than classes, and needs none of their rules.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yibao.adjudication.columns.model import BillColumns, Coded, Days
from yibao.policy.model import RANGED, Fact, Law
from yibao.policy.parameters import Parameter

Indices = NDArray[np.intp]

PREFIXED = frozenset({Fact.PERSON_TYPE, Fact.DISEASE})
"""A class lists prefixes of these."""

COLUMNS = {
    Fact.PERSON_TYPE: "person_type",
    Fact.GENDER: "gender",
    Fact.IDENTITY: "identities",
    Fact.TRAIT: "traits",
    Fact.ENROLMENT: "enrolments",
    Fact.PLACE: "place",
    Fact.FILING: "filing",
    Fact.DISEASE: "disease",
    Fact.CIRCUMSTANCE: "circumstances",
    Fact.RETIRED_ON: "retired_on",
    Fact.ENROLLED_YEARS: "enrolled_years",
    Fact.CLAIM_FREE_YEARS: "claim_free_years",
}
"""The column of each fact, where it is not always there."""


class Facet(NamedTuple):
    """One fact of each row, as far as the law can see it."""

    codes: Indices | None
    """Small numbers, dense in this block; None: all rows look alike."""
    keys: Sequence[int]
    """What each code stands for in every block."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How a law sees facts."""

    words: Mapping[Fact, tuple[str, ...]]
    """Every word or prefix that a dimension of the fact lists."""
    bounds: Mapping[Fact, tuple[int, ...]]
    """Every bound of a range, ascending; dates as yyyymmdd."""
    starts: tuple[int, ...]
    """Every day on which a value of the law begins, ascending, yyyymmdd."""
    numbers: frozenset[Fact]
    """Facts whose number itself enters a formula."""
    seen: dict[tuple[str, Hashable], int]
    """The key of each thing seen, over all blocks."""

    @classmethod
    def of(cls, law: Law) -> "Sight":
        """How a law sees facts."""
        words: dict[Fact, set[str]] = {}
        bounds: dict[Fact, set[int]] = {}
        for classes in law.classes.values():
            for rule in classes.rules:
                words.setdefault(classes.fact, set()).update(rule.words)
                for bound in (rule.start, rule.below):
                    if bound is not None:
                        bounds.setdefault(classes.fact, set()).add(_number(bound))
        days = {_number(version.start) for p in parameters_of(law) for version in p.versions}
        if law.until is not None:
            days.add(_number(law.until))
        return cls(
            {fact: tuple(sorted(listed)) for fact, listed in words.items()},
            {fact: tuple(sorted(listed)) for fact, listed in bounds.items()},
            tuple(sorted(days)),
            law.numbers,
            {},
        )

    def facets(self, bills: BillColumns) -> list[Facet]:
        """The facts of a block, as the law sees them."""
        found = [
            # facts that this block has no column of are the scalar type's default
            Facet(None, [self._key("columns", tuple(sorted(bills.optional)))]),
            self._days(bills.day),
            self._raw("care_kind", bills.care_kind),
            self._raw("level", bills.level),
            self._words(Fact.PERSON_TYPE, bills.person_type),
            self._numbers(Fact.AGE, ages(bills)),
            self._buckets(bills),
        ]
        found += [
            self._raw(name, bills.optional[name])
            for name in ("entitlement", "place", "filing")
            if name in bills.optional
        ]
        if "fixed_price" in bills.optional:
            found.append(self._every(bills.optional["fixed_price"]))
        for fact, name in COLUMNS.items():
            column = bills.optional.get(name)
            if column is None or fact in (Fact.PLACE, Fact.FILING):
                continue
            found.append(
                self._numbers(fact, column) if fact in RANGED else self._words(fact, column)
            )
        return found

    def _days(self, day: Days) -> Facet:
        low, high = int(day.min()), int(day.max())
        epochs = np.searchsorted(np.array(self.starts, np.int64), (low, high), side="right")
        if epochs[0] == epochs[1]:
            return Facet(None, [int(epochs[0])])
        begun = np.array(self.starts[epochs[0] : epochs[1]], np.int64)
        return _shifted(between(begun, day) + epochs[0])

    def _raw(self, name: str, column: Coded) -> Facet:
        return self._coded(name, column, lambda word: word)

    def _words(self, fact: Fact, column: Coded) -> Facet:
        listed = self.words.get(fact, ())
        return self._coded(fact, column, lambda word: _recognised(fact, listed, word))

    def _coded(self, name: str, column: Coded, look: Callable[[Any], Hashable]) -> Facet:
        keys = [self._key(name, look(word)) for word in column.words]
        distinct = sorted(set(keys))
        if len(distinct) == 1:
            return Facet(None, distinct)
        table = np.array([distinct.index(key) for key in keys], np.intp)
        return Facet(table.take(column.codes), distinct)

    def _numbers(self, fact: Fact, values: NDArray[Any]) -> Facet:
        if fact in self.numbers:
            return self._every(values)
        bounds = self.bounds.get(fact)
        if not bounds:
            # whether there is a number at all may matter where it is compared with nothing
            return Facet(None, [0])
        # 0 and -1 stand for "none" in dates and years; a bound of 0 or less is no bound of theirs
        edges = np.array([1 if fact is Fact.RETIRED_ON else 0, *bounds], np.int64)
        return _shifted(between(np.unique(edges), values))

    def _every(self, values: NDArray[Any]) -> Facet:
        distinct, codes = _numbered(values.astype(np.int64))
        return Facet(None if len(distinct) == 1 else codes, distinct.tolist())

    def _buckets(self, bills: BillColumns) -> Facet:
        if len(bills.sums) == 1:
            return Facet(None, [self._key("buckets", tuple(bills.sums))])
        names = sorted(bills.sums)
        mask = np.zeros(len(bills), np.intp)
        for place, name in enumerate(names):
            sums = bills.sums[name]
            there = (sums.own | sums.over_limit | sums.first_pay | sums.in_scope) != 0
            mask |= there.astype(np.intp) << place
        distinct, codes = _numbered(mask)
        keys = [
            self._key("buckets", tuple(n for place, n in enumerate(names) if bits >> place & 1))
            for bits in distinct.tolist()
        ]
        return Facet(None if len(keys) == 1 else codes, keys)

    def _key(self, name: str, what: Hashable) -> int:
        return self.seen.setdefault((name, what), len(self.seen))


def between(edges: NDArray[Any], values: NDArray[Any]) -> Indices:
    """How many of the ascending edges lie at or below each value."""
    if len(edges) > 8:
        return np.searchsorted(edges, values, side="right")
    count = np.zeros(len(values), np.int8)
    for edge in edges.tolist():
        count += values >= edge
    return count.astype(np.intp)


def ages(bills: BillColumns) -> NDArray[np.int32]:
    """Whole years of age on the day of each bill (周岁)."""
    return (bills.day - bills.birth) // np.int32(10_000)


def parameters_of(law: object) -> Iterator[Parameter[Any]]:
    """Every parameter that stands anywhere in a law."""
    if isinstance(law, Parameter):
        yield law
    elif isinstance(law, Mapping):
        for value in law.values():
            yield from parameters_of(value)
    elif isinstance(law, tuple):
        for value in law:
            yield from parameters_of(value)
    elif is_dataclass(law):
        for each in fields(law):
            yield from parameters_of(getattr(law, each.name))


def _recognised(fact: Fact, listed: Sequence[str], word: Any) -> Hashable:
    """Which of the listed words belong to a fact."""
    if word is None:
        return None
    if fact in PREFIXED:
        return tuple(prefix for prefix in listed if word.startswith(prefix))
    held = (word,) if isinstance(word, str) else word
    return tuple(each for each in listed if each in held)


def _number(bound: int | date) -> int:
    if isinstance(bound, int):
        return bound
    return bound.year * 10_000 + bound.month * 100 + bound.day


def _numbered(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], Indices]:
    """The distinct values, and each value's number among them; small ranges take no sorting."""
    low, high = int(values.min()), int(values.max())
    if high - low > 1 << 16:
        distinct, codes = np.unique(values, return_inverse=True)
        return distinct, codes.astype(np.intp)
    there = np.zeros(high - low + 1, np.bool_)
    there[values - low] = True
    numbers = np.cumsum(there, dtype=np.intp) - 1
    return np.flatnonzero(there) + low, numbers.take(values - low)


def _shifted(values: NDArray[Any]) -> Facet:
    """A facet of small numbers that are their own keys."""
    low, high = int(values.min()), int(values.max())
    codes = None if low == high else (values - low).astype(np.intp)
    return Facet(codes, range(low, high + 1))
