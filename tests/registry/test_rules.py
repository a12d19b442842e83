"""A dated record changes in a period and nowhere else."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import Period
from yibao.registry.rules import covers_once, overwrite

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(60)]


class Fact(Frozen):
    value: str
    period: Period


def period(start: int, length: int | None) -> Period:
    return Period(DAYS[start], None if length is None else DAYS[start] + timedelta(days=length))


periods = st.builds(period, st.integers(0, 30), st.none() | st.integers(1, 12))


@st.composite
def timelines(draw: st.DrawFn) -> list[tuple[int, Fact]]:
    """Rows that follow each other with gaps; the last may be open."""
    rows: list[tuple[int, Fact]] = []
    start = 0
    for number in range(draw(st.integers(0, 4))):
        start += draw(st.integers(0, 5))
        length = draw(st.integers(1, 6))
        rows.append((number, Fact(f"old {number}", period(start, length))))
        start += length
    if draw(st.booleans()):
        rows.append((9, Fact("old open", Period(DAYS[start]))))
    return rows


def value_on(rows: list[Fact], day: date) -> str | None:
    found = [row.value for row in rows if row.period.holds(day)]
    assert len(found) <= 1, f"two facts on {day}: {found}"
    return found[0] if found else None


@given(timelines(), periods, st.booleans())
def test_the_new_fact_holds_in_its_period_and_the_old_ones_everywhere_else(
    rows: list[tuple[int, Fact]], changed: Period, ends: bool
) -> None:
    fact = None if ends else Fact("new", Period(date(1900, 1, 1)))
    superseded, added = overwrite(rows, changed, fact)
    after = [row for number, row in rows if number not in superseded] + added
    for day in DAYS:
        before = value_on([row for _, row in rows], day)
        expected = (None if ends else "new") if changed.holds(day) else before
        assert value_on(after, day) == expected


@given(timelines(), periods)
def test_rows_outside_the_period_are_left_alone(
    rows: list[tuple[int, Fact]], changed: Period
) -> None:
    superseded, _ = overwrite(rows, changed, None)
    assert superseded == [number for number, row in rows if row.period.meets(changed)]


@given(st.lists(periods, max_size=5))
def test_periods_cover_once_exactly_when_no_two_meet(several: list[Period]) -> None:
    meet = any(one.meets(other) for n, one in enumerate(several) for other in several[n + 1 :])
    assert covers_once(several) is not meet
