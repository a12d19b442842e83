"""Half-open periods, civil dates of Shanghai, completed years."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from yibao.kernel.periods import (
    CHINA_TIME,
    Period,
    age_on,
    business_date,
    instant_of,
    local_time,
)

JUNE, JULY, AUGUST = date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1)


def test_a_period_holds_its_start_and_not_its_end() -> None:
    period = Period(JUNE, JULY)
    assert period.holds(JUNE)
    assert not period.holds(JULY)
    assert Period(JUNE).holds(AUGUST)


def test_periods_that_touch_do_not_meet() -> None:
    assert not Period(JUNE, JULY).meets(Period(JULY, AUGUST))
    assert Period(JUNE).meets(Period(JULY, AUGUST))


def test_midnight_in_shanghai_is_afternoon_in_utc() -> None:
    instant = datetime(2026, 6, 30, 16, 0, tzinfo=UTC)
    assert business_date(instant) == JULY
    assert instant_of(local_time(instant)) == instant


def test_an_instant_has_one_time_of_shanghai_whatever_zone_it_is_told_in() -> None:
    tokyo, utc = timezone(timedelta(hours=9)), datetime(2026, 6, 30, 15, 59, 59, 5, tzinfo=UTC)
    late = datetime.fromisoformat("2026-06-30T23:59:59.000005")
    for told in (utc, utc.astimezone(tokyo), utc.astimezone(CHINA_TIME)):
        assert local_time(told) == late
        assert local_time(told).tzinfo is None
        assert business_date(told) == date(2026, 6, 30)
    assert instant_of(late) == utc
    assert instant_of(local_time(utc)).tzinfo is UTC


@pytest.mark.parametrize(
    ("day", "age"), [(date(2026, 2, 28), 25), (date(2026, 3, 1), 26), (date(2028, 2, 29), 28)]
)
def test_an_age_is_completed_years(day: date, age: int) -> None:
    assert age_on(date(2000, 2, 29), day) == age
