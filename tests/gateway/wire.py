"""One HTTP request to a counter's gateway, as raw as it can be had."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.gateway.builders import ACCOUNT, SERVICE_PATH, Counter
from yibao.registry.institutions import service as institutions
from yibao.registry.institutions.model import HeaderFamily, KeyKind
from yibao.registry.keys import service as keys
from yibao.registry.keys.model import MadeKey, NewKey


class Response(NamedTuple):
    """What came back."""

    status: int
    kind: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


async def request(
    counter: Counter,
    body: Any = b"",
    *,
    path: str = SERVICE_PATH,
    query: str = "",
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> Response:
    """Send bytes, or an object as JSON; signed unless other headers are given."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answered: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: Any) -> None:
        answered.append(message)

    sent = dict(counter.headers() if headers is None else headers)
    sent |= {name.replace("_", "-"): value for name, value in more.items()}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    await counter.gateway(scope, receive, send)
    start, end = answered
    kind = dict(start["headers"])[b"content-type"].decode()
    return Response(start["status"], kind, end["body"])


async def speak(counter: Counter, dialect: str) -> None:
    """Let the counter's sender speak a dialect from now on."""
    async with counter.town.database.writer() as connection, connection.transaction():
        await institutions.keep_sender(
            connection, HeaderFamily.TIF, ACCOUNT, dialect, now=counter.town.clock.now()
        )


async def give(
    counter: Counter,
    kind: KeyKind,
    given: str | None = None,
    *,
    family: HeaderFamily = HeaderFamily.TIF,
    sender: str = ACCOUNT,
    dialect: str | None = None,
) -> MadeKey:
    """Give a sender a key; it may speak for the counter's institution."""
    from tests.settlement.builders import ALWAYS

    spoken_for = ((counter.institution, ALWAYS),)
    wanted = NewKey(family, sender, kind, spoken_for, dialect, given)
    async with counter.town.database.writer() as connection, connection.transaction():
        return await keys.create(
            connection, counter.town.vault, wanted, now=counter.town.clock.now()
        )
