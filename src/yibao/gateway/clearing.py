"""Clearing applications (清算申请): 3203, withdrawn by 3204."""

from collections.abc import Mapping
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.rendering import shaped
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.clearing.model import (
    Application,
    ApplyForClearing,
    ClearingClass,
    WithdrawApplication,
)
from yibao.settlement.clearing.service import recall_application


@transaction("3203")
async def apply(call: Call) -> Any:
    """Apply for the clearing of a month; refused unless every figure is ours."""
    data = call.input["data"]
    for name, label in (
        ("clr_type", "清算类别"),
        ("setlym", "清算年月"),
        ("fund_appy_sum", "基金申报总额"),
    ):
        if name not in data:
            raise missing(f"data.{name}", label)
    if data["clr_type"] not in set(ClearingClass):
        raise Refused(
            RefusalCode.CODE_UNKNOWN,
            f"data.clr_type（清算类别）{data['clr_type']} 无效，应为{'、'.join(ClearingClass)}",
            "data.clr_type",
        )
    application = await _perform(
        call,
        call.institution.home_pool,
        ApplyForClearing(
            institution=call.institution.code,
            clearing_class=data["clr_type"],
            way=data.get("clr_way"),
            month=data["setlym"],
            first_day=data["begndate"],
            last_day=data["enddate"],
            visits=data.get("psntime"),
            total=data["medfee_sumamt"],
            in_scope=data.get("med_sumfee"),
            funds=data["fund_appy_sum"],
            account=data["acct_pay"],
            cash=data["cash_payamt"],
        ),
    )
    return {"result": shaped("3203", "result", {"clr_appy_evt_id": application.key.text()})}


@transaction("3204")
async def withdraw(call: Call) -> Any:
    """Withdraw an application that is not decided (清算申请撤销)."""
    number = call.input["data"].get("clr_appy_evt_id")
    if number is None:
        raise missing("data.clr_appy_evt_id", "机构清算申请事件ID")
    key = parse_pool_key(number)
    if key is None or key.pool not in call.reference.directory.pools:
        raise Refused(
            RefusalCode.CLEARING_UNKNOWN,
            f"data.clr_appy_evt_id（机构清算申请事件ID）{number} 不存在或不属于本机构",
            "data.clr_appy_evt_id",
        )
    await _perform(call, key.pool, WithdrawApplication(call.institution.code, key))


async def _perform(
    call: Call, pool: Pool, request: ApplyForClearing | WithdrawApplication
) -> Application:
    async def recall(reference: Mapping[str, Any]) -> Application:
        async with call.context.database.reader([call.institution.code]) as connection:
            return await recall_application(connection, reference)

    application: Application = await call.perform(pool, call.institution.code, request, recall)
    return application
