"""The HTTP side of the client: keep-alive connections, a limit on them, a time-out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from yibao.client.envelope import read_answer, unknown
from yibao.client.model import Answer, CallOutcome, Endpoint
from yibao.client.recovery import CAREFUL, Care, Pause, Resolution, Send, Steps, made_sure
from yibao.client.requests import Requests

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
        self._requests = Requests(endpoint)
        self._session: aiohttp.ClientSession | None = None

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
        return self._requests.new_message_id()

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
        request = self._requests.make(
            infno, content, message_id=message_id, insured_division=insured_division
        )
        try:
            async with self._session.post(
                request.url, data=request.body, headers=request.headers
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return unknown(infno, request.message_id, f"{type(error).__name__}: {error}")
        return read_answer(infno, request.message_id, answer)

    async def make_sure(
        self,
        infno: str,
        content: Mapping[str, Any],
        *,
        message_id: str | None = None,
        insured_division: str | None = None,
        care: Care = CAREFUL,
    ) -> Resolution:
        """Send one message and see to it that its outcome is known.

        When it is unknown, ``care`` says what follows: repetition, query (5204, 5203), reversal
        (2601). Never raises for what the network does.
        """

        async def send(message: Send) -> Answer:
            return await self.call(
                message.infno,
                message.content,
                message_id=message.message_id,
                insured_division=insured_division,
            )

        message = Send(infno, content, message_id or self.new_message_id())
        return await follow(made_sure(message, care), send)

    async def sign_in(self, operator: str, address: str) -> Answer:
        """Sign in (签到, 9001); later messages carry the number that comes back."""
        answer = await self.call(
            "9001", {"signIn": {"opter_no": operator, "mac": "", "ip": address}}
        )
        if answer.outcome is CallOutcome.DONE:
            node = answer.output.get("signinoutb")
            self._requests.sign_no = str(node["sign_no"]) if isinstance(node, dict) else None
        return answer


async def follow(steps: Steps, send: Callable[[Send], Awaitable[Answer]]) -> Resolution:
    """Take the steps one after the other, sending with ``send``."""
    step = next(steps)
    while True:
        answer = None
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        else:
            answer = await send(step)
        try:
            step = steps.send(answer)
        except StopIteration as end:
            resolution: Resolution = end.value
            return resolution
