"""A recorded request as text: pretty JSON for reading, a command for sending it again."""

import shlex

import msgspec

from yibao.gateway.exchange import Exchange

_CARRIED_BY_CURL = frozenset({"host", "content-length", "connection", "accept-encoding"})
"""Headers that curl writes itself."""
LONGEST_SHOWN = 200_000


def pretty(body: bytes | None) -> str:
    """A body for reading: indented when it is JSON, digits and order as sent."""
    if body is None:
        return ""
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        msgspec.json.decode(text)
        text = msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass
    shown = text.decode("utf-8", "replace")
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}\n…"


def answer_text(exchange: Exchange) -> str:
    """An answer for reading; of a file its name and size."""
    if exchange.file_name is not None:
        return f"{exchange.file_name} · {len(exchange.answer)} bytes"
    return pretty(exchange.answer)


def curl(exchange: Exchange, base_url: str) -> str:
    """A shell command that sends the request again, byte by byte."""
    parts = ["curl", "-sS", "-X", exchange.method]
    for name, value in exchange.headers.items():
        if name not in _CARRIED_BY_CURL:
            parts += ["-H", shlex.quote(f"{name}: {value}")]
    if exchange.body:
        parts += ["--data-binary", shlex.quote(exchange.body.decode("utf-8", "replace"))]
    parts.append(shlex.quote(base_url + exchange.path))
    return " ".join(parts)
