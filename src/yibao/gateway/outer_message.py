"""The outer message of the centres for e-prescriptions, e-credentials and mobile payment.

``appId`` (or ``appCode``), ``version``, ``timestamp``, ``encType``, ``signType``, ``encData``,
``signData``: the content is encrypted with SM4 and signed with SM2 as a whole, and the answer has
the same form. Senders differ in three things; each is understood, and the answer does as its
request did: the SM2 user id (the default one, or the application's secret), non-ASCII text as
``\\uXXXX``, and whether empty fields inside the content are signed.

SM4 in ECB mode with a key that derives from a public id is weak; it is what these centres speak.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from yibao.gateway.exchange import SignatureTrace
from yibao.gateway.reading import decode_json
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto_sm import (
    DEFAULT_USER_ID,
    Unreadable,
    read_bytes,
    read_public_key,
    sm2_sign,
    sm2_verify,
    sm4_decrypt,
    sm4_encrypt,
)
from yibao.registry.institutions.model import KeyKind, Sender

KIND = "outer"
IDS = ("appId", "appCode")
UNSIGNED = frozenset({"signData", "encData", "extra"})
_KEY_BYTES = 16

# Fractions keep their digits: what was signed is what was written.
_EXACT = msgspec.json.Decoder(float_hook=lambda digits: msgspec.Raw(digits.encode()))
_SORTED = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class OuterManner:
    """How a request was wrapped; its answer is wrapped alike."""

    id_name: str
    application: str
    version: str
    encrypted: bool = False
    secret: str = ""
    user_id: str = DEFAULT_USER_ID
    escaped: bool = False
    signs_escaped: bool = False
    keeps_empty: bool = True
    private: str = ""
    """Our private key for this sender; "" where answers go unsigned."""
    public: str = ""
    bare: bool = False
    """Its data are a node's fields, without the node's name: so are the answer's."""


def application_of(sent: Mapping[str, Any]) -> str | None:
    """The application that an outer message names; None for an ordinary message."""
    if "input" in sent:
        return None
    named = (sent.get(name) for name in IDS)
    return next((value for value in named if type(value) is str and value), None)


def plain_manner(sent: Mapping[str, Any], application: str) -> OuterManner:
    """The manner of an answer to a message that could not be opened."""
    name = IDS[0] if IDS[0] in sent else IDS[1]
    return OuterManner(name, application, str(sent.get("version") or "1.0.0"))


def work_key(application: str, secret: str) -> bytes:
    """The key of the content: from SM4 of the secret under the id's first 16 bytes."""
    under = application.encode()[:_KEY_BYTES]
    return sm4_encrypt(under, secret.encode()).hex().upper()[:_KEY_BYTES].encode()


def signed_text(message: Mapping[str, Any], secret: str, *, keeps_empty: bool = True) -> str:
    """The exact text that is signed: sorted, ``name=value``, the secret as the last one."""
    kept = {
        name: value
        for name, value in message.items()
        if name not in UNSIGNED and not _is_empty(value)
    }
    pairs = [f"{name}={_text(kept[name], keeps_empty=keeps_empty)}" for name in sorted(kept)]
    return "&".join([*pairs, f"key={secret}"])


def open_message(
    sent: Mapping[str, Any], sender: Sender, now: datetime, traces: list[SignatureTrace]
) -> tuple[Any, OuterManner]:
    """The content of an outer message, its signature proved, and how to wrap the answer."""
    application = sender.id
    data, secret, escaped = sent.get("data"), "", False
    secrets = sender.secrets(now)
    encrypted = bool(sent.get("encData"))
    if encrypted:
        plain, secret = _decrypt(str(sent["encData"]), application, secrets)
        escaped = b"\\u" in plain
        data = _decoded(plain)
    proved = _prove(sent, data, sender, now, (secret,) if secret else secrets, traces)
    platform = sender.keys_of(KeyKind.PLATFORM, now)
    manner = OuterManner(
        id_name=IDS[0] if sent.get(IDS[0]) else IDS[1],
        application=application,
        version=str(sent.get("version") or "1.0.0"),
        encrypted=encrypted,
        secret=proved.secret,
        user_id=proved.user_id,
        escaped=escaped,
        signs_escaped=proved.escaped,
        keeps_empty=proved.keeps_empty,
        private=platform[0].secret if platform else "",
        public=platform[0].public if platform else "",
    )
    return decode_json(_SORTED.encode(data)), manner


def wrap(answer: Mapping[str, Any], manner: OuterManner, now: datetime) -> bytes:
    """An answer's envelope in the outer form: code, message and the output as data.

    Fractions are text here: what is signed must not depend on how a reader writes ``0.00`` again.
    """
    output = answer["output"]
    if manner.bare and type(output) is dict and output.keys() == {"data"}:
        output = output["data"]
    message: dict[str, Any] = {
        manner.id_name: manner.application,
        "version": manner.version,
        "timestamp": str(int(now.timestamp() * 1000)),
        "code": answer["infcode"],
        "success": answer["infcode"] == 0,
        "message": answer["err_msg"] or ("成功" if answer["infcode"] == 0 else ""),
        "encType": "SM4" if manner.encrypted else "",
        "signType": "SM2" if manner.private else "",
        "data": decode_json(_SORTED.encode(output)),
    }
    if manner.private:
        text = signed_text(message, manner.secret, keeps_empty=manner.keeps_empty)
        text = _escape(text) if manner.signs_escaped else text
        point = read_public_key(manner.public)
        signature = sm2_sign(manner.private, point, text.encode(), manner.user_id)
        message["signData"] = base64.b64encode(signature).decode()
    if manner.encrypted:
        plain = _SORTED.encode(message.pop("data"))
        if manner.escaped:
            plain = _escape(plain.decode()).encode()
        key = work_key(manner.application, manner.secret)
        message["encData"] = sm4_encrypt(key, plain).hex().upper()
    return msgspec.json.encode(message)


# --------------------------------------------------------------------------------------- decrypting


def _decrypt(text: str, application: str, secrets: Sequence[str]) -> tuple[bytes, str]:
    try:
        sealed = read_bytes(text)
    except Unreadable:
        raise _unreadable("encData 应为十六进制或Base64编码") from None
    if len(application.encode()) < _KEY_BYTES:
        raise _unreadable("appId 至少应有16个字符，否则无法派生工作密钥")
    for secret in secrets:
        try:
            return sm4_decrypt(work_key(application, secret), sealed), secret
        except Unreadable:
            continue
    raise _unreadable("encData 用由 appId 和应用密钥派生的工作密钥解密失败")


def _decoded(plain: bytes) -> Any:
    try:
        return _EXACT.decode(plain)
    except msgspec.MsgspecError:
        raise _unreadable("encData 解密后不是有效的UTF-8编码JSON") from None


def _unreadable(text: str) -> Refused:
    return Refused(RefusalCode.CONTENT_UNREADABLE, text, "encData")


# ------------------------------------------------------------------------------------------ proving


@dataclass(frozen=True, slots=True)
class _Proof:
    secret: str
    user_id: str
    keeps_empty: bool
    escaped: bool


def _prove(
    sent: Mapping[str, Any],
    data: Any,
    sender: Sender,
    now: datetime,
    secrets: Sequence[str],
    traces: list[SignatureTrace],
) -> _Proof:
    """Which of the known ways the signature is right in; Refused when in none."""
    message = {**sent, "data": data}
    signature_text = str(sent.get("signData") or "").strip()
    trace = SignatureTrace(
        kind=KIND, sender=sender.id, text=signed_text(message, "***"), sent=signature_text
    )
    traces.append(trace)
    keys = sender.keys_of(KeyKind.SM2, now)
    if not signature_text:
        raise _wrong("signData（签名）不能为空")
    if not keys:
        trace.note = "no public key of this application is registered"
        raise _wrong("平台未登记该应用的SM2公钥，无法验签")
    try:
        signature = read_bytes(signature_text)
    except Unreadable:
        trace.verified, trace.note = False, "signData is neither Base64 nor hex"
        raise _wrong("signData（签名）应为Base64或十六进制编码") from None
    points = [read_public_key(key.public) for key in keys]
    for proof in _ways(secrets):
        text = signed_text(message, proof.secret, keeps_empty=proof.keeps_empty)
        signed = (_escape(text) if proof.escaped else text).encode()
        if any(sm2_verify(point, signed, signature, proof.user_id) for point in points):
            trace.verified = True
            return proof
    trace.verified = False
    trace.note = "other text, another private key, or another user id than default and secret"
    raise _wrong("signData（签名）验签不通过")


def _ways(secrets: Sequence[str]) -> Iterator[_Proof]:
    for secret in secrets:
        for keeps_empty in (True, False):
            for escaped in (False, True):
                for user_id in (DEFAULT_USER_ID, secret):
                    yield _Proof(secret, user_id, keeps_empty, escaped)


def _wrong(text: str) -> Refused:
    return Refused(RefusalCode.SIGNATURE_WRONG, text, "signData")


# -------------------------------------------------------------------------------------------- texts


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


def _text(value: Any, *, keeps_empty: bool) -> str:
    if type(value) is str:
        return value
    return _SORTED.encode(value if keeps_empty else _without_empty(value)).decode()


def _without_empty(value: Any) -> Any:
    if type(value) is dict:
        return {k: _without_empty(v) for k, v in value.items() if not _is_empty(v)}
    if type(value) is list:
        return [_without_empty(one) for one in value]
    return value


def _escape(text: str) -> str:
    """Non-ASCII as ``\\uXXXX``, pairs of surrogates where needed."""
    units = text.encode("utf-16-be")
    codes = (int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2))
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)
