"""Payment runs, their lines and what the bank answered. In fen."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen

LINES_AT_MOST = 5_000
"""Lines of one file; who is left over is in the next run."""


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is paid: an institution by its code, or a person by the member's number."""

    name: str
    is_person: bool

    @property
    def institution(self) -> str | None:
        """The institution; None of a person."""
        return None if self.is_person else self.name


@dataclass(frozen=True, slots=True)
class PayeeAccount:
    """Where a payee wants its money (收款账户); opened, it names people."""

    payee: str
    holder: str
    account: str
    bank: str


class Result(StrEnum):
    """What the bank made of a line."""

    PAID = "paid"
    """The money arrived (成功)."""
    REJECTED = "rejected"
    """It came back, with a reason (退汇)."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One line of a run."""

    line: int
    """From 1, in the order of the file."""
    payee: Payee
    amount: Fen
    to: PayeeAccount


@dataclass(frozen=True, slots=True)
class Run:
    """What one file asks a bank to pay (拨付批次)."""

    key: PoolKey
    bank: str
    """Our account that pays, by its name in the ledger (``bank:<name>``)."""
    payments: tuple[Payment, ...]
    made_by: str
    made_at: datetime

    @property
    def amount(self) -> Fen:
        """The sum of the file."""
        return sum(payment.amount for payment in self.payments)


@dataclass(frozen=True, slots=True)
class MadeRun:
    """A run as it was made, with who could not be paid."""

    run: Run
    without_account: tuple[str, ...]
    """Payees that are owed money and have no bank account on file."""
    left_over: int
    """How many payees did not fit into the file."""


@dataclass(frozen=True, slots=True)
class ConfirmedLine:
    """The bank's answer to one line (回盘)."""

    line: int
    payee: str
    amount: Fen
    result: Result
    reason: str
    banked_on: date


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a confirmation file was booked as."""

    run: PoolKey
    paid: Fen
    rejected: Fen
    lines: int
    waiting: int
    """Lines of the run that the bank has not answered yet."""


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """A payment with what became of it, as lists and statements show it."""

    run: PoolKey
    line: int
    payee: Payee
    amount: Fen
    bank: str
    made_at: datetime
    result: Result | None
    """None: the bank has not answered."""
    reason: str
    banked_on: date | None
