"""An account's movement, and a posting as an institution's accounts saw it. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry of an account, with what its posting was made for."""

    account: str
    posting: int
    day: date
    amount: Fen
    kind: str | None
    """Of the occasion (``OccasionKind``); None of a settlement's posting."""
    reference: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class InstitutionPosting:
    """What one posting moved of an institution's claim and cash."""

    pool: Pool
    posting: int
    day: date
    claimed: Fen
    collected: Fen
    kind: str | None
    """Of the occasion; None of a settlement's posting."""
