"""Changes of what everybody's bills are decided by: institutions' terms, catalogue, prices."""

from collections.abc import Mapping
from typing import Any

from yibao.adjudication.model import ItemTerms
from yibao.bureau import affected, fields
from yibao.bureau.kinds.persons import FROM, POOL, UNTIL, day_of, period_of
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.kernel.areas import NO_PERSON_POOL, Division, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.money import NO_CEILING, PRICE_SCALE, rate_from_text, scaled
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.policy.terms import CareKind, ItemClass, Level, Scheme
from yibao.registry.catalogue import changing
from yibao.registry.catalogue.model import TermsRow
from yibao.registry.institutions import service as institutions
from yibao.registry.institutions.model import InstitutionTerm

Content = Mapping[str, Any]
Told = Mapping[str, Any]

LEVELS = {"grass": "基层", "l1": "一级", "l2": "二级", "l3": "三级", "prov": "省部属"}
CLASSES = {"01": "甲类", "02": "乙类", "03": "自费"}


def _price(value: str) -> str:
    """Yuan with at most six decimals: 12.5."""
    try:
        price = scaled(value.strip(), PRICE_SCALE)
    except ValueError:
        raise ValueError(f"应为以元为单位的单价，至多六位小数，不能是 {value!r}") from None
    if price <= 0:
        raise ValueError("单价应大于零")
    return value.strip()


def _share(value: str) -> str:
    """A share between 0 and 1: 0.1."""
    try:
        rate = rate_from_text(value.strip())
    except ValueError:
        raise ValueError(f"应为 0 至 1 的比例，不能是 {value!r}") from None
    if not 0 <= rate.numerator <= rate.denominator:
        raise ValueError("比例应在 0 至 1 之间")
    return value.strip()


def _nobody(_content: Content) -> Pool:
    return NO_PERSON_POOL


# ------------------------------------------------------------------------------------ institutions


async def _term_now(unit: Unit, office: Office, content: Content) -> InstitutionTerm:
    """What holds of an institution of the pool on the first day."""
    reference = await office.references.current(unit.connection)
    institution = reference.directory.institution(content["institution"])
    if institution is None or institution.home_pool != unit.pool:
        raise Refused(
            RefusalCode.INSTITUTION_UNKNOWN,
            f"本统筹区没有定点医药机构 {content['institution']}",
            "institution",
        )
    term = institution.term_on(day_of(content, "from"))
    if term is None:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, "该机构在起始日期没有医保协议", "from")
    return term


async def _change_term(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    term = await _term_now(unit, office, content)
    level = content.get("level")
    changed = replace(
        term,
        period=period_of(content),
        name=content.get("name", term.name),
        level=term.level if level is None else Level(level),
        grade=content.get("grade", term.grade),
        contract=content.get("contract", term.contract),
    )
    await institutions.change_term(unit.connection, content["institution"], changed, now=unit.now)
    return await affected.of_everybody(unit, office, changed.period.start)


async def _suspend(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    await _term_now(unit, office, content)
    await institutions.suspend(
        unit.connection, content["institution"], period_of(content), now=unit.now
    )
    return {"institution": content["institution"]}


async def _resume(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    await _term_now(unit, office, content)
    await institutions.lift_suspension(
        unit.connection, content["institution"], day_of(content, "from"), now=unit.now
    )
    return {"institution": content["institution"]}


# --------------------------------------------------------------------------------------- catalogue


async def _reprice(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    return await _set_terms(unit, office, content, None)


async def _reclassify(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    item_class, share = ItemClass(content["class"]), content.get("first_pay")
    if share is not None and item_class is not ItemClass.B:
        raise Refused(RefusalCode.FIELD_CONTRADICTS, "只有乙类有先行自付比例", "first_pay")
    terms = ItemTerms(
        item_class,
        rate_from_text(share or "0"),
        restricted=bool(content.get("restricted")),
    )
    return await _set_terms(unit, office, content, terms)


async def _set_terms(unit: Unit, office: Office, content: Content, terms: ItemTerms | None) -> Told:
    """New terms, or what holds with another ceiling. Refused when the item has none."""
    ceiling = content.get("ceiling")
    price = NO_CEILING if ceiling is None else scaled(ceiling, PRICE_SCALE)
    area, level = content.get("area"), content.get("level")
    scheme, care_kind = content.get("scheme"), content.get("care_kind")
    wanted = TermsRow(
        period_of(content),
        ItemTerms(ItemClass.A, ceiling=price),
        None if area is None else Division(area),
        None if level is None else Level(level),
        None if scheme is None else Scheme(scheme),
        None if care_kind is None else CareKind(care_kind),
    )
    catalogue = (await office.references.current(unit.connection)).catalogue
    before = changing.terms_with_ceiling(catalogue.terms.get(content["item"], ()), wanted)
    row = before
    if terms is not None:
        kept = before.terms
        row = replace(before, terms=replace(terms, ceiling=price, bucket=kept.bucket))
    await changing.set_terms(unit.connection, [(content["item"], row)], now=unit.now)
    return await affected.of_everybody(unit, office, row.period.start)


_INSTITUTION = Field("institution", "医药机构编号", fields.text)
_ITEM = Field("item", "项目编码", fields.text)
_CEILING = Field("ceiling", "限价", _price, required=False)
_CONDITIONS = (
    Field("area", "地区", fields.text, required=False),
    Field("level", "医院等级", fields.one_of(LEVELS), required=False),
    Field("scheme", "险种", fields.text, required=False),
    Field("care_kind", "医疗类别", fields.text, required=False),
)

KINDS: tuple[Kind, ...] = (
    Kind(
        "institutions.change", "变更协议内容",
        (
            POOL, _INSTITUTION, FROM, UNTIL,
            Field("name", "机构名称", fields.text, required=False),
            Field("level", "医院等级", fields.one_of(LEVELS), required=False),
            Field("grade", "医院级别", fields.text, required=False),
            Field("contract", "协议编号", fields.text, required=False),
        ),
        _change_term, fields.pool_named,
    ),
    Kind("institutions.suspend", "中止医保协议", (POOL, _INSTITUTION, FROM, UNTIL), _suspend,
         fields.pool_named),
    Kind("institutions.resume", "恢复医保协议", (POOL, _INSTITUTION, FROM), _resume,
         fields.pool_named),
    Kind("catalogue.reprice", "调整限价", (_ITEM, _CEILING, *_CONDITIONS, FROM, UNTIL), _reprice,
         _nobody),
    Kind(
        "catalogue.reclassify", "调整目录条款",
        (
            _ITEM, Field("class", "收费项目等级", fields.one_of(CLASSES)),
            Field("first_pay", "先行自付比例", _share, required=False), _CEILING,
            Field("restricted", "限制使用", fields.yes_or_no, required=False),
            *_CONDITIONS, FROM, UNTIL,
        ),
        _reclassify, _nobody,
    ),
)  # fmt: skip
