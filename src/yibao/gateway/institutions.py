"""The institution itself: 1201, departments 3401 to 3403 and 5101, staff 5102."""

from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.keeping import kept_fields
from yibao.gateway.reading import Row
from yibao.gateway.rendering import Node, shaped
from yibao.gateway.writing import day_start, flag
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.periods import Period, business_date, day_after, last_day
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.departments.model import (
    ChangeDepartment,
    Department,
    StopDepartment,
    UploadDepartments,
)
from yibao.registry.departments.service import departments_of
from yibao.registry.institutions.model import Institution, InstitutionTerm
from yibao.registry.staff.model import Practitioner, PractitionerKind
from yibao.registry.staff.service import practitioners_of

_OF_DEPARTMENT = frozenset({"hosp_dept_codg", "hosp_dept_name", "caty", "begntime", "endtime"})
"""Fields of a department that have a place of their own; all others are its details."""
_COUNTS = (
    ("aprv_bed_cnt", "批准床位数量"),
    ("hi_crtf_bed_cnt", "医保认可床位数"),
    ("dr_psncnt", "医师人数"),
    ("phar_psncnt", "药师人数"),
    ("nurs_psncnt", "护士人数"),
    ("tecn_psncnt", "技师人数"),
)
_NEEDED = (
    ("hosp_dept_codg", "医院科室编码"),
    ("hosp_dept_name", "医院科室名称"),
    ("caty", "科别"),
)


# ------------------------------------------------------------------------------------------- 1201


@transaction("1201")
async def find_institutions(call: Call) -> Any:
    """Designated institutions by type, and by code or part of the name (医药机构信息获取)."""
    wanted = call.input["medinsinfo"]
    code, name = wanted.get("fixmedins_code"), wanted.get("fixmedins_name", "")
    return {
        "medinsinfo": [
            _institution(institution, term)
            for institution in call.reference.directory.institutions.values()
            if institution.kind == wanted["fixmedins_type"]
            and code in (None, institution.code)
            and (term := institution.term_on(call.day)) is not None
            and name in term.name
        ]
    }


def _institution(institution: Institution, term: InstitutionTerm) -> Node:
    values = {
        "fixmedins_code": institution.code,
        "fixmedins_name": term.name,
        "fixmedins_type": institution.kind.value,
        "hosp_lv": term.grade,
    }
    return shaped("1201", "medinsinfo", values)


# ----------------------------------------------------------------------------------- 3401 to 3403


@transaction("3401")
async def upload_department(call: Call) -> None:
    """A new department (科室信息上传)."""
    await _found(call, [(call.input["deptinfo"], "deptinfo")])


@transaction("3401A")
async def upload_departments(call: Call) -> None:
    """New departments, all or none (批量科室信息上传)."""
    rows = call.input["deptinfo"]
    if not rows:
        raise Refused(RefusalCode.BATCH_EMPTY, "deptinfo（科室信息）至少一条", "deptinfo")
    await _found(call, [(row, f"deptinfo[{place}]") for place, row in enumerate(rows, 1)])


@transaction("3402")
async def change_department(call: Call) -> None:
    """What holds of a department from ``begntime`` on (科室信息变更)."""
    department = _department(call, call.input["deptinfo"], "deptinfo")
    await _perform(call, ChangeDepartment(call.institution.code, department))


@transaction("3403")
async def stop_department(call: Call) -> None:
    """A department is closed (科室信息撤销)."""
    data = call.input["data"]
    request = StopDepartment(
        call.institution.code, data["hosp_dept_codg"], data["hosp_dept_name"], data.get("begntime")
    )
    await _perform(call, request)


async def _found(call: Call, rows: list[tuple[Row, str]]) -> None:
    departments = tuple(_department(call, row, place) for row, place in rows)
    await _perform(call, UploadDepartments(call.institution.code, departments))


async def _perform(call: Call, request: Any) -> None:
    async def recall(_: Any) -> None:
        return None

    await call.perform(NO_PERSON_POOL, call.institution.code, request, recall)


def _department(call: Call, row: Row, place: str) -> Department:
    for name, label in _NEEDED:
        if name not in row:
            raise missing(f"{place}.{name}", label)
    for name, label in _COUNTS:
        if row.get(name, 0) < 0:
            raise Refused(
                RefusalCode.FIELD_INVALID, f"{place}.{name}（{label}）不得为负", f"{place}.{name}"
            )
    begin = business_date(row["begntime"]) if "begntime" in row else call.day
    end = day_after(business_date(row["endtime"])) if "endtime" in row else None
    if end is not None and end <= begin:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"{place}.endtime（结束时间）早于开始时间",
            f"{place}.endtime",
        )
    return Department(
        code=row["hosp_dept_codg"],
        name=row["hosp_dept_name"],
        speciality=row["caty"],
        period=Period(begin, end),
        details=kept_fields(row, _OF_DEPARTMENT),
    )


# ------------------------------------------------------------------------------------------- 5101


@transaction("5101")
async def list_departments(call: Call) -> Any:
    """The institution's departments (科室信息查询)."""
    code = call.input["data"].get("hosp_dept_codg")
    async with call.context.database.reader([call.institution.code]) as connection:
        departments = await departments_of(connection, call.institution.code, code)
    return {"feedetail": [_described(department) for department in departments]}


def _described(department: Department) -> Node:
    values = {
        **department.details,
        "hosp_dept_codg": department.code,
        "hosp_dept_name": department.name,
        "caty": department.speciality,
        "begntime": day_start(department.period.start),
        "endtime": day_start(last_day(department.period)),
    }
    return shaped("5101", "feedetail", values)


# ------------------------------------------------------------------------------------------- 5102


@transaction("5102")
async def list_practitioners(call: Call) -> Any:
    """The institution's doctors, nurses, pharmacists or technicians (医执人员信息查询)."""
    data = call.input["data"]
    kind = _kind(data["prac_psn_type"])
    async with call.context.database.reader([call.institution.code]) as connection:
        found = await practitioners_of(connection, call.context.vault, call.institution.code, kind)
    return {"feedetail": [_practitioner(person) for person in found if _is_meant(person, data)]}


def _kind(sent: str) -> PractitionerKind:
    try:
        return PractitionerKind(sent.lstrip("0"))
    except ValueError:
        listed = "、".join(kind.value for kind in PractitionerKind)
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"data.prac_psn_type（执业人员分类）代码“{sent}”无效，应为{listed}",
            "data.prac_psn_type",
        ) from None


def _is_meant(person: Practitioner, data: Row) -> bool:
    """Whether a practitioner is the one asked for; what was not sent is not compared."""
    known = {
        "psn_cert_type": person.document_type,
        "certno": person.document_number,
        "prac_psn_name": person.name,
        "prac_psn_code": person.code,
    }
    return all(data.get(name, value) == value for name, value in known.items())


def _practitioner(person: Practitioner) -> Node:
    values = {
        "psn_cert_type": person.document_type,
        "certno": person.document_number,
        "prac_psn_no": person.own_number,
        "prac_psn_code": person.code,
        "prac_psn_name": person.name,
        "prac_psn_type": person.kind.value,
        "prac_psn_cert": person.qualification,
        "prac_cert_no": person.licence,
        "hi_dr_flag": flag(person.contracted),
        "begntime": day_start(person.period.start),
        "endtime": day_start(last_day(person.period)),
        "chg_rea": person.change_reason,
    }
    return shaped("5102", "feedetail", values)
