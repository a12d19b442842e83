"""A recorded request as text: pretty JSON for reading, a command for sending it again."""

import base64
import shlex

import msgspec

from yibao.gateway.exchange import Exchange

_CARRIED_BY_CURL = frozenset({"host", "content-length", "connection", "accept-encoding"})
"""Headers that curl writes itself."""
LONGEST_SHOWN = 200_000
_LONGEST_ARGUMENT = 100_000
"""Bytes that are safe on a command line: Linux takes 128 KiB an argument."""


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
    """A shell command that sends the request again, byte by byte.

    ``--data-raw``, for a body that begins with @ would be taken for a file to send. What is no
    text, or too long for a command line, comes through a pipe (``printf`` is the shell's own).
    """
    parts = ["curl", "-sS", "-X", exchange.method]
    for name, value in exchange.headers.items():
        if name not in _CARRIED_BY_CURL:
            parts += ["-H", shlex.quote(f"{name}: {value}")]
    piped = ""
    if exchange.body:
        text = _text(exchange.body)
        if text is None:
            coded = base64.b64encode(exchange.body).decode()
            piped = f"printf %s {coded} | base64 -d | "
        elif len(exchange.body) > _LONGEST_ARGUMENT:
            piped = f"printf %s {shlex.quote(text)} | "
        parts += ["--data-binary", "@-"] if piped else ["--data-raw", shlex.quote(str(text))]
    parts.append(shlex.quote(base_url + exchange.path))
    return piped + " ".join(parts)


def _text(body: bytes) -> str | None:
    """The body as an argument of a command; None when it cannot be one."""
    try:
        return None if b"\0" in body else body.decode()
    except UnicodeDecodeError:
        return None
