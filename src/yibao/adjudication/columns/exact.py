"""Exact amounts on columns: int64 numerators over a denominator, rounded half-up by name."""

from typing import NamedTuple

import numpy as np

from yibao.adjudication.columns.model import Fens
from yibao.adjudication.columns.tables import LARGEST, Column, Indices


class Exact(NamedTuple):
    """Amounts that may be fractions of a fen; a denominator of 1 is the number 1."""

    numerator: Fens
    denominator: Column = 1

    @property
    def is_whole(self) -> bool:
        """Whether all are whole fen."""
        return isinstance(self.denominator, int) and self.denominator == 1

    def at(self, where: Indices) -> "Exact":
        """The amounts at these places."""
        return Exact(self.numerator.take(where), pick(self.denominator, where))

    def rounded(self) -> Fens:
        """Half-up to whole fen; never of negative amounts."""
        return self.numerator if self.is_whole else rounded(self.numerator, self.denominator)

    def reduced(self) -> "Exact":
        """With the smallest denominators."""
        common = np.gcd(self.numerator, self.denominator)
        return Exact(self.numerator // common, self.denominator // common)


def pick(column: Column, where: Indices | None) -> Column:
    """A column's values at these places; None: all."""
    return column if where is None or isinstance(column, int) else column.take(where)


def rounded(numerator: Fens, denominator: Column) -> Fens:
    """``numerator / denominator`` half-up to whole fen; the numerator is not negative."""
    if isinstance(denominator, int):
        if denominator == 1:
            return numerator
        if denominator % 2 == 0:
            return (numerator + denominator // 2) // denominator
    return (2 * numerator + denominator) // (2 * denominator)


def scaled(amount: Fens, denominator: Column) -> Fens:
    """Whole fen over a denominator. What lies beyond every amount is held at the bound."""
    if isinstance(denominator, int) and denominator == 1:
        return amount
    held: Fens = np.clip(amount, -LARGEST, LARGEST) * denominator
    return held
