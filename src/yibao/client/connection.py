"""The HTTP side of the client: keep-alive connections, a limit on them, a time-out."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp

from yibao.client.envelope import read_answer, request_body, unknown
from yibao.client.model import Answer, CallOutcome, Endpoint, Family
from yibao.client.numbers import MessageNumbers
from yibao.client.signatures import csb_headers, tif_headers

TIMEOUT_SECONDS = 60.0
"""What hospital software waits for a settlement before it gives up."""


class Client:
    """Speaks for one institution. Safe for any number of tasks of one event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connections: int = 8,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self._connections = connections
        self._timeout = timeout
        self._numbers = MessageNumbers(endpoint.institution, secrets.randbelow(10_000))
        self._session: aiohttp.ClientSession | None = None
        self._sign_no: str | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def new_message_id(self) -> str:
        """An id for a message that must be repeatable: write it down *before* the call."""
        return self._numbers.next(datetime.now(UTC))

    async def call(
        self,
        infno: str,
        content: Mapping[str, Any],
        *,
        message_id: str | None = None,
        insured_division: str | None = None,
    ) -> Answer:
        """Send one message and say how it ended; never raises for what the network does.

        ``content`` is the ``input``. ``message_id`` repeats an earlier message; without it the
        message is a new one. ``insured_division`` goes with every input that names a person.
        """
        if self._session is None:
            raise RuntimeError("the client is closed: use it in 'async with'")
        message_id = message_id or self.new_message_id()
        body = request_body(
            self.endpoint,
            infno,
            content,
            message_id=message_id,
            now=datetime.now(UTC),
            insured_division=insured_division,
            sign_no=self._sign_no,
        )
        try:
            async with self._session.post(
                self.endpoint.base_url + self.endpoint.path(infno),
                data=body,
                headers={"Content-Type": "application/json", **self._headers(infno)},
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return unknown(infno, message_id, f"{type(error).__name__}: {error}")
        return read_answer(infno, message_id, answer)

    async def sign_in(self, operator: str, address: str) -> Answer:
        """Sign in (签到, 9001); later messages carry the number that comes back."""
        answer = await self.call(
            "9001", {"signIn": {"opter_no": operator, "mac": "", "ip": address}}
        )
        if answer.outcome is CallOutcome.DONE:
            node = answer.output.get("signinoutb")
            self._sign_no = str(node["sign_no"]) if isinstance(node, dict) else None
        return answer

    def _headers(self, infno: str) -> dict[str, str]:
        endpoint = self.endpoint
        if endpoint.family is Family.TIF:
            return tif_headers(
                endpoint.key_id,
                endpoint.secret,
                seconds=int(time.time()),
                nonce=secrets.token_hex(16),
            )
        return csb_headers(
            endpoint.key_id, endpoint.secret, api=infno, milliseconds=time.time_ns() // 1_000_000
        )
