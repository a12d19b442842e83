"""The mobile-payment centre (移动支付): 6201 to 6401.

Orders are registered, checked and kept with their state. No money moves yet: an order that is paid
counts as cash in full, no account or fund is touched, and no bill is settled by it.
"""

from collections.abc import Mapping
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.pools import pool_of_member, unknown_member, visit_key
from yibao.gateway.reading import Row, digest
from yibao.gateway.rendering import shaped
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import yuan
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.payments import service as orders
from yibao.payments.model import (
    OrderFacts,
    OrderLine,
    OrderState,
    PayOrder,
    RefundOrder,
    RefundPart,
    RegisterOrder,
    Split,
    WithdrawOrder,
)
from yibao.registry.people.service import load_members

ORDER_STATES = {
    OrderState.REGISTERED: "0",
    OrderState.PAID: "6",
    OrderState.REFUNDED: "7",
    OrderState.INSURANCE_REFUNDED: "8",
    OrderState.CASH_REFUNDED: "9",
    OrderState.CASH_PARTLY_REFUNDED: "10",
    OrderState.INSURANCE_AND_CASH_PARTLY_REFUNDED: "11",
    OrderState.WITHDRAWN: "12",
}
"""``ordStas``: 0–2 under way, 3–6 settled, 7–13 undone (``mobile_ord_stas``); which number in a
range is which is inferred."""

SUCCEEDED = "SUCC"
"""``refStatus``."""


@transaction("6201")
async def register(call: Call) -> Any:
    """Register an order of priced lines; its number again is the same order (费用明细上传)."""
    data = call.input["data"]
    _check_institution(call, data)
    if not (data.get("ecToken") or data.get("payAuthNo")):
        raise missing("data.ecToken", "电子凭证授权ecToken")
    if not (data.get("ecToken") or data.get("mdtrtId")):
        raise missing("data.mdtrtId", "就诊ID")
    member = data["psnNo"]
    pool = pool_of_member(call, member, data["insutype"])
    visit = visit_key(call, data["mdtrtId"], member) if data.get("mdtrtId") else None
    facts: OrderFacts = await call.perform(
        pool,
        member,
        RegisterOrder(
            institution=call.institution.code,
            member=member,
            hospital_order=data["medOrgOrd"],
            batch=data["chrgBchno"],
            fee_kind=data["feeType"],
            visit=visit,
            total=data["medfeeSumamt"],
            lines=tuple(_line(row) for row in data["feedetailList"]),
            document_type=data["idType"],
            document_number=data["idNo"],
            name=data["userName"],
            digest=digest(call.input),
            content=data,
        ),
        _recall(call),
    )
    return {
        "data": {
            "payOrdId": facts.key.text(),
            "payToken": orders.token_of(call.context.vault, facts.key),
            "extData": {"mdtrtId": facts.visit},
        }
    }


def _line(row: Row) -> OrderLine:
    if "detItemFeeSumamt" not in row:
        raise missing("data.feedetailList.detItemFeeSumamt", "明细项目费用总额")
    return OrderLine(row["detItemFeeSumamt"], row.get("pric"), row.get("cnt"))


@transaction("6202")
async def pay(call: Call) -> Any:
    """Pay an order (支付下单)."""
    data = call.input["data"]
    _check_institution(call, data)
    key = _order_key(call, data, with_token=True)
    request = PayOrder(
        institution=call.institution.code,
        order=key,
        serial=data.get("orgBizSer") or call.envelope.message_id,
        batch=data.get("chrgBchno"),
        fee_kind=data.get("feeType"),
        visit=data.get("mdtrtId"),
    )
    facts: OrderFacts = await call.perform(key.pool, key.text(), request, _recall(call))
    return {"data": {"payOrdId": key.text(), **_paid_fields(facts)}}


@transaction("6203")
async def refund(call: Call) -> Any:
    """Refund an order, all of it or one part (医保退费)."""
    data = call.input["data"]
    key = _order_key(call, data, with_token=False)
    if bool(data.get("ecToken")) == bool(data.get("payAuthNo")):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            "data.ecToken（电子凭证令牌）与 data.payAuthNo（支付授权码）应且只应有一个",
            "data.ecToken",
        )
    split = Split(
        fund=data.get("fundRefdAmt", 0),
        account=data.get("psnAcctRefdAmt", 0),
        cash=data.get("cashRefdAmt", 0),
    )
    total = _needed(data, "totlRefdAmt", "总退费金额")
    if split.total != total:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"data.totlRefdAmt（总退费金额）{yuan(total)} 与基金、个人账户、现金退费之和 "
            f"{yuan(split.total)} 不一致",
            "data.totlRefdAmt",
        )
    part = _needed(data, "refdType", "退费类型")
    if part not in set(RefundPart):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"data.refdType（退费类型）{part} 无效，应为ALL、CASH、HI",
            "data.refdType",
        )
    serial = _needed(data, "appRefdSn", "应用退款流水号")
    request = RefundOrder(call.institution.code, key, serial, RefundPart(part), split)
    await call.perform(key.pool, key.text(), request, _recall(call))
    return {"data": {"refStatus": SUCCEEDED}}


@transaction("6301")
async def find_order(call: Call) -> Any:
    """An order's state, and its amounts once it is settled (医保订单结算结果查询)."""
    data = call.input["data"]
    facts = await _asked(call, data)
    standing = facts.standing
    last = standing.events[-1].recorded_at if standing.events else facts.recorded_at
    fields = {
        "payOrdId": facts.key.text(),
        "setlType": RefundPart.ALL.value,
        "callType": "",
        "medOrgOrd": facts.hospital_order,
        "traceTime": f"{local_time(last):%Y%m%d%H%M%S}",
        "revsToken": orders.reversal_token_of(call.context.vault, facts.key),
        "ordStas": ORDER_STATES[standing.state],
    }
    if standing.state is OrderState.PAID:
        fields |= _paid_fields(facts)
    return {"data": shaped("6301", "data", fields)}


@transaction("6401")
async def withdraw(call: Call) -> Any:
    """Withdraw an order that was not paid (费用明细上传撤销)."""
    facts = await _asked(call, call.input["data"])
    key = facts.key
    request = WithdrawOrder(call.institution.code, key)
    await call.perform(key.pool, key.text(), request, _recall(call))
    return {"data": {"success": True, "message": "撤销成功"}}


# ----------------------------------------------------------------------------------------- shared


def _paid_fields(facts: OrderFacts) -> dict[str, str]:
    """State and amounts as text: ``feeSumamt = fundPay + psnAcctPay + ownPayAmt``."""
    paid = facts.standing.paid
    return {
        "ordStas": ORDER_STATES[facts.standing.state],
        "feeSumamt": yuan(paid.total),
        "ownPayAmt": yuan(paid.cash),
        "psnAcctPay": yuan(paid.account),
        "fundPay": yuan(paid.fund),
    }


async def _asked(call: Call, data: Row) -> OrderFacts:
    """The order that a query names, if its token and person are right."""
    _check_institution(call, data)
    key = _order_key(call, data, with_token=True)
    async with call.context.database.reader([call.institution.code]) as connection:
        facts = await orders.order(connection, key)
        if facts is None:
            raise orders.unknown(key.text())
        members = await load_members(connection, call.context.vault, key.pool, [facts.member])
    member = members.get(facts.member)
    if member is None:
        raise unknown_member(facts.member)
    for name, label, held in (
        ("idNo", "证件号码", member.identity.document_number.upper()),
        ("userName", "用户姓名", member.identity.name),
    ):
        if name in data and data[name].upper() != held:
            raise Refused(
                RefusalCode.PERSON_DIFFERS,
                f"data.{name}（{label}）与订单的人员不一致",
                f"data.{name}",
            )
    return facts


def _order_key(call: Call, data: Row, *, with_token: bool) -> PoolKey:
    text = _needed(data, "payOrdId", "支付订单号")
    key = parse_pool_key(text)
    known = call.reference.directory.pools
    if key is None or key.pool not in known or key.pool == NO_PERSON_POOL:
        raise orders.unknown(text)
    if with_token:
        token = _needed(data, "payToken", "支付令牌")
        if not orders.is_token(call.context.vault, key, token):
            raise Refused(
                RefusalCode.ORDER_UNKNOWN,
                "data.payToken（支付令牌）与支付订单号不符",
                "data.payToken",
            )
    return key


def _check_institution(call: Call, data: Row) -> None:
    if data.get("orgCodg", call.institution.code) != call.institution.code:
        raise Refused(
            RefusalCode.INSTITUTION_NOT_ALLOWED,
            f"data.orgCodg（机构编码）{data['orgCodg']} 与报文机构 {call.institution.code} 不一致",
            "data.orgCodg",
        )


def _needed(data: Row, name: str, label: str) -> Any:
    if name not in data:
        raise missing(f"data.{name}", label)
    return data[name]


def _recall(call: Call) -> Any:
    """How an order is found again for a message that is answered again."""

    async def recall(reference: Mapping[str, Any]) -> OrderFacts:
        key = parse_pool_key(reference["order"])
        assert key is not None, reference
        async with call.context.database.reader([call.institution.code]) as connection:
            return await orders.recalled(connection, key, reference)

    return recall
