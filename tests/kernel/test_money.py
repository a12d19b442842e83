"""Exact money: rounding by magnitude, rates as fractions, text without loss."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.kernel.money import (
    Rate,
    fen_from_yuan,
    line_amount,
    rate_from_text,
    round_half_up,
    scaled,
    share,
    unscaled,
    yuan,
)

AMOUNTS = st.integers(-(10**12), 10**12)
RATES = st.builds(Rate, st.integers(0, 10**6), st.integers(1, 10**6))


@pytest.mark.parametrize(
    ("amount", "rate", "expected"),
    [
        (255476, Rate(7000), 178833),  # 2554.76 × 70 % = 1788.332
        (76643, Rate(1, 2), 38322),  # 383.215 goes up
        (452, Rate(500), 23),  # 4.52 × 5 % = 0.226
        (-452, Rate(500), -23),  # the mirror is exact
        (38321, Rate(2, 3), 25547),
    ],
)
def test_a_share_is_rounded_half_up_on_the_magnitude(
    amount: int, rate: Rate, expected: int
) -> None:
    assert share(amount, rate) == expected


@given(AMOUNTS, RATES)
def test_the_share_of_a_mirror_is_the_mirror_of_the_share(amount: int, rate: Rate) -> None:
    assert share(-amount, rate) == -share(amount, rate)


@given(AMOUNTS, st.integers(1, 10**9))
def test_rounding_is_never_off_by_more_than_a_half(numerator: int, denominator: int) -> None:
    off = abs(round_half_up(numerator, denominator) - Fraction(numerator, denominator))
    assert off <= Fraction(1, 2)


@given(AMOUNTS)
def test_yuan_text_comes_back_as_the_same_fen(amount: int) -> None:
    assert fen_from_yuan(yuan(amount)) == amount


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_scaled_text_comes_back_as_the_same_number(value: int, scale: int) -> None:
    assert scaled(unscaled(value, scale) if scale else str(value), scale) == value


@pytest.mark.parametrize("text", ["1.001", "NaN", "Infinity", "", "1,0", "1e-5"])
def test_what_is_no_amount_of_two_decimals_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal|finite"):
        fen_from_yuan(text)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Rate(7000), "0.7"),
        (Rate(10_000), "1"),
        (Rate(0), "0"),
        (Rate(2, 3), "2/3"),
        (Rate(1, 8), "0.125"),
    ],
)
def test_a_rate_is_told_as_a_decimal_only_if_that_is_exact(rate: Rate, text: str) -> None:
    assert rate.text() == text
    assert Fraction(*rate_from_text(text)) == Fraction(*rate)


@given(RATES, RATES)
def test_products_sums_and_complements_of_rates_are_exact(one: Rate, other: Rate) -> None:
    assert Fraction(*one.times(other)) == Fraction(*one) * Fraction(*other)
    assert Fraction(*one.plus(other)) == Fraction(*one) + Fraction(*other)
    assert Fraction(*one.complement()) == 1 - Fraction(*one)


def test_a_line_is_price_times_quantity_in_whole_fen() -> None:
    assert line_amount(scaled("4.525", 6), scaled("1", 4)) == 453
    assert line_amount(scaled("0.333333", 6), scaled("3", 4)) == 100


def test_no_digit_is_lost_silently() -> None:
    with pytest.raises(ValueError, match="more than 6 decimals"):
        scaled(Decimal("0.1234567"), 6)
