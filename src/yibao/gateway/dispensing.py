"""Electronic prescriptions at the pharmacy (处方流转): 7201 to 7206.

A patient shows the prescription's QR text (7201) or a voucher (7202); with the token or number that
this gives, the pharmacy takes the prescription (7203), reviews it, hands the drugs out.
"""

from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.prescription_content import Text, spelled, written
from yibao.gateway.prescriptions import (
    bill_details,
    prescription_key,
    recall,
    report,
    review_passed,
)
from yibao.gateway.rendering import person_fields
from yibao.gateway.vouchers import members_shown
from yibao.gateway.writing import moment
from yibao.kernel.money import QUANTITY_SCALE, unscaled, yuan
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import EMPLOYEE, RESIDENT
from yibao.prescriptions import service as prescriptions
from yibao.prescriptions.model import (
    Dispense,
    Drug,
    EventKind,
    Prescription,
    State,
    Take,
)
from yibao.registry.people.model import Insured
from yibao.registry.people.service import load_members

TAKABLE = frozenset({State.VALID, State.LOCKED, State.DISPENSING})


# --------------------------------------------------------------------------------- find and take


@transaction("7201")
async def decode(call: Call) -> Any:
    """Whose prescription a QR text is, and a token to take it with (电子处方二维码解码)."""
    shown = call.input["data"].get("epc_qrcd")
    if shown is None:
        raise missing("data.epc_qrcd", "电子处方二维码值")
    vault, institution = call.context.vault, call.institution.code
    async with call.context.database.reader([institution]) as connection:
        facts = await prescriptions.of_scan(connection, vault, shown)
        if facts is None:
            raise Refused(
                RefusalCode.PRESCRIPTION_UNKNOWN,
                "data.epc_qrcd（电子处方二维码值）无效，或处方未流转至本机构",
                "data.epc_qrcd",
            )
        prescriptions.check_taker(facts, institution)
        members = await load_members(connection, vault, facts.key.pool, [facts.member])
    member = members[facts.member]
    return {
        "epc_token": prescriptions.token(vault, facts.key, institution),
        "cert_type": member.identity.document_type,
        "name": member.identity.name,
        "certno": member.identity.document_number,
        "insuplc_admdvs": _insured_division(member, facts),
    }


@transaction("7202")
async def list_presented(call: Call) -> Any:
    """What the person with this voucher may have handed out here (电子处方查询)."""
    vault, institution = call.context.vault, call.institution.code
    async with call.context.database.reader([institution]) as connection:
        members = await members_shown(call, connection, call.input["data"])
        numbers = [member.membership.number for member in members]
        rows = []
        for facts in await prescriptions.of_members(connection, numbers):
            if _is_takable(call, facts):
                content, _ = await prescriptions.content(connection, vault, facts.key)
                rows.append(_listed(call, facts, content["mdtrtinfo"]))
    return rows


def _is_takable(call: Call, facts: Prescription) -> bool:
    institution = call.institution.code
    return (
        prescriptions.state(facts, call.received) in TAKABLE
        and facts.addressee in (None, institution)
        and prescriptions.holder(facts) in (None, institution)
    )


def _listed(call: Call, facts: Prescription, seen: Text) -> Text:
    return {
        "auth_rxno": prescriptions.authorisation(
            call.context.vault, facts.key, call.institution.code
        ),
        "diag_name": seen.get("diag_name"),
        "fixmedins_code": facts.institution,
        "fixmedins_name": _name_of(call, facts),
        "prsc_time": moment(facts.prescribed_at),
        "dept_name": seen.get("prsc_dept_name"),
        "valid_end_time": moment(facts.valid_until),
    }


@transaction("7203")
async def take(call: Call) -> Any:
    """Take a prescription to hand it out; no other pharmacy may then (电子处方下载)."""
    data = call.input["data"]
    shown = data.get("epc_token") or data.get("auth_rxno")
    if shown is None:
        raise missing("data.epc_token", "电子处方令牌")
    vault, institution = call.context.vault, call.institution.code
    key = prescriptions.granted(vault, shown, institution)
    if key is None or key.pool not in call.reference.directory.pools:
        raise Refused(
            RefusalCode.PRESCRIPTION_UNKNOWN,
            "data.epc_token（电子处方令牌）或 data.auth_rxno（医保处方授权编号）"
            "无效，或不是授予本机构的",
            "data.epc_token" if data.get("epc_token") else "data.auth_rxno",
        )
    request = Take(institution, key)
    facts: Prescription = await call.perform(key.pool, key.text(), request, recall(call))
    async with call.context.database.reader([institution]) as connection:
        content, came = await prescriptions.content(connection, vault, key)
        members = await load_members(connection, vault, key.pool, [facts.member])
    return _downloaded(call, facts, content, came.get(EventKind.UPLOADED, {}), members)


def _downloaded(
    call: Call, facts: Prescription, content: Any, uploaded: Any, members: dict[str, Insured]
) -> Any:
    """The prescription in 7203's words; what the hospital left out of the person is filled in."""
    member = members[facts.member]
    day = business_date(facts.prescribed_at)
    person = person_fields(member, day)
    seen = {
        "patn_name": person["psn_name"],
        "insuplc_admdvs": _insured_division(member, facts),
        "phar_name": uploaded.get("phar_name"),
        "phar_chk_time": uploaded.get("phar_chk_time"),
        **{name: person[name] for name in ("psn_cert_type", "certno", "gend")},
        **content["mdtrtinfo"],
    }
    whole = {
        **content["data"],
        "rx_file": uploaded.get("rx_file") or content["data"].get("rx_file"),
        "hi_rxno": facts.key.text(),
        "fixmedins_code": facts.institution,
        "fixmedins_name": _name_of(call, facts),
        "prsc_time": moment(facts.prescribed_at),
        "valid_end_time": moment(facts.valid_until),
    }
    code = prescriptions.download_code(call.context.vault, facts.key, call.institution.code)
    return {
        "data": written("7203", "data", whole) | {"download_ide_code": code},
        "rxdrugdetail": [written("7203", "rxdrugdetail", row) for row in content["rxdrugdetail"]],
        "mdtrtinfo": written("7203", "mdtrtinfo", seen),
        "diseinfo": [written("7203", "diseinfo", row) for row in content["diseinfo"]],
    }


# ----------------------------------------------------------------------- review, deliver, dispense


@transaction("7204")
async def review(call: Call) -> Any:
    """What the pharmacy's pharmacist decided; refused drugs may be had elsewhere (药店审方)."""
    passed = review_passed(call.input["data"])
    kind = EventKind.PHARMACY_PASSED if passed else EventKind.PHARMACY_FAILED
    await report(call, "7204", kind)


@transaction("7205")
async def deliver(call: Call) -> Any:
    """How far the delivery is (配送信息上传)."""
    data = call.input["data"]
    status = data.get("delv_stas_codg")
    if status is None:
        raise missing("data.delv_stas_codg", "状态编码")
    await report(call, "7205", EventKind.DELIVERED, details={"status": status})


@transaction("7206")
async def dispense(call: Call) -> Any:
    """Hand drugs out; never another drug or more than the prescription leaves (处方核销)."""
    data = call.input["data"]
    key = prescription_key(call, data.get("hi_rxno"), "hi_rxno")
    drugs = tuple(_sold(place, row) for place, row in enumerate(call.input["selinfo"], 1))
    details = bill_details(data)
    listed = [row["sumamt"] for row in call.input["selinfo"] if "sumamt" in row]
    total = data["fund_pay_sumamt"] + data["psn_part_amt"]
    if listed and sum(listed) != total:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"selinfo.sumamt（合计金额）之和 {yuan(sum(listed))} 与基金支付和个人负担之和 "
            f"{yuan(total)} 不一致",
            "selinfo",
        )
    request = Dispense(
        institution=call.institution.code,
        prescription=key,
        drugs=drugs,
        download_code=data.get("download_ide_code"),
        details=details,
        content=spelled("7206", "data", data),
    )
    facts: Prescription = await call.perform(key.pool, key.text(), request, recall(call))
    return {"data": {"hi_rxno": key.text(), "remaining": _remaining(facts)}}


def _sold(place: int, row: Text) -> Drug:
    if "med_list_codg" not in row:
        raise missing(f"selinfo[{place}].med_list_codg", "医疗目录编码")
    if "sel_retn_cnt" not in row:
        raise missing(f"selinfo[{place}].sel_retn_cnt", "销售数量")
    return Drug(row["med_list_codg"], row["sel_retn_cnt"])


def _remaining(facts: Prescription) -> list[Text]:
    """What is still to be had: our own words, clients may pass over them."""
    return [
        {"med_list_codg": item, "drug_cnt": unscaled(left, QUANTITY_SCALE)}
        for item, left in prescriptions.remaining(facts).items()
        if left
    ]


# ------------------------------------------------------------------------------------------ shared


def _name_of(call: Call, facts: Prescription) -> str | None:
    institution = call.reference.directory.institution(facts.institution)
    term = institution.term_on(business_date(facts.prescribed_at)) if institution else None
    return term.name if term else None


def _insured_division(member: Insured, facts: Prescription) -> str:
    """Where the person was insured when it was written; the pool's own where that is not known."""
    day = business_date(facts.prescribed_at)
    for scheme in (EMPLOYEE, RESIDENT):
        enrolment = member.enrolment_on(scheme, day)
        if enrolment is not None:
            return enrolment.division
    return facts.key.pool
