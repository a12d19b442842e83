"""Manual reimbursement (零星报销) by a clerk."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from yibao.bureau import fields
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.kernel.areas import Division
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE, scaled, yuan
from yibao.platform.commands.model import Unit
from yibao.policy.terms import CareKind, Level, Scheme
from yibao.registry.merging import service as files
from yibao.registry.people import service as people
from yibao.settlement.manual_claims import service
from yibao.settlement.manual_claims.model import (
    OWN_EXPENSE,
    Claim,
    ClaimedLine,
    ClaimedPlace,
    Release,
)
from yibao.settlement.model import SettlementFacts

_LEVELS = {
    Level.GRASS_ROOTS.value: "基层",
    Level.FIRST.value: "一级",
    Level.SECOND.value: "二级",
    Level.THIRD.value: "三级",
    Level.PROVINCIAL.value: "省部属",
}


def _number(scale: int) -> fields.Parse:
    def parse(value: str) -> str:
        """A number above zero."""
        try:
            found = scaled(value.strip(), scale)
        except ValueError:
            raise ValueError(f"应为最多{scale}位小数的数，不能是 {value!r}") from None
        if found <= 0:
            raise ValueError("应大于零")
        return value.strip()

    return parse


_LINE = (
    Field("day", "费用日期", fields.day),
    Field("item", "医疗目录编码", fields.text, required=False),
    Field("name", "项目名称", fields.text),
    Field("quantity", "数量", _number(QUANTITY_SCALE), required=False),
    Field("price", "单价", _number(PRICE_SCALE), required=False),
    Field("amount", "金额", fields.positive_amount),
    Field("approved", "限用项目是否符合", fields.yes_or_no, required=False),
)


async def _enter(
    unit: Unit, office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    claim = _claim(content)
    reference = await office.references.current(unit.connection)
    await files.hold_members(unit.connection, unit.pool, [claim.member])
    insured = await people.load_members(unit.connection, office.vault, unit.pool, [claim.member])
    settled = await service.enter(
        unit, claim, insured.get(claim.member), reference, _release(proposal)
    )
    return _told(settled)


async def _cancel(
    unit: Unit, _office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    settlement = fields.read_key(content["settlement"])
    return _told(await service.cancel(unit, settlement, proposal.key.text()))


def _release(proposal: Proposal) -> Release:
    """In a trial nobody has released it yet."""
    released_by = proposal.decided_by or proposal.proposed_by
    return Release(proposal.key, proposal.proposed_by, released_by, proposal.remark)


def _claim(content: Mapping[str, Any]) -> Claim:
    discharged = content.get("discharged")
    division = content.get("division")
    return Claim(
        member=content["member"],
        scheme=Scheme(content["scheme"]),
        care_kind=CareKind(content["care_kind"]),
        place=ClaimedPlace(
            content.get("institution"),
            content.get("institution_name", ""),
            Level(content.get("level", Level.THIRD.value)),
            None if division is None else Division(division),
        ),
        first_day=date.fromisoformat(content["first_day"]),
        discharged=None if discharged is None else date.fromisoformat(discharged),
        invoice=content["invoice"],
        total=fields.fen(content["total"]),
        lines=tuple(_line(line) for line in content["lines"]),
        diagnosis=content["diagnosis"],
        disease=content.get("disease"),
    )


def _line(told: Mapping[str, Any]) -> ClaimedLine:
    """A line without quantity and price is one piece at its amount."""
    quantity = told.get("quantity", "1")
    return ClaimedLine(
        day=date.fromisoformat(told["day"]),
        item=told.get("item", OWN_EXPENSE),
        name=told["name"],
        quantity=scaled(quantity, QUANTITY_SCALE),
        price=scaled(told.get("price", told["amount"]), PRICE_SCALE),
        amount=fields.fen(told["amount"]),
        approved=told.get("approved"),
    )


def _told(settled: SettlementFacts) -> Mapping[str, Any]:
    assert settled.key is not None
    return {
        "settlement": settled.key.text(),
        "total": yuan(settled.sums.total),
        "own": yuan(settled.sums.own),
        "in_scope": yuan(settled.sums.in_scope),
        "deductible": yuan(settled.deductible),
        "funds": {payment.fund: yuan(payment.amount) for payment in settled.payments},
        "owed_to_person": yuan(settled.funds),
        "personal": yuan(settled.personal),
    }


KINDS: tuple[Kind, ...] = (
    Kind(
        "manual_claims.enter",
        "零星报销",
        (
            Field("pool", "统筹区", fields.pool),
            Field("member", "人员编号", fields.text),
            Field("scheme", "险种", fields.text),
            Field("care_kind", "医疗类别", fields.text),
            Field("institution", "定点医药机构编号", fields.text, required=False),
            Field("institution_name", "非定点机构名称", fields.text, required=False),
            Field("level", "非定点机构等级", fields.one_of(_LEVELS), required=False),
            Field("division", "非定点机构所在区划", fields.pool, required=False),
            Field("first_day", "就诊（入院）日期", fields.day),
            Field("discharged", "出院日期", fields.day, required=False),
            Field("invoice", "票据号", fields.text),
            Field("total", "票据总额", fields.positive_amount),
            Field("diagnosis", "诊断代码", fields.text),
            Field("disease", "门诊慢特病病种编码", fields.text, required=False),
            Field("lines", "费用明细", fields.rows(_LINE)),
        ),
        _enter,
        fields.pool_named,
    ),
    Kind(
        "manual_claims.cancel",
        "撤销零星报销",
        (Field("settlement", "结算ID", fields.key),),
        _cancel,
        fields.pool_of_key("settlement"),
    ),
)
