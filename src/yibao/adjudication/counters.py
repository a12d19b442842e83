"""Counters (累计) while a bill is decided: what stood on them, what the bill adds to them.

They move as the bill is computed, so that what one part or payer adds is found by the next.
"""

from collections.abc import Iterable, Sequence

from yibao.adjudication.instances import Instances
from yibao.adjudication.model import CounterKey, History
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import Counter


class Counters:
    """The counters of one bill. Refused: AMOUNT_OUT_OF_RANGE when one that is read is negative."""

    __slots__ = ("_added", "_heights", "_history", "_instances", "_payments", "_stays", "_stood")

    def __init__(self, instances: Instances, history: History) -> None:
        self._instances = instances
        self._history = history
        self._stood: dict[str, int] = {}
        self._added: dict[str, int] = {}
        self._heights: dict[str, Fen] = {}
        """Of counters spread over months: the least limit of one month."""
        self._stays: list[str] = []
        self._payments: list[str] = []

    def before(self, counter: Counter) -> int:
        """What stood on a counter before the bill; zero for a visit of its own."""
        stood = self._stood.get(counter.name)
        if stood is None:
            stood = self._stood[counter.name] = sum(self._by_instance(counter))
        return stood

    def _by_instance(self, counter: Counter) -> list[int]:
        """What stood on each instance; several only where months share a prescription."""
        history, name = self._history, counter.name
        stood = [history.get(key, 0) for key in self._instances.keys.get(name, ())]
        for value in stood:
            if value < 0:
                raise Refused(
                    RefusalCode.AMOUNT_OUT_OF_RANGE,
                    f"累计“{counter.title}”（{name}）为负数，请先更正",
                    field="counters",
                    counter=name,
                )
        return stood

    def value(self, counter: Counter) -> int:
        """What stands on a counter now."""
        return self.before(counter) + self._added.get(counter.name, 0)

    def add(self, names: Iterable[str], amount: int) -> None:
        """Move counters by what was paid or worked on."""
        if amount:
            for name in names:
                self._added[name] = self._added.get(name, 0) + amount

    def count_stay(self, names: Iterable[str]) -> None:
        """Count the bill's visit, unless an earlier settlement of it did."""
        for name in names:
            if name not in self._stays:
                self._stays.append(name)

    def count_payment(self, names: Iterable[str]) -> None:
        """Count the bill as one that was paid something of; once, and when all have paid."""
        for name in names:
            if name not in self._payments:
                self._payments.append(name)

    def how_manieth(self, counter: Counter) -> int:
        """Which stay this is, 1 for the first; a visit that is counted already keeps its number."""
        stood = self.before(counter)
        return max(1, stood) if self._is_counted(counter.name) else stood + 1

    def left(self, counter: Counter, height: Fen, *, before: bool = False) -> tuple[int, Fen]:
        """What is used of a limit (``before``: before this bill), and what is left of it.

        Never negative: 1,800 paid while active against 1,300 of a retired person gives nothing
        back.
        """
        used = self.before(counter)
        added = 0 if before else self._added.get(counter.name, 0)
        if counter.spread:
            return used + added, self._left_of_months(counter, height, added)
        used += added
        return used, height - used if used < height else 0

    def _left_of_months(self, counter: Counter, height: Fen, added: int) -> Fen:
        self._heights[counter.name] = min(height, self._heights.get(counter.name, height))
        stood = self._by_instance(counter)
        return max(0, sum([height - value for value in stood if value < height]) - added)

    def entries(self) -> tuple[tuple[CounterKey, int], ...]:
        """The signed entries of the bill; none of them zero."""
        entries: list[tuple[CounterKey, int]] = []
        added, keys = self._added, self._instances.keys
        for name in self._payments:
            added[name] = added.get(name, 0) + 1
        for name in self._stays:
            if not self._is_counted(name):
                added[name] = added.get(name, 0) + 1
                mark = self._instances.marks.get(name)
                if mark is not None:
                    entries.append((mark, 1))
        for name, amount in added.items():
            met = keys.get(name, ())
            if len(met) == 1:
                entries.append((met[0], amount))
            elif met:
                entries += self._spread(name, met, amount)
        return tuple(entries)

    def _is_counted(self, name: str) -> bool:
        mark = self._instances.marks.get(name)
        return mark is not None and self._history.get(mark, 0) > 0

    def _spread(
        self, name: str, keys: Sequence[CounterKey], amount: int
    ) -> list[tuple[CounterKey, int]]:
        """Each month in order takes what its limit leaves, the first what lies beyond all of them;
        without a limit each takes an equal share, the first what does not divide."""
        height = self._heights.get(name)
        if height is None:
            shares = [amount // len(keys)] * len(keys)
        else:
            stood = [self._history.get(key, 0) for key in keys]
            shares, rest = [], amount
            for value in stood:
                shares.append(min(rest, max(0, height - value)))
                rest -= shares[-1]
        shares[0] += amount - sum(shares)
        return [(key, share) for key, share in zip(keys, shares, strict=True) if share]
