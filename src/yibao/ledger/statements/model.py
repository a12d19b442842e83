"""What a statement (对账单) says. Amounts in fen: what is gained is positive, what is given not."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen

SETTLEMENT, CANCELLATION = "settlement", "cancellation"
"""What settlements' own postings are for; everything else is a kind of occasion. A cancellation is
whatever moved the other way: also a correction by which a fund got something back."""

TITLES = {
    SETTLEMENT: "结算",
    CANCELLATION: "结算撤销",
    "credit": "划入",
    "interest": "利息",
    "transfer": "转移",
    "closing": "清退",
    "premium": "代缴保费",
    "capture": "预留扣款",
    "refund": "退回",
    "claim": "零星报销",
    "correction": "更正",
    "clearing": "清算",
    "payment": "拨付",
    "brought_in": "带入",
}
"""The Chinese word of each."""


class Movement(NamedTuple):
    """One entry of an account part."""

    day: date
    posting: int
    amount: Fen
    balance: Fen
    """Of the part, after it."""
    what: str
    """A key of ``TITLES``."""
    institution: str | None
    """Where a bill was settled."""
    reason: str


@dataclass(frozen=True, slots=True)
class PartStatement:
    """One part of a personal account."""

    part: str
    opening: Fen
    movements: tuple[Movement, ...]
    held: Fen
    """Set aside now, by holds that are open."""

    @property
    def closing(self) -> Fen:
        """The balance at the end of the span."""
        return self.opening + sum(movement.amount for movement in self.movements)


class Sum(NamedTuple):
    """What moved an account for one thing."""

    what: str
    entries: int
    amount: Fen


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """One account, by what moved it."""

    pool: Pool
    account: str
    opening: Fen
    sums: tuple[Sum, ...]

    @property
    def closing(self) -> Fen:
        """The balance at the end of the span."""
        return self.opening + sum(one.amount for one in self.sums)
