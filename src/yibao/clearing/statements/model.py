"""A month as the hospital is told it (月结算对账单): one model for page, CSV and PDF. In fen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from yibao.clearing.review.model import GivenBack, Review
from yibao.clearing.totals.model import Sums, TotalsRow, sum_of
from yibao.kernel.money import Fen
from yibao.settlement.clearing.model import Application


@dataclass(frozen=True, slots=True)
class Cleared:
    """An application of the month, and what came of it."""

    application: Application
    review: Review | None
    given_back: GivenBack | None


@dataclass(frozen=True, slots=True)
class Line:
    """One movement of an account."""

    day: date
    word: str
    """What it was for: a key of the words, ``word_review`` …"""
    reference: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class Purse:
    """One of the institution's accounts in the span."""

    name: str
    """``payable``, ``withheld``, ``advanced`` or ``deducted``."""
    opening: Fen
    lines: tuple[Line, ...]
    now: Fen
    """The balance when the statement was made, by the ledger."""

    @property
    def closing(self) -> Fen:
        """The balance at the span's end."""
        return self.opening + sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Statement:
    """What the bureau tells an institution of a month."""

    institution: str
    name: str
    bureau: str
    """Name of the pool that pays."""
    month: str
    """``yyyy-MM``."""
    first_day: date
    last_day: date
    days: Sequence[TotalsRow]
    totals: Sequence[TotalsRow]
    """By scheme and clearing class, over the span."""
    ledger_claimed: Fen
    """What the ledger says was claimed in the span."""
    ledger_collected: Fen
    cleared: Sequence[Cleared]
    purses: Sequence[Purse]
    made_at: datetime

    @property
    def sums(self) -> Sums:
        """The month as a whole."""
        return sum_of(self.totals)

    @property
    def unexplained(self) -> Fen:
        """Ledger less settlements; not zero only where a reversal crosses the month's end."""
        claimed = self.ledger_claimed - self.sums.claimed
        return claimed + self.ledger_collected - self.sums.cash
