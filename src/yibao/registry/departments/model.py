"""Departments of an institution (科室), and what it says about them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import Period


class Department(Frozen):
    """A department, as it stands in a period."""

    code: str
    """The institution's own (``hosp_dept_codg``); it lives once at an institution."""
    name: str
    speciality: str
    """科别 (``caty``)."""
    period: Period
    details: Mapping[str, Any]
    """Further fields as sent, by their official names; plain JSON."""


class UploadDepartments(Frozen):
    """New departments, all or none (3401, 3401A)."""

    institution: str
    departments: tuple[Department, ...]


class ChangeDepartment(Frozen):
    """What holds of a department from its period's start on (3402)."""

    institution: str
    department: Department


class StopDepartment(Frozen):
    """A department is closed (3403)."""

    institution: str
    code: str
    name: str
    start: date | None
    """First day without it. Senders put the department's own first day here too: that, or nothing,
    closes it today."""
