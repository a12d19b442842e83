"""The review of an application: what was deducted, kept back, set off and granted. In fen."""

from dataclasses import dataclass, field
from datetime import datetime

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, Rate


@dataclass(frozen=True, slots=True)
class Deduction:
    """What is not granted, and why (审核扣款)."""

    amount: Fen
    reason: str
    settlement: PoolKey | None = None
    """The bill it is about; None: the sum."""


@dataclass(frozen=True, slots=True)
class ReviewApplication:
    """A bureau's wish to grant an application (清算审核通过)."""

    application: PoolKey
    reviewed_by: str
    deductions: tuple[Deduction, ...] = ()
    retention_rate: Rate | None = None
    """None: as the terms of the pool have it."""
    set_off: Fen = 0
    """How much of what is granted takes an advance back (冲抵预付金)."""


@dataclass(frozen=True, slots=True)
class Granted:
    """How a claim is divided."""

    claimed: Fen
    deducted: Fen
    withheld: Fen
    payable: Fen
    """Before an advance is set off; negative when cancellations outweigh a month's bills."""
    set_off: Fen
    retention_rate: Rate

    def __post_init__(self) -> None:
        rest = self.claimed - self.deducted - self.withheld - self.payable
        assert rest == 0, f"a review leaves {rest} fen unexplained"
        assert 0 <= self.set_off <= max(0, self.payable), self

    @property
    def due(self) -> Fen:
        """What is to be paid out."""
        return self.payable - self.set_off


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it was recorded."""

    application: PoolKey
    institution: str
    month: str
    clearing_class: str
    granted: Granted
    reviewed_by: str
    reviewed_at: datetime
    posting: int
    deductions: tuple[Deduction, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class GivenBack:
    """An application that was refused (清算审核不通过)."""

    application: PoolKey
    institution: str
    reason: str
    refused_by: str
    refused_at: datetime
