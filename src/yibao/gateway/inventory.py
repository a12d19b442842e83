"""Goods of pharmacies and hospitals with their traceability codes (进销存): 3501 to 3507.

A message holds one record or a list. One record alone is done or refused as a whole, as the oldest
clients expect; a list, or a number with a letter (3505A), is answered row by row: ``infcode`` 0 and
``retRslt`` 1 or 0 with ``msgRslt`` in each row of ``result``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yibao.gateway.context import Call, missing, unlisted
from yibao.gateway.dispatch import transaction
from yibao.gateway.pools import pool_of_member, settlement_key
from yibao.gateway.reading import Row
from yibao.inventory.model import (
    DeleteGoods,
    GoodsRecorded,
    Movement,
    MovementKind,
    RecordGoods,
    Reference,
)
from yibao.inventory.service import recalled
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.money import QUANTITY_SCALE, Quantity
from yibao.kernel.periods import business_date, instant_of
from yibao.kernel.refusals import Refusal, RefusalCode, Refused

DONE, REFUSED = "1", "0"
"""``retRslt``."""
SPLIT = "1"
"""``trdn_flag``: part of an opened box."""

OUTGOING_CHANGES = frozenset({"102", "104", "105", "107"})
"""``inv_chg_type`` of what leaves: transferred, lost, destroyed, other. Inferred; other codes count
by the sign of ``cnt``."""
INCOMING_CHANGES = frozenset({"101", "103", "106", "108"})

PEOPLE = frozenset(
    {
        "prsc_dr_cert_type",
        "prsc_dr_certno",
        "prsc_dr_name",
        "phar_cert_type",
        "phar_certno",
        "phar_name",
        "phar_prac_cert_no",
        "psn_no",
        "psn_cert_type",
        "certno",
        "psn_name",
    }
)
"""Fields that name people: kept sealed."""

DELETED_KINDS = {
    "1": (MovementKind.STOCK_TAKING,),
    "2": (MovementKind.CHANGE,),
    "3": (MovementKind.PURCHASE, MovementKind.PURCHASE_RETURN),
    "4": (MovementKind.SALE, MovementKind.SALE_RETURN),
}
"""``inv_data_type`` of 3507: a kind's returns go with it."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How a transaction writes its records."""

    kind: MovementKind
    node: str
    quantity: str
    time: str
    label: str
    """Of the quantity."""
    scale: int = QUANTITY_SCALE


_STOCK_TAKING = _Form(
    MovementKind.STOCK_TAKING, "invinfo", "inv_cnt", "invdate", "库存数量", scale=2
)
_CHANGE = _Form(MovementKind.CHANGE, "invinfo", "cnt", "inv_chg_time", "数量")
_PURCHASE = _Form(
    MovementKind.PURCHASE, "purcinfo", "purc_retn_cnt", "purc_retn_stoin_time", "采购/退货数量"
)
_PURCHASE_RETURN = _Form(
    MovementKind.PURCHASE_RETURN,
    "purcinfo",
    "purc_retn_cnt",
    "purc_retn_stoin_time",
    "采购/退货数量",
)
_SALE = _Form(MovementKind.SALE, "selinfo", "sel_retn_cnt", "sel_retn_time", "销售/退货数量")
_SALE_RETURN = _Form(
    MovementKind.SALE_RETURN, "selinfo", "sel_retn_cnt", "sel_retn_time", "销售/退货数量"
)


@transaction("3501")
@transaction("3501A")
async def take_stock(call: Call) -> Any:
    """What was counted: the opening stock of its day (商品盘存上传)."""
    return await _record(call, _STOCK_TAKING)


@transaction("3502")
@transaction("3502A")
async def change_stock(call: Call) -> Any:
    """What came or went without purchase or sale (商品库存变更)."""
    return await _record(call, _CHANGE)


@transaction("3503")
@transaction("3503A")
async def buy(call: Call) -> Any:
    """What was bought, with the codes of its boxes (商品采购)."""
    return await _record(call, _PURCHASE)


@transaction("3504")
@transaction("3504A")
async def return_purchase(call: Call) -> Any:
    """What went back to the supplier (商品采购退货)."""
    return await _record(call, _PURCHASE_RETURN)


@transaction("3505")
@transaction("3505A")
async def sell(call: Call) -> Any:
    """What was sold; a box's traceability code is sold once (商品销售)."""
    return await _record(call, _SALE)


@transaction("3506")
@transaction("3506A")
async def return_sale(call: Call) -> Any:
    """What a buyer brought back; the box may be sold again (商品销售退货)."""
    return await _record(call, _SALE_RETURN)


@transaction("3507")
@transaction("3507A")
async def delete(call: Call) -> Any:
    """Delete the records of a serial number and kind (商品信息删除)."""
    rows = call.input["data"] if isinstance(call.input["data"], list) else [call.input["data"]]
    if len(rows) != 1:
        raise Refused(RefusalCode.FIELD_INVALID, "data（删除条件）一次应为一条", "data")
    serial = _needed(rows[0], "data", "fixmedins_bchno", "定点医药机构批次流水号")
    kind = _needed(rows[0], "data", "inv_data_type", "进销存数据类型")
    kinds = DELETED_KINDS.get(kind.lstrip("0"))
    if kinds is None:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"data.inv_data_type（进销存数据类型）{kind} 无效，应为1、2、3、4",
            "data.inv_data_type",
        )
    institution = call.institution.code
    request = DeleteGoods(institution, serial, kinds)
    await call.perform(NO_PERSON_POOL, institution, request, _nothing)


# ------------------------------------------------------------------------------------------ record


async def _record(call: Call, form: _Form) -> Any:
    places = list(_rows(call, form))
    if not places:
        raise Refused(RefusalCode.BATCH_EMPTY, f"{form.node}（商品信息）至少一条", form.node)
    by_row = len(places) > 1 or len(call.envelope.number) > len("3505")
    rows: list[Movement | Refusal] = []
    for place, row in places:
        try:
            rows.append(_movement(call, form, place, row))
        except Refused as refused:
            if not by_row:
                raise
            rows.append(refused.refusal)
    institution = call.institution.code
    facts: GoodsRecorded = await call.perform(
        NO_PERSON_POOL, institution, RecordGoods(institution, tuple(rows), by_row), _recall
    )
    warnings = [
        *unlisted(call, (row.item for row in rows if isinstance(row, Movement))),
        *facts.warnings,
    ]
    call.progress.warning = "；".join(warnings) or None
    return {
        "result": [
            {
                "fixmedins_bchno": row.get("fixmedins_bchno"),
                "retRslt": REFUSED if place in facts.refused else DONE,
                "msgRslt": facts.refused.get(place, ""),
            }
            for place, (_, row) in enumerate(places)
        ]
    }


def _rows(call: Call, form: _Form) -> Iterator[tuple[str, Row]]:
    """The records with their places; the list form has a node name of its own."""
    for node in (form.node, f"{form.node}Detail"):
        for place, row in enumerate(call.input.get(node, ()), 1):
            yield f"{node}[{place}]", row


def _movement(call: Call, form: _Form, place: str, row: Row) -> Movement:
    moved_at = row.get(form.time)
    if moved_at is None:
        moved_at = call.received
    elif not isinstance(moved_at, datetime):  # a stock-taking names its day alone
        moved_at = instant_of(datetime.combine(moved_at, datetime.min.time()))
    item = _needed(row, place, "med_list_codg", "医疗目录编码")
    return Movement(
        kind=form.kind,
        serial=_needed(row, place, "fixmedins_bchno", "定点医药机构批次流水号"),
        item=item,
        institution_item=row.get("fixmedins_hilist_id") or item,
        quantity=_quantity(form, place, row),
        moved_at=moved_at,
        day=business_date(moved_at),
        codes=_codes(row),
        split=row.get("trdn_flag") == SPLIT,
        reference=_reference(call, row),
        details={
            name: value
            for name, value in row.items()
            if name not in PEOPLE and name != "drugtracinfo"
        },
        people={name: value for name, value in row.items() if name in PEOPLE},
    )


def _quantity(form: _Form, place: str, row: Row) -> Quantity:
    """What the stock gains or, below zero, loses; of a stock-taking what was counted."""
    sent = row.get(form.quantity)
    if sent is None:
        raise missing(f"{place}.{form.quantity}", form.label)
    value: int = sent * 10 ** (QUANTITY_SCALE - form.scale)
    if form.kind is MovementKind.STOCK_TAKING:
        if value < 0:
            raise _out_of_range(form, place, "不得为负")
        return value
    if value == 0:
        raise _out_of_range(form, place, "不得为0")
    if form.kind is MovementKind.CHANGE:
        kind = row.get("inv_chg_type", "")
        if kind in OUTGOING_CHANGES:
            return -abs(value)
        return abs(value) if kind in INCOMING_CHANGES else value
    if form.kind in (MovementKind.PURCHASE_RETURN, MovementKind.SALE_RETURN):
        value = abs(value)  # some write a return with its sign
    elif value < 0:
        raise _out_of_range(form, place, "须大于0，退货请用退货交易")
    leaves = form.kind in (MovementKind.SALE, MovementKind.PURCHASE_RETURN)
    return -value if leaves else value


def _out_of_range(form: _Form, place: str, rule: str) -> Refused:
    return Refused(
        RefusalCode.AMOUNT_OUT_OF_RANGE,
        f"{place}.{form.quantity}（{form.label}）{rule}",
        f"{place}.{form.quantity}",
    )


def _codes(row: Row) -> tuple[str, ...]:
    """Traceability codes from the list or, in older tables, the record's own field."""
    listed = [one["drug_trac_codg"] for one in row["drugtracinfo"] if "drug_trac_codg" in one]
    own = row.get("drug_trac_codg")
    return tuple(listed if own is None or own in listed else [own, *listed])


def _reference(call: Call, row: Row) -> Reference | None:
    """The person and settlement a record names, their pool made sure of."""
    member, settled = row.get("psn_no"), row.get("setl_id")
    if member is not None:
        pool = pool_of_member(call, member)
        return Reference(pool, member, settlement_key(settled, pool) if settled else None)
    if settled is None:
        return None
    key = parse_pool_key(settled)
    if key is None:
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN,
            f"setl_id（结算ID）{settled} 不存在或不属于本机构",
            "setl_id",
        )
    return Reference(key.pool, None, key)


def _needed(row: Row, place: str, name: str, label: str) -> str:
    value: str | None = row.get(name)
    if value is None:
        raise missing(f"{place}.{name}", label)
    return value


async def _recall(reference: Mapping[str, Any]) -> GoodsRecorded:
    return recalled(reference)


async def _nothing(_reference: Mapping[str, Any]) -> None:
    """A deletion that is answered again says nothing more."""
