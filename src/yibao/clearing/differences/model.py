"""Where two books differ, why, and what to do. Amounts in fen."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from yibao.kernel.money import Fen


class Books(StrEnum):
    """Which two books were compared."""

    LEDGER = "ledger-settlements"
    """账簿与结算."""
    FILE = "settlements-file"
    """结算与机构对账文件 (3201, 3202)."""
    CLEARING = "settlements-clearing"
    """结算与清算申请."""
    ACCOUNTS = "ledger-clearing"
    """账簿与清算审核、拨付."""
    BANK = "clearing-bank"
    """清算与银行回盘."""
    PAPER = "settlements-paper"
    """结算与零星报销."""


class Cause(StrEnum):
    """Why a difference is there."""

    MISSING_HERE = "missing-here"
    """The other book has it, the first of the pair has not."""
    MISSING_THERE = "missing-there"
    """The first book of the pair has it, the other has not."""
    AMOUNT_DIFFERS = "amount-differs"
    CANCELLED_AFTER_FILE = "cancelled-after-file"
    """The file has the bill but not its cancellation."""
    REVERSED = "reversed"
    """A reversal undid it, and the institution booked it all the same."""
    REVERSED_OVER_MIDNIGHT = "reversed-over-midnight"
    """The reversal is of another day than what it undid, or of another span."""
    OTHER_DAY = "other-day"
    """Settled on a day outside of the span."""
    OTHER_OFFICE = "other-office"
    """Paid by another bureau."""
    OTHER_SCOPE = "other-scope"
    """Of another scheme or clearing class than was compared."""
    NOT_COMPARED = "not-compared"
    """Nobody compared that day after it had ended."""
    NOT_APPLIED = "not-applied"
    """The month is over and nobody applied for it."""
    NOT_CONFIRMED = "not-confirmed"
    """The bank has not answered."""
    REJECTED = "rejected"
    """The bank sent it back, and it is still due."""
    NOT_PAID = "not-paid"
    """Due, and in no run yet."""
    PAID_ON_PAPER = "paid-on-paper"
    """The person was paid for the same costs by a paper bill."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; ``here`` is the first book of the pair, ``there`` the other."""

    books: Books
    cause: Cause
    subject: str
    """A settlement, application, day or line of a run."""
    day: date | None
    here: Fen | None
    """None: not there at all."""
    there: Fen | None
    explanation: str
    """Chinese, for a clerk."""
    repair: str
    """What to do (处理建议), Chinese."""
