"""Filings (备案): care away from home, chronic and special diseases, chosen institutions."""

from collections.abc import Iterable, Sequence

from yibao.kernel.areas import Division
from yibao.loading import cells
from yibao.loading.cells import BadCell
from yibao.loading.kinds.enrolments import FROM, UNTIL
from yibao.loading.kinds.persons import take_back
from yibao.loading.model import Cells, Column, Desk, Fault, Kind, Made, Row, period_of
from yibao.policy.terms import Filing
from yibao.registry.people.bulk import service as bulk
from yibao.registry.people.bulk.service import Change, Filed
from yibao.registry.people.model import DesignatedInstitution, FiledCare, FiledDisease

DISEASE, CHOICE = "disease", "choice"


def _read(values: Cells) -> Filed:
    period, what = period_of(values), values["what"]
    needed = {DISEASE: ("code", "name"), CHOICE: ("institution", "business")}.get(what, ())
    for name in needed:
        if values[name] is None:
            raise BadCell(f"{what} 行须填写", f"a row of {what} needs it", name)
    if what == DISEASE:
        return FiledDisease(values["code"], values["name"], period, values["institution"])
    if what == CHOICE:
        order = values["order"] or 1
        return DesignatedInstitution(values["institution"], values["business"], order, period)
    place = None if values["place"] is None else Division(values["place"])
    return FiledCare(Filing(what), period, place, values["institution"])


async def _check(desk: Desk, rows: Sequence[Row]) -> list[Fault]:
    known = desk.reference.directory.institutions
    return [
        Fault(
            row.number,
            "institution",
            "本平台没有此定点医药机构",
            "this platform has no such institution",
            row.content.institution,
        )
        for row in rows
        if not isinstance(row.content, FiledCare)
        and row.content.institution is not None
        and row.content.institution not in known
    ]


async def _write(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    changes = [
        Change(row.member, row.content, None if row.before is None else row.before.period)
        for row in rows
    ]
    await bulk.file(desk.connection, desk.pool, changes, now=desk.now)
    return [Made(row.member, row.content.period) for row in rows]


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    filed: Filed = row.content
    match filed:
        case FiledCare():
            what: tuple[str, ...] = (filed.kind, filed.place or "")
        case FiledDisease():
            what = (DISEASE, filed.code)
        case DesignatedInstitution():
            what = (CHOICE, filed.business, str(filed.order))
    yield (row.pool, row.person or "", *what, filed.period.start.isoformat())


FILINGS = Kind(
    name="filings",
    title="备案",
    about="What is on file of a person for a period, as if a clerk had filed it.",
    columns=(
        Column(
            "what", "备案类型",
            cells.choice(
                long_term="长期居住", transfer="转诊转院", emergency="急诊抢救",
                temporary="临时外出", disease="门诊慢特病", choice="定点",
            ),
            "disease",
        ),
        Column("code", "病种代码", cells.text(20), "M03900", required=False, note="of diseases"),
        Column("name", "病种名称", cells.text(100), "高血压", required=False, note="of diseases"),
        Column("place", "就医地", cells.DIVISION, "", required=False,
               note="of care away from home; empty: everywhere"),
        Column("institution", "医药机构", cells.text(12), "", required=False,
               note="of choices; of others where only one is meant"),
        Column("business", "业务类型", cells.pattern(r"\d{2}", "two digits", "两位数字"), "",
               required=False, note="of choices: `biz_appy_type`"),
        Column("order", "定点排序号", cells.WHOLE, "", required=False, note="of choices; empty: 1"),
        FROM,
        UNTIL,
    ),
    read=_read,
    check=_check,
    write=_write,
    alike=_alike,
    take_back=take_back,
)  # fmt: skip
