"""Accounts, entries, postings and the parts of a personal account. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from yibao.kernel.money import Fen
from yibao.ledger.chart import kind_of


def fund_account(fund: str) -> str:
    """A fund of the pool (基金), by its national code."""
    return f"fund:{fund}"


def claimed_account(institution: str) -> str:
    """What an institution has claimed from funds and personal accounts (应付待清算)."""
    return f"institution:{institution}:claimed"


def collected_account(institution: str) -> str:
    """What an institution took from patients in cash (现金收讫)."""
    return f"institution:{institution}:collected"


def cash_account(institution: str) -> str:
    """The patients' cash that reached an institution; the insurer only records it."""
    return f"cash:{institution}"


def personal_account(member: str, part: str) -> str:
    """One part of a member's personal account (个人账户)."""
    return f"account:{member}:{part}"


def contributions_account(scheme: str) -> str:
    """Where the credits of personal accounts come from (个人账户划入)."""
    return f"contributions:{scheme}"


def payable_account(institution: str) -> str:
    """What clearing found that an institution is owed and is not paid yet (清算应付)."""
    return f"institution:{institution}:payable"


def withheld_account(institution: str) -> str:
    """What clearing keeps back until the year's assessment (质量保证金)."""
    return f"institution:{institution}:withheld"


def advanced_account(institution: str) -> str:
    """What an institution was paid ahead and has not cleared (预付金); negative: it owes it."""
    return f"institution:{institution}:advanced"


def deducted_account(institution: str) -> str:
    """What review did not grant, or the year's assessment kept (审核扣款): it stays in the fund."""
    return f"institution:{institution}:deducted"


def owed_account(member: str) -> str:
    """What the insurer owes a person: manual reimbursement, a correction (应付个人)."""
    return f"person:{member}:owed"


def bank_account(name: str) -> str:
    """An account of the bureau's at a bank (财政专户、支出户); it falls as money is paid out."""
    return f"bank:{name}"


def transit_account(about: str) -> str:
    """Money on its way between two pools, or to a bank that has not confirmed (在途资金)."""
    return f"transit:{about}"


def area_account(pool: str) -> str:
    """What this pool owes another for care there, or is owed (区域往来)."""
    return f"area:{pool}"


def suspense_account(source: str) -> str:
    """The other side of what was brought in from an older system (待核销)."""
    return f"suspense:{source}"


def interest_account(scheme: str) -> str:
    """Where the interest of personal accounts comes from (个人账户利息)."""
    return f"interest:{scheme}"


class Entry(NamedTuple):
    """One side of a posting: what an account gains (positive) or gives (negative)."""

    account: str
    amount: Fen


class OccasionKind(StrEnum):
    """What moves money beside settlements."""

    CREDIT = "credit"
    """划入 of a personal account."""
    INTEREST = "interest"
    """利息."""
    TRANSFER = "transfer"
    """Between parts, accounts or pools (转移)."""
    CLOSING = "closing"
    """An account is closed and paid out (清退), or inherited (继承)."""
    PREMIUM = "premium"
    """A premium paid from an account (代缴)."""
    CAPTURE = "capture"
    """What a hold had reserved is taken (预留扣款)."""
    REFUND = "refund"
    """What was captured goes back (退回)."""
    CLAIM = "claim"
    """Manual reimbursement (零星报销)."""
    CORRECTION = "correction"
    """更正."""
    CLEARING = "clearing"
    """清算."""
    PAYMENT = "payment"
    """Money leaves for, or comes back from, a bank (拨付)."""
    BROUGHT_IN = "brought_in"
    """From an older system or another pool (带入)."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a posting was made for, when no settlement has its number (业务事由)."""

    kind: OccasionKind
    reference: Mapping[str, Any] = field(default_factory=dict)
    """Finds the business again; plain JSON of texts, integers and lists of them."""
    reason: str = ""
    """As a clerk gave it."""


@dataclass(frozen=True, slots=True)
class Posting:
    """Entries that belong together and sum to zero."""

    number: int
    """The number of the settlement (or credit) that moved the money."""
    day: date
    entries: tuple[Entry, ...]
    occasion: Occasion | None = None
    """None for a settlement's own posting alone."""

    def __post_init__(self) -> None:
        for entry in self.entries:
            kind_of(entry.account)  # raises UnknownAccount
        imbalance = sum(entry.amount for entry in self.entries)
        assert imbalance == 0, f"posting {self.number} is out of balance by {imbalance} fen"
        assert all(entry.amount for entry in self.entries), (
            f"posting {self.number} has a zero entry"
        )

    def mirrored(self, number: int, day: date) -> "Posting":
        """The same posting with every amount negated."""
        return Posting(
            number, day, tuple(Entry(entry.account, -entry.amount) for entry in self.entries)
        )


class AccountState(StrEnum):
    """State of a personal account as a whole, kept on each of its parts."""

    OPEN = "open"
    FROZEN = "frozen"
    """Nothing is spent; credits and refunds go in (冻结)."""
    CLOSED = "closed"
    """Nothing goes in or out any more (注销)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a personal account and its balance."""

    member: str
    name: str
    """Year and origin, e.g. ``2026:current``."""
    origin: str
    """``current`` (当年划入) or ``carried`` (历年结余)."""
    amount: Fen
    held: Fen = 0
    """Of the amount, what holds have set aside."""
    state: AccountState = AccountState.OPEN

    @property
    def account(self) -> str:
        """The part's ledger account."""
        return personal_account(self.member, self.name)

    @property
    def available(self) -> Fen:
        """What can be spent."""
        return self.amount - self.held if self.state is AccountState.OPEN else 0


@dataclass(frozen=True, slots=True)
class PartEntry:
    """One movement of one part of a personal account."""

    posting: int
    day: date
    part: str
    amount: Fen
    kind: str
    """Kind of the occasion; ``settlement`` where a settlement made it."""


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit of a personal account (划入)."""

    member: str
    scheme: str
    year: int
    origin: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class InstitutionTotals:
    """What the ledger says an institution claimed and collected in a span of days."""

    institution: str
    claimed: Fen
    collected: Fen
