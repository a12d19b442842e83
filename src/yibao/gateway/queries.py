"""Queries (5201–5206, 5303). Row-level security shows an institution its own visits and bills.

The accumulators (5206) are the person's own, whoever fed them.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import CounterKey
from yibao.gateway.context import Call
from yibao.gateway.dispatch import transaction
from yibao.gateway.pools import (
    pool_of_member,
    settlement_key,
    unknown_member,
    unknown_settlement,
    visit_key,
)
from yibao.gateway.rendering import (
    Node,
    line_fields,
    payer_rows,
    person_fields,
    settlement_fields,
    shaped,
    visit_fields,
)
from yibao.gateway.writing import amount, flag, moment
from yibao.gateway.writing import day as written_day
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import Counted, Law, Payer, Scope
from yibao.registry.people.model import Enrolment, Insured
from yibao.registry.people.service import load_members
from yibao.settlement import service as settlements
from yibao.settlement.model import (
    Diagnosis,
    LineFacts,
    SettlementFacts,
    VisitFacts,
    VisitKind,
    VisitState,
)

if TYPE_CHECKING:
    from asyncpg import Connection

PAID_AT_INSTITUTION = "2"
"""``pay_loc``."""
AT_ADMISSION, AT_DISCHARGE = "1", "2"
"""``inout_diag_type``; outpatients' diagnoses count as made on the way in."""
DISCHARGE_OFFSET = 500
"""Keeps the numbers of discharge diagnoses (``diag_info_id``) off those of the admission."""
CHRONIC_CARE = ("14", "16")
"""Kinds of care (``med_type``) for chronic and special diseases; provinces extend 14."""
FLEXIBLE_WORK = ("1103", "1203")
NEWBORN = "1401"


# ------------------------------------------------------------------------------------------- 5201


@transaction("5201")
async def list_visits(call: Call) -> Any:
    """The person's visits at this institution in a span of time (就诊信息查询)."""
    data = call.input["data"]
    pool = pool_of_member(call, data["psn_no"])
    async with call.context.database.reader([call.institution.code]) as connection:
        visits = await settlements.visits_of(
            connection, pool, data["psn_no"], data["begntime"], data["endtime"]
        )
        members = await load_members(connection, call.context.vault, pool, [data["psn_no"]])
    member = members.get(data["psn_no"])
    if member is None:
        raise unknown_member(data["psn_no"])
    wanted = data.get("mdtrt_id")
    return {
        "mdtrtinfo": [
            shaped("5201", "mdtrtinfo", _visit(visit, member))
            for visit in visits
            if visit.state is not VisitState.CANCELLED
            and visit.care_kind in (data["med_type"], None)
            and (wanted is None or visit.key.text() == wanted)
        ]
    }


def _visit(visit: VisitFacts, member: Insured) -> Node:
    day = business_date(visit.begin)
    return {
        **person_fields(member, day),
        **_enrolment_fields(member.enrolment_on(visit.scheme, day)),
        **visit_fields(visit),
    }


def _enrolment_fields(enrolment: Enrolment | None) -> Node:
    if enrolment is None:
        return {}
    return {
        "psn_type": enrolment.person_type,
        "cvlserv_flag": flag(enrolment.civil_servant),
        "flxempe_flag": flag(enrolment.person_type in FLEXIBLE_WORK),
        "nwb_flag": flag(enrolment.person_type == NEWBORN),
        "insu_optins": enrolment.division,
        "emp_name": enrolment.employer,
    }


# ------------------------------------------------------------------------------------------- 5202


@transaction("5202")
async def list_diagnoses(call: Call) -> Any:
    """The diagnoses of a visit (诊断信息查询)."""
    data = call.input["data"]
    key = visit_key(call, data["mdtrt_id"], data["psn_no"])
    async with call.context.database.reader([call.institution.code]) as connection:
        visit = _own(await settlements.visit(connection, key), data["psn_no"])
    admission = _diagnosis_rows(visit, AT_ADMISSION, visit.diagnoses)
    discharge = _diagnosis_rows(visit, AT_DISCHARGE, visit.discharge_diagnoses)
    return {"diseinfo": admission + discharge}


def _diagnosis_rows(visit: VisitFacts, when: str, diagnoses: Sequence[Diagnosis]) -> list[Node]:
    """Diagnoses of one time; the main one is the one said to be, else the first."""
    first = min((diagnosis.order for diagnosis in diagnoses), default=0)
    offset = DISCHARGE_OFFSET if when == AT_DISCHARGE else 0
    rows: list[Node] = [
        {
            "diag_info_id": f"{visit.key.text()}{offset + diagnosis.order:03d}",
            "mdtrt_id": visit.key.text(),
            "psn_no": visit.member,
            "inout_diag_type": when,
            "diag_type": diagnosis.kind,
            "maindiag_flag": flag(
                diagnosis.order == first if diagnosis.is_main is None else diagnosis.is_main
            ),
            "diag_srt_no": diagnosis.order,
            "diag_code": diagnosis.code,
            "diag_name": diagnosis.name,
            "adm_cond": diagnosis.condition,
            "diag_dept": diagnosis.department,
            "dise_dor_no": diagnosis.doctor_code,
            "dise_dor_name": diagnosis.doctor_name,
            "diag_time": moment(diagnosis.time),
            "vali_flag": flag(diagnosis.valid),
        }
        for diagnosis in diagnoses
    ]
    return [shaped("5202", "diseinfo", row, "vali_flag") for row in rows]


def _own(visit: VisitFacts | None, member: str) -> VisitFacts:
    if visit is None or visit.member != member:
        raise Refused(
            RefusalCode.VISIT_UNKNOWN, "mdtrt_id（就诊ID）不存在或不属于本机构和该人员", "mdtrt_id"
        )
    return visit


# ------------------------------------------------------------------------------------------- 5203


@transaction("5203")
async def show_settlement(call: Call) -> Any:
    """One settlement or its cancellation (结算信息查询)."""
    data = call.input["data"]
    visit_id = visit_key(call, data["mdtrt_id"], data["psn_no"])
    key = settlement_key(data["setl_id"], visit_id.pool)
    async with call.context.database.reader([call.institution.code]) as connection:
        visit = _own(await settlements.visit(connection, visit_id), data["psn_no"])
        facts = await settlements.settlement(connection, key)
        if facts is None or facts.visit != visit.key:
            raise unknown_settlement(data["setl_id"])
        members = await load_members(
            connection, call.context.vault, visit_id.pool, [data["psn_no"]]
        )
    member = members.get(data["psn_no"])
    values = {
        **(_person_of(member, facts) if member else {}),
        **settlement_fields(facts, call.reference),
        **_place_fields(call, facts),
        **_span(visit, facts),
        "year": _benefit_year(call, facts),
        "dise_codg": visit.disease_code,
        "dise_name": visit.disease_name,
        "opt_time": moment(facts.settled_at),
    }
    return {"setlinfo": shaped("5203", "setlinfo", values), "setldetail": payer_rows(facts)}


def _span(visit: VisitFacts, facts: SettlementFacts) -> Node:
    """First and last day of the care that was settled: of a stay, as far as it has gone."""
    if visit.kind is not VisitKind.STAY:
        return {"begndate": written_day(facts.day), "enddate": written_day(facts.day)}
    last = facts.settled_at if visit.end is None or facts.interim else visit.end
    return {
        "begndate": written_day(business_date(visit.begin)),
        "enddate": written_day(business_date(last)),
    }


def _person_of(member: Insured, facts: SettlementFacts) -> Node:
    return {
        **person_fields(member, facts.day),
        **_enrolment_fields(member.enrolment_on(facts.scheme, facts.day)),
    }


def _place_fields(call: Call, facts: SettlementFacts) -> Node:
    institution = call.reference.directory.institution(facts.institution)
    term = (institution.term_on(facts.day) if institution else None) or call.term
    return {
        "pay_loc": PAID_AT_INSTITUTION,
        "fixmedins_code": facts.institution,
        "fixmedins_name": term.name,
        "hosp_lv": term.grade,
        "lmtpric_hosp_lv": term.grade,
        "dedc_hosp_lv": term.grade,
        "fixmedins_poolarea": term.area,
        "insu_optins": facts.insured_division,
    }


def _benefit_year(call: Call, facts: SettlementFacts) -> str:
    law = call.reference.laws.by_fingerprint(facts.law)
    return str(facts.day.year) if law is None else law.benefit_year(facts.day)[:4]


# ------------------------------------------------------------------------------------------- 5204


@transaction("5204")
async def list_lines(call: Call) -> Any:
    """The fee lines of a visit, or of one settlement, as a bare list (费用明细查询)."""
    data = call.input["data"]
    key = visit_key(call, data["mdtrt_id"], data["psn_no"])
    async with call.context.database.reader([call.institution.code]) as connection:
        visit = _own(await settlements.visit(connection, key), data["psn_no"])
        lines = await settlements.lines(connection, key, None, call.reference.catalogue)
        facts = None
        if "setl_id" in data:
            facts = await settlements.settlement(
                connection, settlement_key(data["setl_id"], key.pool)
            )
            if facts is None or facts.visit != key:
                raise unknown_settlement(data["setl_id"])
    return [
        _queried_line(call, visit, line, facts.key if facts else living)
        for line, living in lines
        if facts is None or line.line.batch == facts.batch
    ]


_LINE_NODE = "(list directly under output)"


def _queried_line(
    call: Call, visit: VisitFacts, facts: LineFacts, settlement: PoolKey | None
) -> Node:
    values = {
        **_line_values(call, visit, facts),
        "setl_id": settlement.text() if settlement else None,
    }
    return shaped("5204", _LINE_NODE, values, "chrg_bchno", "rxno")


def _line_values(call: Call, visit: VisitFacts, facts: LineFacts) -> Node:
    item = call.reference.catalogue.items.get(facts.line.item)
    details = facts.line.details
    return {
        **details,
        **line_fields(facts),
        "mdtrt_id": visit.key.text(),
        "psn_no": visit.member,
        "med_type": visit.care_kind,
        "rx_drord_no": details.get("rxno"),
        "list_type": item.list_type if item else None,
        "medins_list_name": facts.item_name,
    }


# ------------------------------------------------------------------------------------------- 5205


@transaction("5205")
async def list_chronic_medication(call: Call) -> Any:
    """What was charged for the person's chronic diseases here (人员慢特病用药记录查询)."""
    data = call.input["data"]
    pool = pool_of_member(call, data["psn_no"])
    until = data.get("endtime", call.received)
    rows: list[Node] = []
    async with call.context.database.reader([call.institution.code]) as connection:
        visits = await settlements.visits_of(
            connection, pool, data["psn_no"], data["begntime"], until
        )
        for visit in visits:
            if visit.care_kind is None or not visit.care_kind.startswith(CHRONIC_CARE):
                continue
            lines = await settlements.lines(connection, visit.key, None, call.reference.catalogue)
            rows += [_medication(call, visit, line) for line, _ in lines]
        if not visits and not await load_members(
            connection, call.context.vault, pool, [data["psn_no"]]
        ):
            raise unknown_member(data["psn_no"])
    return {"feedetail": rows}


def _medication(call: Call, visit: VisitFacts, line: LineFacts) -> Node:
    values = {
        **_line_values(call, visit, line),
        "fixmedins_code": call.institution.code,
        "fixmedins_name": call.term.name,
    }
    return shaped("5205", "feedetail", values)


# ------------------------------------------------------------------------------------------- 5206


@transaction("5206")
async def show_accumulators(call: Call) -> Any:
    """The person's accumulators of the benefit years (人员累计信息查询)."""
    data = call.input["data"]
    pool = pool_of_member(call, data["psn_no"])
    async with call.context.database.reader([call.institution.code]) as connection:
        members = await load_members(connection, call.context.vault, pool, [data["psn_no"]])
        counters = await settlements.counters(connection, pool, data["psn_no"])
    member = members.get(data["psn_no"])
    if member is None:
        raise unknown_member(data["psn_no"])
    laws = _laws(call, member)
    month = data.get("cum_ym") or f"{call.day:%Y%m}"
    rows = []
    for key, value in counters:
        row = _accumulator(laws, key, value, month, call.day)
        if row is not None and ("cum_ym" not in data or row["year"] == month[:4]):
            rows.append(row)
    return {"cuminfo": rows}


def _laws(call: Call, member: Insured) -> list[Law]:
    found: dict[str, Law] = {}
    for enrolment in member.enrolments:
        try:
            law = call.reference.laws.law_on(enrolment.division, enrolment.scheme, call.day)
        except Refused:  # a scheme without rules of its own here accumulates nothing
            continue
        found[law.fingerprint] = law
    return list(found.values())


def _accumulator(
    laws: list[Law], key: CounterKey, value: Fen, month: str, day: date
) -> Node | None:
    """One row, or None for a counter of a narrower scope than a month, or a visit's mark."""
    instance, _, classes = key.scope.partition("|")
    for law in laws:
        counter = law.counters.get(key.name)
        if counter is None:
            continue
        if counter.scope not in _SHOWN or instance.startswith(VISIT_MARK):
            return None
        monthly = counter.scope is Scope.MONTH
        return {
            "insutype": law.scheme,
            "year": str(day.year) if counter.scope is Scope.LIFE else instance[:4],
            "cum_ym": instance.replace("-", "") if monthly else month,
            "cum_type_code": _type_code(law, key.name, day),
            "cum_type_name": f"{counter.title}（{classes}）" if classes else counter.title,
            "cum": value if counter.in_times else amount(value),
        }
    return None


VISIT_MARK = "visit:"
"""Begin of the instance by which a counter of stays counts a visit once."""
_SHOWN = (Scope.YEAR, Scope.MONTH, Scope.LIFE)
_LETTERS = {
    Counted.FUND: "D",
    Counted.DEDUCTIBLE: "Q",
    Counted.IN_SCOPE: "F",
    Counted.AFTER_DEDUCTIBLE: "G",
    Counted.BASE: "B",
    Counted.BASE_AFTER_DEDUCTIBLE: "A",
    Counted.STAYS: "T",
    Counted.PAYMENTS: "P",
}


def _type_code(law: Law, name: str, day: date) -> str:
    """``cum_type_code``: a letter for what is counted, then the fund it belongs to."""
    counter = law.counters[name]
    payers = [
        payer for benefit in law.benefits if counter in benefit.counters for payer in benefit.payers
    ]
    for payer in (*payers, *law.payers):
        if not counter.payers or payer.key in counter.payers:
            return _LETTERS[counter.counts] + _fund(payer, day, law.scheme)
    return _LETTERS[counter.counts] + law.scheme


def _fund(payer: Payer, day: date, scheme: str) -> str:
    """The payer's fund on a day; the first of its cases, as funds hardly ever differ by them."""
    for version in payer.reported_as.versions:
        if version.start <= day:
            return next(iter(version.cases.values())).fund
    return scheme


# ------------------------------------------------------------------------------------------- 5303


@transaction("5303")
async def list_inpatients(call: Call) -> Any:
    """Who is in this hospital now, admitted up to the end of the span (在院信息查询).

    For a person who is named, a stay elsewhere is told as well: its first day, and nothing else.
    """
    data = call.input["data"]
    number = data.get("psn_no")
    pool = None if number is None else pool_of_member(call, number)
    async with call.context.database.reader([call.institution.code]) as connection:
        stays = await settlements.in_hospital(
            connection, call.institution.code, data["endtime"], number
        )
        members = await _members_of(call, connection, stays)
        named: dict[str, Insured] = {}
        if pool is not None:
            named = await load_members(connection, call.context.vault, pool, [data["psn_no"]])
            if not named:
                raise unknown_member(data["psn_no"])
    rows = [_inpatient(call, stay, members[stay.key.pool, stay.member]) for stay in stays]
    for insured in named.values():
        rows += await _in_hospital_elsewhere(call, insured, stays)
    return {"data": [shaped("5303", "data", row) for row in rows]}


async def _members_of(
    call: Call, connection: "Connection[Any]", stays: Sequence[VisitFacts]
) -> dict[tuple[Pool, str], Insured]:
    found = {}
    for pool in {stay.key.pool for stay in stays}:
        numbers = sorted({stay.member for stay in stays if stay.key.pool == pool})
        for member in (await load_members(connection, call.context.vault, pool, numbers)).values():
            found[pool, member.membership.number] = member
    return found


def _inpatient(call: Call, stay: VisitFacts, member: Insured) -> Node:
    return {
        **person_fields(member, call.day),
        **visit_fields(stay),
        "begndate": written_day(business_date(stay.begin)),
        "out_flag": flag(stay.key.pool != call.institution.home_pool),
    }


async def _in_hospital_elsewhere(
    call: Call, insured: Insured, own: Sequence[VisitFacts]
) -> list[Node]:
    """The first days of the person's open stays at other institutions, in whatever pool."""
    known = {stay.key for stay in own}
    # Others' rows are hidden from an institution's reader; only the day leaves this function.
    async with call.context.database.writer() as connection:
        stays = await settlements.stays_of(connection, [insured])
    return [
        {
            "psn_no": insured.membership.number,
            "begndate": written_day(business_date(begin)),
        }
        for key, begin, end in stays.get(insured.identity.id, ())
        if end is None and key not in known
    ]
