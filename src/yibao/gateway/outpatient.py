"""Outpatient care (门诊): 2201 register to 2208 cancel a settlement."""

from typing import Any

from yibao.gateway.context import Call, warn_of_unlisted
from yibao.gateway.dispatch import transaction
from yibao.gateway.fee_lines import check_batch_names, check_one_visit, fee_line
from yibao.gateway.pools import pool_of_member, visit_key
from yibao.gateway.reading import Row
from yibao.gateway.rendering import priced_fields, settlement_output, shaped
from yibao.gateway.settling import boxes_told, cancelled, insured_of, sums_handed_back
from yibao.gateway.vouchers import voucher_holder, voucher_type
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import CareKind, Scheme
from yibao.settlement.model import (
    CancelRegistration,
    DescribeVisit,
    Diagnosis,
    LineFacts,
    RegisterVisit,
    Settle,
    SettlementFacts,
    UploadFees,
    VisitFacts,
    WithdrawFees,
)

MATERNITY_FIELDS = ("matn_type", "geso_val", "birctrl_type", "birctrl_matn_date")


@transaction("2201")
async def register(call: Call) -> Any:
    """Open a visit (门诊挂号)."""
    data = call.input["data"]
    pool = pool_of_member(call, data["psn_no"], data["insutype"])
    visit: VisitFacts = await call.perform(
        pool,
        data["psn_no"],
        RegisterVisit(
            institution=call.institution.code,
            member=data["psn_no"],
            scheme=Scheme(data["insutype"]),
            begin=data["begntime"],
            voucher_type=voucher_type(data),
            voucher_number=data["mdtrt_cert_no"],
            outpatient_number=data["ipt_otp_no"],
            doctor_code=data["atddr_no"],
            doctor_name=data["dr_name"],
            department_code=data["dept_code"],
            department_name=data["dept_name"],
            speciality=data["caty"],
            voucher_holder=await voucher_holder(call, data),
        ),
    )
    return {
        "data": {
            "mdtrt_id": visit.key.text(),
            "psn_no": visit.member,
            "ipt_otp_no": visit.outpatient_number,
        }
    }


@transaction("2202")
async def cancel_registration(call: Call) -> Any:
    """Withdraw a visit without a living settlement (门诊挂号撤销)."""
    data = call.input["data"]
    visit = visit_key(call, data["mdtrt_id"], data["psn_no"])
    await call.perform(
        visit.pool,
        data["psn_no"],
        CancelRegistration(call.institution.code, data["psn_no"], visit, data["ipt_otp_no"]),
    )


@transaction("2203")
async def describe(call: Call) -> Any:
    """Say what the visit was: kind of care, disease, diagnoses (门诊就诊信息上传)."""
    info, diagnoses = call.input["mdtrtinfo"], call.input["diseinfo"]
    if not diagnoses:
        raise Refused(RefusalCode.FIELD_MISSING, "diseinfo（诊断信息）至少一条", "diseinfo")
    visit = visit_key(call, info["mdtrt_id"], info["psn_no"])
    await call.perform(
        visit.pool,
        info["psn_no"],
        DescribeVisit(
            institution=call.institution.code,
            member=info["psn_no"],
            visit=visit,
            care_kind=CareKind(info["med_type"]),
            begin=info["begntime"],
            condition=info.get("main_cond_dscr"),
            disease_code=info.get("dise_codg"),
            disease_name=info.get("dise_name"),
            diagnoses=tuple(_diagnosis(row) for row in diagnoses),
            maternity={name: str(info[name]) for name in MATERNITY_FIELDS if name in info},
        ),
    )


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
    )


@transaction("2204")
async def upload_fees(call: Call) -> Any:
    """Upload fee lines; the answer prices and splits each (门诊费用明细信息上传)."""
    rows = call.input["feedetail"]
    check_one_visit(rows, "feedetail")
    check_batch_names(rows, "feedetail")
    member = rows[0]["psn_no"]
    visit = visit_key(call, rows[0]["mdtrt_id"], member)
    lines: tuple[LineFacts, ...] = await call.perform(
        visit.pool,
        member,
        UploadFees(
            call.institution.code,
            member,
            visit,
            tuple(fee_line(row) for row in rows),
            call.dialect.practice,
        ),
    )
    warn_of_unlisted(call, (facts.line.item for facts in lines))
    return {"result": [shaped("2204", "result", priced_fields(facts)) for facts in lines]}


@transaction("2205")
async def withdraw_fees(call: Call) -> Any:
    """Withdraw an unsettled batch, or with 0000 all of them (门诊费用明细信息撤销)."""
    data = call.input["data"]
    visit = visit_key(call, data["mdtrt_id"], data["psn_no"])
    await call.perform(
        visit.pool,
        data["psn_no"],
        WithdrawFees(call.institution.code, data["psn_no"], visit, data["chrg_bchno"]),
    )


@transaction("2206")
async def try_settlement(call: Call) -> Any:
    """What 2207 would answer now, without writing (门诊预结算)."""
    request = await _settle_request(call)
    facts = await call.context.trials.ask(request.visit.pool, request)
    return settlement_output("2206", facts, facts.insured, call.reference)


@transaction("2207")
async def settle(call: Call) -> Any:
    """Settle one charge batch (门诊结算)."""
    request = await _settle_request(call)
    facts: SettlementFacts = await call.perform(request.visit.pool, request.member, request)
    insured = await insured_of(call, request.visit.pool, facts)
    return settlement_output("2207", facts, insured, call.reference)


async def _settle_request(call: Call) -> Settle:
    data = call.input["data"]
    visit = visit_key(call, data["mdtrt_id"], data["psn_no"], data["insutype"])
    return Settle(
        institution=call.institution.code,
        member=data["psn_no"],
        visit=visit,
        batch=data["chrg_bchno"],
        scheme=Scheme(data["insutype"]),
        care_kind=CareKind(data["med_type"]),
        total=data["medfee_sumamt"],
        use_account=data["acct_used_flag"] == "1",
        way=data["psn_setlway"],
        voucher_type=voucher_type(data),
        message_id=call.envelope.message_id,
        invoice=data.get("invono"),
        sums=sums_handed_back(data),
        voucher_number=data.get("mdtrt_cert_no"),
        practice=call.dialect.practice,
        voucher_holder=await voucher_holder(call, data),
        boxes=boxes_told((call.input, None), (data, None)),
    )


@transaction("2208")
async def cancel_settlement(call: Call) -> Any:
    """Mirror a settlement under a new number with negative amounts (门诊结算撤销)."""
    return await cancelled(call, "2208")
