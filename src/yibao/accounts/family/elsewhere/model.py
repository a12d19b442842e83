"""What two pools tell each other about a bill that an account in the other one pays. In fen.

Three kinds of commands carry it, each in one pool: ``Reserve`` and ``Carry`` run where the owner's
account is, ``GiveUp`` where the bill is. Settling writes its ``Order`` itself, with the bill.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen

PURPOSE = "家庭共济"
"""Purpose of a hold that is made for a relative's bill."""

END = "end"
"""Id of the order that ends a hold: it is captured or released, one of the two for good."""


class HeldPart(NamedTuple):
    """What is held of one origin of an owner's account."""

    hold: str
    origin: str
    """``carried`` or ``current``: the law may let them pay for different things."""
    amount: Fen


@dataclass(frozen=True, slots=True)
class HeldPurse:
    """What is held over one link for one bill; no parts: it has nothing to give."""

    link: int
    pool: Pool
    """The owner's."""
    parts: tuple[HeldPart, ...]


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold up to what a bill needs, in the owner's pool; answers a HeldPurse."""

    id: str
    """Made from the bill's message, as ``rules.reservation`` makes it."""
    link: int
    need: Fen
    origins: tuple[str, ...]
    """Origins that the bill's law lets pay, in its order."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Let these holds never be used by a bill, in the bill's pool, unless one has used them."""

    holds: tuple[str, ...]
    owner_pool: Pool
    member: str
    """The patient."""


class OrderKind(StrEnum):
    """What is to be done with a hold."""

    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Order:
    """What the pool of a bill has decided about a hold in the owner's pool."""

    pool: Pool
    """The pool of the bill."""
    hold: str
    id: str
    owner_pool: Pool
    kind: OrderKind
    amount: Fen
    settlement: int | None
    """The settlement that used it, the cancellation or correction that gives back."""
    member: str
    """The patient."""


@dataclass(frozen=True, slots=True)
class Carry:
    """Carry an order out, in the owner's pool."""

    order: Order
