"""An institution's figures of a span of days against ours (对账). Amounts in fen."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.policy.terms import Scheme


class Result(StrEnum):
    """What a comparison came to (对账结果, ``stmt_rslt``)."""

    EQUAL = "000000"
    PLATFORM_HAS_MORE = "000101"
    INSTITUTION_HAS_MORE = "000102"
    DIFFERENT = "000103"


class StatementKind(StrEnum):
    """What was compared."""

    TOTALS = "totals"
    """Sums alone (对总账, 3201)."""
    LINES = "lines"
    """Each settlement (对明细账, 3202)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over settlements: settled positive, cancelled negative."""

    count: int = 0
    """Number of settlements; a cancellation is one too where refunds are counted."""
    total: Fen = 0
    funds: Fen = 0
    """Without the personal account."""
    account: Fen = 0
    """The payer's own account, without the family's."""

    def without_account_in_funds(self) -> "Figures":
        """The same sums where the account was counted among the funds."""
        return replace(self, funds=self.funds - self.account)

    def plus(self, other: "Figures") -> "Figures":
        """Both together."""
        return Figures(
            self.count + other.count,
            self.total + other.total,
            self.funds + other.funds,
            self.account + other.account,
        )


class Span(NamedTuple):
    """What a comparison is about; both days belong to it."""

    first_day: date
    last_day: date
    office: str
    """The bureau that pays the institution (结算经办机构): its area's code."""
    scheme: Scheme | None = None
    """None: all of them."""
    clearing_class: str | None = None
    with_refunds: bool = True
    """Whether cancellations are counted (``refd_setl_flag``)."""


@dataclass(frozen=True, slots=True)
class CompareTotals:
    """Compare an institution's sums with ours (3201)."""

    institution: str
    span: Span
    theirs: Figures


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One settlement as the institution's file tells it."""

    row: int
    """Line of the file, from 1."""
    settlement: str
    visit: str
    member: str
    total: Fen
    funds: Fen
    account: Fen
    refund: bool
    """It is a cancellation (``refd_setl_flag`` 1)."""


@dataclass(frozen=True, slots=True)
class CompareLines:
    """Compare an institution's settlements with ours, one by one (3202)."""

    institution: str
    span: Span
    lines: tuple[StatementLine, ...]
    answer_name: str
    """Name of the ZIP that answers."""
    account_in_funds: bool = False
    """Where the institution stands, funds are told with the account in them, in both files."""


@dataclass(frozen=True, slots=True)
class OurLine:
    """One settlement, or cancellation, of ours as reconciliation sees it."""

    settlement: str
    mirrors: str | None
    """The settlement that a cancellation repeats with negative amounts."""
    visit: str
    member: str
    message_id: str
    settled_on: date
    scheme: Scheme
    clearing_class: str
    office: str
    refund: bool
    total: Fen
    funds: Fen
    account: Fen
    in_scope: Fen = 0
    cash: Fen = 0

    def with_account_in_funds(self) -> "OurLine":
        """The same where the account is counted among the funds."""
        return replace(self, funds=self.funds + self.account)


@dataclass(frozen=True, slots=True)
class Booking:
    """One settlement, or cancellation, as clearing books it."""

    key: PoolKey
    mirrors: PoolKey | None
    refund: bool
    member: str
    settled_on: date
    settled_at: datetime
    scheme: Scheme
    clearing_class: str
    total: Fen
    in_scope: Fen
    funds: Fen
    account: Fen
    family: Fen
    cash: Fen
    hospital_part: Fen

    @property
    def settlement(self) -> str:
        """The number that the institution knows (``setl_id``)."""
        return self.key.text()

    @property
    def claimed(self) -> Fen:
        """What the institution is to get: all that was not paid in cash at its counter."""
        return self.funds + self.account + self.family


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """What became of one line: of the file, of ours, or of both."""

    result: Result
    reason: str
    theirs: StatementLine | None
    ours: OurLine | None


@dataclass(frozen=True, slots=True)
class AnsweredLine:
    """One row of an answer, read back: what a comparison found of a settlement."""

    member: str
    settlement: str
    result: Result
    refund: bool
    reason: str
    total: Fen
    funds: Fen
    account: Fen


@dataclass(frozen=True, slots=True)
class Statement:
    """A comparison as it was recorded."""

    key: PoolKey
    institution: str
    kind: StatementKind
    span: Span
    theirs: Figures
    ours: Figures
    result: Result
    description: str
    recorded_at: datetime
    answer: PoolKey | None = field(default=None)
    """The file that tells the result of each line."""
