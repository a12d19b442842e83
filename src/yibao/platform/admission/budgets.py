"""Token buckets: so many a second for each name, with some seconds' worth saved up."""

from collections import OrderedDict
from dataclasses import dataclass

_NAMES_KEPT = 10_000
"""Least recently used names beyond it are forgotten: they begin again with a full bucket."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    since: float


class Budgets:
    """A budget for each name. ``a_second`` 0 means that there is no limit."""

    def __init__(self, a_second: float, saved_seconds: float) -> None:
        self._a_second = a_second
        self._full = a_second * saved_seconds
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def is_spent(self, name: str, now: float) -> bool:
        """Whether nothing is left; asking costs nothing."""
        if not self._a_second or name not in self._buckets:
            return False
        return self._filled(name, now).tokens < 1

    def spend(self, name: str, now: float) -> bool:
        """Take one, unless nothing is left. Whether it was there."""
        if not self._a_second:
            return True
        bucket = self._filled(name, now)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _filled(self, name: str, now: float) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(self._full, now)
            if len(self._buckets) > _NAMES_KEPT:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(name)
        gained = max(0.0, now - bucket.since) * self._a_second
        bucket.tokens, bucket.since = min(self._full, bucket.tokens + gained), now
        return bucket
