"""A payment as the registry keeps it."""

from dataclasses import dataclass
from datetime import date

from yibao.kernel.money import Fen
from yibao.kernel.periods import Period
from yibao.policy.terms import Scheme


@dataclass(frozen=True, slots=True)
class Premium:
    """A payment for a closed span of months, made on a day (缴费记录)."""

    scheme: Scheme
    period: Period
    paid_on: date
    amount: Fen
    base: Fen | None = None
    """Monthly base of contributions (缴费基数); None: not told."""
