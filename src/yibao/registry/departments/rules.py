"""What becomes of a department's timeline. Pure."""

from collections.abc import Sequence
from datetime import date

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.departments.model import Department, StopDepartment
from yibao.registry.rules import overwrite, starting

Row = tuple[int, Department]
"""A current row of one department, with its id."""

Change = tuple[list[int], list[Department]]
"""Ids of the rows that are superseded, and the rows to record."""

UNCHANGED: Change = ([], [])


def founded(rows: Sequence[Row], new: Department, today: date, field: str) -> Change:
    """A new department; the same once more changes nothing, another living one is refused."""
    living = _living(rows, today)
    if any(row == new for _, row in living):
        return UNCHANGED
    if living:
        raise Refused(RefusalCode.RECORD_EXISTS, f"科室 {new.code} 已存在，请用3402变更", field)
    if any(row.period.meets(new.period) for _, row in rows):
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, f"科室 {new.code} 在此期间已有记录", field)
    return [], [new]


def changed(rows: Sequence[Row], new: Department, today: date) -> Change:
    """What holds of a living department from the new start on."""
    living = _living(rows, today)
    if not living:
        raise _unknown(new.code)
    if any(row == new for _, row in living):
        return UNCHANGED
    ended, left = overwrite(rows, starting(new.period.start), None)
    return ended, [*left, new]


def stopped(rows: Sequence[Row], request: StopDepartment, today: date) -> Change:
    """A living department is there no more; one that has not begun yet never was."""
    living = _living(rows, today)
    if not living:
        raise _unknown(request.code)
    if all(row.name != request.name for _, row in living):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"科室 {request.code} 登记的名称是“{living[-1][1].name}”，与所报不一致",
            "departments.department_title",
        )
    first = living[0][1].period.start
    start = request.start if request.start is not None and request.start > first else today
    return overwrite(rows, starting(start), None)


def _living(rows: Sequence[Row], today: date) -> list[Row]:
    """The rows that hold today or later, in order of time."""
    return [row for row in rows if row[1].period.end is None or row[1].period.end > today]


def _unknown(code: str) -> Refused:
    return Refused(
        RefusalCode.RECORD_UNKNOWN,
        f"本机构没有科室 {code}，或该科室已停用",
        "departments.department",
    )
