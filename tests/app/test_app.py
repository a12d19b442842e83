"""The application of one worker process: what it answers before, while and after it is ready."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from litestar.routes import HTTPRoute

from yibao import app
from yibao.app import Application
from yibao.house import open_house
from yibao.kernel.refusals import RefusalCode
from yibao.platform import supervisor
from yibao.platform.clock import Clock, SettableClock, SystemClock
from yibao.platform.migrations import migrate
from yibao.platform.settings import Settings
from yibao.web.console import console

KEY = "ab" * 32
CONSOLE = {
    (method, route.path_format)
    for route in console(cast("Any", None)).routes
    if isinstance(route, HTTPRoute)
    for method in sorted(set(route.methods) - {"OPTIONS"})
}
"""Every page and button of the sandbox's console."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Speaks ASGI to an application."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "headers": []}
        await self._application(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, sent[1]["body"])

    async def until_ready(self, wanted: int = 200) -> Answer:
        answer = await self.ask("GET", "/readyz")
        for _ in range(400):
            if answer.status == wanted and answer.json["missing"] != "starting":
                break
            await asyncio.sleep(0.02)
            answer = await self.ask("GET", "/readyz")
        return answer


@asynccontextmanager
async def started(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Browser]:
    """An application between its startup and its shutdown."""
    application = Application(settings, clock or SystemClock())
    orders: asyncio.Queue[Any] = asyncio.Queue()
    told: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(application({"type": "lifespan"}, orders.get, told.put))
    await orders.put({"type": "lifespan.startup"})
    assert (await told.get())["type"] == "lifespan.startup.complete"
    yield Browser(application)
    await orders.put({"type": "lifespan.shutdown"})
    assert (await told.get())["type"] == "lifespan.shutdown.complete"
    await life


def settings_for(dsn: str | None, **more: Any) -> Settings:
    return Settings(database_url=dsn, **{"vault_key": KEY, "writers": 2, "readers": 2, **more})


async def test_the_console_does_not_exist_outside_a_sandbox(dsn: str) -> None:
    async with started(settings_for(dsn)) as browser:
        await browser.until_ready()
        for method, path in sorted(CONSOLE):
            answer = await browser.ask(method, path, b"{}")
            assert "html" not in answer.headers["content-type"], path
            assert answer.json["infcode"] != 0, path
    assert len(CONSOLE) > 15


async def test_it_is_ready_over_a_migrated_database(dsn: str) -> None:
    async with started(settings_for(dsn)) as browser:
        answer = await browser.until_ready()
        assert answer.status == 200
        assert answer.json == {
            "ready": True,
            "sandbox": False,
            "open_door": False,
            "missing": None,
        }


async def test_what_has_expired_is_removed_as_it_begins(dsn: str) -> None:
    clock = SettableClock(datetime(2026, 7, 15, 4, tzinfo=UTC))
    connection = await asyncpg.connect(dsn)
    for number, expires in enumerate((clock.now(), clock.now() + timedelta(seconds=1))):
        await connection.execute(
            """INSERT INTO platform.file
                   (pool, number, institution, name, sealed, stored_at, expires_at)
               VALUES ('110000', $1, 'H11010199001', 'a.txt', '', $2, $3)""",
            number,
            expires - timedelta(days=30),
            expires,
        )
    async with started(settings_for(dsn), clock) as browser:
        assert (await browser.until_ready()).status == 200
        for _ in range(400):
            if await connection.fetchval("SELECT count(*) FROM platform.file") < 2:
                break
            await asyncio.sleep(0.02)
        assert await connection.fetchval("SELECT number FROM platform.file") == 1
    await connection.close()


async def test_it_lives_before_it_is_ready(empty_dsn: str) -> None:
    async with started(settings_for(empty_dsn)) as browser:
        assert (await browser.ask("GET", "/livez")).status == 200


async def test_an_unmigrated_database_is_named_until_it_is_migrated(empty_dsn: str) -> None:
    async with started(settings_for(empty_dsn)) as browser:
        answer = await browser.until_ready(503)
        assert answer.status == 503
        assert "yibao migrate" in answer.json["missing"]
        await migrate(empty_dsn)
        assert (await browser.until_ready()).status == 200


async def test_a_call_before_it_is_ready_is_not_accepted_and_may_be_sent_again(
    empty_dsn: str,
) -> None:
    async with started(settings_for(empty_dsn)) as browser:
        answer = await browser.ask("POST", "/", b"{}")
        assert answer.status == 200
        assert answer.json["infcode"] == RefusalCode.BUSY
        assert answer.json["output"] is None
        assert "原报文编号" in answer.json["err_msg"]


async def test_an_unfilled_sandbox_is_not_ready(dsn: str, tmp_path: Path) -> None:
    async with started(settings_for(dsn, sandbox=True, data=tmp_path)) as browser:
        answer = await browser.until_ready(503)
        assert answer.status == 503
        assert "not filled" in answer.json["missing"]


async def test_a_database_that_goes_away_is_noticed(dsn: str, postgres: str) -> None:
    async with started(settings_for(dsn)) as browser:
        assert (await browser.until_ready()).status == 200
        connection = await asyncpg.connect(postgres)
        name = dsn.rsplit("?", 1)[0].rsplit("/", 1)[1]
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
        )
        answer = await browser.ask("GET", "/readyz")
        assert answer.status == 503
        assert "does not answer" in answer.json["missing"]
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await connection.close()
        assert (await browser.until_ready()).status == 200


async def test_a_missing_key_is_told_without_starting(dsn: str, tmp_path: Path) -> None:
    async with started(settings_for(dsn, vault_key=None, data=tmp_path)) as browser:
        answer = await browser.until_ready(503)
        assert "YIBAO_VAULT_KEY" in answer.json["missing"]


async def test_no_database_at_all_is_told(tmp_path: Path) -> None:
    async with started(settings_for(None, data=tmp_path)) as browser:
        assert "DATABASE_URL" in (await browser.until_ready(503)).json["missing"]


async def test_a_password_never_shows_on_the_ready_page() -> None:
    async with started(settings_for("postgresql://u:geheim@127.0.0.1:1/x")) as browser:
        answer = await browser.until_ready(503)
        assert answer.status == 503
        assert b"geheim" not in answer.body


async def test_a_call_reaches_the_interface(dsn: str) -> None:
    async with started(settings_for(dsn)) as browser:
        await browser.until_ready()
        answer = await browser.ask("POST", "/any/path", b"{}")
        assert answer.status == 200
        assert answer.json["infcode"] == RefusalCode.NOT_AUTHENTICATED


async def test_calls_are_counted(dsn: str) -> None:
    async with started(settings_for(dsn)) as browser:
        await browser.until_ready()
        await browser.ask("POST", "/", b"{}")
        answer = await browser.ask("GET", "/metrics")
        assert answer.status == 200
        assert b'yibao_calls_total{infcode="2001",transaction="none"}' in answer.body


@pytest.mark.parametrize(
    ("revision", "told"),
    [("0020", "run `yibao migrate`"), ("9999", "install the version that migrated it")],
)
async def test_a_database_of_another_version_is_not_served_and_told_what_to_do(
    dsn: str, revision: str, told: str
) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE platform.alembic_version SET version_num = $1", revision)
    await connection.close()
    async with started(settings_for(dsn)) as browser:
        answer = await browser.until_ready(503)
        assert answer.status == 503
        assert revision in answer.json["missing"]
        assert told in answer.json["missing"]
        refused = await browser.ask("POST", "/", b"{}")
        assert refused.json["infcode"] == RefusalCode.BUSY, "nothing is done, it may come again"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_first_page_says_what_this_is(method: str) -> None:
    async with started(settings_for(None)) as browser:
        answer = await browser.ask(method, "/")
        assert answer.status == 200
        assert ("9001" in answer.body.decode()) == (method == "GET")


async def test_a_worker_ends_its_server_when_the_supervisor_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    ended: list[int] = []
    monkeypatch.setenv(supervisor.SUPERVISOR_VARIABLE, str(gone.pid))
    monkeypatch.setattr(supervisor.os, "kill", lambda pid, _: ended.append(pid))
    monkeypatch.setattr(supervisor, "_is_server", lambda pid: pid == supervisor.os.getppid())
    async with started(settings_for(None)):
        for _ in range(100):
            if ended:
                break
            await asyncio.sleep(0.02)
    assert ended == [supervisor.os.getppid()]


async def test_it_takes_no_calls_before_its_house_is_open(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    async def slowly(settings: Settings, clock: Clock) -> Any:
        await asyncio.sleep(0.2)
        opened.append(await open_house(settings, clock))
        return opened[0]

    monkeypatch.setattr(app, "open_house", slowly)
    async with started(settings_for(dsn)) as browser:
        assert opened
        assert (await browser.ask("GET", "/readyz")).status == 200


async def test_a_house_that_does_not_open_soon_is_no_reason_to_be_silent(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_settings: Settings, _clock: Clock) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(app, "open_house", never)
    monkeypatch.setattr(app, "_OPENING_SECONDS", 0.05)
    async with started(settings_for(dsn)) as browser:
        answer = await browser.ask("GET", "/readyz")
        assert (answer.status, answer.json["missing"]) == (503, "starting")
