"""What the settlements of outpatients, stays and purchases have in common at this edge."""

from typing import Any

from yibao.adjudication.model import Sums
from yibao.gateway.context import Call
from yibao.gateway.pools import settlement_key, visit_key
from yibao.gateway.reading import Row
from yibao.gateway.rendering import Node, settlement_output
from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.people.model import Insured
from yibao.registry.people.service import load_members
from yibao.settlement.model import Box, CancelSettlement, SettlementFacts

_SUMS = (
    ("fulamt_ownpay_amt", "全自费金额"),
    ("overlmt_selfpay", "超限价自费费用"),
    ("preselfpay_amt", "先行自付金额"),
    ("inscp_scp_amt", "符合政策范围金额"),
)


def sums_handed_back(data: Row) -> Sums | None:
    """The five sums as the caller has them; None where the message does not carry them.

    They are checked together, so a message carries all or none.
    """
    absent = [(name, label) for name, label in _SUMS if name not in data]
    if len(absent) == len(_SUMS):
        return None
    if absent:
        name, label = absent[0]
        raise Refused(
            RefusalCode.FIELD_MISSING,
            f"data.{name}（{label}）不能为空：四项金额应同时上传，或都不上传",
            f"data.{name}",
        )
    return Sums(
        total=data["medfee_sumamt"],
        own=data["fulamt_ownpay_amt"],
        over_limit=data["overlmt_selfpay"],
        first_pay=data["preselfpay_amt"],
        in_scope=data["inscp_scp_amt"],
    )


def boxes_told(*holders: tuple[dict[str, Any], str | None]) -> tuple[Box, ...]:
    """The boxes that are handed out with a bill (``drug_trac_info``), wherever they are written.

    A holder is an object that may have the node, and the fee line that its rows mean when they name
    none. An empty node is taken out: a message that tells of no box is the same as it was before
    the node was read. A row without a code or a line tells of nothing; many systems send one for
    each line of a bill.
    """
    boxes: list[Box] = []
    for holder, line in holders:
        for row in holder["drug_trac_info"]:
            code = row.get("drug_trac_codg")
            if code is None:
                continue
            named = row.get("feedetl_sn", line)
            if named is not None:
                boxes.append(Box(named, code, row.get("trdn_flag") == "1"))
        if not holder["drug_trac_info"]:
            del holder["drug_trac_info"]
    return tuple(boxes)


async def cancelled(call: Call, number: str) -> Node:
    """Mirror the settlement that ``data`` names (2208, 2305); the answer of that transaction."""
    data = call.input["data"]
    visit = visit_key(call, data["mdtrt_id"], data["psn_no"])
    mirror: SettlementFacts = await call.perform(
        visit.pool,
        data["psn_no"],
        CancelSettlement(
            institution=call.institution.code,
            member=data["psn_no"],
            visit=visit,
            settlement=settlement_key(data["setl_id"], visit.pool),
            message_id=call.envelope.message_id,
        ),
    )
    return settlement_output(number, mirror, None, call.reference)


async def insured_of(call: Call, pool: Pool, facts: SettlementFacts) -> Insured | None:
    """The person of a bill: as known when it was decided, else as known now."""
    if facts.insured is not None:
        return facts.insured
    async with call.context.database.reader([call.institution.code]) as connection:
        members = await load_members(connection, call.context.vault, pool, [facts.member])
    return members.get(facts.member)
