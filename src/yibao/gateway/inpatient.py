"""Inpatient stays (住院): 2401–2405 admission and discharge, 2301–2305 lines and settlement."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from yibao.gateway.context import Call, warn_of_unlisted
from yibao.gateway.dispatch import transaction
from yibao.gateway.fee_lines import check_equal, check_one_visit, fee_line, kept
from yibao.gateway.pools import pool_of_member, visit_key
from yibao.gateway.reading import Row
from yibao.gateway.rendering import priced_fields, settlement_output, shaped
from yibao.gateway.settling import boxes_told, cancelled, insured_of, sums_handed_back
from yibao.gateway.vouchers import voucher_holder, voucher_type
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import instant_of
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import CareKind, Scheme
from yibao.settlement import service as settlements
from yibao.settlement.model import (
    Admit,
    CancelAdmission,
    ChangeAdmission,
    Diagnosis,
    Discharge,
    LineFacts,
    ReopenStay,
    Settle,
    SettlementFacts,
    UploadFees,
    VisitFacts,
    VisitKind,
    WithdrawLines,
)

INPATIENT = CareKind("21")
"""``med_type`` of an ordinary stay."""

_ADMISSION_FIELDS = frozenset(
    {
        "mdtrt_id",
        "psn_no",
        "insutype",
        "begntime",
        "endtime",
        "mdtrt_cert_type",
        "mdtrt_cert_no",
        "med_type",
        "ipt_no",
        "ipt_otp_no",
        "atddr_no",
        "chfpdr_name",
        "adm_dept_codg",
        "adm_dept_name",
        "main_cond_dscr",
        "dise_codg",
        "dise_name",
    }
)
_DISCHARGE_FIELDS = frozenset(
    {
        "mdtrt_id",
        "psn_no",
        "insutype",
        "endtime",
        "dise_codg",
        "dise_name",
        "die_date",
    }
)
"""Fields that have a place of their own; all others are details of the stay."""


# ------------------------------------------------------------------------- admission and discharge


@transaction("2401")
async def admit(call: Call) -> Any:
    """Admit a person to hospital (入院办理)."""
    info = call.input["mdtrtinfo"]
    pool = pool_of_member(call, info["psn_no"], info["insutype"])
    request = _admission(call, info, Scheme(info["insutype"]), await voucher_holder(call, info))
    stay: VisitFacts = await call.perform(pool, info["psn_no"], request)
    return {"result": shaped("2401", "result", {"mdtrt_id": stay.key.text()})}


@transaction("2403")
async def change_admission(call: Call) -> Any:
    """Correct what was said at the admission (住院信息变更)."""
    info = call.input["adminfo"]
    stay = visit_key(call, info["mdtrt_id"], info["psn_no"])
    found = await _stay(call, stay)
    scheme = found.scheme if found else Scheme("")
    await call.perform(
        stay.pool,
        info["psn_no"],
        ChangeAdmission(
            institution=call.institution.code,
            member=info["psn_no"],
            visit=stay,
            admission=_admission(call, info, scheme, None),
            end=info.get("endtime"),
        ),
    )


def _admission(call: Call, info: Row, scheme: Scheme, holder: str | None) -> Admit:
    return Admit(
        institution=call.institution.code,
        member=info["psn_no"],
        scheme=scheme,
        care_kind=CareKind(info["med_type"]),
        begin=info["begntime"],
        voucher_type=voucher_type(info),
        voucher_number=info.get("mdtrt_cert_no", ""),
        inpatient_number=_inpatient_number(info),
        doctor_code=info["atddr_no"],
        doctor_name=info["chfpdr_name"],
        department_code=info["adm_dept_codg"],
        department_name=info["adm_dept_name"],
        condition=info.get("main_cond_dscr"),
        disease_code=info.get("dise_codg"),
        disease_name=info.get("dise_name"),
        diagnoses=_diagnoses(call, info["psn_no"]),
        details=kept(info, _ADMISSION_FIELDS),
        voucher_holder=holder,
    )


def _inpatient_number(info: Row) -> str:
    """2401 and 2403 call it differently; some hospitals know the medical record's alone."""
    number: str = info.get("ipt_no") or info.get("ipt_otp_no") or info.get("medrcdno") or ""
    return number


@transaction("2402")
async def discharge(call: Call) -> Any:
    """Discharge a person (出院办理)."""
    info = call.input["dscginfo"]
    stay = visit_key(call, info["mdtrt_id"], info["psn_no"], info["insutype"])
    await call.perform(
        stay.pool,
        info["psn_no"],
        Discharge(
            institution=call.institution.code,
            member=info["psn_no"],
            visit=stay,
            scheme=Scheme(info["insutype"]),
            end=info["endtime"],
            disease_code=info.get("dise_codg"),
            disease_name=info.get("dise_name"),
            diagnoses=_diagnoses(call, info["psn_no"]),
            way=info["dscg_way"],
            died_on=info.get("die_date"),
            details=kept(info, _DISCHARGE_FIELDS),
        ),
    )


def _diagnoses(call: Call, member: str) -> tuple[Diagnosis, ...]:
    rows: Sequence[Row] = call.input["diseinfo"]
    if not rows:
        raise Refused(RefusalCode.FIELD_MISSING, "diseinfo（诊断信息）至少一条", "diseinfo")
    for place, row in enumerate(rows, 1):
        if row["psn_no"] != member:
            raise Refused(
                RefusalCode.PERSON_DIFFERS,
                f"diseinfo[{place}].psn_no（人员编号）与住院信息的人员不一致",
                f"diseinfo[{place}].psn_no",
            )
    return tuple(_diagnosis(row) for row in rows)


def _diagnosis(row: Row) -> Diagnosis:
    return Diagnosis(
        kind=row["diag_type"],
        order=row["diag_srt_no"],
        code=row["diag_code"],
        name=row["diag_name"],
        department=row["diag_dept"],
        doctor_code=row["dise_dor_no"],
        doctor_name=row["dise_dor_name"],
        time=row["diag_time"],
        valid=row["vali_flag"] == "1",
        is_main=row["maindiag_flag"] == "1",
        condition=row.get("adm_cond"),
    )


@transaction("2404")
async def cancel_admission(call: Call) -> Any:
    """Take an admission back that nothing stands on (入院撤销)."""
    data = call.input["data"]
    stay = visit_key(call, data["mdtrt_id"], data["psn_no"])
    request = CancelAdmission(call.institution.code, data["psn_no"], stay)
    await call.perform(stay.pool, data["psn_no"], request)


@transaction("2405")
async def reopen(call: Call) -> Any:
    """Take a discharge back (出院撤销)."""
    data = call.input["data"]
    stay = visit_key(call, data["mdtrt_id"], data["psn_no"])
    request = ReopenStay(call.institution.code, data["psn_no"], stay)
    await call.perform(stay.pool, data["psn_no"], request)


# ------------------------------------------------------------------------------------------- lines


@transaction("2301")
async def upload_fees(call: Call) -> Any:
    """Upload fee lines of a stay; the answer prices and splits each (住院费用明细上传)."""
    rows = call.input["feedetail"]
    check_one_visit(rows, "feedetail")
    check_equal(rows, "feedetail", "med_type", "医疗类别")
    member = rows[0]["psn_no"]
    stay = visit_key(call, rows[0]["mdtrt_id"], member)
    _check_care_kind(await _stay(call, stay), rows[0]["med_type"])
    lines: tuple[LineFacts, ...] = await call.perform(
        stay.pool,
        member,
        UploadFees(
            call.institution.code,
            member,
            stay,
            tuple(fee_line(row) for row in rows),
            call.dialect.practice,
        ),
    )
    warn_of_unlisted(call, (facts.line.item for facts in lines))
    return {"result": [shaped("2301", "result", priced_fields(facts)) for facts in lines]}


def _check_care_kind(stay: VisitFacts | None, sent: str) -> None:
    if stay is not None and stay.care_kind is not None and stay.care_kind != sent:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"feedetail[1].med_type（医疗类别）{sent} 与入院登记的 {stay.care_kind} 不一致，"
            "如需变更请先用2403",
            "feedetail[1].med_type",
        )


@transaction("2302")
async def withdraw_fees(call: Call) -> Any:
    """Withdraw unsettled lines by their serials, or with 0000 all of them (住院费用明细撤销)."""
    rows = call.input["data"]
    check_one_visit(rows, "data")
    member = rows[0]["psn_no"]
    stay = visit_key(call, rows[0]["mdtrt_id"], member)
    serials = tuple(row["feedetl_sn"] for row in rows)
    request = WithdrawLines(call.institution.code, member, stay, serials)
    await call.perform(stay.pool, member, request)


# -------------------------------------------------------------------------------------- settlement


@transaction("2303")
async def try_settlement(call: Call) -> Any:
    """What 2304 would answer now, without writing (住院预结算)."""
    request = await _settle_request(call)
    facts = await call.context.trials.ask(request.visit.pool, request)
    return settlement_output("2303", facts, facts.insured, call.reference)


@transaction("2304")
async def settle(call: Call) -> Any:
    """Settle a stay, or in its middle what it has cost so far (住院结算)."""
    request = await _settle_request(call)
    facts: SettlementFacts = await call.perform(request.visit.pool, request.member, request)
    insured = await insured_of(call, request.visit.pool, facts)
    return settlement_output("2304", facts, insured, call.reference)


async def _settle_request(call: Call) -> Settle:
    data = call.input["data"]
    key = visit_key(call, data["mdtrt_id"], data["psn_no"], data["insutype"])
    stay = await _stay(call, key)
    return Settle(
        institution=call.institution.code,
        member=data["psn_no"],
        visit=key,
        batch="",
        scheme=Scheme(data["insutype"]),
        # The message does not say the kind of care: the admission did.
        care_kind=(stay.care_kind if stay else None) or INPATIENT,
        total=data["medfee_sumamt"],
        use_account=data.get("acct_used_flag") == "1",
        way=data["psn_setlway"],
        voucher_type=voucher_type(data),
        message_id=call.envelope.message_id,
        invoice=data.get("invono"),
        sums=sums_handed_back(data),
        voucher_number=data["mdtrt_cert_no"],
        interim=data.get("mid_setl_flag") == "1",
        discharged_at=_discharged_at(data),
        practice=call.dialect.practice,
        voucher_holder=await voucher_holder(call, data),
        boxes=boxes_told((call.input, None), (data, None)),
    )


def _discharged_at(data: Row) -> datetime | None:
    """``dscg_time``: a date in the trial's table, a time in the settlement's."""
    sent = data.get("dscg_time")
    if sent is None or isinstance(sent, datetime):
        return sent
    return instant_of(datetime.combine(sent, time()))


@transaction("2305")
async def cancel_settlement(call: Call) -> Any:
    """Mirror a stay's settlement under a new number with negative amounts (住院结算撤销)."""
    return await cancelled(call, "2305")


async def _stay(call: Call, key: PoolKey) -> VisitFacts | None:
    """The institution's own stay of that number, if it is one; the command judges what is none."""
    async with call.context.database.reader([call.institution.code]) as connection:
        found = await settlements.visit(connection, key)
    return found if found is not None and found.kind is VisitKind.STAY else None
