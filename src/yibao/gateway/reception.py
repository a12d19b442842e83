"""From a request to who sent it and what it says, whatever form it came in.

Ordinary messages are told apart from outer ones and from questions by GET; the sender is proved by
its headers, by the outer message's signature, or by the envelope's own; encrypted content is
opened. What was found of the manner to answer in is noted on the way, so that a refusal has it too.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from yibao.gateway.authentication import Headers, carries_identity, check_time
from yibao.gateway.body import read_body
from yibao.gateway.content_encryption import decrypt_input
from yibao.gateway.context import Context, Progress
from yibao.gateway.dialects.choice import choose_dialect
from yibao.gateway.dialects.model import GENERAL, MessageIdRule
from yibao.gateway.envelope import Envelope, field_text, read_envelope
from yibao.gateway.envelope_signature import check_envelope
from yibao.gateway.exchange import Exchange
from yibao.gateway.outer_message import application_of, open_message, plain_manner
from yibao.gateway.routing import choose_number, numbers_of_path
from yibao.gateway.tables import tables
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.institutions.model import Directory, HeaderFamily, KeyKind, Sender

_PLAIN = GENERAL.security

_INSTITUTION_NAMES = ("fixmedinsCode", "fixmedins_code", "orgCodg", "medinsCode", "orgId")
"""Where the content of an outer message names the institution."""


def read_request(
    exchange: Exchange, context: Context, directory: Directory, progress: Progress
) -> tuple[Sender, Envelope]:
    """The proved sender and the envelope of a request; Refused with what is wrong about it."""
    if exchange.method == "GET" and exchange.query:
        return _receive_query(exchange, context, directory, progress)
    if exchange.method != "POST":
        raise Refused(RefusalCode.MALFORMED, "接口只接受POST请求", "method")
    body = exchange.body
    if body is None:
        limit = context.body_limit // (1024 * 1024)
        raise Refused(RefusalCode.TOO_LARGE, f"报文过大：请求体不得超过{limit}MB", "body")
    sender = None
    if carries_identity(exchange.headers):
        sender = _admit(exchange, context, directory, body)
    try:
        sent = read_body(body, exchange.headers.get("content-type", ""))
    except Refused:
        if sender is None:  # first of all say who you are
            _admit(exchange, context, directory, body)
        raise
    application = application_of(sent)
    if application is not None:
        return _receive_outer(sent, application, exchange, context, directory, progress)
    return _receive_ordinary(sent, sender, exchange, context, directory, progress)


# ---------------------------------------------------------------------------------------- ordinary


def _receive_ordinary(
    sent: dict[str, Any],
    sender: Sender | None,
    exchange: Exchange,
    context: Context,
    directory: Directory,
    progress: Progress,
) -> tuple[Sender, Envelope]:
    institution = field_text(sent, "fixmedins_code")
    by_envelope = None
    if sender is None and sent.get("cainfo"):
        by_envelope = directory.sender(HeaderFamily.ENVELOPE, institution)
    known = sender or by_envelope
    if known is None:
        known = _admit(exchange, context, directory, exchange.body or b"")
    _check_envelope(sent, known, institution, exchange, context, progress, is_proof=by_envelope)
    number = choose_number(
        field_text(sent, "infno"),
        numbers_of_path(exchange.path),
        _api_name(exchange.headers),
    )
    _open_content(sent, known, context, progress)
    envelope = read_envelope(sent, number)
    rule = progress.manner.dialect.requests.message_id
    if rule is MessageIdRule.INSTITUTION and not envelope.message_id.startswith(institution):
        raise Refused(
            RefusalCode.FIELD_INVALID, "msgid（发送方报文ID）应以fixmedins_code开头", "msgid"
        )
    return known, envelope


def _admit(exchange: Exchange, context: Context, directory: Directory, body: bytes) -> Sender:
    headers = exchange.headers
    if "_api_access_key" in headers and "_api_name" not in headers:  # it may end the path instead
        headers = {**headers, "_api_name": exchange.path.rstrip("/").rpartition("/")[2]}
    return context.door.admit(headers, directory, body, exchange.signatures)


def _check_envelope(
    sent: Mapping[str, Any],
    sender: Sender,
    institution: str,
    exchange: Exchange,
    context: Context,
    progress: Progress,
    *,
    is_proof: Sender | None,
) -> None:
    """Check ``cainfo``; for a sender without headers it is the only proof there is."""
    manner = progress.manner
    manner.dialect = choose_dialect(sender.dialect, institution)
    exchange.dialect = manner.dialect.name
    security = manner.dialect.security
    if security.sign_answers and sender.keys:
        own = sender.keys_of(KeyKind.PLATFORM, context.line_now())
        manner.signer = own[0] if own else None
    if not sent.get("cainfo") and not is_proof and security == _PLAIN:
        return
    keys = sender.keys_of(KeyKind.SM2, context.line_now())
    proved = check_envelope(sent, sender.id, keys, security, exchange.signatures)
    if is_proof is not None and not proved:
        raise Refused(
            RefusalCode.NOT_AUTHENTICATED, "请求头缺少发送方身份，且报文签名未能验证", "cainfo"
        )


def _open_content(
    sent: dict[str, Any], sender: Sender, context: Context, progress: Progress
) -> None:
    kind = field_text(sent, "enc_type")
    if not kind:
        return
    keys = sender.keys_of(KeyKind.SM4, context.line_now())
    mode = progress.manner.dialect.security.content_mode
    sent["input"], progress.manner.cipher = decrypt_input(kind, sent.get("input"), keys, mode)


def _api_name(headers: Headers) -> str:
    for name in ("_api_name", "-api-name", "api_name", "api-name"):
        if name in headers:
            return headers[name].strip()
    return ""


# ------------------------------------------------------------------------------------------- outer


def _receive_outer(
    sent: dict[str, Any],
    application: str,
    exchange: Exchange,
    context: Context,
    directory: Directory,
    progress: Progress,
) -> tuple[Sender, Envelope]:
    progress.manner.outer = plain_manner(sent, application)
    sender = directory.sender(HeaderFamily.APPLICATION, application)
    if sender is None:
        raise Refused(RefusalCode.NOT_AUTHENTICATED, f"应用 {application} 未登记", "appId")
    now = context.line_now()
    data, manner = open_message(sent, sender, now, exchange.signatures)
    progress.manner.outer = manner
    check_time(str(sent.get("timestamp") or ""), "timestamp", now, context.clock_tolerance)
    if type(data) is dict and "infno" in data and "input" in data:  # an ordinary message inside
        number = choose_number(field_text(data, "infno"), numbers_of_path(exchange.path))
        envelope = read_envelope(data, number)
    else:
        content = data if type(data) is dict else {}
        envelope = _bare_envelope(
            choose_number(_named(sent, content), numbers_of_path(exchange.path)),
            _institution(content, sender),
            _message_id({**sent, "data": data, "signData": None, "encData": None}),
            content,
        )
        bare = envelope.input.keys() != content.keys()
        progress.manner.outer = replace(manner, bare=bare)
    progress.manner.dialect = choose_dialect(sender.dialect, envelope.institution)
    exchange.dialect = progress.manner.dialect.name
    return sender, envelope


def _named(sent: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """The transaction's number where the path does not say it."""
    for holder in (sent, content):
        for name in ("infno", "transType", "tranType"):
            if type(holder.get(name)) is str:
                return str(holder[name])
    return ""


# -------------------------------------------------------------------------------------------- query


def _receive_query(
    exchange: Exchange, context: Context, directory: Directory, progress: Progress
) -> tuple[Sender, Envelope]:
    """A question by GET, its fields in the address; only where the dialect has it."""
    sender = _admit(exchange, context, directory, exchange.query.encode())
    fields = dict(parse_qsl(exchange.query))
    institution = _institution(fields, sender)
    dialect = progress.manner.dialect = choose_dialect(sender.dialect, institution)
    exchange.dialect = dialect.name
    number = choose_number(fields.get("infno", ""), numbers_of_path(exchange.path))
    if number not in dialect.requests.query:
        raise Refused(RefusalCode.MALFORMED, f"交易 {number} 只接受POST请求", "method")
    return sender, _bare_envelope(number, institution, _message_id(fields), fields)


# ------------------------------------------------------------------------------------------ private


def _bare_envelope(
    number: str, institution: str, message_id: str, content: Mapping[str, Any]
) -> Envelope:
    """The envelope of a form that has none; the division is the institution's own."""
    table = tables().find(number)
    tops = () if table is None else [node.name for node in table.input if "." not in node.name]
    inside = content if not tops or set(tops) & set(content) else {tops[0]: dict(content)}
    return Envelope(
        number=number,
        message_id=message_id,
        care_division="",
        insured_division="",
        operator="",
        operator_name="",
        institution=institution,
        sign_no="",
        input=dict(inside),
    )


def _institution(content: Mapping[str, Any], sender: Sender) -> str:
    """The institution that the content names, else the only one that the sender speaks for."""
    inner = [value for value in content.values() if type(value) is dict]
    for holder in (content, *inner):
        for name in _INSTITUTION_NAMES:
            if type(holder.get(name)) is str and holder[name].strip():
                return str(holder[name]).strip()
    spoken_for = {code for code, _ in sender.institutions}
    if len(spoken_for) == 1:
        return spoken_for.pop()
    raise Refused(
        RefusalCode.FIELD_MISSING, "fixmedinsCode（定点医药机构编号）不能为空", "fixmedinsCode"
    )


def _message_id(content: Mapping[str, Any]) -> str:
    """The id of a message that carries none: its own digest, so that a repeat is the same one."""
    canonical = msgspec.json.encode(content, order="deterministic")
    return hashlib.sha256(canonical).hexdigest()[:30].upper()
