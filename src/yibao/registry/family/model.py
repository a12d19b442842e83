"""A link by which one human's personal account pays for another. Amounts in fen."""

from collections.abc import Mapping
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen
from yibao.kernel.periods import Period


class FamilyLink(Frozen):
    """The owner's personal account pays for a relative (家庭共济): pays for, not acts for."""

    number: int
    relative: int
    """The human whose bills are paid."""
    owner: int
    """The human whose account pays."""
    pool: Pool
    """The pool that holds the owner's account."""
    member: str
    """The owner's number there."""
    relation: str
    """As the law lists them: ``spouse``, ``parent``, ``child``. The relative is the owner's …"""
    place: int
    """Of several owners the lowest pays first."""
    origins: tuple[str, ...]
    """Parts that the owner lets pay: ``carried``, ``current``; the law may admit fewer."""
    bill_limit: Fen | None
    year_limit: Fen | None
    """In a calendar year (自然年)."""
    period: Period


class NewFamilyLink(Frozen):
    """A link to be made, agreed to by the owner."""

    relative: int
    owner: int
    pool: Pool
    member: str
    relation: str
    origins: tuple[str, ...]
    period: Period
    consent: Mapping[str, Any]
    """Who agreed, how and when; plain JSON."""
    place: int | None = None
    """None: after those that there are."""
    bill_limit: Fen | None = None
    year_limit: Fen | None = None
