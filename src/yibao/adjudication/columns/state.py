"""Counters on columns: what stands for each person, bill after bill."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yibao.adjudication.columns.model import Fens, Flags
from yibao.adjudication.columns.tables import Indices
from yibao.policy.model import Counted, Counter, Scope

Ids = NDArray[np.int64]

OF_VISITS: Final = frozenset({Scope.VISIT, Scope.VISIT_YEAR, Scope.CHAIN})
"""Scopes whose instances are told by the bill, not by its day."""

ITS_OWN = -1
"""A visit by itself: whatever stood on a counter of visits stands on another instance."""


class Counters:
    """The counters of some persons, one column a person, moving from round to round.

    A round is one bill of each of the first ``width`` persons.
    """

    def __init__(
        self, counters: Mapping[str, Counter], slot_counts: Mapping[str, int], persons: int
    ) -> None:
        self._counters = counters
        self._persons = persons
        self._values = {name: np.zeros((slot_counts[name], persons), np.int64) for name in counters}
        self._dated: dict[Scope, Ids] = {}
        """The last instance of each scope."""
        self._visits: dict[str, Ids] = {}
        """The last instance of each counter of visits."""
        self._counted: dict[str, Ids] = {
            name: np.full(persons, ITS_OWN, np.int64)
            for name, counter in counters.items()
            if counter.counts is Counted.STAYS
        }
        """The last visit that each counter of stays has counted."""
        self._slots: Mapping[str, Indices] = {}
        self._width = 0

    def begin(
        self,
        width: int,
        instances: Mapping[Scope, Ids | None],
        touched: Mapping[str, Flags],
        slots: Mapping[str, Indices],
    ) -> None:
        """Begin a round: counters of whose scope a new instance begins stand at zero.

        ``slots``: of counters that are ``by`` classes, each bill's place among them.
        """
        self._width = width
        self._slots = {
            name: place * self._persons + np.arange(width) for name, place in slots.items()
        }
        for scope, ids in instances.items():
            if scope not in OF_VISITS and ids is not None:
                self._start_dated(scope, ids)
        for name, counter in self._counters.items():
            if counter.scope in OF_VISITS:
                self._start_visits(name, instances.get(counter.scope), touched.get(name))

    def _start_dated(self, scope: Scope, ids: Ids) -> None:
        last = self._dated.get(scope)
        if last is None:  # the first round, and so the first bill of everybody
            self._dated[scope] = ids.copy()
            return
        fresh = last[: self._width] != ids
        if fresh.any():
            last[: self._width] = ids
            for name, counter in self._counters.items():
                if counter.scope is scope:
                    self._values[name][:, : self._width][:, fresh] = 0

    def _start_visits(self, name: str, ids: Ids | None, touched: Flags | None) -> None:
        values = self._values[name][:, : self._width]
        if ids is None:
            values[:] = 0
            return
        last = self._visits.get(name)
        if last is None:
            last = self._visits[name] = np.full(self._persons, ITS_OWN, np.int64)
        last = last[: self._width]
        fresh = (last != ids) | (ids == ITS_OWN)
        if touched is not None:
            fresh &= touched
        values[:, fresh] = 0
        np.copyto(last, ids, where=fresh)

    def read(self, name: str, where: Indices | None) -> Fens:
        """What stands on a counter for the bills at these places of the round; None: for all."""
        values = self._values[name]
        index = self._slots.get(name)
        if index is None:
            return values[0, : self._width] if where is None else values[0].take(where)
        return values.take(index if where is None else index.take(where))

    def add(self, name: str, where: Indices | None, amount: Fens | int) -> None:
        """Move a counter."""
        values = self._values[name]
        index = self._slots.get(name)
        if index is not None:
            values.reshape(-1)[index if where is None else index.take(where)] += amount
        elif where is None:
            values[0, : self._width] += amount
        else:
            values[0][where] += amount

    def is_counted(self, name: str, visits: Ids | None) -> Flags | None:
        """Whether a counter of stays has counted the visit; None where no bill has a visit."""
        if visits is None:
            return None
        counted: Flags = (self._counted[name][: self._width] == visits) & (visits != ITS_OWN)
        return counted

    def count_stay(self, name: str, flags: Flags, visits: Ids | None) -> None:
        """Count the stays of the bills flagged, each visit once."""
        counted = self.is_counted(name, visits)
        if counted is not None:
            flags = flags & ~counted
        where = np.flatnonzero(flags)
        self.add(name, where, 1)
        if visits is not None:
            marked = where[visits.take(where) != ITS_OWN]
            self._counted[name][marked] = visits.take(marked)
