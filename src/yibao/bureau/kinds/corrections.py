"""Re-settlement, supplements, cancellations after a closed period."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from yibao.bureau import fields
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.kernel.money import yuan
from yibao.platform.commands.model import Unit
from yibao.policy.terms import Scheme
from yibao.settlement.corrections import service
from yibao.settlement.corrections.model import AddPayer, CloseYear, Renewal, Resettle, Resettled

_RENEWALS = {
    Renewal.COUNTERS.value: "仅按现行累计",
    Renewal.FACTS.value: "按现行档案和目录",
    Renewal.LAW.value: "按现行规则",
    Renewal.ALL.value: "按现行档案、目录和规则",
}


async def _cancel(
    unit: Unit, _office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    settlement = fields.read_key(content["settlement"])
    mirror = await service.cancel(unit, settlement, proposal.key.text())
    assert mirror.key is not None
    return {
        "cancellation": mirror.key.text(),
        "institution": mirror.institution,
        "total": yuan(mirror.sums.total),
        "funds": yuan(mirror.funds),
        "account": yuan(mirror.account),
        "family": yuan(mirror.family),
        "cash": yuan(mirror.cash),
    }


async def _resettle(
    unit: Unit, office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    request = Resettle(
        content["member"],
        Renewal(content.get("by", Renewal.COUNTERS.value)),
        date.fromisoformat(content["since"]) if "since" in content else None,
    )
    reference = await office.references.current(unit.connection)
    return _told(await service.resettle(unit, request, reference, office.vault, proposal.key))


async def _add_payer(
    unit: Unit, office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    request = AddPayer(
        content["member"],
        date.fromisoformat(content["first_day"]),
        date.fromisoformat(content["last_day"]),
    )
    reference = await office.references.current(unit.connection)
    return _told(await service.add_payer(unit, request, reference, office.vault, proposal.key))


async def _close_year(
    unit: Unit, _office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    request = CloseYear(Scheme(content["scheme"]), date.fromisoformat(content["until"]))
    await service.close_year(unit, request, proposal.decided_by or proposal.proposed_by)
    return {"scheme": request.scheme, "closed_until": request.until.isoformat()}


def _told(found: Resettled) -> Mapping[str, Any]:
    return {
        "looked_at": found.looked_at,
        "bills": [
            {
                "settlement": one.settlement.text(),
                "supplement": one.supplement.text(),
                "differences": {name: yuan(amount) for name, amount in one.differences.items()},
            }
            for one in found.changed
        ],
        "flags_resolved": found.resolved,
        "owed_to_person": yuan(found.owed),
        "back_to_accounts": yuan(found.to_accounts),
    }


_POOL = Field("pool", "统筹区", fields.pool)
_MEMBER = Field("member", "人员编号", fields.text)

KINDS: tuple[Kind, ...] = (
    Kind(
        "corrections.cancel",
        "经办撤销结算",
        (Field("settlement", "结算ID", fields.key),),
        _cancel,
        fields.pool_of_key("settlement"),
    ),
    Kind(
        "corrections.resettle",
        "重新结算",
        (
            _POOL,
            _MEMBER,
            Field("by", "重算依据", fields.one_of(_RENEWALS), required=False),
            Field("since", "起始费用日期", fields.day, required=False),
        ),
        _resettle,
        fields.pool_named,
    ),
    Kind(
        "corrections.supplement",
        "补充结算",
        (
            _POOL,
            _MEMBER,
            Field("first_day", "起始费用日期", fields.day),
            Field("last_day", "截止费用日期", fields.day),
        ),
        _add_payer,
        fields.pool_named,
    ),
    Kind(
        "corrections.close_year",
        "年度关账",
        (
            _POOL,
            Field("scheme", "险种", fields.text),
            Field("until", "年度最后一日", fields.day),
        ),
        _close_year,
        fields.pool_named,
    ),
)
