"""Civil dates and half-open periods. Business dates are dates of Asia/Shanghai."""

from datetime import UTC, date, datetime, timedelta, timezone

from yibao.kernel.frozen import Frozen

_AHEAD = timedelta(hours=8)
CHINA_TIME = timezone(_AHEAD, "Asia/Shanghai")
"""China keeps one zone without daylight saving since 1991, so a fixed offset is exact."""


class Period(Frozen, order=True):
    """Half-open span of civil dates: ``start`` belongs to it, ``end`` does not; None is open."""

    start: date
    end: date | None = None

    def holds(self, day: date) -> bool:
        """Whether ``day`` lies in the period."""
        return self.start <= day and (self.end is None or day < self.end)

    def meets(self, other: "Period") -> bool:
        """Whether the two periods share a day."""
        return (other.end is None or self.start < other.end) and (
            self.end is None or other.start < self.end
        )


def business_date(instant: datetime) -> date:
    """The civil date of an aware instant in Asia/Shanghai."""
    return _in_china(instant).date()


def local_time(instant: datetime) -> datetime:
    """The naive civil date and time in Asia/Shanghai, as the interface writes it."""
    local = _in_china(instant)
    return datetime.combine(local, local.time())


def instant_of(local: datetime) -> datetime:
    """The aware UTC instant of a naive civil time of Asia/Shanghai."""
    return datetime.combine(local, local.time(), UTC) - _AHEAD


def _in_china(instant: datetime) -> datetime:
    """The instant with the figures of Shanghai; its zone says nothing any more.

    Twenty lines of a bill ask for their day: to add eight hours costs a third of ``astimezone``,
    and to combine figures a fifth of ``replace``.
    """
    return instant + _AHEAD if instant.tzinfo is UTC else instant.astimezone(CHINA_TIME)


def age_on(birth: date, day: date) -> int:
    """Completed years of life on ``day`` (周岁)."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def day_after(day: date) -> date:
    """The next day: where a half-open period ends whose last day is ``day``."""
    return day + timedelta(days=1)


def last_day(period: Period) -> date | None:
    """The last day of a period, as the interface writes it (``enddate``); None is open."""
    return None if period.end is None else period.end - timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))
