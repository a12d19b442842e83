"""Openings (期初数据): what the old system knew on the day of go-live."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches

from yibao.adjudication.instances import UNKNOWN, dated_instance
from yibao.adjudication.model import CounterKey
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.money import yuan
from yibao.kernel.refusals import Refused
from yibao.loading import cells
from yibao.loading.cells import BadCell
from yibao.loading.model import Cells, Column, Desk, Fault, Kind, Made, Row, Tallied
from yibao.policy.model import BUILT_IN, Counter, Law
from yibao.policy.terms import CareKind, Scheme
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.settlement import service as settlement
from yibao.settlement.model import Admit, Diagnosis
from yibao.settlement.openings.model import BroughtCounter, BroughtPart, BroughtStay, Opening

COUNTER, PART, STAY, TOTAL = "counter", "part", "stay", "total"
_HUNDREDTHS = 100
"""Values are read as fen; a counter of times has whole numbers."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    COUNTER: ("person", "scheme", "counter", "day", "value"),
    PART: ("person", "year", "origin", "value"),
    STAY: (
        "person", "scheme", "institution", "admitted_at", "care_kind", "stay_number",
        "diagnosis", "diagnosis_name",
    ),
    TOTAL: ("value",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """An opening of the file, as it was told."""

    what: str
    scheme: Scheme | None
    counter: str | None
    day: date | None
    classes: str
    year: int | None
    origin: str | None
    value: int | None
    institution: str | None
    admitted_at: datetime | None
    care_kind: str | None
    stay_number: str | None
    diagnosis: str | None
    diagnosis_name: str | None
    department: str | None
    doctor: str | None
    old_visit: str | None
    deposit: int | None
    fees: int | None

    @property
    def subject(self) -> str:
        """What a total of such rows is of."""
        return f"{self.year}:{self.origin}" if self.counter is None else f"{self.counter}"


def _read(values: Cells) -> Entry:
    what: str = values["what"]
    for name in _NEEDED[what]:
        if values[name] is None:
            raise BadCell(f"{what} 行须填写", f"a row of {what} needs it", name)
    if what == TOTAL and (values["counter"] is None) == (values["year"] is None):
        raise BadCell(
            "控制总数须指明累计，或年度与来源", "a total is of a counter, or of year and origin",
            "counter",
        )  # fmt: skip
    if values["year"] is not None and values["origin"] is None:
        raise BadCell("不能为空", "is missing", "origin")
    return Entry(
        what=what,
        scheme=values["scheme"],
        counter=values["counter"],
        day=values["day"],
        classes=values["classes"] or "",
        year=values["year"],
        origin=values["origin"],
        value=values["value"],
        institution=values["institution"],
        admitted_at=values["admitted_at"],
        care_kind=values["care_kind"],
        stay_number=values["stay_number"],
        diagnosis=values["diagnosis"],
        diagnosis_name=values["diagnosis_name"],
        department=values["department"],
        doctor=values["doctor"],
        old_visit=values["old_visit"],
        deposit=values["deposit"],
        fees=values["fees"],
    )


# ------------------------------------------------------------------- from what was told to openings


async def _openings(
    desk: Desk, rows: Sequence[Row]
) -> tuple[list[tuple[Row, Opening]], dict[str, Insured], list[Fault]]:
    numbers = sorted({row.member for row in rows if row.member})
    members = await people.load_members(desk.connection, desk.vault, desk.pool, numbers)
    found: list[tuple[Row, Opening]] = []
    faults: list[Fault] = []
    for row in rows:
        if row.content.what == TOTAL:
            continue
        try:
            found.append((row, _opening(desk, row, members[row.member])))
        except BadCell as bad:
            faults.append(Fault(row.number, bad.column, bad.chinese, bad.english))
        except Refused as refused:
            faults.append(
                Fault(row.number, "scheme", refused.refusal.message, "no law is at hand for it")
            )
    return found, members, faults


def _opening(desk: Desk, row: Row, insured: Insured) -> Opening:
    entry: Entry = row.content
    if entry.what == STAY:
        return BroughtStay(_admission(row, entry, insured))
    if entry.what == PART:
        assert entry.year is not None
        assert entry.origin is not None
        return BroughtPart(row.member, entry.year, entry.origin, entry.value or 0)
    counter, key = _counter(desk, entry, insured)
    value = entry.value or 0
    if counter.in_times:
        if value % _HUNDREDTHS:
            raise BadCell("该累计按次数计，应为整数", "this counter counts times", "value")
        value //= _HUNDREDTHS
    return BroughtCounter(row.member, key, value)


def _counter(desk: Desk, entry: Entry, insured: Insured) -> tuple[Counter, CounterKey]:
    assert entry.scheme is not None
    assert entry.day is not None
    enrolment = insured.enrolment_on(entry.scheme, entry.day)
    if enrolment is None:
        raise BadCell(
            f"该人员在 {entry.day} 未参加险种 {entry.scheme}",
            "the person is not enrolled in the scheme on the day",
            "scheme",
        )
    law = desk.reference.laws.law_on(enrolment.division, entry.scheme, entry.day)
    counter = law.counters.get(entry.counter or "")
    if counter is None:
        near = get_close_matches(entry.counter or "", law.counters, 3) or sorted(law.counters)
        known = ", ".join(near)
        raise BadCell(
            f"当地政策没有此累计，可用的有：{known}",
            f"the law has no such one, but {known}",
            "counter",
        )
    scope = dated_instance(counter.scope, law, entry.day)
    if scope is None:
        raise BadCell(
            "该累计按就诊计，不能带入",
            "it is of a single visit: it cannot be brought in",
            "counter",
        )
    return counter, CounterKey(counter.name, scope + _classes(entry, counter, law))


def _classes(entry: Entry, counter: Counter, law: Law) -> str:
    """The end of the instance's name: a class for each dimension the counter is ``by``."""
    told = entry.classes.split("|") if entry.classes else []
    if len(told) != len(counter.by):
        wanted = " | ".join(counter.by) or "nothing"
        raise BadCell(f"应依次填写分类：{wanted}", f"must name the classes of {wanted}", "classes")
    for name, dimension in zip(told, counter.by, strict=True):
        classes = law.classes.get(dimension) or BUILT_IN[dimension]
        known = (*classes.names, UNKNOWN)
        if name not in known:
            raise BadCell(
                f"{dimension} 没有此分类，有：{', '.join(known)}",
                f"{dimension} has only {', '.join(known)}",
                "classes",
            )
    return "".join(f"|{name}" for name in told)


def _admission(row: Row, entry: Entry, insured: Insured) -> Admit:
    assert entry.admitted_at is not None
    assert entry.institution is not None
    assert entry.scheme is not None
    department, doctor = entry.department or "不详", entry.doctor or "不详"
    diagnosis = Diagnosis(
        "1", 1, entry.diagnosis or "", entry.diagnosis_name or "", department, doctor, doctor,
        entry.admitted_at,
    )  # fmt: skip
    so_far = {"deposit": entry.deposit, "fees": entry.fees}
    return Admit(
        institution=entry.institution,
        member=row.member,
        scheme=entry.scheme,
        care_kind=CareKind(entry.care_kind or ""),
        begin=entry.admitted_at,
        voucher_type="02",
        voucher_number=insured.identity.document_number,
        inpatient_number=entry.stay_number or "",
        doctor_code=doctor,
        doctor_name=doctor,
        department_code=department,
        department_name=department,
        condition=None,
        disease_code=None,
        disease_name=None,
        diagnoses=(diagnosis,),
        details={
            "brought_from": row.source,
            **({"old_visit": entry.old_visit} if entry.old_visit else {}),
            **{name: yuan(fen) for name, fen in so_far.items() if fen is not None},
        },
    )


# --------------------------------------------------------------------------------- check and write


_FIELDS = {
    "begin": "admitted_at", "institution": "institution", "diagnosis": "diagnosis",
    "scheme": "scheme", "member": "person", "counter": "counter", "year": "year",
}  # fmt: skip


async def _check(desk: Desk, rows: Sequence[Row]) -> list[Fault]:
    found, members, faults = await _openings(desk, rows)
    against = await settlement.opening_objections(
        desk.unit, [opening for _, opening in found], members, desk.reference
    )
    for (row, opening), refusal in zip(found, against, strict=True):
        if refusal is not None:
            column = _FIELDS.get(refusal.field or "", "")
            is_stay = isinstance(opening, BroughtStay)
            english = "the stay cannot be admitted" if is_stay else "was brought in before"
            faults.append(Fault(row.number, column, refusal.message, english))
    return faults


async def _write(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    found, members, _ = await _openings(desk, rows)
    keys: dict[int, str] = {}
    for source in dict.fromkeys(row.source for row, _ in found):
        own = [(row, opening) for row, opening in found if row.source == source]
        brought = await settlement.bring_in(
            desk.unit, source, [opening for _, opening in own], members, desk.reference
        )
        keys |= {row.number: key.text() for (row, _), key in zip(own, brought, strict=True)}
    return [Made(f"{row.member}/{keys[row.number]}" if row.member else "") for row in rows]


async def _take_back(desk: Desk, subjects: Sequence[str], _loaded_at: datetime) -> list[str]:
    keys = [parse_pool_key(subject.partition("/")[2]) for subject in subjects if subject]
    await settlement.take_openings_back(desk.unit, "undo", [key for key in keys if key is not None])
    return []


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    entry: Entry = row.content
    if entry.what == STAY:
        yield (row.pool, row.person or "", STAY)
    else:
        when = "" if entry.day is None else entry.day.isoformat()
        yield (row.pool, row.person or "", entry.what, entry.subject, when, entry.classes)


def _tally(entry: Entry) -> Tallied | None:
    if entry.what in (COUNTER, PART):
        return entry.subject, entry.value or 0
    return None


def _control(entry: Entry) -> Tallied | None:
    return (entry.subject, entry.value or 0) if entry.what == TOTAL else None


def _optional(name: str, title: str, cell: cells.Cell, example: str = "", note: str = "") -> Column:
    return Column(name, title, cell, example, required=False, note=note)


OPENINGS = Kind(
    name="openings",
    title="期初数据",
    about=(
        "What the old system knew on the day of go-live: a counter of a person, a part of a"
        " personal account, a stay that goes on, or the control total of such rows in the file."
    ),
    columns=(
        Column(
            "what", "类别",
            cells.choice(counter="累计", part="个人账户", stay="在院", total="控制总数"), "counter",
        ),
        _optional("person", "人员", cells.text(60), "A000123", "not of totals"),
        _optional("scheme", "险种", cells.pattern(r"\d{3}", "three digits", "三位险种代码"), "310",
                  "of counters and stays"),
        _optional("counter", "累计", cells.text(60), "employee_outpatient_deductible",
                  "its name in the law (`yibao law show`); the nth stay is one too"),
        _optional("day", "截至日期", cells.DATE, "2026-04-30",
                  "of counters: a day of the year (month, quarter) that is counted"),
        _optional("classes", "分类", cells.text(60), "",
                  "of counters that are kept by class: the classes, with | between"),
        _optional("year", "年度", cells.WHOLE, "", "of parts"),
        _optional("origin", "资金来源", cells.choice(current="当年划入", carried="历年结余"), "",
                  "of parts"),
        _optional("value", "金额或次数", cells.YUAN, "1300.00", "yuan; times of counters of times"),
        _optional("institution", "医药机构", cells.text(12), "", "of stays, as all that follow"),
        _optional("admitted_at", "入院时间", cells.TIME),
        _optional("care_kind", "医疗类别", cells.pattern(r"\d{2,6}", "digits", "数字代码")),
        _optional("stay_number", "住院号", cells.text(30)),
        _optional("diagnosis", "诊断代码", cells.text(20)),
        _optional("diagnosis_name", "诊断名称", cells.text(100)),
        _optional("department", "科室", cells.text(50)),
        _optional("doctor", "医师", cells.text(50)),
        _optional("old_visit", "原就诊ID", cells.text(30), note="kept with the visit"),
        _optional("deposit", "已交押金", cells.YUAN, note="kept with the visit, for information"),
        _optional("fees", "已发生费用", cells.YUAN,
                  note="for information: the hospital uploads the lines again"),
    ),
    read=_read,
    check=_check,
    write=_write,
    alike=_alike,
    changes=False,
    take_back=_take_back,
    tally=_tally,
    control=_control,
)  # fmt: skip
