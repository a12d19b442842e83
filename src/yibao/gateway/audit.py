"""Rules of use asked by a hospital (明细审核): 3101 before, 3102 in process, 3103 its answer."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.reading import Row
from yibao.gateway.rendering import Node, shaped
from yibao.gateway.writing import amount
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.supervision.model import (
    TITLES,
    AnswerFindings,
    Audit,
    AuditedVisit,
    AuditFacts,
    Care,
    Certainty,
    Evidence,
    FindingAnswer,
    OrderLine,
    Patient,
    Rule,
    Stage,
    StoredFinding,
)
from yibao.supervision.service import recall_audit

NOT_CURRENT = "0"
"""``curr_drord_flag`` of an order that is only history."""
QUANTITY_STEP = 100
"""3101 counts in 1/100, we in 1/10,000."""
LONGEST_TEXT = 500
VIOLATING_ITEM = "1"
"""``vola_item_type``."""
CALCULATED = "1"
"""``vola_amt_stas``; no code table of it is known."""
OUT_OF_SCOPE = "1"
"""``vola_bhvr_type``: paid beyond the scope (超范围支付); no code table of it is known."""
SEVERITY = {Certainty.CLEAR: "1", Certainty.SUSPECT: "2"}
"""``sev_deg``: 1 clear violation, 2 highly suspicious; no code table of it is known."""
WAYS = ("1", "2")
"""``dspo_way``: 1 carried on all the same, 2 went back and changed it."""


@transaction("3101")
async def audit_before(call: Call) -> Any:
    """Check orders before they are given (明细审核事前分析服务)."""
    return await _audit(call, Stage.BEFORE)


@transaction("3102")
async def audit_during(call: Call) -> Any:
    """Check charges before they are settled (明细审核事中分析服务)."""
    return await _audit(call, Stage.DURING)


@transaction("3103")
async def answer_findings(call: Call) -> Any:
    """Say what was done about findings (明细审核反馈)."""
    rows = call.input["data"]["warns"]
    if not rows:
        raise missing("data.warns", "审核反馈")
    request = AnswerFindings(
        institution=call.institution.code,
        operator=call.envelope.operator,
        message_id=call.envelope.message_id,
        answers=tuple(_answer(row, place) for place, row in enumerate(rows, 1)),
    )

    async def recall(_: Mapping[str, Any]) -> None:
        return None

    await call.perform(NO_PERSON_POOL, call.institution.code, request, recall)


# ------------------------------------------------------------------------------------------- audit


async def _audit(call: Call, stage: Stage) -> Any:
    data = call.input["data"]
    people = data["patient_dtos"]
    if not people:
        raise missing("data.patient_dtos", "参保人信息")
    request = Audit(
        institution=call.institution.code,
        stage=stage,
        scene=data.get("trig_scen", ""),
        task=data.get("task_id", ""),
        visits=tuple(visit for person in people for visit in _visits(call, person)),
        rules=_wanted(data.get("rule_ids")),
    )

    async def recall(reference: Mapping[str, Any]) -> AuditFacts:
        async with call.context.database.reader([call.institution.code]) as connection:
            return await recall_audit(connection, call.context.vault, reference)

    subject = call.institution.code + people[0]["patn_id"]
    facts: AuditFacts = await call.perform(NO_PERSON_POOL, subject, request, recall)
    return {"result": [_result(facts, one) for one in facts.findings]}


def _wanted(sent: Any) -> frozenset[Rule]:
    """The rules a sender asks for; all when it asks for none of ours."""
    named = sent if isinstance(sent, list) else str(sent or "").split(",")
    known = {rule.value for rule in Rule}
    wanted = frozenset(Rule(text) for text in map(str, named) if text in known)
    return wanted or frozenset(Rule)


def _visits(call: Call, person: Row) -> list[AuditedVisit]:
    """The visits to be judged: the current one, unless the message does not hold it."""
    sent = person["fsi_encounter_dtos"]
    current = [visit for visit in sent if visit["mdtrt_id"] == person["curr_mdtrt_id"]]
    return [
        AuditedVisit(
            person=person["patn_id"],
            visit=visit["mdtrt_id"],
            patient=Patient(person["gend"], person["brdy"]),
            care=Care(visit["med_type"], visit["insutype"], call.term.level),
            lines=tuple(
                _line(row)
                for row in visit["fsi_order_dtos"]
                if row["curr_drord_flag"] != NOT_CURRENT
            ),
        )
        for visit in current or sent
    ]


def _line(row: Row) -> OrderLine:
    day: date = row["drord_begn_date"]
    return OrderLine(
        reference=row["rx_id"],
        item=row["hilist_code"],
        name=row["hilist_name"],
        quantity=row["cnt"] * QUANTITY_STEP,
        amount=row["sumamt"],
        own=row["ownpay_amt"],
        day=day,
    )


def _result(facts: AuditFacts, one: StoredFinding) -> Node:
    finding = one.finding
    evidence = "；".join(dict.fromkeys(row.basis for row in finding.evidence if row.basis))
    values = {
        "jr_id": one.key.text(),
        "rule_id": finding.rule.value,
        "rule_name": TITLES[finding.rule],
        "vola_cont": finding.text[:LONGEST_TEXT],
        "patn_id": one.person,
        "mdtrt_id": one.visit,
        "vola_amt": amount(finding.amount),
        "vola_amt_stas": CALCULATED,
        "sev_deg": SEVERITY[finding.certainty],
        "vola_evid": f"{finding.version}：{evidence}"[:LONGEST_TEXT],
        "vola_bhvr_type": OUT_OF_SCOPE,
        "task_id": facts.task or None,
    }
    details = [_detail(one, place, row) for place, row in enumerate(finding.evidence, 1)]
    return shaped("3101", "result", values) | {"judge_result_detail_dtos": details}


def _detail(one: StoredFinding, place: int, row: Evidence) -> Node:
    values = {
        "jrd_id": f"{one.key.text()}{place:04d}",
        "patn_id": one.person,
        "mdtrt_id": one.visit,
        "rx_id": row.reference,
        "vola_item_type": VIOLATING_ITEM,
        "vola_amt": amount(row.amount),
    }
    return shaped("3101", "result.judge_result_detail_dtos", values)


# ------------------------------------------------------------------------------------------ answers


def _answer(row: Row, place: int) -> FindingAnswer:
    where = f"data.warns[{place}]"
    for name, label in (("warn_rslt_id", "审核结果标识"), ("dspo_way", "处理方式")):
        if name not in row:
            raise missing(f"{where}.{name}", label)
    if row["dspo_way"] not in WAYS:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"{where}.dspo_way（处理方式）应为1（继续执行）或2（返回修改）",
            f"{where}.dspo_way",
        )
    return FindingAnswer(_finding(row["warn_rslt_id"], where), row["dspo_way"], _reason(row))


def _finding(text: str, where: str) -> PoolKey:
    key = parse_pool_key(text)
    if key is None or key.pool != NO_PERSON_POOL:
        raise Refused(
            RefusalCode.FINDING_UNKNOWN,
            f"{where}.warn_rslt_id（审核结果标识）{text} 不存在或不属于本机构",
            f"{where}.warn_rslt_id",
        )
    return key


def _reason(row: Row) -> str:
    reason: str = row.get("dspo_way_rea", "")
    return reason
