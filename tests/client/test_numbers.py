"""Message ids: their form, and that they never repeat."""

from datetime import UTC, datetime, timedelta

import pytest

from yibao.client import MessageNumbers

NOON = datetime(2026, 3, 1, 4, 0, 0, tzinfo=UTC)


def test_an_id_is_the_code_the_second_of_china_time_and_a_serial() -> None:
    assert (
        MessageNumbers("H11010599001", 7).next(NOON) == "H11010599001" + "20260301120000" + "0007"
    )


def test_a_short_code_is_filled_up_and_a_long_one_cut() -> None:
    assert MessageNumbers("H1").next(NOON)[:12] == "H10000000000"
    assert len(MessageNumbers("H" + "1" * 20).next(NOON)) == 30


def test_ids_of_one_second_never_repeat_even_beyond_the_serial() -> None:
    numbers = MessageNumbers("H11010599001", 9_990)
    ids = [numbers.next(NOON) for _ in range(25_000)]
    assert len(set(ids)) == len(ids)


@pytest.mark.thorough
def test_ids_stay_unique_when_the_clock_steps_back() -> None:
    numbers = MessageNumbers("H11010599001")
    ids = [numbers.next(NOON - timedelta(seconds=step % 3)) for step in range(30_000)]
    assert len(set(ids)) == len(ids)
