"""One message and its answer as the developer's console wants to see them.

A gateway that records nobody's exchanges pays nothing for this but the call's own fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yibao.platform.admission.service import Caller


@dataclass(slots=True)
class SignatureTrace:
    """What was signed, as the server sees it, beside what the sender sent."""

    kind: str
    """``x-tif``, ``csb``, ``sm2-envelope``, ``outer``, ``token``, or ``none``."""
    sender: str = ""
    """Account or access key."""
    text: str = ""
    """The exact string that the server signed or digested; secrets in it are shown as ``***``."""
    expected: str = ""
    """Digest or signature that the server computed; "" where it can only verify (SM2)."""
    sent: str = ""
    verified: bool | None = None
    """None: not checked (open door, or refused before it came to that)."""
    note: str = ""
    """What is likely wrong: seconds for milliseconds, Base64 for hex, another user id …"""


@dataclass(slots=True)
class Exchange:
    """A message, its answer, and how far it came."""

    received: datetime
    """Aware UTC."""
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    """None: it was too large to be read."""
    query: str = ""
    """What stands behind the path's question mark."""
    number: str = ""
    """Transaction as called."""
    message_id: str = ""
    institution: str = ""
    dialect: str = ""
    code: int = 0
    """``infcode``."""
    rule: str = ""
    """Name of the refusal: ``FIELD_MISSING`` …"""
    error: str = ""
    refused_field: str = ""
    """Official path of the field that was refused: ``feedetail[3].cnt``."""
    answer: bytes = b""
    """The envelope, or the content of the file that was sent instead (``file_name``)."""
    file_name: str | None = None
    """The answer is no envelope but this file, as octet-stream (9102)."""
    seconds: float = 0.0
    read: Mapping[str, Any] | None = None
    """The typed ``input`` as the transaction saw it; None when it did not come that far."""
    visit: str = ""
    """``mdtrt_id``, when the message or its answer names one."""
    fault: str = ""
    """What was broken on purpose: ``delay``, ``lose_reply`` …"""
    signatures: list[SignatureTrace] = field(default_factory=list)
    caller: Caller | None = None
    """Who seemed to call, at the turnstile; None where there is none."""
