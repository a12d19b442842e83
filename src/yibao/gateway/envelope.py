"""The outer message: reading a request's envelope tolerantly, writing an answer's exactly.

The platform decides times and days by its own clock; the sender's ``inf_time`` is never a reason
to refuse. Every answer has all its fields, ``output`` among them, null when there is nothing.
"""

import itertools
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from yibao.gateway.reading import ABSENT, Violation, decode_json, read_text
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode, Refused

NO_DIVISION = "000000"
"""Stands in ``inf_refmsgid`` while the place of care is not known yet."""

LONGEST_ERROR_TEXT = 500
"""The interface says 200 characters; real servers exceed it, and a clerk needs the rule."""

_NUMBER = re.compile(r"\d{4}[0-9A-Za-z]{0,2}", re.ASCII)

# name → (Chinese label, longest, enforced)
_FIELDS: dict[str, tuple[str, int, bool]] = {
    "infno": ("交易编号", 6, False),
    "msgid": ("发送方报文ID", 30, True),
    "mdtrtarea_admvs": ("就医地医保区划", 6, True),
    "insuplc_admdvs": ("参保地医保区划", 6, False),
    "recer_sys_code": ("接收方系统代码", 10, True),
    "dev_no": ("设备编号", 100, False),
    "dev_safe_info": ("设备安全信息", 2000, False),
    "cainfo": ("数字签名信息", 1024, False),
    "signtype": ("签名类型", 10, False),
    "infver": ("接口版本号", 6, True),
    "opter_type": ("经办人类别", 3, True),
    "opter": ("经办人", 30, True),
    "opter_name": ("经办人姓名", 50, True),
    "fixmedins_code": ("定点医药机构编号", 30, True),
    "fixmedins_name": ("定点医药机构名称", 200, True),
    "sign_no": ("交易签到流水号", 30, False),
    "enc_type": ("加密方式", 10, False),
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a request says around its ``input``."""

    number: str
    """Transaction number as called, with its suffix letter if it has one."""
    message_id: str
    care_division: str
    insured_division: str
    """"" where the caller left it out."""
    operator: str
    operator_name: str
    institution: str
    sign_no: str
    input: Any
    """As sent, fractions kept as text."""


def number_in_path(path: str) -> str | None:
    """The transaction number a path names: its last segment, or end of one, that looks like one.

    ``/hsa/hgs/2207``, ``/callService/2207A`` and ``/ebus-hsa-hgs-2207`` all name one.
    """
    for segment in reversed(path.split("/")):
        for piece in (segment, segment.rsplit("-", 1)[-1]):
            if _NUMBER.fullmatch(piece):
                return piece.upper()
    return None


def read_envelope(body: bytes, path: str) -> Envelope:
    """The envelope of a request body, or Refused with what is wrong about it."""
    sent = _decode_body(body)
    values = {name: _field(sent, name) for name in _FIELDS}
    number = _number(values["infno"].upper(), number_in_path(path))
    for name, (label, _, enforced) in _FIELDS.items():
        if enforced and not values[name]:
            raise Refused(RefusalCode.FIELD_MISSING, f"{name}（{label}）不能为空", name)
    if values["enc_type"]:
        raise Refused(
            RefusalCode.FIELD_INVALID, "enc_type（加密方式）暂只支持明文，应为空", "enc_type"
        )
    return Envelope(
        number=number,
        message_id=values["msgid"],
        care_division=values["mdtrtarea_admvs"],
        insured_division=values["insuplc_admdvs"],
        operator=values["opter"],
        operator_name=values["opter_name"],
        institution=values["fixmedins_code"],
        sign_no=values["sign_no"],
        input=sent.get("input"),
    )


def _decode_body(body: bytes) -> dict[str, Any]:
    try:
        sent = decode_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise Refused(
            RefusalCode.MALFORMED, f"报文不是有效的UTF-8编码JSON：{error}", "body"
        ) from None
    if type(sent) is not dict:
        raise Refused(RefusalCode.MALFORMED, "报文应为一个JSON对象", "body")
    return sent


def _field(sent: dict[str, Any], name: str) -> str:
    raw = sent.get(name)
    if raw is None or (type(raw) is str and raw.strip() in ABSENT):
        return ""
    label, longest, _ = _FIELDS[name]
    try:
        return read_text(raw, longest)
    except Violation as violation:
        raise Refused(violation.code, f"{name}（{label}）{violation.rule}", name) from None


def _number(in_body: str, in_path: str | None) -> str:
    if in_path and in_body and in_path[:4] != in_body[:4]:
        raise Refused(
            RefusalCode.TRANSACTION_MISMATCH,
            f"infno（交易编号）{in_body} 与请求路径中的交易编号 {in_path} 不一致",
            "infno",
        )
    # A path may leave the suffix letter to the body (2207A): the longer one says more.
    number = max(in_body, in_path or "", key=len)
    if not number:
        raise Refused(RefusalCode.FIELD_MISSING, "infno（交易编号）不能为空", "infno")
    if not _NUMBER.fullmatch(number):
        raise Refused(
            RefusalCode.UNKNOWN_TRANSACTION,
            f"infno（交易编号）{number} 无效，应为4位数字，可带后缀字母",
            "infno",
        )
    return number


# ---------------------------------------------------------------------------------------- answers

_serial = itertools.count(secrets.randbelow(10**10))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer before it is written."""

    code: int
    received: datetime
    division: str = NO_DIVISION
    error: str = ""
    output: Any = None
    warning: str | None = None


_ENCODER = msgspec.json.Encoder()


def write_answer(answer: Answer, responded: datetime) -> bytes:
    """The JSON of an answer; ``responded`` is the instant it leaves."""
    received = local_time(answer.received)
    return _ENCODER.encode(
        {
            "infcode": answer.code,
            "inf_refmsgid": (
                f"{answer.division}{received:%Y%m%d%H%M%S}{next(_serial) % 10**10:010d}"
            ),
            "refmsg_time": _milliseconds(received),
            "respond_time": _milliseconds(local_time(responded)),
            "err_msg": answer.error[:LONGEST_ERROR_TEXT],
            "warn_msg": answer.warning,
            "output": answer.output,
            "cainfo": None,
            "signtype": None,
        }
    )


def _milliseconds(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}"
