"""Numbers in the order of time, their texts, and the check digit of identity cards."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import (
    NumberSource,
    PoolKey,
    first_number_of,
    id_card_check_digit,
    parse_pool_key,
)

NOON = datetime(2026, 7, 1, tzinfo=UTC)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=200))
def test_numbers_only_grow_even_when_the_clock_steps_back(steps: list[int]) -> None:
    source, now, last = NumberSource(3), NOON, 0
    for step in steps:
        now += timedelta(milliseconds=step)
        number = source.next(now)
        assert number > last
        last = number


def test_a_burst_within_one_millisecond_never_repeats() -> None:
    source = NumberSource(3)
    numbers = [source.next(NOON) for _ in range(40_000)]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 2**63


def test_two_writers_never_share_a_number() -> None:
    one, other = NumberSource(1), NumberSource(2)
    assert not {one.next(NOON) for _ in range(500)} & {other.next(NOON) for _ in range(500)}


def test_a_months_edge_is_a_number() -> None:
    edge = first_number_of(NOON)
    assert NumberSource(255).next(NOON - timedelta(milliseconds=1)) < edge
    assert NumberSource(0).next(NOON) >= edge


@given(st.integers(0, 2**63 - 1))
def test_a_keys_text_comes_back_as_the_same_key(number: int) -> None:
    key = PoolKey(Pool("430100"), number)
    assert parse_pool_key(key.text()) == key
    assert len(key.text()) == 25


@pytest.mark.parametrize(
    "text", ["", "1", "110000" + "9" * 19, "11000x" * 5, "110000" + "１" * 19, "1 0000" + "0" * 19]
)
def test_a_text_that_is_no_key_of_ours_is_none(text: str) -> None:
    assert parse_pool_key(text) is None


def test_the_check_digit_of_an_identity_card() -> None:
    assert id_card_check_digit("11010519491231002") == "X"  # the example of GB 11643
