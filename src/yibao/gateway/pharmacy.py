"""Purchases at a pharmacy (药店购药): 2101 tries, 2102 buys, 2103 takes back.

The tables of this family rest on names alone, so they enforce nothing: what a purchase cannot do
without is enforced here.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from yibao.gateway.context import Call, missing, warn_of_unlisted
from yibao.gateway.dispatch import transaction
from yibao.gateway.fee_lines import fee_line
from yibao.gateway.pools import (
    check_pool,
    pool_of_member,
    settlement_key,
    unknown_settlement,
    visit_key,
)
from yibao.gateway.reading import Row
from yibao.gateway.rendering import Node, priced_fields, settlement_output, shaped
from yibao.gateway.settling import boxes_told, insured_of
from yibao.gateway.vouchers import member_shown, voucher_holder, voucher_type
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import CareKind, Scheme
from yibao.settlement import service as settlements
from yibao.settlement.model import (
    CancelSettlement,
    FeeLine,
    Purchase,
    SettlementFacts,
)

PURCHASE = CareKind("41")
"""``med_type`` of an ordinary purchase at a pharmacy (定点药店购药)."""

_NEEDED = (("mdtrt_cert_type", "就诊凭证类型"), ("medfee_sumamt", "医疗费总额"))
_NEEDED_OF_LINES = (
    ("feedetl_sn", "费用明细流水号"),
    ("med_list_codg", "医疗目录编码"),
    ("medins_list_codg", "医药机构目录编码"),
    ("det_item_fee_sumamt", "明细项目费用总额"),
    ("cnt", "数量"),
    ("pric", "单价"),
)


@transaction("2101")
async def try_purchase(call: Call) -> Any:
    """What 2102 would answer now, without writing (药店预结算)."""
    pool, request = await _purchase(call)
    facts: SettlementFacts = await call.context.trials.ask(pool, request)
    return await _output(call, "2101", pool, facts)


@transaction("2102")
async def purchase(call: Call) -> Any:
    """Buy: visit, lines and settlement in one message (药店结算)."""
    pool, request = await _purchase(call)
    facts: SettlementFacts = await call.perform(pool, request.member, request)
    return await _output(call, "2102", pool, facts)


async def _purchase(call: Call) -> tuple[Pool, Purchase]:
    info = call.input["druginfo"]
    _check_needed(info, _NEEDED, "druginfo")
    scheme, begin = info.get("insutype"), info.get("begntime", call.received)
    pool, number = await _buyer(call, info, scheme, business_date(begin))
    boxes = boxes_told(
        (call.input, None), *((row, row.get("feedetl_sn")) for row in call.input["drugdetail"])
    )
    lines = _lines({**info, "begntime": begin}, call.input["drugdetail"])
    prescriptions = [row["rxno"] for row in call.input["drugdetail"] if "rxno" in row]
    return pool, Purchase(
        institution=call.institution.code,
        member=number,
        scheme=Scheme(scheme) if scheme else None,
        care_kind=CareKind(info.get("med_type", PURCHASE)),
        begin=begin,
        voucher_type=voucher_type(info),
        voucher_number=info.get("mdtrt_cert_no"),
        total=info["medfee_sumamt"],
        use_account=info.get("acct_used_flag", "1") == "1",
        lines=lines,
        message_id=call.envelope.message_id,
        disease_code=info.get("dise_codg"),
        disease_name=info.get("dise_name"),
        invoice=info.get("invono"),
        prescription=prescriptions[0] if prescriptions else None,
        practice=call.dialect.practice,
        voucher_holder=await voucher_holder(call, info),
        boxes=boxes,
    )


async def _buyer(call: Call, info: Row, scheme: str | None, day: date) -> tuple[Pool, str]:
    """Pool and number of the member: as named, else as the voucher shows."""
    if "psn_no" in info:
        return pool_of_member(call, info["psn_no"], scheme), info["psn_no"]
    held = (await member_shown(call, info, scheme, day)).membership
    check_pool(call, held.pool, scheme)
    return held.pool, held.number


def _lines(info: Row, rows: Sequence[Row]) -> tuple[FeeLine, ...]:
    if not rows:
        raise Refused(RefusalCode.BATCH_EMPTY, "drugdetail（费用明细）至少一条", "drugdetail")
    for place, row in enumerate(rows, 1):
        _check_needed(row, _NEEDED_OF_LINES, f"drugdetail[{place}]")
    bought = {"fee_ocur_time": info["begntime"]}
    told = ({name: row[name] for name in row if name != "drug_trac_info"} for row in rows)
    return tuple(fee_line({**bought, **row}) for row in told)


def _check_needed(row: Row, needed: Sequence[tuple[str, str]], place: str) -> None:
    for name, label in needed:
        if name not in row:
            raise missing(f"{place}.{name}", label)


async def _output(call: Call, number: str, pool: Pool, facts: SettlementFacts) -> Node:
    insured = await insured_of(call, pool, facts)
    warn_of_unlisted(call, (line.line.item for line in facts.lines))
    return {
        **settlement_output(number, facts, insured, call.reference),
        "detlcutinfo": [shaped(number, "detlcutinfo", priced_fields(line)) for line in facts.lines],
    }


# ------------------------------------------------------------------------------------------- 2103


@transaction("2103")
async def cancel_purchase(call: Call) -> Any:
    """Mirror a purchase under a new number with negative amounts (药店结算撤销)."""
    data = call.input["data"]
    if "setl_id" not in data:
        raise missing("data.setl_id", "结算ID")
    visit, settlement, member = await _bought(call, data)
    mirror: SettlementFacts = await call.perform(
        settlement.pool,
        member,
        CancelSettlement(
            institution=call.institution.code,
            member=member,
            visit=visit,
            settlement=settlement,
            message_id=call.envelope.message_id,
        ),
    )
    return settlement_output("2103", mirror, None, call.reference)


async def _bought(call: Call, data: Row) -> tuple[PoolKey, PoolKey, str]:
    """Visit, settlement and member: a pharmacy may know the settlement's number alone."""
    if "psn_no" in data and "mdtrt_id" in data:
        visit = visit_key(call, data["mdtrt_id"], data["psn_no"])
        return visit, settlement_key(data["setl_id"], visit.pool), data["psn_no"]
    key = parse_pool_key(data["setl_id"])
    if key is None:
        raise unknown_settlement(data["setl_id"])
    async with call.context.database.reader([call.institution.code]) as connection:
        facts = await settlements.settlement(connection, key)
    if facts is None:
        raise unknown_settlement(data["setl_id"])
    for name, known in (("psn_no", facts.member), ("mdtrt_id", facts.visit.text())):
        if data.get(name, known) != known:
            raise unknown_settlement(data["setl_id"])
    check_pool(call, key.pool)
    return facts.visit, key, facts.member
