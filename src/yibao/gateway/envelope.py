"""The outer message: reading a request's envelope tolerantly, writing an answer's exactly.

The platform decides times and days by its own clock; the sender's ``inf_time`` is never a reason
to refuse. Every answer has all its fields, ``output`` among them, null when there is nothing.
"""

import itertools
import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from yibao.gateway.reading import ABSENT, Violation, read_text
from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode, Refused

NO_DIVISION = "000000"
"""Stands in ``inf_refmsgid`` while the place of care is not known yet."""

LONGEST_ERROR_TEXT = 500
"""The interface says 200 characters; real servers exceed it, and a clerk needs the rule."""

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

_LONGEST = {name: longest for name, (_, longest, _) in _FIELDS.items()}
_ENFORCED = tuple(name for name, (_, _, enforced) in _FIELDS.items() if enforced)

_OTHER_NAMES = {"mdtrtarea_admvs": "mdtrtarea_admdvs"}
"""The one name of the envelope that lacks a letter is spelled right by some."""


class Envelope(Frozen):
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


def read_envelope(sent: Mapping[str, Any], number: str) -> Envelope:
    """The envelope of a request's object, or Refused with what is wrong about it.

    ``number`` is the transaction's, as ``routing`` found it.
    """
    values = {name: _field(sent, name) for name in _FIELDS}
    for name in _ENFORCED:
        if not values[name]:
            label = _FIELDS[name][0]
            raise Refused(RefusalCode.FIELD_MISSING, f"{name}（{label}）不能为空", name)
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


def field_text(sent: Mapping[str, Any], name: str) -> str:
    """One field of the envelope as text, "" when it is absent; Refused for what is no text."""
    return _field(sent, name)


def _field(sent: Mapping[str, Any], name: str) -> str:
    raw = sent.get(name)
    if type(raw) is str and raw.isprintable() and len(raw) <= _LONGEST[name]:  # nearly every one
        text = raw.strip()
        return "" if text in ABSENT else text
    if raw is None and name in _OTHER_NAMES:
        raw = sent.get(_OTHER_NAMES[name])
    if raw is None or (type(raw) is str and raw.strip() in ABSENT):
        return ""
    label, longest, _ = _FIELDS[name]
    try:
        return read_text(raw, longest)
    except Violation as violation:
        raise Refused(violation.code, f"{name}（{label}）{violation.rule}", name) from None


# ---------------------------------------------------------------------------------------- answers


def _serials_from_anywhere() -> "itertools.count[int]":
    return itertools.count(secrets.randbelow(10**10))


_serials = _serials_from_anywhere()


def _begin_serials() -> None:
    """Another process answers in the same second."""
    global _serials
    _serials = _serials_from_anywhere()


os.register_at_fork(after_in_child=_begin_serials)


class Answer(Frozen):
    """One answer before it is written."""

    code: int
    received: datetime
    division: str = NO_DIVISION
    error: str = ""
    output: Any = None
    warning: str | None = None


_ENCODER = msgspec.json.Encoder()


def answer_fields(answer: Answer, responded: datetime) -> dict[str, Any]:
    """All fields of an answer's envelope; ``responded`` is the instant it leaves."""
    received = _milliseconds(local_time(answer.received))
    return {
        "infcode": answer.code,
        "inf_refmsgid": f"{answer.division}{received[:14]}{next(_serials) % 10**10:010d}",
        "refmsg_time": received,
        "respond_time": _milliseconds(local_time(responded)),
        "err_msg": answer.error[:LONGEST_ERROR_TEXT],
        "warn_msg": answer.warning,
        "output": answer.output,
        "cainfo": None,
        "signtype": None,
    }


def write_answer(answer: Answer, responded: datetime) -> bytes:
    """The JSON of an answer as the national interface has it."""
    return _ENCODER.encode(answer_fields(answer, responded))


def _milliseconds(moment: datetime) -> str:
    """yyyyMMddHHmmssSSS. A fifth of what ``strftime`` takes, and every answer has two of them."""
    day = (moment.year * 100 + moment.month) * 100 + moment.day
    second = ((day * 100 + moment.hour) * 100 + moment.minute) * 100 + moment.second
    return str(second * 1000 + moment.microsecond // 1000)
