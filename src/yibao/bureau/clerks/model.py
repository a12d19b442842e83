"""A clerk and the key that was made for one."""

from dataclasses import dataclass
from datetime import timedelta

from yibao.kernel.areas import Pool

DESK = "desk"
"""Stands for the address of whoever signs in at the command line."""

FAILURES_ALLOWED = 5
"""So many wrong keys in a row lock a clerk out at the address they came from."""

FAILURES_ANYWHERE = 50
"""So many wrong keys in a row, wherever they came from, lock a clerk out at every address from
which the clerk has not signed in lately."""

LOCKED_FOR = timedelta(minutes=15)
"""How long, counted from the last wrong key."""

KNOWN_FOR = timedelta(days=30)
"""So long after signing in there an address is known as the clerk's own."""


@dataclass(frozen=True, slots=True)
class Clerk:
    """Somebody who works at the bureau (经办人员)."""

    code: str
    name: str
    pools: tuple[Pool, ...] = ()
    """Where the clerk works; empty: in all pools."""
    suspended: bool = False

    def works_in(self, pool: Pool) -> bool:
        """Whether the business of a pool is the clerk's."""
        return not self.pools or pool in self.pools


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A clerk who has signed in."""

    clerk: Clerk
    mark: str
    """Of the key: a session ends when the clerk gets another one."""


@dataclass(frozen=True, slots=True)
class MadeClerk:
    """A clerk with the personal key, which is told once and kept nowhere."""

    clerk: Clerk
    key: str
