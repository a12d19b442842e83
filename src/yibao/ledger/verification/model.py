"""What a verification finds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from heapq import heappush, heappushpop
from typing import Any, NamedTuple, Protocol

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen

KEPT = 100
"""Most faults that are told; all are counted."""


class Fault(NamedTuple):
    """Something that is wrong."""

    pool: Pool
    posting: int | None
    """Number of the posting; numbers grow with time. None when it is about no posting."""
    line: int | None
    text: str

    def __str__(self) -> str:
        if self.posting is None:
            return f"pool {self.pool}: {self.text}"
        line = "" if self.line is None else f" line {self.line}"
        return f"pool {self.pool} posting {self.posting}{line}: {self.text}"


class OnTheWay(NamedTuple):
    """Money that left one side and has not reached the other: no fault, but it should pass."""

    what: str
    """A transit account, or a hold that belongs to business in another pool."""
    amount: Fen
    since: date


@dataclass(slots=True)
class Findings:
    """Faults, the earliest kept, and what was looked at."""

    count: int = 0
    figures: dict[str, int] = field(default_factory=dict)
    """How much of what was looked at; what is in balance is in fen."""
    on_the_way: list[OnTheWay] = field(default_factory=list)
    """Oldest first."""
    _earliest: list[tuple[int, int, Fault]] = field(default_factory=list)

    def tell(
        self, pool: Pool, text: str, posting: int | None = None, line: int | None = None
    ) -> None:
        """Note a fault."""
        self.count += 1
        when = 2**63 if posting is None else posting
        entry = (-when, -self.count, Fault(pool, posting, line, text))
        if len(self._earliest) < KEPT:
            heappush(self._earliest, entry)
        else:
            heappushpop(self._earliest, entry)

    def add(self, name: str, number: int = 1) -> None:
        """Count something that was looked at."""
        self.figures[name] = self.figures.get(name, 0) + number

    @property
    def faults(self) -> list[Fault]:
        """The earliest faults first, then those that are about no posting."""
        return [fault for *_, fault in sorted(self._earliest, reverse=True)]


class Cold(Protocol):
    """Rows that were put away, where they lie now."""

    async def rows(
        self, relation: str, pool: Pool, numbers: Sequence[int]
    ) -> Sequence[Mapping[str, Any]]:
        """A table's rows of numbers; what was ``jsonb`` is its text."""

    def never_asked_for(self, relation: str, pool: Pool | None) -> Sequence[tuple[Any, int]]:
        """Files with more rows than were asked for, and how many more."""


Progress = Callable[[str, int, int], None]
"""What is looked at, how much is done, of how much (0: not known)."""


def silent(what: str, done: int, of: int) -> None:
    """No progress to be shown."""
