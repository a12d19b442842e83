"""A fee line is split into own expense, over limit, first self-pay and in scope."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.adjudication.classify import classify
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit
from yibao.kernel.frozen import astuple
from yibao.kernel.money import (
    AMOUNT_LIMIT,
    NO_CEILING,
    PRICE_SCALE,
    QUANTITY_SCALE,
    ZERO_RATE,
    Rate,
    line_amount,
    share,
)
from yibao.policy.terms import ItemClass

YUAN = 10**PRICE_SCALE
ONE = 10**QUANTITY_SCALE

prices = st.integers(0, 1000 * YUAN)
quantities = st.integers(0, 200 * ONE)
terms_of_items = st.builds(
    ItemTerms,
    item_class=st.sampled_from(ItemClass),
    first_pay=st.integers(0, 10_000).map(Rate),
    ceiling=st.one_of(st.just(NO_CEILING), prices),
    restricted=st.booleans(),
)
approvals = st.sampled_from([None, True, False])


@st.composite
def lines(draw: st.DrawFn) -> ChargedLine:
    """A line whose sent amount may differ from price × count by a fen of tolerance."""
    price, quantity = draw(prices), draw(quantities)
    amount = max(0, line_amount(price, quantity) + draw(st.integers(-1, 1)))
    return ChargedLine(amount, price, quantity, draw(approvals))


def of_one_unit(yuan: int, approved: bool | None = None) -> ChargedLine:
    """One unit at a price."""
    return ChargedLine(yuan * 100, yuan * YUAN, ONE, approved)


def test_class_a_is_in_scope_whole() -> None:
    assert classify(of_one_unit(10), ItemTerms(ItemClass.A)) == LineSplit(0, 0, 0, 1000)


def test_class_b_has_its_first_pay_rounded_and_the_rest_in_scope() -> None:
    charged = ChargedLine(452, 4_520_000, ONE)
    assert classify(charged, ItemTerms(ItemClass.B, Rate(500))) == LineSplit(0, 0, 23, 429)


def test_class_c_is_own_expense_whole_even_above_a_ceiling() -> None:
    terms = ItemTerms(ItemClass.C, Rate(1000), 5 * YUAN)
    assert classify(of_one_unit(10), terms) == LineSplit(1000, 0, 0, 0)


@pytest.mark.parametrize(
    ("restricted", "approved", "own"),
    [
        (True, True, False),
        (True, None, True),
        (True, False, True),
        (False, True, False),
        (False, None, False),
        (False, False, True),
    ],
)
def test_a_limited_item_needs_approval_and_a_refused_one_is_own_expense(
    restricted: bool, approved: bool | None, own: bool
) -> None:
    split = classify(of_one_unit(10, approved), ItemTerms(ItemClass.A, restricted=restricted))
    assert split == (LineSplit(1000, 0, 0, 0) if own else LineSplit(0, 0, 0, 1000))


def test_the_ceiling_comes_before_the_first_pay() -> None:
    terms = ItemTerms(ItemClass.B, Rate(2000), 5000 * YUAN)
    assert classify(of_one_unit(9000), terms) == LineSplit(0, 400_000, 100_000, 400_000)


def test_the_excess_is_rounded_over_the_whole_quantity() -> None:
    # 0.0049 yuan above the ceiling, 30 times: 0.147 yuan
    charged = ChargedLine(line_amount(1_004_900, 30 * ONE), 1_004_900, 30 * ONE)
    assert classify(charged, ItemTerms(ItemClass.A, ceiling=YUAN)).over_limit == 15


def test_a_price_at_the_ceiling_is_not_above_it() -> None:
    assert classify(of_one_unit(5), ItemTerms(ItemClass.A, ceiling=5 * YUAN)).over_limit == 0


def test_the_excess_is_never_more_than_the_amount_sent() -> None:
    charged = ChargedLine(99, YUAN, ONE)
    assert classify(charged, ItemTerms(ItemClass.A, ceiling=0)) == LineSplit(0, 99, 0, 0)


def test_the_greatest_line_does_not_lose_a_fen() -> None:
    charged = ChargedLine(AMOUNT_LIMIT, 100_000_000 * YUAN, ONE)
    split = classify(charged, ItemTerms(ItemClass.B, Rate(1), 3 * YUAN))
    assert sum(astuple(split)) == AMOUNT_LIMIT
    assert split.over_limit == AMOUNT_LIMIT - 300


@given(lines(), terms_of_items)
def test_the_parts_sum_to_the_amount_and_none_is_negative(
    charged: ChargedLine, terms: ItemTerms
) -> None:
    split = classify(charged, terms)
    assert sum(astuple(split)) == charged.amount
    assert min(astuple(split)) >= 0


@given(lines(), terms_of_items)
def test_a_return_mirrors_its_line_exactly(charged: ChargedLine, terms: ItemTerms) -> None:
    mirror = ChargedLine(-charged.amount, charged.price, -charged.quantity, charged.approved)
    assert classify(mirror, terms) == LineSplit(0, 0, 0, 0) - classify(charged, terms)


@given(lines(), terms_of_items)
def test_the_first_pay_is_its_share_of_what_lies_below_the_ceiling(
    charged: ChargedLine, terms: ItemTerms
) -> None:
    split = classify(charged, terms)
    below = charged.amount - split.own - split.over_limit
    assert split.first_pay == share(below, terms.first_pay)


@given(lines())
def test_without_ceiling_or_first_pay_nothing_is_taken_off(charged: ChargedLine) -> None:
    split = classify(charged, ItemTerms(ItemClass.B, ZERO_RATE, NO_CEILING))
    assert (split.over_limit, split.first_pay) == (0, 0)
