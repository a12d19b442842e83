"""Catalogue queries by page (目录查询): 1304, 1312, 1316 to 1320.

Each asks for what was recorded since ``updt_time``, a page at a time. Pages count from 1; the order
is that of the codes, so that a page does not move while nothing changes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from yibao.gateway.catalogue import version_of
from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.reading import Row
from yibao.gateway.rendering import Node, shaped
from yibao.gateway.writing import amount, flag, ratio
from yibao.gateway.writing import day as written_day
from yibao.kernel.money import PRICE_SCALE, Rate, round_half_up
from yibao.kernel.periods import business_date, instant_of
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.catalogue import service as catalogue
from yibao.registry.catalogue.model import (
    CodeList,
    Listed,
    ListedQuery,
    QueriedTerms,
    TermsQuery,
)
from yibao.registry.mappings import service as mappings
from yibao.registry.mappings.model import ItemMapping

PAGE_LIMIT = 2_000
"""Rows of a page: 2,000 of 1312's come to about 1.5 MB."""
NODE = "data (paged list)"
"""The output node's name in the tables; in answers it is ``data``."""
VALID = "1"
USED_FOR_CARE, NOT_FOR_MATERNITY = "1", "0"
BY_ITEM = "1"
"""``hilist_use_type``, ``hilist_lmtpric_type``: our lists know one kind only."""
EXCESS_IS_OWN = "1"
"""``overlmt_dspo_way``: what is above the ceiling is the person's own, unless the law says else."""
ANYBODY = "0"
"""``selfpay_prop_psn_type``: a ratio that does not depend on who pays it."""
FIRST_PAY = "10"
"""``selfpay_prop_type``: 目录先自付."""


# ------------------------------------------------------------------------------------------- pages


class _Page:
    """Which rows are asked for; Refused when no such page can be."""

    def __init__(self, data: Row) -> None:
        for name, label in (("page_num", "当前页数"), ("page_size", "本页数据量")):
            if name not in data:
                raise missing(f"data.{name}", label)
        self.number: int = data["page_num"]
        self.size: int = data["page_size"]
        if self.number < 1:
            raise _bad_page("page_num（当前页数）", "应从1起", self.number, "data.page_num")
        if not 1 <= self.size <= PAGE_LIMIT:
            rule = f"应为1至{PAGE_LIMIT}"
            raise _bad_page("page_size（本页数据量）", rule, self.size, "data.page_size")

    @property
    def skip(self) -> int:
        return (self.number - 1) * self.size

    def answer(self, count: int, rows: Sequence[Node]) -> Node:
        """The page's rows with all that clients page by."""
        pages = -(-count // self.size)
        return {
            "data": rows,
            "firstPage": self.number == 1,
            "lastPage": self.number >= pages,
            "size": len(rows),
            "startRow": self.skip + 1 if rows else 0,
            "endRow": self.skip + len(rows) if rows else 0,
            "pageSize": self.size,
            "pageNum": self.number,
            "recordCounts": count,
            "pages": pages,
        }


def _bad_page(what: str, rule: str, value: int, field: str) -> Refused:
    return Refused(RefusalCode.FIELD_INVALID, f"data.{what}{rule}，实为{value}", field)


def _since(data: Row) -> datetime:
    """The instant from which on changes are wanted: midnight of ``updt_time``."""
    if "updt_time" not in data:
        raise missing("data.updt_time", "更新时间")
    return instant_of(datetime.combine(data["updt_time"], time()))


# ------------------------------------------------------------------------------------ lists of ours


@transaction("1304")
async def list_ethnic_drugs(call: Call) -> Any:
    """Ethnic drugs (民族药品目录查询)."""
    return await _list_drugs(call, "1304", CodeList.ETHNIC_DRUGS)


@transaction("1320")
async def list_granules(call: Call) -> Any:
    """Granules of Chinese slices (中药配方颗粒目录查询)."""
    return await _list_drugs(call, "1320", CodeList.GRANULES)


async def _list_drugs(call: Call, number: str, kind: CodeList) -> Any:
    data = call.input["data"]
    page = _Page(data)
    valid = data.get("vali_flag")
    names = ("drug_genname", "drug_prodname", "reg_name")
    wanted = ListedQuery(
        changed_since=_since(data),
        code=data.get("med_list_codg"),
        name=next((data[name] for name in names if name in data), None),
        valid=None if valid is None else valid == VALID,
    )
    async with call.context.database.reader([call.institution.code]) as connection:
        count, rows = await catalogue.listed(connection, kind, wanted, page.skip, page.size)
    return page.answer(count, [shaped(number, NODE, _drug(row)) for row in rows])


def _drug(row: Listed) -> Node:
    begin, changed = business_date(row.listed_at), business_date(row.changed_at)
    return {
        "med_list_codg": row.code,
        "drug_prodname": row.name,
        "drug_genname": row.name,
        "begndate": written_day(begin),
        "enddate": None if row.valid else written_day(changed),
        "vali_flag": flag(row.valid),
        "vail_flag": flag(row.valid),
        "rid": str(row.row),
        "ver": version_of(row.changed_at),
        "crte_time": written_day(begin),
        "updt_time": written_day(changed),
        **_NOBODY,
        "opt_time": written_day(changed),
    }


_NOBODY = {
    "crter_id": "system",
    "crter_name": "system",
    "crte_optins_no": "000000",
    "opter_id": "system",
    "opter_name": "system",
    "optins_no": "000000",
}
"""Who entered a row: an import did."""


# ------------------------------------------------------------------------------------------- terms


@transaction("1312")
async def list_terms(call: Call) -> Any:
    """The insurance list: class and use of each item (医保目录信息查询)."""

    def fields(terms: QueriedTerms) -> Node:
        return {
            "hilist_name": terms.name,
            "med_chrgitm_type": terms.charge_type,
            "chrgitm_lv": terms.item_class,
            "lmt_used_flag": flag(terms.restricted),
            "list_type": terms.list_type,
            "med_use_flag": USED_FOR_CARE,
            "matn_used_flag": NOT_FOR_MATERNITY,
            "hilist_use_type": BY_ITEM,
            "lmt_cpnd_type": "0",
        }

    return await _query(call, "1312", fields)


@transaction("1316")
async def list_correspondence(call: Call) -> Any:
    """National code → insurance-list code (医疗目录与医保目录匹配信息查询): here they are one."""
    own_code = call.input["data"].get("medins_list_codg")
    codes = None if own_code is None else await _items_of(call, own_code)

    def fields(terms: QueriedTerms) -> Node:
        return {"med_list_codg": terms.code, "list_type": terms.list_type}

    return await _query(call, "1316", fields, codes=codes)


@transaction("1318")
async def list_ceilings(call: Call) -> Any:
    """Price ceilings (医保目录限价信息查询), yuan."""

    def fields(terms: QueriedTerms) -> Node:
        assert terms.ceiling is not None, "only terms with a ceiling are asked for"
        # the table has a whole number of unknown scale; a ceiling is told in yuan and fen
        fen = round_half_up(terms.ceiling, 10 ** (PRICE_SCALE - 2))
        return {
            "hilist_lmtpric_type": BY_ITEM,
            "overlmt_dspo_way": EXCESS_IS_OWN,
            "hilist_pric_uplmt_amt": amount(fen),
            "tabname": _conditions(terms),
        }

    return await _query(call, "1318", fields, with_ceiling=True)


@transaction("1319")
async def list_first_pay(call: Call) -> Any:
    """First self-pay ratios (医保目录先自付比例信息查询)."""
    data = call.input["data"]
    wanted = data.get("selfpay_prop_type", FIRST_PAY), data.get("selfpay_prop_psn_type", ANYBODY)

    def fields(terms: QueriedTerms) -> Node:
        return {
            "selfpay_prop_psn_type": ANYBODY,
            "selfpay_prop_type": FIRST_PAY,
            "selfpay_prop": ratio(Rate(terms.first_pay)),
            "tabname": _conditions(terms),
        }

    codes = None if wanted == (FIRST_PAY, ANYBODY) else ()
    return await _query(call, "1319", fields, with_first_pay=True, codes=codes)


async def _query(
    call: Call,
    number: str,
    fields: Callable[[QueriedTerms], Node],
    *,
    with_ceiling: bool = False,
    with_first_pay: bool = False,
    codes: Sequence[str] | None = None,
) -> Any:
    data = call.input["data"]
    page = _Page(data)
    place = data.get("insu_admdvs") or data.get("poolarea_no") or call.term.area
    valid = data.get("vali_flag")
    restricted = data.get("lmt_used_flag")
    row = data.get("rid", "")
    query = TermsQuery(
        areas=(place, f"{place[:4]}00", f"{place[:2]}0000"),
        changed_since=_since(data),
        general=not (with_ceiling or with_first_pay),
        with_ceiling=with_ceiling,
        with_first_pay=with_first_pay,
        day=data.get("query_date"),
        valid=None if valid is None else valid == VALID,
        today=call.day,
        start=data.get("begndate"),
        code=data.get("hilist_code"),
        name=data.get("hilist_name"),
        list_type=data.get("list_type"),
        charge_type=data.get("med_chrgitm_type"),
        item_class=data.get("chrgitm_lv"),
        restricted=None if restricted is None else restricted == VALID,
        row=int(row) if row.isascii() and row.isdigit() and len(row) <= 18 else None,
        codes=None if codes is None else tuple(codes),
    )
    async with call.context.database.reader([call.institution.code]) as connection:
        count, rows = await catalogue.query_terms(connection, query, page.skip, page.size)
    return page.answer(
        count,
        [shaped(number, NODE, _terms(call, terms, place) | fields(terms)) for terms in rows],
    )


def _terms(call: Call, terms: QueriedTerms, place: str) -> Node:
    """What every answer about terms says; ``enddate`` is the last day, and belongs to them."""
    last = None if terms.end is None else terms.end - timedelta(days=1)
    recorded = written_day(business_date(terms.recorded_at))
    return {
        "hilist_code": terms.code,
        "insu_admdvs": terms.area or place,
        "poolarea_no": terms.area or place,
        "begndate": written_day(terms.start),
        "enddate": written_day(last),
        "vali_flag": flag(terms.start <= call.day and (last is None or call.day <= last)),
        "rid": str(terms.row),
        "updt_time": recorded,
        "crte_time": recorded,
        "opt_time": recorded,
        **_NOBODY,
    }


def _conditions(terms: QueriedTerms) -> str | None:
    """To which level, scheme or kind of care a row is limited, in the one free field there is."""
    said = (
        ("level", terms.level),
        ("insutype", terms.scheme),
        ("med_type", terms.care_kind),
    )
    return ",".join(f"{name}={value}" for name, value in said if value) or None


# ---------------------------------------------------------------------------------------- mappings


@transaction("1317")
async def list_mappings(call: Call) -> Any:
    """The institution's own items against the national list (医药机构目录匹配信息查询)."""
    data = call.input["data"]
    page = _Page(data)
    other = data.get("fixmedins_code", call.institution.code)
    if other != call.institution.code:
        raise Refused(
            RefusalCode.INSTITUTION_NOT_ALLOWED,
            f"data.fixmedins_code（定点医药机构编号）{other} 与报文的定点医药机构编号不一致",
            "data.fixmedins_code",
        )
    async with call.context.database.reader([call.institution.code]) as connection:
        found = await mappings.mappings(
            connection,
            call.institution.code,
            updated_after=_since(data),
            page=page.number,
            size=page.size,
            own_code=data.get("medins_list_codg"),
            list_type=data.get("list_type"),
            item=data.get("med_list_codg"),
            day=data.get("query_date", call.day if data.get("vali_flag") == VALID else None),
        )
    return page.answer(found.total, [_mapping(call, row) for row in found.rows])


def _mapping(call: Call, row: ItemMapping) -> Node:
    end = row.period.end
    recorded = written_day(business_date(row.recorded_at))
    values = {
        "list_type": row.list_type,
        "med_list_codg": row.item,
        "hilist_code": row.item,
        "insu_admdvs": call.term.area,
        "begndate": written_day(row.period.start),
        "vali_flag": flag(row.period.holds(call.day)),
        "rid": str(row.number),
        "opt_time": recorded,
        "updt_time": recorded,
        "fixmedins_code": row.institution,
        "medins_list_codg": row.own_code,
        "medins_list_name": row.own_name,
        "enddate": written_day(None if end is None else end - timedelta(days=1)),
    }
    extra = ("fixmedins_code", "medins_list_codg", "medins_list_name", "enddate")
    return shaped("1317", NODE, values, *extra)


async def _items_of(call: Call, own_code: str) -> list[str]:
    """The national codes that an item of the institution's stands for."""
    async with call.context.database.reader([call.institution.code]) as connection:
        found = await mappings.mappings(
            connection,
            call.institution.code,
            updated_after=None,
            page=1,
            size=PAGE_LIMIT,
            own_code=own_code,
        )
    return sorted({row.item for row in found.rows})
