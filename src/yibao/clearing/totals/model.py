"""Sums over an institution's settlements. In fen."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from yibao.kernel.money import Fen
from yibao.policy.terms import Scheme


@dataclass(frozen=True, slots=True)
class Sums:
    """What settlements come to; a cancellation counts against the bill that it undoes."""

    settled: int = 0
    cancelled: int = 0
    total: Fen = 0
    in_scope: Fen = 0
    funds: Fen = 0
    account: Fen = 0
    family: Fen = 0
    cash: Fen = 0
    hospital_part: Fen = 0

    @property
    def claimed(self) -> Fen:
        """What the institution is to get."""
        return self.funds + self.account + self.family

    def plus(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Sums)))


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """The sums of one day, or of the whole span."""

    day: date | None
    """The day of settling; None: the whole span."""
    scheme: Scheme
    clearing_class: str
    sums: Sums


def sum_of(rows: Iterable[TotalsRow]) -> Sums:
    """All rows together."""
    total = Sums()
    for row in rows:
        total = total.plus(row.sums)
    return total
