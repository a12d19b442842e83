"""Reads captures: envelopes as JSON, JSON lines or lists; pairs of request and response; HAR files;
raw HTTP; curl commands.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yibao.conformance.captures.commands import commands
from yibao.conformance.captures.digits import decode, encode
from yibao.conformance.captures.model import Capture

_REQUEST = ("request", "req", "requestBody", "request_body", "in", "入参", "body")
_RESPONSE = ("response", "resp", "responseBody", "response_body", "out", "出参", "answer")
_PATH = ("path", "url", "uri")
_DROPPED = frozenset({"host", "content-length", "connection", "accept-encoding", "expect"})
"""Headers that belong to the connection, not to the message."""
_HTTP = re.compile(r"(?:^|(?<=[\n}\]]))(?=(?:POST|GET|PUT) \S+ HTTP/\d|HTTP/\d(?:\.\d)? \d{3})")
"""Where a request or an answer begins; an answer's body need not end its line."""
_WITH_VALUE = frozenset({"-X", "--request", "-o", "--output", "-u", "--user", "-A", "--user-agent"})
_WITH_VALUE |= {"-b", "--cookie", "-e", "--referer", "-m", "--max-time", "--connect-timeout"}
_WITH_VALUE |= {"-w", "--write-out", "-x", "--proxy", "--cacert", "-E", "--cert", "--key"}
"""Options of curl whose next word is no address."""


class Unreadable(Exception):  # noqa: N818 - reads as a fact
    """A file holds no messages in a form that is known; the text names file and reason."""


def read_captures(path: Path) -> list[Capture]:
    """The messages of a file, in order. Raises Unreadable."""
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: text in none of UTF-8, UTF-16, GB18030") from None
    try:
        found = list(_captures(text, path.name))
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path}: {error}") from None
    if not found:
        raise Unreadable(f"{path}: no messages in it")
    return found


def _decoded(content: bytes) -> str:
    """Text as Chinese Windows programs save it, too: their "Unicode" and their "ANSI"."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def _captures(text: str, name: str) -> Iterator[Capture]:
    start = text.lstrip()
    if start.startswith("curl "):
        calls = (words for words in commands(start) if words[0] == "curl")
        for place, words in enumerate(calls, 1):
            yield _of_curl(words[1:], f"{name}:{place}")
    elif start.startswith(("POST ", "GET ", "PUT ")):
        yield from _of_stream(start, name)
    else:
        for place, one in enumerate(_objects(start), 1):
            yield _of_object(one, f"{name}:{place}")


def _objects(text: str) -> Iterator[Any]:
    """The objects of one JSON document, or of JSON lines."""
    try:
        documents = [decode(text)]
    except ValueError:
        documents = list(_lines(text))
    for document in documents:
        if isinstance(document, dict) and "log" in document:  # HAR: whatever else a page loaded
            yield from (
                entry
                for entry in document["log"]["entries"]
                if entry["request"].get("postData", {}).get("text")
                and entry["request"].get("method", "POST") != "OPTIONS"
            )
        elif isinstance(document, list):
            yield from document
        else:
            yield document


def _lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield decode(line)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None


def _of_object(one: Any, place: str) -> Capture:
    if not isinstance(one, Mapping):
        raise TypeError(f"{place} is no object")
    if "infno" in one or "input" in one:  # an envelope as it is
        return Capture(place, encode(one))
    request = _first(one, _REQUEST)
    response = _first(one, _RESPONSE)
    if isinstance(request, Mapping) and "postData" in request:  # HAR
        headers = {str(h["name"]): str(h["value"]) for h in request.get("headers", ())}
        content = _content(response or {})
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


def _content(response: Mapping[str, Any]) -> Any:
    content = response.get("content", {})
    text = content.get("text")
    if text and content.get("encoding") == "base64":
        return base64.b64decode(text).decode("utf-8", "replace")
    return text


def _of_stream(text: str, name: str) -> Iterator[Capture]:
    """Requests, each alone or with the answer after it, as a sniffer shows a connection."""
    parts = [part for part in _HTTP.split(text) if part.strip()]
    places = [place for place, part in enumerate(parts) if not part.startswith("HTTP/")]
    for order, place in enumerate(places, 1):
        capture = _of_http(parts[place], f"{name}:{order}")
        following = parts[place + 1 : place + 2]
        if following and following[0].startswith("HTTP/"):
            answer = following[0]
            told = _envelope(answer[answer.find("{") : answer.rfind("}") + 1])  # chunked or not
            capture = replace(capture, answer=told)
        yield capture


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


def _of_curl(given: list[str], place: str) -> Capture:
    words = iter(given)
    headers: dict[str, str] = {}
    path = body = ""
    for word in words:
        if word in ("-H", "--header"):
            name, _, value = next(words).partition(":")
            headers[name.strip()] = value.strip()
        elif word in ("-d", "--data", "--data-raw", "--data-binary", "--json"):
            body = next(words)
        elif word == "--url":
            path = _path_of(next(words))
        elif word in _WITH_VALUE:
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
