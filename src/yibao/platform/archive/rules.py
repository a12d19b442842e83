"""Days, months and their numbers; which month is old enough. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from yibao.kernel.identifiers import EPOCH_MS, SEQUENCE_BITS, WRITER_BITS, first_number_of
from yibao.kernel.periods import CHINA_TIME, add_months, business_date

TIME_SHIFT = WRITER_BITS + SEQUENCE_BITS
"""Bits of a number below its milliseconds."""


def first_number(day: date) -> int:
    """The smallest number that a civil day of Asia/Shanghai can give."""
    return first_number_of(datetime.combine(day, datetime.min.time(), CHINA_TIME))


def day_of(number: int) -> date:
    """The civil day of Asia/Shanghai on which a number was given."""
    milliseconds = (number >> TIME_SHIFT) + EPOCH_MS
    return business_date(datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds))


def month_of(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return add_months(month, 1)


def first_fresh_number(now: datetime) -> int:
    """The smallest number of yesterday's month: into its tables rows are written now.

    They are left to the connection that does not give way: beside its first reading of fresh rows
    calls were slower for longer when it gave way than when it did not.
    """
    return first_number(month_of(business_date(now) - timedelta(days=1)))


def months_between(first: date, after: date) -> Iterator[date]:
    """First days of the months from ``first`` on, before ``after``."""
    while first < after:
        yield first
        first = next_month(first)


def is_cold(month: date, hot_months: int, today: date) -> bool:
    """Whether so many whole months have ended since a month did; 0 months: never."""
    return hot_months > 0 and add_months(month, hot_months + 1) <= month_of(today)
