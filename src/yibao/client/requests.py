"""Messages ready to be sent: address, headers, body. Both clients send the same bytes."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from yibao.client.envelope import request_body
from yibao.client.model import Endpoint, Family
from yibao.client.numbers import MessageNumbers
from yibao.client.signatures import csb_headers, tif_headers


class Request(NamedTuple):
    """One HTTP POST."""

    infno: str
    message_id: str
    url: str
    headers: dict[str, str]
    body: bytes


class Requests:
    """Makes the requests of one institution: gives message ids, signs, carries the sign-in."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.sign_no: str | None = None
        """Of the last sign-in (签到); goes into every later envelope."""
        self._numbers = MessageNumbers(endpoint.institution, secrets.randbelow(10_000))

    def new_message_id(self) -> str:
        """An id that no other message of this client has."""
        return self._numbers.next(datetime.now(UTC))

    def make(
        self,
        infno: str,
        content: Mapping[str, Any],
        *,
        message_id: str | None = None,
        insured_division: str | None = None,
    ) -> Request:
        """A request that is valid now; its signature's time window begins with this call."""
        message_id = message_id or self.new_message_id()
        body = request_body(
            self.endpoint,
            infno,
            content,
            message_id=message_id,
            now=datetime.now(UTC),
            insured_division=insured_division,
            sign_no=self.sign_no,
        )
        url = self.endpoint.base_url + self.endpoint.path(infno)
        headers = {"Content-Type": "application/json", **self._signature(infno)}
        return Request(infno, message_id, url, headers, body)

    def _signature(self, infno: str) -> dict[str, str]:
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
