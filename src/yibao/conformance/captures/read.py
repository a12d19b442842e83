"""Reads captures: envelopes as JSON, JSON lines or lists; pairs of request and response; HAR files;
raw HTTP; curl commands.
"""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yibao.conformance.captures.digits import decode, encode
from yibao.conformance.captures.model import Capture

_REQUEST = ("request", "req", "requestBody", "request_body", "in", "入参", "body")
_RESPONSE = ("response", "resp", "responseBody", "response_body", "out", "出参", "answer")
_PATH = ("path", "url", "uri")
_DROPPED = frozenset({"host", "content-length", "connection", "accept-encoding", "expect"})
"""Headers that belong to the connection, not to the message."""


class Unreadable(Exception):  # noqa: N818 - reads as a fact
    """A file holds no messages in a form that is known; the text names file and reason."""


def read_captures(path: Path) -> list[Capture]:
    """The messages of a file, in order. Raises Unreadable."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error}") from None
    try:
        found = list(_captures(text, path.name))
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path}: {error}") from None
    if not found:
        raise Unreadable(f"{path}: no messages in it")
    return found


def _captures(text: str, name: str) -> Iterator[Capture]:
    start = text.lstrip()
    if start.startswith("curl "):
        for place, command in enumerate(_commands(start), 1):
            yield _of_curl(command, f"{name}:{place}")
    elif start.startswith(("POST ", "GET ")):
        yield _of_http(start, name)
    else:
        for place, one in enumerate(_objects(start), 1):
            yield _of_object(one, f"{name}:{place}")


def _objects(text: str) -> Iterator[Any]:
    """The objects of one JSON document, or of JSON lines."""
    try:
        documents = [decode(text)]
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        documents = [decode(line) for line in lines]
    for document in documents:
        if isinstance(document, dict) and "log" in document:
            yield from document["log"]["entries"]
        elif isinstance(document, list):
            yield from document
        else:
            yield document


def _of_object(one: Any, place: str) -> Capture:
    if not isinstance(one, Mapping):
        raise TypeError(f"{place} is no object")
    if "infno" in one or "input" in one:  # an envelope as it is
        return Capture(place, encode(one))
    request = _first(one, _REQUEST)
    response = _first(one, _RESPONSE)
    if isinstance(request, Mapping) and "postData" in request:  # HAR
        headers = {str(h["name"]): str(h["value"]) for h in request.get("headers", ())}
        content = (response or {}).get("content", {}).get("text")
        return Capture(
            place,
            request["postData"]["text"],
            _path_of(request["url"]),
            _kept(headers),
            _envelope(content),
        )
    if request is None:
        raise ValueError(f"{place}: neither an envelope nor a pair of request and response")
    sent = one.get("headers")
    return Capture(
        place,
        request if isinstance(request, str) else encode(request),
        _path_of(str(_first(one, _PATH) or "")),
        _kept(sent) if isinstance(sent, Mapping) else {},
        _envelope(response),
    )


def _of_http(text: str, place: str) -> Capture:
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    headers = dict(line.split(":", 1) for line in lines if ":" in line)
    return Capture(
        place,
        body.strip(),
        _path_of(first.split()[1]),
        _kept({name.strip(): value.strip() for name, value in headers.items()}),
    )


def _commands(text: str) -> list[str]:
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip().startswith("curl ")]


def _of_curl(command: str, place: str) -> Capture:
    words = iter(shlex.split(command)[1:])
    headers: dict[str, str] = {}
    path = body = ""
    for word in words:
        if word in ("-H", "--header"):
            name, _, value = next(words).partition(":")
            headers[name.strip()] = value.strip()
        elif word in ("-d", "--data", "--data-raw", "--data-binary"):
            body = next(words)
        elif word in ("-X", "--request", "-o", "--output"):
            next(words)
        elif not word.startswith("-"):
            path = _path_of(word)
    return Capture(place, body, path, _kept(headers))


def _first(one: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((one[name] for name in names if one.get(name) not in (None, "")), None)


def _envelope(response: Any) -> Mapping[str, Any] | None:
    if isinstance(response, str):
        try:
            response = decode(response)
        except ValueError:
            return None
    return response if isinstance(response, Mapping) and "infcode" in response else None


def _kept(headers: Mapping[Any, Any]) -> dict[str, str]:
    return {str(k): str(v) for k, v in headers.items() if str(k).lower() not in _DROPPED}


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
