"""The client for programs without an event loop: the same messages, one at a time a thread."""

import http.client
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from yibao.client.connection import TIMEOUT_SECONDS
from yibao.client.envelope import read_answer, unknown
from yibao.client.model import Answer, CallOutcome, Endpoint
from yibao.client.recovery import CAREFUL, Care, Pause, Resolution, Send, made_sure
from yibao.client.requests import Request, Requests


class BlockingClient:
    """Speaks for one institution; every thread has a connection of its own."""

    def __init__(self, endpoint: Endpoint, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.endpoint = endpoint
        self._requests = Requests(endpoint)
        self._timeout = timeout
        self._own = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
            self._own.connection = None

    def new_message_id(self) -> str:
        """An id for a message that must be repeatable: write it down *before* the call."""
        return self._requests.new_message_id()

    def call(
        self,
        infno: str,
        content: Mapping[str, Any],
        *,
        message_id: str | None = None,
        insured_division: str | None = None,
    ) -> Answer:
        """Send one message and say how it ended; never raises for what the network does."""
        request = self._requests.make(
            infno, content, message_id=message_id, insured_division=insured_division
        )
        try:
            answer = self._post(request)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return unknown(infno, request.message_id, f"{type(error).__name__}: {error}")
        return read_answer(infno, request.message_id, answer)

    def make_sure(
        self,
        infno: str,
        content: Mapping[str, Any],
        *,
        message_id: str | None = None,
        insured_division: str | None = None,
        care: Care = CAREFUL,
    ) -> Resolution:
        """Send one message and see to it that its outcome is known, as ``Client.make_sure``."""
        steps = made_sure(Send(infno, content, message_id or self.new_message_id()), care)
        step = next(steps)
        while True:
            answer = None
            if isinstance(step, Pause):
                time.sleep(step.seconds)
            else:
                answer = self.call(
                    step.infno,
                    step.content,
                    message_id=step.message_id,
                    insured_division=insured_division,
                )
            try:
                step = steps.send(answer)
            except StopIteration as end:
                resolution: Resolution = end.value
                return resolution

    def sign_in(self, operator: str, address: str) -> Answer:
        """Sign in (签到, 9001); later messages carry the number that comes back."""
        answer = self.call("9001", {"signIn": {"opter_no": operator, "mac": "", "ip": address}})
        if answer.outcome is CallOutcome.DONE:
            node = answer.output.get("signinoutb")
            self._requests.sign_no = str(node["sign_no"]) if isinstance(node, dict) else None
        return answer

    def _post(self, request: Request) -> bytes:
        parts = urlsplit(request.url)
        connection = getattr(self._own, "connection", None)
        if connection is None:
            kind = (
                http.client.HTTPSConnection
                if parts.scheme == "https"
                else http.client.HTTPConnection
            )
            connection = kind(parts.hostname or "", parts.port, timeout=self._timeout)
            self._own.connection = connection
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("POST", path, request.body, request.headers)
        answer: bytes = connection.getresponse().read()
        return answer
