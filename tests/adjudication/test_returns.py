"""A partial return gives back exactly what its part of the line was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import examples
from yibao.adjudication.classify import classify
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit
from yibao.adjudication.returns import Returned, partial_return
from yibao.kernel.frozen import astuple
from yibao.kernel.money import NO_CEILING, PRICE_SCALE, QUANTITY_SCALE, Rate, line_amount
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import OverLimit
from yibao.policy.terms import ItemClass

YUAN = 10**PRICE_SCALE
ONE = 10**QUANTITY_SCALE

THREE_BOXES = ChargedLine(1_001, 3_336_700, 3 * ONE)
HALF_FIRST = ItemTerms(ItemClass.B, Rate(5000))


def test_what_goes_back_is_the_split_of_what_remains_less_the_split_before() -> None:
    # 10.01 → 5.01 first pay and 5.00; two boxes of it are 6.67 → 3.34 and 3.33
    returned = partial_return(THREE_BOXES, HALF_FIRST, Returned(), ONE, 334)
    assert returned.split == LineSplit(0, 0, 334 - 501, 333 - 500)
    assert returned.line == ChargedLine(-334, THREE_BOXES.price, -ONE)


def test_without_an_amount_the_line_s_own_is_given_back_in_proportion() -> None:
    first = partial_return(THREE_BOXES, HALF_FIRST, Returned(), ONE)
    second = partial_return(THREE_BOXES, HALF_FIRST, Returned(334, ONE), ONE)
    third = partial_return(THREE_BOXES, HALF_FIRST, Returned(667, 2 * ONE), ONE)
    assert [-r.line.amount for r in (first, second, third)] == [334, 333, 334]


@pytest.mark.parametrize(
    ("before", "quantity", "amount", "code", "field"),
    [
        (Returned(), 4 * ONE, None, RefusalCode.AMOUNT_OUT_OF_RANGE, "quantity"),
        (Returned(667, 2 * ONE), 2 * ONE, None, RefusalCode.AMOUNT_OUT_OF_RANGE, "quantity"),
        (Returned(), 0, None, RefusalCode.AMOUNT_OUT_OF_RANGE, "quantity"),
        (Returned(), ONE, 1_002, RefusalCode.AMOUNT_OUT_OF_RANGE, "amount"),
        (Returned(), ONE, -1, RefusalCode.AMOUNT_OUT_OF_RANGE, "amount"),
        (Returned(667, 2 * ONE), ONE, 333, RefusalCode.LINE_AMOUNT_DIFFERS, "amount"),
    ],
)
def test_nothing_goes_back_beyond_what_remains(
    before: Returned, quantity: int, amount: int | None, code: RefusalCode, field: str
) -> None:
    with pytest.raises(Refused) as raised:
        partial_return(THREE_BOXES, HALF_FIRST, before, quantity, amount)
    assert (raised.value.refusal.code, raised.value.refusal.field) == (code, field)


terms_of_items = st.builds(
    ItemTerms,
    item_class=st.sampled_from(ItemClass),
    first_pay=st.integers(0, 10_000).map(Rate),
    ceiling=st.one_of(st.just(NO_CEILING), st.integers(0, 50 * YUAN)),
    over_limit=st.sampled_from([OverLimit.OWN, OverLimit.WHOLE, OverLimit.HOSPITAL]),
)


@settings(deadline=None, max_examples=examples(100))
@given(terms_of_items, st.integers(1, 40 * YUAN), st.lists(st.integers(1, 3 * ONE), min_size=1))
def test_box_by_box_every_part_ends_at_zero(terms: ItemTerms, price: int, boxes: list[int]) -> None:
    quantity = sum(boxes)
    line = ChargedLine(line_amount(price, quantity), price, quantity)
    left = list(astuple(classify(line, terms)))
    before = Returned()
    for box in boxes:
        returned = partial_return(line, terms, before, box)
        parts = astuple(returned.split)
        left = [a + b for a, b in zip(left, parts, strict=True)]
        before = Returned(
            before.amount - returned.line.amount, before.quantity - returned.line.quantity
        )
        assert sum(parts[:4]) == returned.line.amount
        assert min(left) >= 0
    assert left == [0, 0, 0, 0, 0]
    assert before == Returned(line.amount, quantity)
