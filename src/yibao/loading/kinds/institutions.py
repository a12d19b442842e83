"""Institutions (定点医药机构) with what holds of them: level, place, contract, suspension."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yibao.kernel.areas import Division
from yibao.loading import cells
from yibao.loading.cells import BadCell
from yibao.loading.kinds.enrolments import FROM, UNTIL
from yibao.loading.model import Cells, Column, Desk, Fault, Kind, Made, Row, period_of
from yibao.policy.terms import Level
from yibao.registry.institutions import service
from yibao.registry.institutions.model import Institution, InstitutionKind, InstitutionTerm

_LETTER = {InstitutionKind.HOSPITAL: "H", InstitutionKind.PHARMACY: "P"}
LEVELS = cells.choice(grass="基层", l1="一级", l2="二级", l3="三级", prov="省部属")


@dataclass(frozen=True, slots=True)
class Entry:
    """An institution of the file."""

    code: str
    kind: InstitutionKind
    term: InstitutionTerm


def _read(values: Cells) -> Entry:
    kind = InstitutionKind(values["kind"])
    if not values["code"].startswith(_LETTER[kind]):
        raise BadCell("机构编码的首字母与类型不一致", "its letter contradicts the kind", "kind")
    division = Division(values["division"])
    area = Division(values["area"] or f"{division[:4]}00")
    return Entry(
        values["code"],
        kind,
        InstitutionTerm(
            period_of(values),
            values["name"],
            Level(values["level"]),
            values["grade"] or "11",
            division,
            area,
            values["contract"] or "",
            bool(values["suspended"]),
        ),
    )


async def _check(desk: Desk, rows: Sequence[Row]) -> list[Fault]:
    known = desk.reference.directory.institutions
    return [
        Fault(
            row.number,
            "pool",
            f"该机构已属于统筹区 {known[row.content.code].home_pool}",
            "the institution belongs to another pool",
            row.pool,
        )
        for row in rows
        if row.content.code in known and known[row.content.code].home_pool != desk.pool
    ]


async def _write(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    known = set(desk.reference.directory.institutions)
    for row in rows:
        entry: Entry = row.content
        if entry.code in known:
            await service.change_term(desk.connection, entry.code, entry.term, now=desk.now)
        else:
            known.add(entry.code)
            founded = Institution(entry.code, entry.kind, desk.pool, (entry.term,))
            await service.designate(desk.connection, [founded], now=desk.now)
    return [Made(row.content.code, row.content.term.period) for row in rows]


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    yield (row.content.code, row.content.term.period.start.isoformat())


INSTITUTIONS = Kind(
    name="institutions",
    title="定点医药机构",
    about="What holds of an institution in a period; the pool is the one that pays it.",
    columns=(
        Column("code", "机构编码", cells.pattern(r"[HP]\d{11}", "H or P and 11 digits",
                                               "H 或 P 加 11 位数字"), "H43010000001"),
        Column("kind", "机构类型", cells.choice(**{"1": "医院", "2": "药店"}), "1"),
        Column("name", "机构名称", cells.text(100), "测试第一医院"),
        Column("level", "医院等级", LEVELS, "l3", note="pharmacies: grass"),
        Column("grade", "医院级别", cells.pattern(r"\d{2}", "two digits", "两位数字"), "02",
               required=False, note="`hosp_lv`; empty: 11, ungraded"),
        Column("division", "所在地", cells.DIVISION, "430102"),
        Column("area", "目录地区", cells.DIVISION, "430100", required=False,
               note="whose catalogue applies; empty: the division's city"),
        Column("contract", "协议编号", cells.text(50), "", required=False),
        Column("suspended", "中止协议", cells.FLAG, "0", required=False),
        FROM,
        UNTIL,
    ),
    read=_read,
    check=_check,
    write=_write,
    of_person=False,
    alike=_alike,
)  # fmt: skip
