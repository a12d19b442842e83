"""Monthly applications of institutions to be paid by the funds (清算申请). Amounts in fen."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from yibao.kernel.areas import lies_in
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.registry.institutions.model import Directory


class ClearingClass(StrEnum):
    """How a settlement is cleared (清算类别, ``clr_type``); provinces know finer ones."""

    OUTPATIENT = "11"
    INPATIENT = "21"
    PHARMACY = "41"


_INPATIENT = ("2", "52", "92")
_PHARMACY = ("41", "93")


def clearing_class(care_kind: str) -> ClearingClass:
    """The clearing class of a kind of care (``med_type``)."""
    if care_kind.startswith(_INPATIENT):
        return ClearingClass.INPATIENT
    return ClearingClass.PHARMACY if care_kind in _PHARMACY else ClearingClass.OUTPATIENT


def clearing_office(directory: Directory, institution: str, day: date, otherwise: str) -> str:
    """The bureau of the place of care, which alone pays the institution (结算经办机构)."""
    known = directory.institution(institution)
    term = known.term_on(day) if known else None
    return term.area if term else otherwise


def is_office_of(named: str, office: str) -> bool:
    """Whether a division names a bureau: its own code, or that of a county in its area."""
    return lies_in(named, office)


class ApplicationState(StrEnum):
    """How far an application has come."""

    APPLIED = "applied"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ClaimedFigures:
    """What an institution claims for a month, and what we find it is owed."""

    visits: int
    """Settlements that stand: a settlement and its cancellation are none (清算人次)."""
    total: Fen
    in_scope: Fen
    """Fees within the policy's scope (医保认可费用总额)."""
    funds: Fen
    account: Fen
    """The payers' own accounts, without the families'."""
    cash: Fen
    family: Fen = 0
    """What the families' accounts paid; no figure of the application tells it."""

    @property
    def claimed(self) -> Fen:
        """What the institution is to get: all that was not paid in cash at its counter."""
        return self.funds + self.account + self.family


@dataclass(frozen=True, slots=True)
class ApplyForClearing:
    """Apply for the clearing of a month (3203)."""

    institution: str
    clearing_class: str
    way: str | None
    """``clr_way``: per item, DRG …; kept, not used: it is the bureau's to decide."""
    month: str
    """``yyyyMM``."""
    first_day: date
    last_day: date
    """Belongs to the span."""
    visits: int | None
    total: Fen
    in_scope: Fen | None
    funds: Fen | None
    account: Fen
    cash: Fen


@dataclass(frozen=True, slots=True)
class WithdrawApplication:
    """Withdraw an application that is not decided (3204)."""

    institution: str
    application: PoolKey


@dataclass(frozen=True, slots=True)
class Application:
    """An application as it stands."""

    key: PoolKey
    institution: str
    clearing_class: str
    way: str | None
    month: str
    first_day: date
    last_day: date
    figures: ClaimedFigures
    state: ApplicationState
    applied_at: datetime
    withdrawn_at: datetime | None = None
