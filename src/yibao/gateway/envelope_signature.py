"""The envelope's own signature (``cainfo``), as Hubei signs it.

Top-level fields but ``cainfo``, ``input`` and ``output``; null is empty text; sorted by name;
``name=value`` joined by ``&``; SM2 with SM3; ``r‖s`` in hex. It does not cover ``input``, so it
proves the sender of the envelope, not the content.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from yibao.gateway.dialects.model import EnvelopeSigning, Security
from yibao.gateway.exchange import SignatureTrace
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto_sm import Unreadable, read_bytes, read_public_key, sm2_sign, sm2_verify
from yibao.registry.institutions.model import SenderKey

KIND = "sm2-envelope"


def signed_text(fields: Mapping[str, Any], unsigned: frozenset[str]) -> str:
    """The exact text that is signed."""
    return "&".join(
        f"{name}={_text(fields[name])}" for name in sorted(fields) if name not in unsigned
    )


def check_envelope(
    fields: Mapping[str, Any],
    sender: str,
    keys: Sequence[SenderKey],
    security: Security,
    traces: list[SignatureTrace],
) -> bool:
    """Whether ``cainfo`` was checked and is right; Refused when it is wrong or wanting.

    ``keys`` are the sender's valid public keys. Without one a signature cannot be checked and,
    unless the dialect requires it, is passed over.
    """
    if security.envelope_signing is EnvelopeSigning.NEVER:
        return False
    sent = _text(fields.get("cainfo")).strip()
    required = security.envelope_signing is EnvelopeSigning.REQUIRED
    if not sent and not required:
        return False
    text = signed_text(fields, security.unsigned_fields)
    trace = SignatureTrace(kind=KIND, sender=sender, text=text, sent=sent)
    traces.append(trace)
    if not sent:
        raise Refused(RefusalCode.SIGNATURE_WRONG, "cainfo（数字签名信息）不能为空", "cainfo")
    if not keys:
        trace.note = "no public key of this sender is registered: yibao keys create --kind sm2"
        if not required:
            return False
        raise Refused(
            RefusalCode.SIGNATURE_WRONG, "平台未登记该发送方的SM2公钥，无法验签", "cainfo"
        )
    trace.verified, trace.note = _verified(text, sent, keys, security)
    if not trace.verified:
        raise Refused(RefusalCode.SIGNATURE_WRONG, "cainfo（数字签名信息）验签不通过", "cainfo")
    return True


def sign_envelope(fields: dict[str, Any], key: SenderKey, security: Security) -> None:
    """Put our own signature into an answer."""
    fields["signtype"] = "SM2"
    text = signed_text(fields, security.unsigned_fields)
    point = read_public_key(key.public)
    fields["cainfo"] = sm2_sign(key.secret, point, text.encode(), security.user_id).hex().upper()


def _verified(
    text: str, sent: str, keys: Sequence[SenderKey], security: Security
) -> tuple[bool, str]:
    """The verdict, and what is likely wrong."""
    try:
        signature = read_bytes(sent)
    except Unreadable:
        return False, "the signature is neither hex nor Base64"
    points = [read_public_key(key.public) for key in keys]
    message = text.encode()
    if any(sm2_verify(point, message, signature, security.user_id) for point in points):
        return True, ""
    if len(signature) != 64 and signature[:1] != b"\x30":
        return False, f"a signature is r‖s (64 bytes) or DER, this one has {len(signature)} bytes"
    for guess, other in _guesses(text):
        if any(sm2_verify(point, other, signature, security.user_id) for point in points):
            return False, guess
    return False, "another private key, another user id, or other text: compare it with yours"


def _guesses(text: str) -> list[tuple[str, bytes]]:
    pairs = [pair for pair in text.split("&") if not pair.endswith("=")]
    return [
        ("empty fields were left out; they are signed as name=", "&".join(pairs).encode()),
        ("values alone were signed", "".join(p.partition("=")[2] for p in pairs).encode()),
        ("the text was signed in GB18030, not in UTF-8", text.encode("gb18030")),
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is str:
        return value
    return msgspec.json.encode(value).decode()
