"""An app before the REST interface, over a small town."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.gateway.builders import counter
from tests.settlement.builders import Town
from yibao.bureau import service as bureau
from yibao.bureau.clerks import service as clerks
from yibao.bureau.clerks.model import Clerk
from yibao.bureau.model import Office
from yibao.house import handlers_beside_settlement
from yibao.openapi.application import PATH, rest
from yibao.openapi.gate import Gate
from yibao.openapi.model import House
from yibao.platform.access import store
from yibao.platform.access.model import Sighting, ViewerKind
from yibao.platform.access.pages import watched
from yibao.platform.access.record import AccessRecord
from yibao.platform.admission.origin import Proxies
from yibao.platform.admission.service import Admission
from yibao.platform.commands.service import Commands
from yibao.registry.institutions.model import HeaderFamily, KeyKind
from yibao.registry.keys import service as keys
from yibao.registry.keys.model import NewKey

APP = "demo-app"
JSON = (b"content-type", b"application/json")


@dataclass
class Reply:
    """Status, headers and JSON of an answer."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class App:
    """Calls the interface as an app does."""

    application: Any
    """The ASGI application, behind its gate and under the eye of the access record."""
    town: Town
    key: str
    """The app's bearer key."""
    key_id: str
    commands: Commands
    admission: Admission
    address: str = "127.0.0.1"
    """Where its calls come from."""
    _keys: int = 0

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        idempotency: str | None = None,
        more_headers: Sequence[tuple[bytes, bytes]] = (),
        raw: bytes | None = None,
        **query: Any,
    ) -> Reply:
        """One request below ``/api/v1``; ``raw`` is sent as it is, in place of ``body``."""
        kinds = [] if any(n == b"content-type" for n, _ in more_headers) else [JSON]
        headers = [*kinds, *more_headers]
        if token is not None:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        if idempotency is not None:
            headers.append((b"idempotency-key", idempotency.encode()))
        content = b"" if body is None else json.dumps(body).encode()
        content = content if raw is None else raw
        sent: list[Any] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": PATH + path,
            "raw_path": (PATH + path).encode(),
            "query_string": urlencode(query).encode(),
            "headers": headers,
            "client": (self.address, 1),
            "server": ("127.0.0.1", 2),
            "root_path": "",
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        start = next(m for m in sent if m["type"] == "http.response.start")
        told = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        named = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], named, json.loads(told) if told else None)

    def fresh_key(self) -> str:
        """An Idempotency-Key that was not used."""
        self._keys += 1
        return f"wish-{self._keys:08d}"

    async def session(self, member: str) -> str:
        """A session for a member of the town."""
        opened = await self.call(
            "POST",
            "/sessions",
            {
                "document_type": "01",
                "document_number": self.town.documents[member],
                "name": "测试",
            },
            token=self.key,
            idempotency=self.fresh_key(),
        )
        assert opened.status == 201, opened
        return str(opened.body["token"])


@asynccontextmanager
async def app(town: Town) -> AsyncIterator[App]:
    """An app with a key, before the town's REST interface."""
    async with counter(town) as built:
        context = built.gateway.context
        async with town.database.writer() as connection, connection.transaction():
            made = await keys.create(
                connection,
                town.vault,
                NewKey(HeaderFamily.REST, APP, KeyKind.SECRET),
                now=town.clock.now(),
            )
        office = Office(context.references, town.vault, town.room)
        commands = Commands(
            town.database.writer,
            town.clock,
            await town.database.numbers(),
            handlers_beside_settlement(context.references, town.vault) | bureau.handlers(office),
        )
        house = House(town.clock, town.database, commands, office)
        record = AccessRecord(
            town.database.writer, (await town.database.numbers()).writer, town.vault, town.clock.now
        )
        admission = Admission()
        gate: Any = Gate(rest(house), admission, Proxies("10.9.9.0/24"))  # type: ignore[arg-type]
        application = watched(gate, record, ViewerKind.PERSON)
        yield App(application, town, f"{APP}.{made.secret}", made.id, commands, admission)
        await commands.drain()


async def entered(app: App, clerk: Clerk) -> str:
    """The key of a clerk who has just been entered, or given a new one."""
    async with app.town.database.writer() as connection, connection.transaction():
        made = await clerks.add(connection, app.town.vault, clerk, now=app.town.clock.now())
    return made.key


async def signed_in(app: App, clerk: Clerk) -> str:
    """A session of a clerk who has just been entered."""
    body = {"clerk": clerk.code, "key": await entered(app, clerk)}
    answer = await app.call("POST", "/clerk-sessions", body)
    assert answer.status == 201, answer
    return str(answer.body["token"])


async def seen(app: App) -> list[Sighting]:
    """The access record, oldest first."""
    async with app.town.database.reader(None) as connection:
        writers = await store.writers(connection)
        rows = [await store.sightings(connection, one, 1, 10_000) for one in writers]
    return [one for of_writer in rows for one in of_writer]
