"""Electronic prescriptions at the hospital: 7101 to 7105, and the centre's D001 to D004 and D006.

Two forms of one life: 7101 uploads a signed prescription in one message; the centre pre-checks
(D001), signs (D002) and takes in (D003). The pharmacy's side is in ``dispensing.py``.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.pools import visit_key
from yibao.gateway.prescription_content import Text, spelled
from yibao.gateway.reading import Row, decode_json
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.prescriptions import service as prescriptions
from yibao.prescriptions.model import (
    Drug,
    EventKind,
    Issue,
    Prescription,
    Report,
    Sign,
    State,
    Upload,
)
from yibao.registry.people.service import load_members

PASSED, FAILED, NOT_REVIEWED = "1", "2", "0"
"""``rx_chk_stas_codg``; inferred."""
REVIEW_NAMES = {PASSED: "审核通过", FAILED: "审核不通过", NOT_REVIEWED: "未审核"}

VALID, LAPSED, UNDONE = "1", "2", "3"
"""``rx_stas_codg``."""
STATE_NAMES = {VALID: "有效", LAPSED: "失效", UNDONE: "撤销"}
_NOT_YET = frozenset({State.CHECKED, State.SIGNED, State.UPLOADED})
_LAPSED = frozenset({State.EXPIRED, State.REJECTED})

ADDRESSEE = "circFixmedinsCode"
"""Our own field in ``extras`` of D001: the only pharmacy that may take the prescription."""


# ----------------------------------------------------------------------------------- issue, upload


@transaction("7101")
async def upload(call: Call) -> Any:
    """Upload a prescription, valid once a pharmacist has seen it (电子处方上传)."""
    data, seen = call.input["data"], call.input["mdtrtinfo"]
    file_text(data, "rx_file", "处方原件")
    reviewed = (EventKind.REVIEW_PASSED,) if seen.get("phar_name") else ()
    content = {
        "data": spelled("7101", "data", data),
        "mdtrtinfo": spelled("7101", "mdtrtinfo", seen),
        "rxdrugdetail": [
            spelled("7101", "rxdrugdetail", row) for row in call.input["rxdrugdetail"]
        ],
        "diseinfo": [spelled("7101", "diseinfo", row) for row in call.input["diseinfo"]],
    }
    facts = await _issue(
        call,
        content,
        data,
        [
            ("rxdrugdetail", row.get("med_list_codg"), row.get("drug_cnt"))
            for row in call.input["rxdrugdetail"]
        ],
        (EventKind.SIGNED, EventKind.UPLOADED, *reviewed),
    )
    return {
        "hi_rxno": facts.key.text(),
        "epc_qrcd": prescriptions.scan_text(call.context.vault, facts.key),
    }


@transaction("D001")
async def check(call: Call) -> Any:
    """Pre-check a prescription and give it its numbers (电子处方上传预核验)."""
    data = call.input["data"]
    content = {
        "data": spelled("D001", "data", _own_fields(data)),
        "mdtrtinfo": spelled("D001", "data.mdtrtinfo", data["mdtrtinfo"]),
        "rxdrugdetail": [spelled("D001", "data.rxdrugdetail", row) for row in data["rxdrugdetail"]],
        "diseinfo": [spelled("D001", "data.diseinfo", row) for row in data["diseinfo"]],
    }
    check_own_code(call, data["mdtrtinfo"].get("fixmedinsCode"))
    drugs = [
        ("data.rxdrugdetail", row.get("medListCodg"), row.get("drugCnt"))
        for row in data["rxdrugdetail"]
    ]
    times = {
        "prsc_time": data.get("prscTime"),
        "valid_end_time": data.get("valiEndTime"),
        "valid_days": data.get("valiDays"),
    }
    facts = await _issue(call, content, times, drugs, ())
    return {
        "data": {"rxTraceCode": prescriptions.trace_code(facts.key), "hiRxno": facts.key.text()}
    }


def _own_fields(data: Row) -> Row:
    return {name: value for name, value in data.items() if not isinstance(value, dict)}


async def _issue(
    call: Call,
    content: Mapping[str, Any],
    times: Mapping[str, Any],
    drugs: list[tuple[str, str | None, int | None]],
    events: tuple[EventKind, ...],
) -> Prescription:
    data, seen = content["data"], content["mdtrtinfo"]
    member = _needed(seen, "mdtrtinfo.psn_no", "人员编号")
    visit = visit_key(call, _needed(seen, "mdtrtinfo.mdtrt_id", "就诊ID"), member)
    prescribed_at = times.get("prsc_time") or call.received
    valid_until = times.get("valid_end_time")
    if valid_until is None:
        if not times.get("valid_days"):
            raise missing("data.valid_end_time", "有效截止时间")
        # A thousand years are as good as a million, and dates end.
        valid_until = prescribed_at + timedelta(days=min(times["valid_days"], 366_000))
    facts: Prescription = await call.perform(
        visit.pool,
        member,
        Issue(
            institution=call.institution.code,
            member=member,
            visit=visit,
            hospital_number=_needed(data, "data.hosp_rxno", "定点医疗机构处方编号"),
            addressee=_addressee(seen),
            prescribed_at=prescribed_at,
            valid_until=valid_until,
            drugs=tuple(_drug(place, one) for place, one in enumerate(drugs, 1)),
            patient_name=seen.get("patn_name"),
            document_number=seen.get("certno"),
            events=events,
            content=content,
        ),
        recall(call),
    )
    return facts


def _drug(place: int, drug: tuple[str, str | None, int | None]) -> Drug:
    node, item, quantity = drug
    if item is None:
        raise missing(f"{node}[{place}].med_list_codg", "医疗目录编码")
    if quantity is None:
        raise missing(f"{node}[{place}].drug_cnt", "药品数量")
    return Drug(item, quantity)


def _addressee(seen: Text) -> str | None:
    extras = seen.get("extras")
    if isinstance(extras, str):
        try:
            extras = decode_json(extras)
        except ValueError:
            return None
    named = extras.get(ADDRESSEE) if isinstance(extras, dict) else None
    return named if isinstance(named, str) and named else None


@transaction("D002")
async def sign(call: Call) -> Any:
    """Sign what the hospital will upload (电子处方医保电子签名)."""
    data = call.input["data"]
    check_own_code(call, data.get("fixmedinsCode"))
    file = file_text(data, "originalRxFile", "原始待签名处方文件")
    value = file_text(data, "originalValue", "原始待签名处方信息")
    key = _signed_key(call, value)
    request = Sign(call.institution.code, key, value, file)
    facts: Prescription = await call.perform(key.pool, key.text(), request, recall(call))
    made = prescriptions.signature_of(facts)
    return {
        "data": {
            "rxFile": file,
            "signDigest": made[prescriptions.SIGNATURE],
            "signCertSn": made["certificate_number"],
            "signCertDn": made["certificate_name"],
        }
    }


def _signed_key(call: Call, value: str) -> PoolKey:
    """The prescription that the text to be signed is about: JSON, as it is or in Base64."""
    try:
        text = value if value.lstrip().startswith("{") else base64.b64decode(value, validate=True)
        signed = decode_json(text)
    except (ValueError, binascii.Error):
        signed = None
    if not isinstance(signed, dict):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            "data.originalValue（原始待签名处方信息）应为JSON或其Base64编码",
            "data.originalValue",
        )
    number, trace = signed.get("hiRxno"), signed.get("rxTraceCode")
    key = parse_pool_key(str(number)) if number else prescriptions.read_trace_code(str(trace))
    if key is None or not _is_known(call, key):
        raise Refused(
            RefusalCode.PRESCRIPTION_UNKNOWN,
            "data.originalValue（原始待签名处方信息）中的hiRxno或rxTraceCode不存在或不属于本机构",
            "data.originalValue",
        )
    return key


@transaction("D003")
async def take_in(call: Call) -> Any:
    """Take in the signed prescription with its pharmacist's review (电子处方上传)."""
    data = call.input["data"]
    check_own_code(call, data.get("fixmedinsCode"))
    key = prescription_key(call, data.get("hiRxno"), "hiRxno")
    trace = data.get("rxTraceCode")
    if trace is not None and prescriptions.read_trace_code(trace) != key:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            "data.rxTraceCode（处方追溯码）与医保处方编号不是同一处方",
            "data.rxTraceCode",
        )
    request = Upload(
        institution=call.institution.code,
        prescription=key,
        visit=data.get("mdtrtId"),
        patient_name=data.get("patnName"),
        document_number=data.get("certno"),
        file=file_text(data, "rxFile", "处方原件"),
        signature=_needed(data, "data.signDigest", "处方信息签名值"),
        content=spelled("D003", "data", data),
    )
    facts: Prescription = await call.perform(key.pool, key.text(), request, recall(call))
    return {
        "data": {
            "hiRxno": key.text(),
            **_state_fields(call, facts),
            "epcQrcd": prescriptions.scan_text(call.context.vault, key),
        }
    }


# ---------------------------------------------------------------- review, withdrawal, bill, payment


@transaction("7102")
async def review(call: Call) -> Any:
    """What a pharmacist outside decided (电子处方审核信息上传)."""
    data = call.input["data"]
    check_own_code(call, data.get("fixmedins_code"))
    passed = review_passed(data)
    kind = EventKind.REVIEW_PASSED if passed else EventKind.REVIEW_FAILED
    await report(call, "7102", kind)


@transaction("7103")
async def tell_bill(call: Call) -> Any:
    """What the drugs cost and who paid (处方购药结算信息上传)."""
    data = call.input["data"]
    details = bill_details(data)
    listed = [row["sumamt"] for row in call.input["seltdelts"] if "sumamt" in row]
    total = data["fund_pay_sumamt"] + data["psn_part_amt"]
    if listed and sum(listed) != total:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"seltdelts.sumamt（合计金额）之和 {yuan(sum(listed))} 与基金支付和个人负担之和 "
            f"{yuan(total)} 不一致",
            "seltdelts",
        )
    await report(call, "7103", EventKind.BILLED, details=details)


@transaction("7104")
async def withdraw(call: Call) -> Any:
    """Withdraw a prescription that no pharmacy has taken (电子处方撤销)."""
    await report(call, "7104", EventKind.WITHDRAWN)


@transaction("D004")
async def undo(call: Call) -> Any:
    """The centre's withdrawal (电子处方撤销)."""
    check_own_code(call, call.input["data"].get("fixmedinsCode"))
    await report(call, "D004", EventKind.WITHDRAWN, number="hiRxno")


@transaction("7105")
async def tell_payment(call: Call) -> Any:
    """Whether the prescription was paid (处方支付状态上传)."""
    data = call.input["data"]
    status = _needed(data, "data.rx_pay_status_code", "处方支付状态")
    await report(call, "7105", EventKind.PAID, details={"status": status})


@transaction("D006")
async def tell_review(call: Call) -> Any:
    """What came of the review, for the hospital that prescribed (电子处方审核结果查询)."""
    data = call.input["data"]
    check_own_code(call, data.get("fixmedinsCode"))
    key = prescription_key(call, data.get("hiRxno"), "hiRxno")
    vault = call.context.vault
    async with call.context.database.reader([call.institution.code]) as connection:
        facts = await prescriptions.prescription(connection, key)
        if facts is None or facts.institution != call.institution.code:
            raise prescriptions.unknown(key.text())
        members = await load_members(connection, vault, key.pool, [facts.member])
        _, came = await prescriptions.content(connection, vault, key)
    identity = members[facts.member].identity
    for name, label, held in (
        ("mdtrtId", "医保就诊ID", facts.visit.text()),
        ("psnName", "人员名称", identity.name),
        ("certno", "证件号码", identity.document_number),
    ):
        if name in data and data[name].upper() != held.upper():
            raise Refused(
                RefusalCode.PERSON_DIFFERS,
                f"data.{name}（{label}）与处方不一致",
                f"data.{name}",
            )
    reviewer = (
        came.get(EventKind.REVIEW_FAILED)
        or came.get(EventKind.REVIEW_PASSED)
        or came.get(EventKind.UPLOADED)
        or {}
    )
    decided = _reviewed(facts)
    return {
        "data": {
            "hiRxno": key.text(),
            "pharName": reviewer.get("phar_name"),
            "pharCode": reviewer.get("phar_code"),
            "rxChkStasCodg": decided,
            "rxChkStasName": REVIEW_NAMES[decided],
            "rxChkOpnn": reviewer.get("rx_chk_opnn"),
            "rxChkTime": reviewer.get("rx_chk_time") or reviewer.get("phar_chk_time"),
            **_state_fields(call, facts),
        }
    }


def _reviewed(facts: Prescription) -> str:
    reviews = {EventKind.REVIEW_PASSED: PASSED, EventKind.REVIEW_FAILED: FAILED}
    return next(
        (reviews[event.kind] for event in reversed(facts.events) if event.kind in reviews),
        NOT_REVIEWED,
    )


def _state_fields(call: Call, facts: Prescription) -> dict[str, str | None]:
    """``rxStasCodg`` knows valid, lapsed and withdrawn; before its review it is none of them."""
    current = prescriptions.state(facts, call.received)
    if current in _NOT_YET:
        return {"rxStasCodg": None, "rxStasName": None}
    code = UNDONE if current is State.WITHDRAWN else LAPSED if current in _LAPSED else VALID
    return {"rxStasCodg": code, "rxStasName": STATE_NAMES[code]}


# ---------------------------------------------------------------------- shared with the pharmacy's


async def report(
    call: Call,
    transaction_number: str,
    kind: EventKind,
    *,
    number: str = "hi_rxno",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note an event of the prescription that ``data`` names; the whole node is kept sealed."""
    data = call.input["data"]
    key = prescription_key(call, data.get(number), number)
    request = Report(
        institution=call.institution.code,
        prescription=key,
        kind=kind,
        hospital_number=data.get("hosp_rxno"),
        details=details or {},
        content=spelled(transaction_number, "data", data),
    )
    await call.perform(key.pool, key.text(), request, recall(call))


def bill_details(data: Row) -> dict[str, int]:
    """Amounts of a bill in fen: the person's part is account and cash, none is negative."""
    names = ("fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay")
    for name in names:
        if name not in data:
            raise missing(f"data.{name}", "金额")
        if data[name] < 0:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE, f"data.{name}（金额）不得为负", f"data.{name}"
            )
    if data["psn_part_amt"] != data["acct_pay"] + data["psn_cash_pay"]:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"data.psn_part_amt（个人负担总金额）{yuan(data['psn_part_amt'])} 与个人账户和现金之和 "
            f"{yuan(data['acct_pay'] + data['psn_cash_pay'])} 不一致",
            "data.psn_part_amt",
        )
    return {name: data[name] for name in names}


def review_passed(data: Row) -> bool:
    """Whether ``rx_chk_stas_codg`` says that a pharmacist let the prescription pass."""
    status = _needed(data, "data.rx_chk_stas_codg", "处方审核状态代码")
    if status.lstrip("0") not in (PASSED, FAILED):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"data.rx_chk_stas_codg（处方审核状态代码）{status} 无效，应为1（通过）、2（不通过）",
            "data.rx_chk_stas_codg",
        )
    return bool(status.lstrip("0") == PASSED)


def prescription_key(call: Call, text: str | None, name: str) -> PoolKey:
    """The prescription that a number names, in a pool that is known here."""
    if text is None:
        raise missing(f"data.{name}", "医保处方编号")
    key = parse_pool_key(text)
    if key is None or not _is_known(call, key):
        raise prescriptions.unknown(text)
    return key


def _is_known(call: Call, key: PoolKey) -> bool:
    return key.pool in call.reference.directory.pools and key.pool != NO_PERSON_POOL


def check_own_code(call: Call, sent: str | None) -> None:
    """A node's institution, where it is sent, is the message's."""
    if sent is not None and sent != call.institution.code:
        raise Refused(
            RefusalCode.INSTITUTION_NOT_ALLOWED,
            f"fixmedins_code（定点医疗机构编号）{sent} 与报文机构 {call.institution.code} 不一致",
            "institution",
        )


def file_text(data: Row, name: str, label: str) -> str:
    """A file or other long text, which the tables do not check."""
    sent = data.get(name)
    if sent is None:
        raise missing(f"data.{name}", label)
    if not isinstance(sent, str):
        raise Refused(RefusalCode.FIELD_INVALID, f"data.{name}（{label}）应为文本", f"data.{name}")
    return sent


def _needed(row: Mapping[str, Any], path: str, label: str) -> Any:
    value = row.get(path.rpartition(".")[2])
    if value is None:
        raise missing(path, label)
    return value


def recall(call: Call) -> Callable[[Mapping[str, Any]], Awaitable[Prescription]]:
    """How a prescription is found again for a message that is answered again."""

    async def recalled(reference: Mapping[str, Any]) -> Prescription:
        key = parse_pool_key(reference["prescription"])
        assert key is not None, reference
        async with call.context.database.reader([call.institution.code]) as connection:
            return await prescriptions.recalled(connection, key, reference)

    return recalled
