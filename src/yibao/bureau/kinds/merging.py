"""Two files of one human made one, and documents exchanged."""

from collections.abc import Mapping
from typing import Any

from yibao.bureau import fields
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.kernel.money import yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.registry.merging import service as files
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.settlement.merging import service as bills


async def _merge(
    unit: Unit, office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    await bills.lock_bills(unit, [content["kept"], content["gone"]])
    kept = await _member(unit, office, content["kept"], "kept")
    gone = await _member(unit, office, content["gone"], "gone")
    merged = await files.merge(
        unit.connection, kept, gone, reason=proposal.reason, today=unit.day, now=unit.now
    )
    everywhere = await people.find_by_identity(unit.connection, office.vault, merged.kept)
    members = sorted({(one.membership.pool, one.membership.number) for one in everywhere})
    affected = await bills.affected(unit, kept, gone, members)
    moved = await bills.hand_over(unit, merged, content["kept"], proposal.reason)
    return {
        "moved": [number for _, number in merged.moved],
        "ended": [number for _, number in merged.ended],
        "account_moved": yuan(moved),
        "left_in_other_pools": [number for pool, number in merged.ended if pool != unit.pool],
        "affected": [
            {"settlement": one.settlement.text(), "member": one.member, "day": one.day.isoformat()}
            for one in affected
        ],
    }


async def _hand_over(
    unit: Unit, office: Office, content: Mapping[str, Any], proposal: Proposal
) -> Mapping[str, Any]:
    await bills.lock_bills(unit, [content["kept"], content["gone"]])
    kept = await _member(unit, office, content["kept"], "kept")
    gone = await _member(unit, office, content["gone"], "gone")
    moved = await bills.hand_over_later(unit, kept, gone, proposal.reason)
    return {"account_moved": yuan(moved)}


async def _exchange(
    unit: Unit, office: Office, content: Mapping[str, Any], _proposal: Proposal
) -> Mapping[str, Any]:
    insured = await _member(unit, office, content["member"], "member")
    await files.exchange_document(
        unit.connection,
        office.vault,
        insured,
        document_type=content["document_type"],
        document_number=content["document_number"],
        name=content.get("name"),
        now=unit.now,
    )
    return {"member": content["member"]}


async def _member(unit: Unit, office: Office, number: str, field: str) -> Insured:
    found = await people.load_members(unit.connection, office.vault, unit.pool, [number])
    if number not in found:
        raise Refused(
            RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不存在或不属于本统筹区", field
        )
    return found[number]


_POOL = Field("pool", "统筹区", fields.pool)

KINDS: tuple[Kind, ...] = (
    Kind(
        "files.merge",
        "个人档案合并",
        (
            _POOL,
            Field("kept", "保留的人员编号", fields.text),
            Field("gone", "并入的人员编号", fields.text),
        ),
        _merge,
        fields.pool_named,
    ),
    Kind(
        "files.hand_over",
        "合并后累计和账户转移",
        (
            _POOL,
            Field("kept", "保留的人员编号", fields.text),
            Field("gone", "已终止的人员编号", fields.text),
        ),
        _hand_over,
        fields.pool_named,
    ),
    Kind(
        "files.exchange_document",
        "证件变更",
        (
            _POOL,
            Field("member", "人员编号", fields.text),
            Field("document_type", "证件类型", fields.text),
            Field("document_number", "新证件号码", fields.text),
            Field("name", "变更后的姓名", fields.text, required=False),
        ),
        _exchange,
        fields.pool_named,
    ),
)
