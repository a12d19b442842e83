"""What happened to an account. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen


class EventKind(StrEnum):
    """What may happen to an account."""

    FROZEN = "frozen"
    """冻结."""
    RELEASED = "released"
    """解冻."""
    CLOSED = "closed"
    """注销."""
    MOVED_OUT = "moved_out"
    """转出."""
    MOVED_IN = "moved_in"
    """转入."""
    MOVED_BACK = "moved_back"
    """转移退回."""
    INHERITED = "inherited"
    """继承."""
    CORRECTED = "corrected"
    """更正."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an account."""

    member: str
    kind: EventKind
    day: date
    reason: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heir:
    """Who gets how much of what a dead person's account held."""

    member: str
    """Number in the same pool."""
    amount: Fen
    into_account: bool = True
    """Into the heir's personal account; else it is owed and paid out."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A balance on its way to another pool, or arrived there (转移接续)."""

    id: str
    member: str
    other_pool: Pool
    other_member: str
    parts: tuple[tuple[str, str, Fen], ...]
    """(part, origin, amount); the parts keep their names."""
    uses: tuple[tuple[int, int, Fen], ...] = ()
    """(link, year, amount): what was paid over the owner's links, counted where the account is."""
    declined: bool = False
    """It does not arrive: it comes back to the pool it left."""

    @property
    def amount(self) -> Fen:
        """All of it."""
        return sum(amount for _, _, amount in self.parts)
