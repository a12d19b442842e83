"""How a dated record changes: from when to when a new fact holds, and what is left of the old."""

import itertools
from collections.abc import Sequence
from datetime import date
from typing import Protocol, TypeVar

from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period


class Dated(Protocol):
    """A ``Frozen`` with a ``period``."""

    @property
    def period(self) -> Period:
        """When the fact holds."""
        ...


D = TypeVar("D", bound=Dated)


def overwrite(
    rows: Sequence[tuple[int, D]], period: Period, fact: D | None
) -> tuple[list[int], list[D]]:
    """What becomes of the rows of one timeline when ``fact`` (or nothing) holds in ``period``.

    Answers the ids of the rows that are superseded and the new rows to record: what is left of the
    superseded ones before and after the period, and the fact itself, cut to the period.
    """
    superseded: list[int] = []
    added: list[D] = []
    for row_id, row in rows:
        if not row.period.meets(period):
            continue
        superseded.append(row_id)
        if row.period.start < period.start:
            added.append(_cut(row, Period(row.period.start, period.start)))
        if period.end is not None and (row.period.end is None or period.end < row.period.end):
            added.append(_cut(row, Period(period.end, row.period.end)))
    if fact is not None:
        added.append(_cut(fact, period))
    return superseded, added


def covers_once(periods: Sequence[Period]) -> bool:
    """Whether no day lies in two of the periods."""
    ordered = sorted(periods, key=lambda period: period.start)
    return all(
        earlier.end is not None and earlier.end <= later.start
        for earlier, later in itertools.pairwise(ordered)
    )


def starting(day: date) -> Period:
    """The open period that begins on ``day``."""
    return Period(day)


def _cut(row: D, period: Period) -> D:
    return replace(row, period=period)  # type: ignore[type-var] # D are Frozen rows with a period
