"""Clocks give aware UTC instants."""

from datetime import UTC, datetime, timedelta

import pytest

from yibao.kernel.periods import CHINA_TIME
from yibao.platform.clock import SettableClock, SystemClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_system_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_set_clock_stands_still_until_it_is_moved() -> None:
    clock = SettableClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.move(timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)


def test_a_running_clock_goes_on_from_where_it_was_set() -> None:
    clock = SettableClock(NOON, running=True)
    first = clock.now()
    assert NOON <= first <= clock.now()


def test_a_clock_turns_any_zone_into_utc() -> None:
    assert SettableClock(NOON.astimezone(CHINA_TIME)).now().tzinfo is UTC


def test_a_clock_refuses_a_naive_time() -> None:
    with pytest.raises(ValueError, match="aware"):
        SettableClock(datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point
