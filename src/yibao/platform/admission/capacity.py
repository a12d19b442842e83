"""How many calls a process may have in work at once, learned from how many it finishes.

A call that comes while ``n`` are in work waits about ``n / finished a second`` (Little's law). The
limit is the ``n`` at which that wait is the wanted one: a faster machine lets in more, a database
that stalls lets in less, and nobody has to guess a number.

What a process finishes a second is its capacity only while it has enough to do; an idle hour says
nothing about it. So a quiet window can raise the estimate, and only one in which somebody was
turned away can lower it.
"""

_WINDOW_SECONDS = 0.25
_FIRST_GUESS = 500.0
"""Calls a second, until something was measured."""
_WEIGHT = 0.4
"""Of the newest full window against all before it."""


class Capacity:
    """Counts the calls in work; ``limit`` is how many there should be at most."""

    def __init__(self, wait: float, floor: int, ceiling: int, now: float) -> None:
        """``wait`` is in seconds; the limit stays within ``floor`` and ``ceiling``."""
        self._wait = wait
        self._floor = floor
        self._ceiling = ceiling
        self._a_second = _FIRST_GUESS
        self._since = now
        self._finished = 0
        self._was_full = False
        self.in_work = 0
        self.limit = 0
        self._set_limit()

    def begin(self) -> None:
        """A call was let in."""
        self.in_work += 1

    def end(self) -> None:
        """A call that was let in has been answered."""
        self.in_work -= 1
        self._finished += 1

    def full(self) -> None:
        """A call was turned away for want of room."""
        self._was_full = True

    def look(self, now: float) -> bool:
        """Learn from the window that has passed, whenever a call comes. Whether one had passed."""
        seconds = now - self._since
        if seconds < _WINDOW_SECONDS:
            return False
        measured = self._finished / seconds
        if self._was_full:
            self._a_second += _WEIGHT * (measured - self._a_second)
        else:
            self._a_second = max(self._a_second, measured)
        self._since, self._finished, self._was_full = now, 0, False
        self._set_limit()
        return True

    def _set_limit(self) -> None:
        self.limit = round(min(max(self._a_second * self._wait, self._floor), self._ceiling))
