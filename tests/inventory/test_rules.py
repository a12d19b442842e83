"""A box is sold once, whatever is recorded, deleted and recorded again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inventory.builders import BOX, NOON, sale, sale_return
from yibao.inventory import rules
from yibao.inventory.model import CodeState, CodeTurn, MovementKind
from yibao.kernel.refusals import RefusalCode, Refused

HERE, THERE = "P11000000004", "H11000000001"


@pytest.mark.parametrize("code", [BOX, "8" * 21, "0106901234567890AB21XY"])
def test_a_traceability_code_has_twenty_digits_or_is_a_longer_one(code: str) -> None:
    rules.check_code(code)


@pytest.mark.parametrize("code", ["", "8" * 19, "8" * 31, "8" * 19 + "x", "８" * 20])
def test_any_other_form_is_refused(code: str) -> None:
    with pytest.raises(Refused, match="药品追溯码"):
        rules.check_code(code)


def test_a_record_from_the_future_and_a_code_twice_are_refused() -> None:
    rules.check_movement(sale(), NOON)
    with pytest.raises(Refused, match="晚于"):
        rules.check_movement(sale(moved_at=NOON + timedelta(days=2)), NOON)
    with pytest.raises(Refused, match="重复"):
        rules.check_movement(sale(codes=(BOX, BOX)), NOON)


def test_a_second_sale_is_told_where_only_to_the_institution_itself() -> None:
    sold = rules.next_turn(sale(serial="S1"), 1, HERE, BOX, None, NOON)
    for institution, word, silent in ((HERE, "S1", "其他机构"), (THERE, "其他机构", HERE)):
        with pytest.raises(Refused) as refused:
            rules.next_turn(sale(), 2, institution, BOX, sold, NOON)
        assert refused.value.refusal.code == RefusalCode.CODE_SOLD
        assert word in refused.value.refusal.message
        assert silent not in refused.value.refusal.message


def test_an_opened_box_is_sold_on_by_who_opened_it_alone() -> None:
    opened = rules.next_turn(sale(split=True), 1, HERE, BOX, None, NOON)
    assert opened is not None
    assert opened.state is CodeState.OPENED
    assert rules.next_turn(sale(split=True), 2, HERE, BOX, opened, NOON) is None
    assert rules.next_turn(sale_return(), 3, HERE, BOX, opened, NOON) is None
    for institution, split in ((HERE, False), (THERE, True), (THERE, False)):
        with pytest.raises(Refused):
            rules.next_turn(sale(split=split), 4, institution, BOX, opened, NOON)


def test_what_was_not_sold_here_is_not_brought_back_here() -> None:
    sold = rules.next_turn(sale(), 1, THERE, BOX, None, NOON)
    for held in (None, sold):
        with pytest.raises(Refused) as refused:
            rules.next_turn(sale_return(), 2, HERE, BOX, held, NOON)
        assert refused.value.refusal.code == RefusalCode.CODE_NOT_SOLD


steps = st.lists(
    st.tuples(
        st.sampled_from(["sell", "split", "return", "delete"]),
        st.sampled_from([HERE, THERE]),
        st.integers(0, 8),
    ),
    max_size=14,
)


@given(steps)
def test_no_path_has_a_box_sold_by_two(path: list[tuple[str, str, int]]) -> None:
    """Whoever holds the box after any path is the one whose living sale is the latest."""
    held: CodeTurn | None = None
    living: dict[int, tuple[str, str]] = {}  # number → (what, who)
    for number, (what, who, which) in enumerate(path, 1):
        before = held
        try:
            if what == "delete":
                if which not in living or living[which][1] != who:
                    continue
                kind = (
                    MovementKind.SALE_RETURN if living[which][0] == "return" else MovementKind.SALE
                )
                turn = rules.turn_without(kind, which, held, NOON)
                del living[which]
            else:
                movement = sale_return() if what == "return" else sale(split=what == "split")
                turn = rules.next_turn(movement, number, who, BOX, held, NOON)
                living[number] = (what, who)
        except Refused:
            assert held == before
            continue
        if turn is not None:
            assert turn.turn == (1 if held is None else held.turn + 1)
            held = turn
        whole = [n for n, (kind, _) in living.items() if kind == "sell"]
        if held is not None and held.state is CodeState.SOLD:
            assert held.movement in whole
            assert living[held.movement][1] == held.institution
