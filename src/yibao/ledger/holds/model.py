"""A hold (预留) and its life: reserved, then captured, released or expired. Amounts in fen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from yibao.kernel.money import Fen


class HoldState(StrEnum):
    """Where a hold is; everything but ``reserved`` is its end."""

    RESERVED = "reserved"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Taken(NamedTuple):
    """How much of which part of the account."""

    part: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class Reservation:
    """What somebody wants to be set aside."""

    id: str
    """The caller's, kept before it asks: the same id is the same hold."""
    member: str
    amount: Fen
    allowed: tuple[str, ...]
    """Names of the parts that may be used, in order."""
    purpose: str
    until: datetime | None
    """From this aware instant on it cannot be captured any more; None: its maker alone ends it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it stands."""

    reservation: Reservation
    taken: tuple[Taken, ...]
    """What is, or was, set aside of each part."""
    reserved_at: datetime
    state: HoldState = HoldState.RESERVED
    ended_at: datetime | None = None
    captured: Fen | None = None
    posting: int | None = None
    """Number of the posting that captured it."""


class Reserved(NamedTuple):
    """The answer to a reservation."""

    hold: Hold
    existed: bool
    """It had been reserved before, with the same content: this is the first answer."""


class Refund(NamedTuple):
    """Some of what was captured, given back."""

    id: str
    """The caller's."""
    amount: Fen
    posting: int
