"""Credits as they were made. Amounts in fen."""

from dataclasses import dataclass
from datetime import date

from yibao.kernel.money import Fen
from yibao.policy.terms import Scheme

CURRENT, CARRIED = "current", "carried"
"""Origins of parts (当年划入, 历年结余)."""
CREDIT_RULE = "account_credit"
"""The law's allowance that says what is credited a month."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was credited for a month so far."""

    amount: Fen
    turn: int
    basis: bytes


@dataclass(frozen=True, slots=True)
class MonthlyCredit:
    """One credit: the difference of what is due for a month to what was credited for it."""

    member: str
    scheme: Scheme
    month: date
    turn: int
    basis: bytes
    amount: Fen
    set_off: Fen
    short: Fen
    part: str
    posting: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A member of whom it cannot be said what is due."""

    member: str
    month: date
    reason: str
    """Chinese, as the refusal tells it."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of some members' credits, or of their year's end."""

    members: int = 0
    rows: int = 0
    amount: Fen = 0
    skipped: tuple[Skipped, ...] = ()

    def __add__(self, other: "Run") -> "Run":
        return Run(
            self.members + other.members,
            self.rows + other.rows,
            self.amount + other.amount,
            (*self.skipped, *other.skipped),
        )
