"""Let a call in, or turn it away at once: nothing done, the same message may come again.

Two questions, in this order:

1. *May this caller?* A proved sender has a budget of calls a second. An address has a budget of
   calls whose sender could **not** be proved. A wrong signature costs the address that sent it and
   never the hospital it names; and where many hospitals share one address (a proxy, a network of
   the bureau's), those that were proved from there are let in whatever their neighbours do.
2. *Is there room?* As many calls are in work as can be done within the wanted wait
   (``Capacity``). When it gets crowded every caller has its share of that: one that floods fills
   its own share and is turned away, another that comes with one call is let in above the limit.
   Calls that end an uncertainty go before new work; what begins something new waits first.

Everything is counted in one process: a server with two has twice the budgets at most.
"""

import enum
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from yibao.platform.admission.budgets import Budgets
from yibao.platform.admission.capacity import Capacity

_SAVED_SECONDS = 10.0
"""A budget that was not used is saved up for so long: what a burst may take at once."""
_PROVED_KEPT = 10_000
_ABOVE = 1.5
"""Times the limit: room that is kept for what ends an uncertainty."""
_NEWCOMER = 1.2
"""Times the limit: room for callers that have less than their share in work."""
_OPENING = 0.6
"""Times the limit: how far calls that begin something new may fill it. The distance to 1 is what
lets a visit that was begun come to its end; half a visit is work for nothing."""


class Standing(enum.IntEnum):
    """What a call is to the work under way; a higher one is let in first."""

    OPENING = 0
    """Begins something, or can wait: a registration, a download, a report."""
    CONTINUING = 1
    """Goes on with a visit or stay that somebody sits in front of."""
    FINISHING = 2
    """Ends an uncertainty: a reversal, a query of what was settled, a message that comes again."""


class Reason(enum.StrEnum):
    """Why a call was turned away; the metrics' label."""

    SENDER_BUDGET = "sender_budget"
    ADDRESS_BUDGET = "address_budget"
    CROWDED = "crowded"
    CLOSING = "closing"


class Caller(NamedTuple):
    """Who seems to call: the account is what the headers claim until it is proved."""

    address: str
    account: str = ""


class Admission:
    """The gate of one process."""

    def __init__(
        self,
        *,
        wait: float = 0.3,
        sender_rate: float = 1000,
        unproved_rate: float = 20,
        floor: int = 64,
        ceiling: int = 1000,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[int, int], None] = lambda in_work, limit: None,  # noqa: ARG005
    ) -> None:
        """``wait`` in seconds; the rates are calls a second, 0 for no limit.

        ``floor`` is one full batch of commands: where a commit alone takes most of ``wait``, fewer
        would make batches smaller, and so the little that is done less still.

        ``observe`` is told how many calls are in work and how many may be, now and then.
        """
        self._clock = clock
        self._observe = observe
        self._capacity = Capacity(wait, floor, ceiling, clock())
        self._of_senders = Budgets(sender_rate, _SAVED_SECONDS)
        self._of_addresses = Budgets(unproved_rate, _SAVED_SECONDS)
        self._proved: OrderedDict[Caller, None] = OrderedDict()
        self._shares: Counter[Caller] = Counter()

    @property
    def in_work(self) -> int:
        """Calls let in and not yet answered."""
        return self._capacity.in_work

    @property
    def limit(self) -> int:
        """How many there should be at most."""
        return self._capacity.limit

    def budget_refusal(self, caller: Caller) -> Reason | None:
        """Why the caller may not call now, whatever the room; asking costs it nothing."""
        now = self._clock()
        if self._of_senders.is_spent(caller.account, now):
            return Reason.SENDER_BUDGET
        if caller not in self._proved and self._of_addresses.is_spent(caller.address, now):
            return Reason.ADDRESS_BUDGET
        return None

    def has_room(self, caller: Caller, standing: Standing) -> bool:
        """Whether a call of this standing is let in."""
        if self._capacity.look(self._clock()):
            self._observe(self._capacity.in_work, self._capacity.limit)
        has_room = self._has_room(caller, standing)
        if not has_room:
            self._capacity.full()
        return has_room

    def _has_room(self, caller: Caller, standing: Standing) -> bool:
        in_work, limit = self._capacity.in_work, self._capacity.limit
        if in_work < limit * (_OPENING if standing is Standing.OPENING else 1):
            return True
        own = self._shares.get(caller, 0)
        callers = len(self._shares) + (own == 0)
        of_its_share = own * callers / limit
        if standing is Standing.FINISHING:
            return of_its_share < _ABOVE and in_work < _ABOVE * limit
        times = _NEWCOMER * (_OPENING if standing is Standing.OPENING else 1)
        return callers > 1 and of_its_share < times and in_work < times * limit

    def enter(self, caller: Caller) -> None:
        """A call was let in; ``leave`` must follow."""
        self._capacity.begin()
        self._shares[caller] += 1

    def leave(self, caller: Caller) -> None:
        """A call that was let in has been answered."""
        self._capacity.end()
        self._shares[caller] -= 1
        if not self._shares[caller]:
            del self._shares[caller]

    def proved(self, caller: Caller, sender: str) -> bool:
        """The call's sender was proved to be ``sender``. Whether its budget has one call left."""
        self._proved[caller] = None
        self._proved.move_to_end(caller)
        if len(self._proved) > _PROVED_KEPT:
            self._proved.popitem(last=False)
        return self._of_senders.spend(sender, self._clock())

    def not_proved(self, caller: Caller) -> None:
        """The call's sender could not be proved: its address pays for it."""
        self._proved.pop(caller, None)
        self._of_addresses.spend(caller.address, self._clock())
