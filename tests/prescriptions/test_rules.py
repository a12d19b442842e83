"""A prescription's life: no path leaves the allowed moves, nothing is handed out twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prescriptions.builders import (
    HOSPITAL,
    NOON,
    OTHER_PHARMACY,
    PHARMACY,
    TAKEN,
    VALID,
    drugs,
    event,
    prescription,
)
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.prescriptions import rules
from yibao.prescriptions.model import EventKind, Prescription, State

LATER = NOON + timedelta(days=4)
WHO = (HOSPITAL, PHARMACY, OTHER_PHARMACY)


@st.composite
def wishes(draw: st.DrawFn) -> tuple[EventKind, str, int, int]:
    """What somebody wishes to happen, with quantities for a dispensing."""
    kind = draw(st.sampled_from(EventKind))
    return kind, draw(st.sampled_from(WHO)), draw(st.integers(0, 3)), draw(st.integers(0, 2))


def tried(held: Prescription, wish: tuple[EventKind, str, int, int]) -> Prescription:
    """The prescription after a wish, as the room would do it."""
    kind, who, of_a, of_b = wish
    if kind in (EventKind.DISPENSED, EventKind.PARTLY_DISPENSED):
        wanted = tuple(drug for drug in drugs(("XA01", of_a), ("XB01", of_b)) if drug.quantity)
        made = rules.dispensed(held, who, wanted, NOON)
    else:
        if kind is EventKind.TAKEN:
            rules.check_taker(held, who)
        else:
            rules.check_teller(held, kind, who)
        rules.check_move(held, kind, NOON)
        made = event(kind, who)
    return replace(held, events=(*held.events, made))


@given(st.lists(wishes(), max_size=25), st.sampled_from([(), VALID, TAKEN]))
def test_no_path_reaches_an_impossible_state(
    path: list[tuple[EventKind, str, int, int]], start: tuple[object, ...]
) -> None:
    held = prescription(*start)  # type: ignore[arg-type]
    ended: State | None = None
    for wish in path:
        before = rules.state(held, NOON)
        try:
            held = tried(held, wish)
        except Refused:
            continue
        after = rules.state(held, NOON)
        assert rules.MOVES[before, held.events[-1].kind] is after
        if ended is not None:
            assert after is ended, "nothing follows an end"
        ended = after if after in rules.ENDED else None
        left = rules.remaining(held)
        assert min(left.values()) >= 0
        assert (after is State.DISPENSED) == (not any(left.values()))
        givers = {e.institution for e in held.events if e.drugs}
        assert len(givers) <= 1
        assert not (givers and after is State.WITHDRAWN)
        if after in (State.LOCKED, State.DISPENSING, State.DISPENSED):
            assert rules.holder(held) is not None


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (drugs(("XA01", 3)), RefusalCode.PRESCRIPTION_EXCEEDED),
        (drugs(("XA01", 1), ("XA01", 2)), RefusalCode.PRESCRIPTION_EXCEEDED),
        (drugs(("XC01", 1)), RefusalCode.PRESCRIPTION_EXCEEDED),
        (drugs(("XA01", 0)), RefusalCode.AMOUNT_OUT_OF_RANGE),
        (drugs(("XA01", -1)), RefusalCode.AMOUNT_OUT_OF_RANGE),
        ((), RefusalCode.BATCH_EMPTY),
    ],
)
def test_only_what_is_prescribed_and_left_is_handed_out(wanted: object, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        rules.dispensed(prescription(*TAKEN), PHARMACY, wanted, NOON)  # type: ignore[arg-type]
    assert refused.value.refusal.code == code


def test_a_prescription_lapses_with_its_validity_at_any_point_before_its_end() -> None:
    for events in ((), VALID, TAKEN):
        held = prescription(*events)
        assert rules.state(held, LATER) is State.EXPIRED
        with pytest.raises(Refused) as refused:
            rules.check_move(held, EventKind.WITHDRAWN, LATER)
        assert refused.value.refusal.code == RefusalCode.PRESCRIPTION_EXPIRED
    with pytest.raises(Refused) as refused:
        rules.dispensed(prescription(*TAKEN), PHARMACY, drugs(("XA01", 1)), LATER)
    assert refused.value.refusal.code == RefusalCode.PRESCRIPTION_EXPIRED
    done = prescription(*TAKEN, event(EventKind.DISPENSED, PHARMACY, prescription().drugs))
    assert rules.state(done, LATER) is State.DISPENSED


def test_a_taken_prescription_is_nobody_elses_until_it_is_given_back() -> None:
    taken = prescription(*TAKEN)
    rules.check_taker(taken, PHARMACY)
    with pytest.raises(Refused) as refused:
        rules.check_taker(taken, OTHER_PHARMACY)
    assert refused.value.refusal.code == RefusalCode.PRESCRIPTION_HELD
    given_back = prescription(*TAKEN, event(EventKind.PHARMACY_FAILED, PHARMACY))
    assert rules.state(given_back, NOON) is State.VALID
    rules.check_taker(given_back, OTHER_PHARMACY)


def test_an_addressed_prescription_is_there_for_its_addressee_alone() -> None:
    held = prescription(*VALID, addressee=PHARMACY)
    rules.check_taker(held, PHARMACY)
    with pytest.raises(Refused) as refused:
        rules.check_taker(held, OTHER_PHARMACY)
    assert refused.value.refusal.code == RefusalCode.PRESCRIPTION_UNKNOWN


def test_what_concerns_the_prescriber_is_hidden_from_others() -> None:
    for kind in rules.PRESCRIBERS:
        for other in (PHARMACY, OTHER_PHARMACY):
            with pytest.raises(Refused) as refused:
                rules.check_teller(prescription(*TAKEN), kind, other)
            assert refused.value.refusal.code == RefusalCode.PRESCRIPTION_UNKNOWN
        rules.check_teller(prescription(*TAKEN), kind, HOSPITAL)
    for who in (HOSPITAL, PHARMACY):
        rules.check_teller(prescription(*TAKEN), EventKind.BILLED, who)


def test_a_new_prescription_has_drugs_and_time_ahead() -> None:
    one = drugs(("XA01", 1))
    rules.check_content(NOON, LATER, one, NOON)
    for prescribed, until, of in (
        (NOON + timedelta(days=2), LATER, one),
        (NOON, NOON, one),
        (NOON - timedelta(days=9), NOON - timedelta(days=6), one),
        (NOON, LATER, ()),
        (NOON, LATER, drugs(("XA01", 0))),
    ):
        with pytest.raises(Refused):
            rules.check_content(prescribed, until, of, NOON)
