"""An order's life: every path keeps its sums, and no path leads out of the allowed states."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.payments import rules
from yibao.payments.model import OrderLine, OrderState, RefundPart, Split, Standing

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
LINES = (OrderLine(1000, 5_000_000, 20_000), OrderLine(500, None, None))

S = OrderState
FOLLOWS = {
    S.REGISTERED: {S.PAID, S.WITHDRAWN},
    S.PAID: {S.CASH_PARTLY_REFUNDED, S.CASH_REFUNDED, S.INSURANCE_REFUNDED, S.REFUNDED},
    S.CASH_PARTLY_REFUNDED: {
        S.CASH_PARTLY_REFUNDED,
        S.CASH_REFUNDED,
        S.INSURANCE_AND_CASH_PARTLY_REFUNDED,
        S.REFUNDED,
    },
    S.CASH_REFUNDED: {S.REFUNDED},
    S.INSURANCE_REFUNDED: {S.INSURANCE_AND_CASH_PARTLY_REFUNDED, S.REFUNDED},
    S.INSURANCE_AND_CASH_PARTLY_REFUNDED: {S.INSURANCE_AND_CASH_PARTLY_REFUNDED, S.REFUNDED},
    S.REFUNDED: set(),
    S.WITHDRAWN: set(),
}

amounts = st.integers(0, 6)
wishes = st.one_of(
    st.just(("pay",)),
    st.just(("withdraw",)),
    st.tuples(
        st.just("refund"), st.sampled_from(RefundPart), st.builds(Split, amounts, amounts, amounts)
    ),
    st.tuples(st.just("all")),
)


@given(
    split=st.builds(Split, amounts, amounts, amounts).filter(lambda split: split.total > 0),
    path=st.lists(wishes, max_size=8),
)
def test_no_path_reaches_an_impossible_state(split: Split, path: list[tuple[object, ...]]) -> None:
    standing = Standing(split.total)
    for wish in path:
        before = standing
        try:
            if wish[0] == "pay":
                standing = rules.paid(standing, "1", split, NOON)
            elif wish[0] == "withdraw":
                standing = rules.withdrawn(standing, NOON)
            elif wish[0] == "all":
                standing = rules.refunded(standing, "R", RefundPart.ALL, split, NOON)
            else:
                part, asked = wish[1], wish[2]
                assert isinstance(part, RefundPart)
                assert isinstance(asked, Split)
                standing = rules.refunded(standing, "R", part, asked, NOON)
        except Refused:
            assert standing is before
            continue
        assert standing.state in FOLLOWS[before.state]
        assert standing.paid in (Split(), split)
        left = standing.remaining
        assert min(left) >= 0
        assert all(rest <= paid for rest, paid in zip(left, standing.paid, strict=True))


def test_the_lines_of_an_order_sum_up_to_its_total() -> None:
    rules.check_lines(1500, LINES)
    for total, lines, code in (
        (1499, LINES, RefusalCode.TOTAL_DIFFERS),
        (0, (), RefusalCode.BATCH_EMPTY),
        (0, (OrderLine(0, None, None),), RefusalCode.AMOUNT_OUT_OF_RANGE),
        (1, (OrderLine(2, None, None), OrderLine(-1, None, None)), RefusalCode.AMOUNT_OUT_OF_RANGE),
        (1002, (OrderLine(1002, 5_000_000, 20_000),), RefusalCode.LINE_AMOUNT_DIFFERS),
    ):
        with pytest.raises(Refused) as refused:
            rules.check_lines(total, lines)
        assert refused.value.refusal.code == code


def test_each_kind_of_refund_gives_back_its_part() -> None:
    paid = rules.paid(Standing(60), "1", Split(30, 20, 10), NOON)
    for part, split, state in (
        (RefundPart.ALL, Split(30, 20, 10), S.REFUNDED),
        (RefundPart.CASH, Split(0, 0, 4), S.CASH_PARTLY_REFUNDED),
        (RefundPart.CASH, Split(0, 0, 10), S.CASH_REFUNDED),
        (RefundPart.INSURANCE, Split(30, 20, 0), S.INSURANCE_REFUNDED),
    ):
        assert rules.refunded(paid, "R", part, split, NOON).state is state
    for part, split, code in (
        (RefundPart.ALL, Split(30, 20, 9), RefusalCode.TOTAL_DIFFERS),
        (RefundPart.CASH, Split(1, 0, 4), RefusalCode.TOTAL_DIFFERS),
        (RefundPart.CASH, Split(0, 0, 11), RefusalCode.REFUND_EXCEEDS),
        (RefundPart.INSURANCE, Split(30, 20, 1), RefusalCode.TOTAL_DIFFERS),
        (RefundPart.INSURANCE, Split(29, 20, 0), RefusalCode.TOTAL_DIFFERS),
        (RefundPart.CASH, Split(), RefusalCode.AMOUNT_OUT_OF_RANGE),
    ):
        with pytest.raises(Refused) as refused:
            rules.refunded(paid, "R", part, split, NOON)
        assert refused.value.refusal.code == code
