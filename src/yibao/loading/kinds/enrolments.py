"""Enrolments (参保): which scheme a person is in, as whom, from when to when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yibao.kernel.areas import Division
from yibao.loading import cells
from yibao.loading.kinds.persons import take_back
from yibao.loading.model import Cells, Column, Desk, Fault, Kind, Made, Row, period_of
from yibao.policy.terms import EntitlementExtent, PersonType, Scheme
from yibao.registry.people.bulk import service as bulk
from yibao.registry.people.bulk.service import Change
from yibao.registry.people.model import RETIRED, Enrolment

SCHEME = Column("scheme", "险种", cells.pattern(r"\d{3}", "three digits", "三位险种代码"), "310")
FROM = Column("from", "起始日期", cells.DATE, "2020-01-01")
UNTIL = Column("until", "终止日期", cells.DATE, "", required=False, note="last day; empty: open")


@dataclass(frozen=True, slots=True)
class Entry:
    """An enrolment of the file."""

    enrolment: Enrolment
    extent: EntitlementExtent


def _read(values: Cells) -> Entry:
    period = period_of(values)
    person_type: str = values["person_type"]
    retired = person_type.startswith(RETIRED)
    return Entry(
        Enrolment(
            scheme=Scheme(values["scheme"]),
            division=Division(values["division"]),
            person_type=PersonType(person_type),
            period=period,
            employer=values["employer"],
            civil_servant=bool(values["civil_servant"]),
            retired_on=(values["retired_on"] or period.start) if retired else None,
        ),
        EntitlementExtent(values["entitlement"] or EntitlementExtent.FULL),
    )


async def _check(desk: Desk, rows: Sequence[Row]) -> list[Fault]:
    faults = []
    directory = desk.reference.directory
    for row in rows:
        enrolment: Enrolment = row.content.enrolment
        pool = directory.pool_of(enrolment.division, enrolment.scheme, enrolment.period.start)
        if pool is not None and pool != desk.pool:
            faults.append(
                Fault(
                    row.number,
                    "division",
                    f"参保地 {enrolment.division} 属于统筹区 {pool}，不是 {desk.pool}",
                    f"the division is insured by pool {pool}, not {desk.pool}",
                    enrolment.division,
                )
            )
    return faults


async def _write(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    changes = [
        Change(row.member, row.content.enrolment, None if row.before is None else row.before.period)
        for row in rows
    ]
    extents = [row.content.extent for row in rows]
    await bulk.enrol(desk.connection, desk.pool, changes, extents, now=desk.now)
    return [Made(row.member, row.content.enrolment.period) for row in rows]


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    enrolment: Enrolment = row.content.enrolment
    yield (row.pool, row.person or "", enrolment.scheme, enrolment.period.start.isoformat())


ENROLMENTS = Kind(
    name="enrolments",
    title="参保",
    about="A scheme a person is in for a period. A later row wins where periods overlap.",
    columns=(
        SCHEME,
        Column("division", "参保地", cells.DIVISION, "430102"),
        Column(
            "person_type", "人员类别",
            cells.pattern(r"\d{2,6}", "two to six digits", "二至六位数字"), "1101",
        ),
        FROM,
        UNTIL,
        Column("employer", "单位", cells.text(100), "测试单位", required=False),
        Column("civil_servant", "公务员", cells.FLAG, "0", required=False),
        Column(
            "retired_on", "退休日期", cells.DATE, "", required=False,
            note="of the retired; empty: the first day",
        ),
        Column(
            "entitlement", "待遇",
            cells.choice(full="everything", account_only="the personal account", none="nothing"),
            "full", required=False,
            note="empty: full; payments that are loaded later decide it anew",
        ),
    ),
    read=_read,
    check=_check,
    write=_write,
    alike=_alike,
    take_back=take_back,
)  # fmt: skip
