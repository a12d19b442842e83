"""A payment as the registry keeps it."""

from datetime import date

from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen
from yibao.kernel.periods import Period
from yibao.policy.terms import Scheme


class Premium(Frozen):
    """A payment for a closed span of months, made on a day (缴费记录)."""

    scheme: Scheme
    period: Period
    paid_on: date
    amount: Fen
    base: Fen | None = None
    """Monthly base of contributions (缴费基数); None: not told."""
