"""Settlement lists (医疗保障基金结算清单): 4101 upload, 4102 state, 4103–4105 query."""

from datetime import date, timedelta
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.documents import (
    Fields,
    check_institution,
    document_of,
    the_value_of,
    written,
)
from yibao.gateway.pools import check_pool, unknown_settlement
from yibao.gateway.reading import Input, Row
from yibao.gateway.rendering import Node, shaped
from yibao.gateway.writing import moment
from yibao.kernel.areas import NO_PERSON_POOL, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.people.model import Insured
from yibao.registry.people.service import load_members
from yibao.settlement import service as settlements
from yibao.settlement.model import SettlementKind
from yibao.uploads import service as uploads
from yibao.uploads.settlement_lists.model import (
    FINDINGS_VERSION,
    ChangeListStates,
    ItemClaim,
    ListClaims,
    ListFacts,
    ListState,
    PersonClaim,
    QualityFinding,
    Severity,
    UploadList,
)

STATES = {"0": ListState.OPEN, "1": ListState.SUBMITTED}
"""``stas_type``: 0 not submitted, 1 submitted; no code table of it is known."""
STATE_CODES = {state: code for code, state in STATES.items()}
LEVELS = {Severity.ERROR: "1", Severity.WARNING: "2"}
"""``err_lv``; no code table of it is known."""
NOT_RETURNED = "0"
"""``retn_flag``: the bureau has sent no list back yet."""
MAIN = "1"
PAID_HERE, PER_ITEM = "2", "1"
"""``pay_loc`` and ``clr_way`` of every settlement here."""
LONGEST_SPAN = timedelta(days=31)
DEFAULT_PAGE, LARGEST_PAGE = 100, 1000


# ------------------------------------------------------------------------------------------- upload


@transaction("4101")
async def upload(call: Call) -> Any:
    """Upload the settlement list of a settlement (医疗保障基金结算清单信息上传)."""
    return await _upload(call)


@transaction("4101A")
async def upload_second_version(call: Call) -> Any:
    """Upload the list without what the platform knows already (结算清单信息上传V2)."""
    return await _upload(call)


async def _upload(call: Call) -> Any:
    info = call.input["setlinfo"]
    content = document_of(call)
    check_institution(call, content)
    for name, label in (("mdtrt_id", "就诊ID"), ("setl_id", "结算ID")):
        if name not in info:
            raise missing(f"setlinfo.{name}", label)
    settlement = _settlement(call, info["setl_id"])
    request = UploadList(
        institution=call.institution.code,
        transaction=call.envelope.number,
        claims=_claims(settlement, call.input, content),
        content=content,
        state=_state(info.get("stas_type", "0"), "setlinfo"),
    )

    async def recall(reference: Any) -> ListFacts:
        async with call.context.database.reader([call.institution.code]) as connection:
            return await uploads.recall_list(connection, reference)

    # The digest covers all that was sent, not only what the table lists.
    whole = replace(call, input=content)
    facts: ListFacts = await whole.perform(settlement.pool, info["setl_id"], request, recall)
    return {"setl_list_id": facts.key.text()}


def _settlement(call: Call, text: str) -> PoolKey:
    """The settlement a list is about; its number says in which pool."""
    key = parse_pool_key(text)
    if key is None or key.pool not in call.reference.directory.pools or key.pool == NO_PERSON_POOL:
        raise unknown_settlement(text)
    check_pool(call, key.pool)
    return key


def _claims(settlement: PoolKey, read: Input, content: Fields) -> ListClaims:
    info = read["setlinfo"]
    diagnoses = [row for row in read["diseinfo"] if "diag_code" in row]
    return ListClaims(
        settlement=settlement,
        visit=info["mdtrt_id"],
        member=the_value_of(content, "psn_no", "人员编号"),
        person=PersonClaim(
            info.get("psn_name"), info.get("gend"), info.get("brdy"), info.get("certno")
        ),
        begin=info.get("setl_begn_date"),
        end=info.get("setl_end_date"),
        admitted=_day(info, "adm_time"),
        discharged=_day(info, "dscg_time"),
        account=info.get("acct_pay"),
        cash=info.get("psn_cashpay"),
        self_paid=info.get("psn_selfpay"),
        own_paid=info.get("psn_ownpay"),
        funds=_funds(read),
        items=_items(read),
        diagnoses=tuple(row["diag_code"] for row in diagnoses),
        main_diagnoses=sum(row.get("maindiag_flag") == MAIN for row in diagnoses),
    )


def _day(info: Row, name: str) -> date | None:
    return business_date(info[name]) if name in info else None


def _funds(read: Input) -> tuple[tuple[str, int], ...] | None:
    """Fund rows, which the second version of the list does not carry."""
    if "payinfo" not in read:
        return None
    return tuple((row["fund_pay_type"], row["fund_payamt"]) for row in read["payinfo"])


def _items(read: Input) -> tuple[ItemClaim, ...] | None:
    if "iteminfo" not in read:
        return None
    return tuple(
        ItemClaim(
            category=row.get("med_chrgitm", ""),
            amount=row.get("amt", 0),
            class_a=row.get("claa_sumfee", 0),
            class_b=row.get("clab_amt", 0),
            own=row["fulamt_ownpay_amt"],
            other=row.get("oth_amt", 0),
        )
        for row in read["iteminfo"]
    )


def _state(code: str, place: str) -> ListState:
    if code not in STATES:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"{place}.stas_type（状态分类）应为0（未提交）或1（已提交）",
            f"{place}.stas_type",
        )
    return STATES[code]


# -------------------------------------------------------------------------------------------- state


@transaction("4102")
async def change_states(call: Call) -> Any:
    """Submit lists or take submissions back; all of them or none (结算清单状态修改)."""
    rows = call.input["data"]["stastinfo"]
    if not rows:
        raise missing("data.stastinfo", "清单状态")
    changes = tuple(_change(call, row, place) for place, row in enumerate(rows, 1))
    pools = {settlement.pool for settlement, _, _ in changes}
    if len(pools) > 1:
        raise Refused(
            RefusalCode.AREA_DIFFERS,
            "data.stastinfo 的结算分属不同统筹区，请按统筹区分次发送",
            "data.stastinfo",
        )

    async def recall(_: Any) -> None:
        return None

    request = ChangeListStates(call.institution.code, changes)
    await call.perform(pools.pop(), rows[0]["setl_id"], request, recall)


def _change(call: Call, row: Row, place: int) -> tuple[PoolKey, str | None, ListState]:
    where = f"data.stastinfo[{place}]"
    for name, label in (("setl_id", "结算ID"), ("stas_type", "状态分类")):
        if name not in row:
            raise missing(f"{where}.{name}", label)
    return _settlement(call, row["setl_id"]), row.get("psn_no"), _state(row["stas_type"], where)


# -------------------------------------------------------------------------------------------- query


@transaction("4103")
async def show(call: Call) -> Any:
    """The list as it stands (结算清单信息查询)."""
    data = call.input["data"]
    if "setl_id" not in data:
        raise missing("data.setl_id", "结算ID")
    settlement = _settlement(call, data["setl_id"])
    async with call.context.database.reader([call.institution.code]) as connection:
        facts = await uploads.settlement_list(connection, settlement)
        if facts is None or data.get("psn_no", facts.member) != facts.member:
            raise Refused(
                RefusalCode.LIST_UNKNOWN,
                f"setl_id（结算ID）{data['setl_id']} 没有本机构上传的结算清单",
                "setl_id",
            )
        document = await uploads.document(connection, call.context.vault, facts.document)
    assert document is not None, "a list keeps its document"
    output: Node = written(document.content)
    known = {
        "setl_list_id": facts.key.text(),
        "stas_type": STATE_CODES[facts.state],
        "psn_no": facts.member,
        "updt_time": moment(facts.changed_at),
    }
    info = output.get("setlinfo")
    return output | {"setlinfo": (info if isinstance(info, dict) else {}) | known}


@transaction("4104")
async def list_findings(call: Call) -> Any:
    """What quality control found in the lists (结算清单质控结果查询)."""
    data = call.input["data"]
    lists = await _lists_asked_for(call, data)
    found = [
        (facts, finding)
        for facts in lists
        for finding in facts.findings
        if data.get("psn_no", facts.member) == facts.member
        and data.get("err_lv", LEVELS[finding.severity]) == LEVELS[finding.severity]
        and data.get("retn_flag", NOT_RETURNED) == NOT_RETURNED
    ]
    size = min(max(1, data.get("page_size", DEFAULT_PAGE)), LARGEST_PAGE)
    start = (max(1, data.get("page_num", 1)) - 1) * size
    page = found[start : start + size]
    people = await _people(call, [facts for facts, _ in page])
    return [_finding(call, facts, finding, people.get(facts.member)) for facts, finding in page]


async def _lists_asked_for(call: Call, data: Row) -> list[ListFacts]:
    """The list of one settlement, or the lists of a month."""
    institution = call.institution.code
    async with call.context.database.reader([institution]) as connection:
        if "setl_id" in data:
            facts = await uploads.settlement_list(connection, _settlement(call, data["setl_id"]))
            return [] if facts is None else [facts]
        if "setl_ym" not in data:
            raise missing("data.setl_ym", "结算年月")
        start, end = _month(data["setl_ym"])
        return await uploads.lists_of_institution(connection, institution, start, end)


def _month(text: str) -> tuple[date, date]:
    """The first day of a month ``yyyyMM``, and of the month after."""
    try:
        start = date(int(text[:4]), int(text[4:]), 1) if len(text) == 6 else None
    except ValueError:
        start = None
    if start is None or not 1900 <= start.year <= 2199:
        raise Refused(
            RefusalCode.FIELD_INVALID, "data.setl_ym（结算年月）应为yyyyMM", "data.setl_ym"
        )
    return start, (start + timedelta(days=31)).replace(day=1)


async def _people(call: Call, lists: list[ListFacts]) -> dict[str, Insured]:
    by_pool: dict[Pool, set[str]] = {}
    for facts in lists:
        by_pool.setdefault(facts.settlement.pool, set()).add(facts.member)
    people: dict[str, Insured] = {}
    async with call.context.database.reader([call.institution.code]) as connection:
        for pool, members in by_pool.items():
            people |= await load_members(connection, call.context.vault, pool, sorted(members))
    return people


def _finding(call: Call, facts: ListFacts, finding: QualityFinding, person: Insured | None) -> Node:
    identity = person.identity if person else None
    values = {
        "fixmedins_code": call.institution.code,
        "fixmedins_name": call.term.name,
        "setl_ym": f"{facts.settled_on:%Y%m}",
        "setl_id": facts.settlement.text(),
        "psn_no": facts.member,
        "psn_name": identity and identity.name,
        "qltctrl_rslt": finding.code,
        "err_lv": LEVELS[finding.severity],
        "retn_flag": NOT_RETURNED,
        "qltctrl_ver": FINDINGS_VERSION,
        "psn_cert_type": identity and identity.document_type,
        "cert_no": identity and identity.document_number,
    }
    told = {"qltctrl_fld": finding.field, "qltctrl_dscr": finding.text}
    return shaped("4104", "(root list)", values) | told


@transaction("4105")
async def count(call: Call) -> Any:
    """How many settlements have a list, and how many do not (结算清单数量统计查询)."""
    data = call.input["data"]
    check_institution(call, data)
    start, end = _span(call, data)
    refunds = data.get("refd_setl_flag") == "1"
    kinds = _wanted(data.get("medtype_list"))
    institution = call.institution.code
    async with call.context.database.reader([institution]) as connection:
        settled = await settlements.settlements_of_institution(connection, institution, start, end)
        lists = await uploads.lists_of_institution(connection, institution, start, end)
    if not _is_wanted(data, "pay_loc_list", PAID_HERE) or not _is_wanted(
        data, "clr_way_list", PER_ITEM
    ):
        settled, lists = [], []
    living = {
        facts.key
        for facts in settled
        if (not kinds or facts.care_kind in kinds)
        and (refunds or _stands(facts.kind, facts.cancelled_by))
    }
    counted = [facts for facts in lists if facts.settlement in living]
    errors = [
        facts
        for facts in counted
        if any(finding.severity is Severity.ERROR for finding in facts.findings)
    ]
    values = {
        "fixmedins_code": institution,
        "setl_cnt": len(living),
        "list_cnt": len(counted),
        "sbmt_cnt": sum(facts.state is ListState.SUBMITTED for facts in counted),
        "unupld_cnt": len(living) - len(counted),
        "err_cnt": len(errors),
    }
    return {"data": shaped("4105", "data", values)}


def _stands(kind: SettlementKind, cancelled_by: PoolKey | None) -> bool:
    return kind is not SettlementKind.CANCELLATION and cancelled_by is None


def _span(call: Call, data: Row) -> tuple[date, date]:
    """The days asked for, the last one included; without any, this month so far."""
    first = _day(data, "stt_begntime") or call.day.replace(day=1)
    last = _day(data, "stt_endtime") or call.day
    if not timedelta(0) <= last - first < LONGEST_SPAN:
        raise Refused(
            RefusalCode.SPAN_NOT_ALLOWED,
            f"stt_begntime（统计开始时间）至stt_endtime（统计结束时间）应在{LONGEST_SPAN.days}天以内",
            "stt_endtime",
        )
    return first, last + timedelta(days=1)


def _wanted(sent: Any) -> frozenset[str]:
    """The codes of a list, which clients send as a list or as text with commas."""
    codes = sent if isinstance(sent, list) else str(sent or "").split(",")
    return frozenset(str(code).strip() for code in codes if str(code).strip())


def _is_wanted(data: Row, name: str, code: str) -> bool:
    wanted = _wanted(data.get(name))
    return not wanted or code in wanted
