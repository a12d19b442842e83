"""What stands of a self-paying patient's visit after any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.uploads.self_paid.model import Piece, SelfPaidVisit
from yibao.uploads.self_paid.rules import check, stand

LINE_1, LINE_2 = ("1", {"cnt": "1"}), ("2", {"cnt": "2"})
LINES = Piece("V", lines=(LINE_1, LINE_2))
VISIT = Piece("V", visits=({"psn_name": "测试"},), diagnoses=({"diag_code": "A"},))


def test_pieces_make_a_visit() -> None:
    standing = stand([VISIT, LINES])
    assert standing.visits == VISIT.visits
    assert standing.diagnoses == VISIT.diagnoses
    assert standing.lines == {"1": {"cnt": "1"}, "2": {"cnt": "2"}}


def test_a_later_piece_stands_for_an_earlier_one() -> None:
    again = Piece("V", visits=({"psn_name": "新"},), lines=(("2", {"cnt": "3"}),))
    standing = stand([VISIT, LINES, again])
    assert standing.visits == again.visits
    assert standing.lines == {"1": {"cnt": "1"}, "2": {"cnt": "3"}}


def test_lines_are_taken_away_one_by_one_or_all() -> None:
    assert stand([LINES, Piece("V", removed_lines=("1",))]).lines == {"2": {"cnt": "2"}}
    assert stand([VISIT, LINES, Piece("V", removes_lines=True)]).lines == {}
    assert not stand([VISIT, LINES, Piece("V", removes_all=True)]).is_there


def test_a_complete_visit_is_changed_only_after_it_was_opened_again() -> None:
    complete = stand([LINES, Piece("V", complete=True)])
    for piece in (LINES, Piece("V", removes_all=True), Piece("V", removed_lines=("1",))):
        with pytest.raises(Refused) as refused:
            check(complete, piece)
        assert refused.value.refusal.code is RefusalCode.UPLOAD_COMPLETE
    check(complete, Piece("V", complete=False))
    check(stand([LINES, Piece("V", complete=True), Piece("V", complete=False)]), LINES)


@pytest.mark.parametrize(
    "piece",
    [
        Piece("V", removes_all=True),
        Piece("V", removes_lines=True),
        Piece("V", removed_lines=("9",)),
        Piece("V", complete=True),
    ],
)
def test_nothing_is_taken_from_what_is_not_there(piece: Piece) -> None:
    with pytest.raises(Refused) as refused:
        check(SelfPaidVisit(), piece)
    assert refused.value.refusal.code is RefusalCode.UPLOAD_UNKNOWN


PIECES = st.lists(
    st.one_of(
        st.lists(st.tuples(st.sampled_from("abc"), st.just({"x": 1})), max_size=3).map(
            lambda lines: Piece("V", lines=tuple(lines))
        ),
        st.sets(st.sampled_from("abc")).map(lambda s: Piece("V", removed_lines=tuple(s))),
        st.just(Piece("V", removes_lines=True)),
    ),
    max_size=8,
)


@given(PIECES)
def test_lines_stand_exactly_when_their_last_piece_added_them(pieces: list[Piece]) -> None:
    expected: set[str] = set()
    for piece in pieces:
        expected = set() if piece.removes_lines else expected - set(piece.removed_lines)
        expected |= {serial for serial, _ in piece.lines}
    assert set(stand(pieces).lines or {}) == expected
