"""The ids of holds, and how much is held of which part. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from yibao.accounts.family.elsewhere.model import HeldPart
from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.ledger.model import Part
from yibao.platform.commands.model import MessageKey
from yibao.registry.family.model import FamilyLink

_LONGEST = 64
"""A message's key that is longer stands in ids as its hash."""


class Held(NamedTuple):
    """What a hold's id says."""

    pool: Pool
    """The pool of the bill."""
    link: int


def reservation(pool: Pool, key: MessageKey, link: int, turn: int) -> str:
    """The id under which money is held for a message over a link.

    ``turn`` grows when what was held before was given up and the same message comes again.
    """
    message = ".".join(key)
    if len(message) > _LONGEST:
        message = hashlib.sha256(message.encode()).hexdigest()
    return f"{pool}.{message}.{link}.{turn}"


def hold_of(reserved: str, origin: str) -> str:
    """The id of the hold on one origin of the account."""
    return f"{reserved}.{origin}"


def read_hold(hold: str) -> Held:
    """The bill's pool and the link behind a hold's id."""
    pool, rest = hold.split(".", 1)
    return Held(Pool(pool), int(rest.rsplit(".", 3)[1]))


def left_of(link: FamilyLink, used: Fen) -> Fen | None:
    """What a link's limits leave of one bill; None: whatever the account holds."""
    limits = [] if link.bill_limit is None else [link.bill_limit]
    if link.year_limit is not None:
        limits.append(max(0, link.year_limit - used))
    return min(limits, default=None)


def to_hold(
    reserved: str, parts: Sequence[Part], link: FamilyLink, origins: Sequence[str], most: Fen
) -> Iterator[HeldPart]:
    """What to hold of each origin, in the order in which they may pay."""
    for origin in origins:
        if origin in link.origins:
            amount = min(most, sum(part.available for part in parts if part.origin == origin))
            if amount > 0:
                yield HeldPart(hold_of(reserved, origin), origin, amount)
                most -= amount
