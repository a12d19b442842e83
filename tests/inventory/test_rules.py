"""A box is sold once, whatever is recorded, deleted and recorded again."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inventory.builders import BOX, NOON, sale, step
from yibao.inventory import rules
from yibao.inventory.model import CodeState, CodeStep, CodeTurn, MovementKind
from yibao.kernel.refusals import RefusalCode, Refused

HERE, THERE = "P11000000004", "H11000000001"
RETURN, FREE = MovementKind.SALE_RETURN, CodeState.FREE


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
    sold = rules.next_turn(step(1, HERE, serial="S1"), BOX, None, NOON)
    for institution, word, silent in ((HERE, "S1", "其他机构"), (THERE, "其他机构", HERE)):
        with pytest.raises(Refused) as refused:
            rules.next_turn(step(2, institution), BOX, sold, NOON)
        assert refused.value.refusal.code == RefusalCode.CODE_SOLD
        assert word in refused.value.refusal.message
        assert silent not in refused.value.refusal.message


def test_an_opened_box_is_sold_on_by_who_opened_it_alone() -> None:
    opened = rules.next_turn(step(1, HERE, split=True), BOX, None, NOON)
    assert opened is not None
    assert opened.state is CodeState.OPENED
    assert rules.next_turn(step(2, HERE, split=True), BOX, opened, NOON) is None
    assert rules.next_turn(step(3, HERE, kind=RETURN), BOX, opened, NOON) is None
    for institution, split in ((HERE, False), (THERE, True), (THERE, False)):
        with pytest.raises(Refused):
            rules.next_turn(step(4, institution, split=split), BOX, opened, NOON)


def test_what_was_not_sold_here_is_not_brought_back_here() -> None:
    sold = rules.next_turn(step(1, THERE), BOX, None, NOON)
    for held in (None, sold):
        with pytest.raises(Refused) as refused:
            rules.next_turn(step(2, HERE, kind=RETURN), BOX, held, NOON)
        assert refused.value.refusal.code == RefusalCode.CODE_NOT_SOLD


steps = st.lists(
    st.tuples(
        st.sampled_from(["sell", "split", "return", "delete"]),
        st.sampled_from([HERE, THERE]),
        st.integers(1, 9),
    ),
    max_size=14,
)


@given(steps)
def test_no_path_has_a_box_out_twice(path: list[tuple[str, str, int]]) -> None:
    """After any path the box is where the records that still count say, and at one place."""
    held: CodeTurn | None = None
    living: list[CodeStep] = []
    for number, (what, who, which) in enumerate(path, 1):
        try:
            if what == "delete":
                kept = [one for one in living if (one.number, one.institution) != (which, who)]
                turn = rules.turn_after_deletion(BOX, kept, held, NOON)
            else:
                kind = RETURN if what == "return" else MovementKind.SALE
                one = step(number, who, kind=kind, split=what == "split")
                turn = rules.next_turn(one, BOX, held, NOON)
                kept = [*living, one]
        except Refused:
            continue
        living = kept
        if turn is not None:
            assert turn.turn == (1 if held is None else held.turn + 1)
            held = turn
        assert held is None or _out(living) == (
            {held.institution} if held.state is not FREE else set()
        )


def _out(living: list[CodeStep]) -> set[str]:
    """Who has the box out, by hand: sales less the returns that followed them."""
    out: list[CodeStep] = []
    for one in living:
        if one.kind is MovementKind.SALE:
            assert not out or (out[0].split and one.split)
            out.append(one)
        elif out and not out[0].split:
            out.clear()
    return {one.institution for one in out}


tellings = st.lists(
    st.tuples(
        st.sampled_from(["bill", "record", "return", "delete", "undo"]),
        st.sampled_from([HERE, THERE]),
        st.integers(1, 9),
    ),
    max_size=14,
)


@settings(max_examples=400)
@given(tellings)
def test_no_path_of_bills_and_records_has_a_box_out_twice(path: list[tuple[str, str, int]]) -> None:
    """Bills tell of a box, records too; those are cancelled, these deleted: it is at one place."""
    life = _Life()
    for number, (what, who, which) in enumerate(path, 1):
        try:
            turn = life.step(what, number, who, which)
        except Refused:
            continue
        if turn is not None:
            assert turn.turn == (1 if life.held is None else life.held.turn + 1)
            life.held = turn
        held = life.standing()
        out = set() if held is None or held.state is FREE else {held.institution}
        assert out == _told_out(_standing(life.told, life.undone))


class _Life:
    """What is told of a box, and where the rules have it."""

    def __init__(self) -> None:
        self.held: CodeTurn | None = None
        self.told: list[CodeStep] = []
        self.undone: set[str] = set()

    def standing(self) -> CodeTurn | None:
        return None if self.held is None else rules.as_it_stands(self.held, self.undone)

    def step(self, what: str, number: int, who: str, which: int) -> CodeTurn | None:
        """Do one thing; Refused leaves everything as it was."""
        if what == "undo":
            self.undone |= {one.bill for one in self.told if one.bill and one.institution == who}
            return None
        if what == "delete":
            kept = [
                one
                for one in self.told
                if one.bill or (one.number, one.institution) != (which, who)
            ]
            living = _standing(kept, self.undone)
            turn = rules.turn_after_deletion(BOX, living, self.held, NOON)
        else:
            one = _telling(what, number, who)
            turn = rules.next_turn(one, BOX, self.standing(), NOON)
            kept = [*self.told, one]
        self.told = kept
        return turn


def _telling(what: str, number: int, who: str) -> CodeStep:
    if what == "bill":
        return step(number, who, serial=f"B{number}", bill=f"B{number}")
    kind = RETURN if what == "return" else MovementKind.SALE
    return step(number, who, serial=f"S{number}", kind=kind)


def _standing(told: list[CodeStep], undone: set[str]) -> list[CodeStep]:
    return [one for one in told if one.bill not in undone]


def _told_out(told: list[CodeStep]) -> set[str]:
    """Who has the box out, by hand: one bill and one record of one institution at most."""
    out: list[CodeStep] = []
    for one in told:
        if one.kind is RETURN:
            out.clear()
            continue
        assert all(other.institution == one.institution for other in out)
        assert all((other.bill is None) != (one.bill is None) for other in out)
        out.append(one)
    return {one.institution for one in out}
