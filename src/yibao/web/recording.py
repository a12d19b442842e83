"""An exchange as the journal keeps it, and back."""

import re
from dataclasses import replace
from typing import Any

import msgspec

from yibao.gateway.exchange import Exchange
from yibao.platform.journal import Journal, Note

_VISIT = re.compile(rb'"mdtrt_?[iI]d"\s*:\s*"([0-9A-Za-z]{1,30})"')
"""The first visit that a message or its answer names; camelCase too."""

_LONGEST_NUMBER = 6
_LONGEST_NAME = 40

_encoder = msgspec.msgpack.Encoder(enc_hook=str)
_decoder = msgspec.msgpack.Decoder(Exchange)

Recorder = Journal[Exchange]


def describe(exchange: Exchange) -> tuple[Note, bytes]:
    """Note and document of an exchange, for the journal."""
    if not exchange.number:
        _claim(exchange)
    if not exchange.visit:
        exchange.visit = _visit_named(exchange)
    note = Note(
        received=exchange.received,
        number=exchange.number,
        institution=exchange.institution,
        message=exchange.message_id,
        code=exchange.code,
        rule=exchange.rule,
        error=exchange.error,
        seconds=exchange.seconds,
        visit=exchange.visit,
    )
    # what was read is read again from the body when somebody looks: most documents nobody opens
    return note, _encoder.encode(replace(exchange, read=None))


class _Envelope(msgspec.Struct):
    infno: str = ""
    msgid: str = ""
    fixmedins_code: str = ""


_envelopes = msgspec.json.Decoder(_Envelope)


def _claim(exchange: Exchange) -> None:
    """Take what a message says of itself: its sender was turned away before anybody read it, and
    looks for it by its number and institution."""
    try:
        told = _envelopes.decode((exchange.body or b"").removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    exchange.number = told.infno[:_LONGEST_NUMBER]
    exchange.message_id = exchange.message_id or told.msgid[:_LONGEST_NAME]
    exchange.institution = exchange.institution or told.fixmedins_code[:_LONGEST_NAME]


def weigh(exchange: Exchange) -> int:
    """Bytes that an exchange holds, about."""
    return len(exchange.body or b"") + len(exchange.answer)


def exchange_of(document: bytes) -> Exchange:
    """The exchange that was kept as ``document``."""
    return _decoder.decode(document)


def _visit_named(exchange: Exchange) -> str:
    read: Any = exchange.read or {}
    for node in read.values():
        for row in node if isinstance(node, list) else [node]:
            if isinstance(row, dict) and isinstance(row.get("mdtrt_id"), str):
                return str(row["mdtrt_id"])
    found = _VISIT.search(exchange.answer) or _VISIT.search(exchange.body or b"")
    return found[1].decode() if found else ""
