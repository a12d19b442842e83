"""The catalogue (三大目录) and price ceilings (限价), from a date on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yibao.adjudication.model import GENERAL_BUCKET, ItemTerms
from yibao.kernel.areas import Division
from yibao.kernel.money import NO_CEILING, PRICE_SCALE, Rate
from yibao.kernel.refusals import Refused
from yibao.loading import cells
from yibao.loading.cells import BadCell
from yibao.loading.kinds.enrolments import FROM, UNTIL
from yibao.loading.kinds.institutions import LEVELS
from yibao.loading.model import Cells, Column, Desk, Fault, Kind, Made, Row, period_of
from yibao.policy.terms import CareKind, ItemClass, Level, Scheme
from yibao.registry.catalogue import changing
from yibao.registry.catalogue.model import Item, TermsRow

_CONDITIONS = (
    Column("area", "地区", cells.DIVISION, "", required=False, note="empty: everywhere"),
    Column("level", "医院等级", LEVELS, "", required=False, note="empty: every level"),
    Column("scheme", "险种", cells.pattern(r"\d{3}", "three digits", "三位险种代码"), "",
           required=False, note="empty: every scheme"),
    Column("care_kind", "医疗类别", cells.pattern(r"\d{2,6}", "digits", "数字代码"), "",
           required=False, note="empty: every kind of care"),
)  # fmt: skip
_CODE = Column("code", "项目编码", cells.text(60), "XA01AAA000A001010100001")


@dataclass(frozen=True, slots=True)
class Entry:
    """Terms of the file; the item beside them in a catalogue."""

    code: str
    terms: TermsRow
    item: Item | None = None


def _terms(values: Cells, terms: ItemTerms) -> TermsRow:
    return TermsRow(
        period_of(values),
        terms,
        None if values["area"] is None else Division(values["area"]),
        None if values["level"] is None else Level(values["level"]),
        None if values["scheme"] is None else Scheme(values["scheme"]),
        None if values["care_kind"] is None else CareKind(values["care_kind"]),
    )


def _read_item(values: Cells) -> Entry:
    item_class, first_pay = ItemClass(values["class"]), values["first_pay"] or 0
    if first_pay and item_class is not ItemClass.B:
        raise BadCell("只有乙类有先行自付比例", "only class B has a first self-pay", "first_pay")
    terms = ItemTerms(
        item_class,
        Rate(first_pay),
        NO_CEILING if values["ceiling"] is None else values["ceiling"],
        bool(values["restricted"]),
        values["bucket"] or GENERAL_BUCKET,
    )
    price = values["reference_price"]
    item = Item(
        code=values["code"],
        name=values["name"],
        list_type=values["list_type"],
        charge_type=values["charge_type"],
        reference_price=price or 10**PRICE_SCALE,
        demo_price=not price,
        demo_class=False,
    )
    return Entry(values["code"], _terms(values, terms), item)


def _read_price(values: Cells) -> Entry:
    terms = ItemTerms(ItemClass.A, ceiling=values["ceiling"] or NO_CEILING)
    return Entry(values["code"], _terms(values, terms))


async def _check_prices(desk: Desk, rows: Sequence[Row]) -> list[Fault]:
    faults = []
    for row in rows:
        try:
            _priced(desk, row)
        except Refused as refused:
            faults.append(
                Fault(
                    row.number, "code", refused.refusal.message, "the item has no terms on the day",
                    row.content.code,
                )
            )  # fmt: skip
    return faults


def _priced(desk: Desk, row: Row) -> tuple[str, TermsRow]:
    code = row.content.code
    rows = desk.reference.catalogue.terms.get(code, ())
    return code, changing.terms_with_ceiling(rows, row.content.terms)


async def _write_items(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    items = [row.content.item for row in rows]
    await changing.list_items(desk.connection, items, now=desk.now)
    changes = [(row.content.code, row.content.terms) for row in rows]
    await changing.set_terms(desk.connection, changes, now=desk.now)
    return _made(rows)


async def _write_prices(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    changes = [_priced(desk, row) for row in rows]
    await changing.set_terms(desk.connection, changes, now=desk.now)
    return _made(rows)


def _made(rows: Sequence[Row]) -> list[Made]:
    return [Made(row.content.code, row.content.terms.period) for row in rows]


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    terms: TermsRow = row.content.terms
    conditions = (terms.area, terms.level, terms.scheme, terms.care_kind)
    start = terms.period.start.isoformat()
    yield (row.content.code, start, *(condition or "" for condition in conditions))


CATALOGUE = Kind(
    name="catalogue",
    title="目录",
    about="An item and the terms on which it is covered in a period.",
    columns=(
        _CODE,
        Column("name", "项目名称", cells.text(200), "测试药"),
        Column("list_type", "目录类别", cells.pattern(r"\d{3}", "three digits", "三位数字"), "101",
               note="101 drugs, 102 slices, 103 preparations, 201 services, 301 materials"),
        Column("charge_type", "收费项目类别", cells.pattern(r"\d{2}", "two digits", "两位数字"),
               "09", note="`med_chrgitm_type`"),
        Column("class", "收费项目等级", cells.choice(**{"01": "甲类", "02": "乙类", "03": "自费"}),
               "02"),
        Column("first_pay", "先行自付比例", cells.RATE, "0.1", required=False,
               note="of class B; empty: 0"),
        Column("ceiling", "限价", cells.PRICE, "", required=False, note="empty: none"),
        Column("restricted", "限制使用", cells.FLAG, "0", required=False),
        Column("bucket", "待遇分组", cells.text(30), "", required=False,
               note="the law's word for lines it treats apart; empty: general"),
        Column("reference_price", "参考价", cells.PRICE, "", required=False),
        *_CONDITIONS,
        FROM,
        UNTIL,
    ),
    read=_read_item,
    write=_write_items,
    of_person=False,
    of_pool=False,
    alike=_alike,
)  # fmt: skip

PRICES = Kind(
    name="prices",
    title="限价",
    about="The price ceiling of a listed item in a period; its other terms stay as they are.",
    columns=(
        _CODE,
        Column("ceiling", "限价", cells.PRICE, "12.5", required=False, note="empty: none"),
        *_CONDITIONS,
        FROM,
        UNTIL,
    ),
    read=_read_price,
    check=_check_prices,
    write=_write_prices,
    of_person=False,
    of_pool=False,
    alike=_alike,
)
