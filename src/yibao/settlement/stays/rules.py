"""When a stay may begin, end, change or be taken back. Pure."""

from datetime import date, datetime
from typing import NamedTuple

from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.model import ChangeAdmission, Discharge, VisitFacts, VisitState

DEATH = "5"
"""Way of discharge (``dscg_way``): the person died."""


class Standing(NamedTuple):
    """What a stay has beside its dates."""

    lines: int = 0
    """Fee lines that are not withdrawn."""
    settled: tuple[PoolKey, ...] = ()
    """Its living settlements, oldest first."""
    final: PoolKey | None = None
    """The living settlement that was not an interim one."""
    first_fee: date | None = None
    last_fee: date | None = None


def check_end(visit: VisitFacts, end: datetime, standing: Standing, died_on: date | None) -> None:
    """A discharge lies after the admission and all fees, and not after a death."""
    day, admitted = business_date(end), business_date(visit.begin)
    if day < admitted:
        raise _wrong_day(f"出院日期 {day} 早于入院日期 {admitted}", day)
    if standing.last_fee is not None and standing.last_fee > day:
        raise _wrong_day(
            f"出院日期 {day} 早于已上传费用的日期 {standing.last_fee}，请先用 2302 撤销这些明细",
            day,
        )
    if died_on is not None and day > died_on:
        raise _wrong_day(f"出院日期 {day} 晚于参保人的死亡日期 {died_on}", day)


def check_begin(begin: datetime, standing: Standing) -> None:
    """A corrected admission lies before all fees."""
    day = business_date(begin)
    if standing.first_fee is not None and standing.first_fee < day:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"入院日期 {day} 晚于已上传费用的日期 {standing.first_fee}，请先用 2302 撤销这些明细",
            "begin",
            day=day.isoformat(),
        )


def _wrong_day(text: str, day: date) -> Refused:
    return Refused(RefusalCode.DATE_NOT_ALLOWED, text, "end", day=day.isoformat())


def check_not_final(standing: Standing, wish: str) -> None:
    """Refuse while the final settlement stands."""
    if standing.final is not None:
        raise Refused(
            RefusalCode.VISIT_SETTLED,
            f"该住院已出院结算（结算ID {standing.final.text()}），{wish}请先用 2305 撤销结算",
            "visit",
            settlement=standing.final.text(),
        )


def check_removable(standing: Standing) -> None:
    """An admission with settlements or lines is not taken back."""
    if standing.settled:
        raise Refused(
            RefusalCode.VISIT_SETTLED,
            f"该住院还有 {len(standing.settled)} 笔有效结算，请先用 2305 撤销结算",
            "visit",
            settlement=standing.settled[-1].text(),
        )
    if standing.lines:
        raise Refused(
            RefusalCode.LINES_LEFT,
            f"该住院还有 {standing.lines} 条费用明细，请先用 2302 撤销明细",
            "visit",
        )


def changed(visit: VisitFacts, request: ChangeAdmission) -> VisitFacts:
    """The stay as corrected."""
    said = request.admission
    return replace(
        visit,
        begin=said.begin,
        end=visit.end if visit.end is None or request.end is None else request.end,
        care_kind=said.care_kind,
        outpatient_number=said.inpatient_number,
        doctor_code=said.doctor_code,
        doctor_name=said.doctor_name,
        department_code=said.department_code,
        department_name=said.department_name,
        condition=said.condition,
        disease_code=said.disease_code,
        disease_name=said.disease_name,
        diagnoses=said.diagnoses or visit.diagnoses,
        details={**visit.details, **said.details},
    )


def check_change(before: VisitFacts, after: VisitFacts, standing: Standing) -> None:
    """What a living settlement was decided from is not changed under it."""
    if standing.settled and _deciding(before) != _deciding(after):
        raise Refused(
            RefusalCode.VISIT_SETTLED,
            "该住院已有有效结算，入出院日期、医疗类别和病种不能变更，请先用 2305 撤销结算",
            "visit",
            settlement=standing.settled[-1].text(),
        )


def _deciding(visit: VisitFacts) -> tuple[object, ...]:
    end = None if visit.end is None else business_date(visit.end)
    return business_date(visit.begin), end, visit.care_kind, visit.disease_code


def discharged(visit: VisitFacts, request: Discharge) -> VisitFacts:
    """The stay with its discharge; a disease that is not said again stays."""
    died_on = request.died_on
    if died_on is None and request.way == DEATH:
        died_on = business_date(request.end)
    return replace(
        visit,
        end=request.end,
        disease_code=request.disease_code or visit.disease_code,
        disease_name=request.disease_name or visit.disease_name,
        discharge_diagnoses=request.diagnoses,
        died_on=died_on,
        details={**visit.details, **request.details},
    )


def reopened(visit: VisitFacts) -> VisitFacts:
    """The stay without its discharge."""
    if visit.end is None:
        raise Refused(RefusalCode.NOT_DISCHARGED, "该住院尚未办理出院，无需撤销出院", "visit")
    return replace(visit, end=None, discharge_diagnoses=(), died_on=None)


def cancelled(visit: VisitFacts) -> VisitFacts:
    """The admission taken back."""
    return replace(visit, state=VisitState.CANCELLED)
