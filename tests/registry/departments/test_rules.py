"""What becomes of a department's timeline."""

from datetime import date
from typing import Any

import pytest

from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.departments.model import Department, StopDepartment
from yibao.registry.departments.rules import UNCHANGED, changed, founded, stopped

TODAY = date(2026, 7, 15)
FIRST = date(2026, 1, 1)
OLD = Department("1", "内科", "A03", Period(FIRST), {})
PLACE = "departments.department"


def since(start: date, end: date | None = None, **changes: Any) -> Department:
    """The department in another period."""
    return replace(OLD, period=Period(start, end), **changes)


def stop(start: date | None = None, name: str = "内科") -> StopDepartment:
    """A request to close it."""
    return StopDepartment("H", "1", name, start)


def refusal(work: Any, *arguments: Any) -> RefusalCode:
    """Why something is refused."""
    with pytest.raises(Refused) as refused:
        work(*arguments)
    return refused.value.refusal.code


def test_a_department_lives_once() -> None:
    assert founded([], OLD, TODAY, PLACE) == ([], [OLD])
    assert founded([(7, OLD)], OLD, TODAY, PLACE) == UNCHANGED
    other = replace(OLD, details={"memo": "x"})
    assert refusal(founded, [(7, OLD)], other, TODAY, PLACE) is RefusalCode.RECORD_EXISTS


def test_one_that_ended_may_be_founded_anew_from_its_end_on() -> None:
    ended = [(7, since(FIRST, date(2026, 3, 1)))]
    again = since(date(2026, 3, 1))
    assert founded(ended, again, TODAY, PLACE) == ([], [again])
    early = since(date(2026, 2, 28))
    assert refusal(founded, ended, early, TODAY, PLACE) is RefusalCode.DATE_NOT_ALLOWED


def test_a_change_with_an_end_leaves_nothing_of_the_old_behind_it() -> None:
    new = since(date(2026, 3, 1), date(2026, 12, 1), name="外科")
    assert changed([(7, OLD)], new, TODAY) == ([7], [since(FIRST, date(2026, 3, 1)), new])


def test_a_change_takes_the_place_of_what_was_planned_for_later() -> None:
    rows = [(7, since(FIRST, date(2026, 9, 1))), (8, since(date(2026, 9, 1), name="外科"))]
    new = since(date(2026, 8, 1), name="儿科")
    assert changed(rows, new, TODAY) == ([7, 8], [since(FIRST, date(2026, 8, 1)), new])


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (None, TODAY),
        (FIRST, TODAY),
        (date(2025, 1, 1), TODAY),
        (date(2026, 5, 1), date(2026, 5, 1)),
        (date(2026, 9, 1), date(2026, 9, 1)),
    ],
)
def test_a_department_ends_on_the_day_told_or_today(told: date | None, end: date) -> None:
    assert stopped([(7, OLD)], stop(told), TODAY) == ([7], [since(FIRST, end)])


def test_one_that_has_not_begun_never_was() -> None:
    assert stopped([(7, since(date(2026, 9, 1)))], stop(), TODAY) == ([7], [])


def test_what_is_not_there_is_neither_changed_nor_closed() -> None:
    over = [(7, since(FIRST, TODAY))]
    assert refusal(changed, over, OLD, TODAY) is RefusalCode.RECORD_UNKNOWN
    assert refusal(stopped, over, stop(), TODAY) is RefusalCode.RECORD_UNKNOWN
    assert refusal(stopped, [(7, OLD)], stop(name="外科"), TODAY) is RefusalCode.FIELD_INVALID
