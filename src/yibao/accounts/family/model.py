"""What an owner agrees to, and a relative's premium. Amounts in fen."""

from dataclasses import dataclass
from datetime import date

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.kernel.periods import Period
from yibao.policy.terms import Scheme

ORIGINS = ("carried", "current")
"""Parts of an account by origin (历年, 当年)."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """An owner's wish to pay for a relative."""

    owner: str
    """Number of the member whose account pays, in the unit's pool."""
    relative: str
    """Number of the member who is paid for."""
    relative_pool: Pool
    relation: str
    """The relative is the owner's ``spouse``, ``parent``, ``child`` …"""
    consent_how: str
    """How the owner agreed: at a counter, by an app, on paper."""
    consent_by_owner: bool = True
    origins: tuple[str, ...] = ()
    """Parts that may pay; empty: all that the law admits."""
    start: date | None = None
    """None or earlier: today."""
    end: date | None = None
    place: int | None = None
    bill_limit: Fen | None = None
    year_limit: Fen | None = None


@dataclass(frozen=True, slots=True)
class PremiumFromFamily:
    """A relative's premium to be paid over a link."""

    link: int
    relative: str
    scheme: Scheme
    period: Period
    amount: Fen


@dataclass(frozen=True, slots=True)
class PaidPremium:
    """A premium as it was paid: the posting, and what each part gave."""

    posting: int
    parts: tuple[tuple[str, Fen], ...]
