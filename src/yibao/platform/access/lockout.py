"""Growing pauses for who fails to prove who it is: by account and address, never by account alone.

A wrong signature costs the address that it came from. The hospital whose account it named calls
from elsewhere and notices nothing: otherwise anybody could shut a hospital out by naming it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_FAILURES = 10
"""In a row: a wrong clock or a mistyped key should be seen and mended in peace."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds; each failure after a pause doubles it."""
FORGOTTEN_AFTER = 3600.0
_KEPT = 20_000
"""Least recently seen pairs beyond it begin anew."""


@dataclass(slots=True)
class _Failures:
    number: int = 0
    last: float = 0.0
    until: float = 0.0


class Lockout:
    """Counts failures in one process; a server with two lets twice as many pass."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, free: int | None = FREE_FAILURES
    ) -> None:
        """``free``: failures in a row that cost nothing; None: none ever costs anything."""
        self._clock = clock
        self._free = free
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def pause(self, account: str, address: str) -> float:
        """Seconds for which a call of this account from this address is refused unread; 0: none."""
        failures = self._failures.get((account, address))
        return 0.0 if failures is None else max(0.0, failures.until - self._clock())

    def failed(self, account: str, address: str) -> None:
        """A proof was wrong."""
        if self._free is None:
            return
        now, pair = self._clock(), (account, address)
        failures = self._failures.setdefault(pair, _Failures())
        self._failures.move_to_end(pair)
        if len(self._failures) > _KEPT:
            self._failures.popitem(last=False)
        if now - failures.last > FORGOTTEN_AFTER:
            failures.number = 0
        failures.number, failures.last = failures.number + 1, now
        doubled = failures.number - self._free
        if doubled >= 0:
            failures.until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(doubled, 30))

    def proved(self, account: str, address: str) -> None:
        """The sender was proved: what failed before was a mistake."""
        self._failures.pop((account, address), None)
