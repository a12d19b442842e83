"""The request envelope as it is sent, and the answer as it is read."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from yibao.client.model import Answer, CallOutcome, Endpoint, outcome_of_code
from yibao.kernel.periods import local_time

INTERFACE_VERSION = "V1.0"

_decoder = msgspec.json.Decoder(float_hook=Decimal)


def request_body(
    endpoint: Endpoint,
    infno: str,
    content: Mapping[str, Any],
    *,
    message_id: str,
    now: datetime,
    insured_division: str | None = None,
    sign_no: str | None = None,
) -> bytes:
    """The JSON of one request. ``content`` is the ``input`` object with its named nodes."""
    return msgspec.json.encode(
        {
            "infno": infno,
            "msgid": message_id,
            "mdtrtarea_admvs": endpoint.division,
            "insuplc_admdvs": insured_division or "",
            "recer_sys_code": "YBXT",
            "dev_no": "",
            "dev_safe_info": "",
            "cainfo": "",
            "signtype": "",
            "infver": INTERFACE_VERSION,
            "opter_type": "1",
            "opter": "0001",
            "opter_name": "收费员",
            "inf_time": f"{local_time(now):%Y-%m-%d %H:%M:%S}",
            "fixmedins_code": endpoint.institution,
            "fixmedins_name": endpoint.name,
            "sign_no": sign_no or "",
            "input": content,
        }
    )


DOWNLOAD = "9102"
_ZIP = b"PK"


def read_answer(infno: str, message_id: str, body: bytes) -> Answer:
    """The answer in ``body``; an unreadable one leaves the outcome unknown.

    A download (9102) answers the ZIP file itself, and an envelope only when it is refused.
    """
    if infno == DOWNLOAD and body.startswith(_ZIP):
        return Answer(CallOutcome.DONE, infno, message_id, 0, "", {}, file=body)
    try:
        envelope = _decoder.decode(body)
        code = int(envelope["infcode"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return unknown(infno, message_id, f"the answer cannot be read: {body[:200]!r}")
    output = envelope.get("output")
    rows = output if isinstance(output, list) else []
    return Answer(
        outcome=outcome_of_code(code),
        infno=infno,
        message_id=message_id,
        code=code,
        message=str(envelope.get("err_msg") or ""),
        output=output if isinstance(output, dict) else {},
        warning=str(envelope.get("warn_msg") or ""),
        rows=tuple(row for row in rows if isinstance(row, dict)),
        envelope=envelope,
    )


def unknown(infno: str, message_id: str, reason: str) -> Answer:
    """The answer of a call of which nothing readable came back."""
    return Answer(CallOutcome.UNKNOWN, infno, message_id, None, reason, {})
