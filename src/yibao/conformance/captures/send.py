"""Sends captures in order and compares what is answered with what once was."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
import msgspec

from yibao.client import MessageNumbers
from yibao.conformance.captures.digits import decode
from yibao.conformance.captures.model import Capture, Replayed, code_of
from yibao.conformance.captures.substitution import Substitution

ANY_PATH = "/fsi/api/rsfComIfsService/callService"
"""Where a message goes whose capture has no path."""
TIMEOUT_SECONDS = 60.0
_COMPARED = ("_pay", "_amt", "_sumamt", "_dedc", "balc", "_cnt")


async def replay(
    captures: Iterable[Capture], base_url: str, *, keep_ids: bool = False
) -> AsyncIterator[Replayed]:
    """Send each message when the one before it is answered. ``keep_ids``: exactly as captured."""
    substitution = Substitution()
    numbers = MessageNumbers("REPLAY")
    limit = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=limit) as session:
        for capture in captures:
            new = numbers.next(datetime.now(UTC))
            yield await _send(session, capture, base_url, None if keep_ids else substitution, new)


async def _send(
    session: aiohttp.ClientSession,
    capture: Capture,
    base_url: str,
    substitution: Substitution | None,
    new_message: str,
) -> Replayed:
    body, number = capture.body, ""
    try:
        if substitution is not None:
            body = substitution.apply(capture.body, _like(capture.body, new_message))
        number = str(decode(body).get("infno") or "")
    except (ValueError, AttributeError):
        pass  # no JSON: it is sent as it is, and the server says so
    headers = {"Content-Type": "application/json"} | dict(capture.headers)
    started = time.perf_counter()
    try:
        async with session.post(
            base_url + (capture.path or ANY_PATH), data=body.encode(), headers=headers
        ) as response:
            raw = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Replayed(capture, number, body, None, f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - started
    answer = _envelope(raw)
    if answer is None:
        shown = raw[:200].decode("utf-8", "replace")
        return Replayed(capture, number, body, None, f"no envelope: {shown}", {}, seconds)
    if substitution is not None and number:
        substitution.learn(body, capture.answer, answer)
    return Replayed(
        capture,
        number,
        body,
        code_of(answer),
        str(answer.get("err_msg") or ""),
        answer,
        seconds,
        tuple(differences(capture.answer, answer)),
    )


def _like(body: str, new_message: str) -> str:
    """The new message id under the institution's code of the captured one."""
    captured = str(decode(body).get("msgid") or "")
    return (captured[:12] + new_message[12:]) if len(captured) >= 12 else new_message


def _envelope(raw: bytes) -> Mapping[str, Any] | None:
    try:
        found = msgspec.json.Decoder(float_hook=Decimal).decode(raw)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) and "infcode" in found else None


def differences(captured: Mapping[str, Any] | None, answered: Mapping[str, Any]) -> list[str]:
    """What differs in outcome or in amounts; nothing where no answer was captured."""
    if captured is None:
        return []
    if code_of(captured) != code_of(answered):
        return [f"infcode was {code_of(captured)}, is {code_of(answered)}"]
    return list(_amounts(captured.get("output"), answered.get("output"), "output"))


def _amounts(one: Any, other: Any, place: str) -> Iterable[str]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in one:
            yield from _amounts(one[name], other.get(name), f"{place}.{name}")
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{place} had {len(one)} rows, has {len(other)}"
        for index, (left, right) in enumerate(zip(one, other, strict=False), 1):
            yield from _amounts(left, right, f"{place}[{index}]")
    elif place.endswith(_COMPARED) and _number(one) != _number(other):
        yield f"{place} was {_shown(one)}, is {other}"


def _shown(raw: Any) -> str:
    return bytes(raw).decode() if isinstance(raw, msgspec.Raw) else str(raw)


def _number(raw: Any) -> Any:
    try:
        return Decimal(_shown(raw))
    except InvalidOperation:
        return raw
