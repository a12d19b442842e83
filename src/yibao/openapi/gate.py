"""Before a request is answered: may its caller call now, and is there room?

``platform/admission`` decides, for REST and the institution interface together, because both are
carried by one process. Who cannot prove a key or session pays with the address's budget; an app or
clerk with the own one. When it is crowded, apps wait before hospitals do. Whatever is turned away
was not read, and nothing of it was done.
"""

import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

import msgspec

from yibao.platform.admission.origin import Proxies
from yibao.platform.admission.service import Admission, Caller, Reason, Standing

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Page = Callable[[Any, Receive, Send], Awaitable[None]]

BODY_LIMIT = 1024 * 1024
"""Bytes of a request; the longest are bank files and paper bills of some hundred lines."""
MEDIA_TYPE = "application/problem+json"
_AT = "yibao.gate"

TOLD = {
    Reason.SENDER_BUDGET: "too many requests: send fewer",
    Reason.ADDRESS_BUDGET: "too many requests from this address with no valid key or session",
    Reason.CROWDED: "too much to do: nothing of this request was done, send it again",
    Reason.CLOSING: "closing: nothing of this request was done, send it again",
}


class Gate:
    """The REST application behind a gate."""

    def __init__(
        self,
        page: Page,
        admission: Admission,
        proxies: Proxies,
        observe: Callable[[Reason], None] = lambda reason: None,  # noqa: ARG005
    ) -> None:
        """``observe`` is told why a request was turned away."""
        self._page = page
        self._admission = admission
        self._proxies = proxies
        self._observe = observe

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One request."""
        caller = self._caller(scope)
        reason = self._admission.budget_refusal(caller)
        if reason is None and not self._admission.has_room(caller, _standing(scope)):
            reason = Reason.CROWDED
        if reason is not None:
            self._observe(reason)
            await turn_away(send, reason)
            return
        self._admission.enter(caller)
        try:
            await self._pass_on(caller, scope, receive, send)
        finally:
            self._admission.leave(caller)

    async def _pass_on(self, caller: Caller, scope: Any, receive: Receive, send: Send) -> None:
        body = await _whole_body(receive)
        if body is None:
            await _problem(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"over {BODY_LIMIT} bytes")
            return
        if b"\\u0000" in body or "\0" in scope["path"] or b"%00" in scope["query_string"]:
            await _problem(send, HTTPStatus.BAD_REQUEST, "a text cannot hold the character NUL")
            return
        scope[_AT] = self._admission, caller

        async def heard() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def told(message: Message) -> None:
            if (
                message["type"] == "http.response.start"
                and _AT in scope
                and _failed(scope, message)
            ):
                self._admission.not_proved(caller)
            await send(message)

        await self._page(scope, heard, told)

    def _caller(self, scope: Any) -> Caller:
        client = scope.get("client") or ("", 0)
        forwarded = token = ""
        for name, value in scope["headers"]:
            if name == b"authorization" and not token:
                token = hashlib.sha256(value).hexdigest()
            elif name == b"x-forwarded-for":
                forwarded = value.decode("latin-1")
        return Caller(self._proxies.origin(str(client[0]), forwarded), token)


def proved(scope: Any, sender: str) -> bool:
    """An app or clerk was proved. Whether its budget has one call left."""
    admission, caller = scope.pop(_AT, (None, None))
    return admission is None or bool(admission.proved(caller, sender))


def origin(scope: Any) -> str:
    """The address that a request comes from, as long as nobody was proved by it."""
    _, caller = scope[_AT]
    return str(caller.address)


def _failed(scope: Any, message: Message) -> bool:
    """Whether an answer says that somebody could not prove a key or session."""
    if message["status"] == HTTPStatus.UNAUTHORIZED:
        return True
    return bool(scope["path"].endswith("/clerk-sessions") and message["status"] >= 400)


def _standing(scope: Any) -> Standing:
    return Standing.OPENING if scope["method"] == "GET" else Standing.CONTINUING


async def _whole_body(receive: Receive) -> bytes | None:
    """The body as it was sent; None when it is too long (the rest is not waited for)."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the caller has gone
            return b"".join(chunks)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > BODY_LIMIT:
            return None
        if not message.get("more_body", False):
            return b"".join(chunks)


async def turn_away(send: Send, reason: Reason) -> None:
    """Say that nothing was done; the application behind it is not asked."""
    spent = reason in {Reason.SENDER_BUDGET, Reason.ADDRESS_BUDGET}
    status = HTTPStatus.TOO_MANY_REQUESTS if spent else HTTPStatus.SERVICE_UNAVAILABLE
    await _problem(send, status, TOLD[reason], retry=True, close=reason is Reason.CLOSING)


async def _problem(
    send: Send, status: HTTPStatus, detail: str, *, retry: bool = False, close: bool = False
) -> None:
    body = msgspec.json.encode({"title": status.phrase, "status": int(status), "detail": detail})
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    headers += [(b"retry-after", b"1")] if retry else []
    headers += [(b"connection", b"close")] if close else []
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
