"""Months, and the tables that are cut by them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from yibao.kernel.identifiers import EPOCH_MS, SEQUENCE_BITS, WRITER_BITS, first_number_of
from yibao.kernel.periods import add_months, business_date, instant_of

_EPOCH = datetime.fromtimestamp(0, UTC)
_BOUNDS = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'?(\d+)'?)\) TO \('?(\d+)'?\)")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A civil month of Asia/Shanghai, and the numbers that are given in it."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month of a day."""
        return cls(day.year, day.month)

    @classmethod
    def of_number(cls, number: int) -> "Month":
        """The month in which a number was given."""
        return _month_of(_instant_of(number))

    @property
    def first_day(self) -> date:
        """The first of the month."""
        return date(self.year, self.month, 1)

    @property
    def first(self) -> int:
        """The lowest number of the month."""
        return first_number_of(instant_of(datetime.combine(self.first_day, datetime.min.time())))

    @property
    def end(self) -> int:
        """The lowest number of the month after it."""
        return self.later().first

    def later(self, months: int = 1) -> "Month":
        """The month that comes so many months later."""
        return Month.of(add_months(self.first_day, months))

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"


def _instant_of(number: int) -> datetime:
    milliseconds = (number >> (WRITER_BITS + SEQUENCE_BITS)) + EPOCH_MS
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _month_of(instant: datetime) -> Month:
    return Month.of(business_date(instant))


@lru_cache(maxsize=1024)
def edges_of_hour(hour: int) -> tuple[int, int]:
    """Where the month of an hour begins and ends, in numbers; hours count from the numbers' epoch.

    Months begin with an hour, so all numbers of an hour are of one month.
    """
    month = _month_of(_EPOCH + timedelta(milliseconds=EPOCH_MS, hours=hour))
    return month.first, month.end


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a table: numbers ``first`` ≤ n < ``end``; ``first`` is 0 without a lower edge."""

    name: str
    first: int
    end: int

    @classmethod
    def told(cls, name: str, bounds: str) -> "Partition | None":
        """From the bounds as PostgreSQL writes them; None for one that has no end."""
        found = _BOUNDS.fullmatch(bounds)
        return None if found is None else cls(name, int(found[1] or 0), int(found[2]))


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is cut by month."""

    schema: str
    name: str
    column: str
    """Of the numbers that it is cut by."""
    rest: str
    """The partition that keeps what no month covers."""
    partitions: tuple[Partition, ...]
    """In order."""

    def has(self, month: Month) -> bool:
        """Whether a partition covers the whole month."""
        return any(one.first <= month.first and month.end <= one.end for one in self.partitions)

    def partition_of(self, month: Month) -> Partition:
        """The month's partition, there or not."""
        return Partition(f"{self.name}_{month.year}_{month.month:02}", month.first, month.end)

    def lacks(self, partition: Partition) -> bool:
        """Whether nothing of a partition is covered yet."""
        return not any(
            one.first < partition.end and partition.first < one.end for one in self.partitions
        )

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"
