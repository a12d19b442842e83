"""The server: what a worker process answers while its house opens, is open, and closes.

``yibao.server`` runs it, and ``yibao serve`` runs that with everything around it. A process that
starts before its database can be used goes on trying, and says on /readyz what is missing; until
then a call of the interface is answered "not accepted, nothing done, send the same message again".
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import structlog

from yibao import __doc__ as about
from yibao.gateway.asgi import turn_away
from yibao.gateway.turnstile import TURNED_AWAY
from yibao.house import VITALS, House, NotReady, check_migrated, open_house
from yibao.openapi import gate
from yibao.platform import metrics, supervisor, vitals
from yibao.platform.access.model import ViewerKind
from yibao.platform.access.pages import watched
from yibao.platform.admission.service import Reason
from yibao.platform.archive import jobs as archiving
from yibao.platform.clock import Clock, SystemClock
from yibao.platform.database import Database
from yibao.platform.logging import mask_text, set_up_logging
from yibao.platform.settings import Settings, SettingsFault, load_settings
from yibao.platform.stopping import Phase, Stopping
from yibao.policy.parameters import LawError

if TYPE_CHECKING:
    from litestar import Litestar


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_RETRY_SECONDS = 0.5
_OPENING_SECONDS = 5.0
"""How long a new process takes no calls because its house opens; then it says that it starts."""
_DATABASE_SECONDS = 3.0
"""How long /readyz waits for the database."""

WELCOME = f"""{about}

This is the institution interface of a medical-insurance platform (医保两定接口).
POST a message (JSON, header authentication) to any path here; 9001 signs in.

/livez    the process lives
/readyz   it can answer calls
/metrics  for Prometheus
/api/v1   REST for apps and clerks; described by /api/v1/openapi/openapi.json
"""

REST_PATH = "/api/v1/"
"""Below it apps are answered (``openapi``); every other POST is the interface."""

WELCOME_TO_SANDBOX = """/ui       the developer's console: messages, transactions, people, tools
"""

log = structlog.get_logger()


class Application:
    """The ASGI application of one worker process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._house: House | None = None
        self._console = _MadeLater(self._make_console, ViewerKind.CONSOLE)
        self._rest = _MadeLater(self._make_rest, ViewerKind.PERSON)
        self._missing = "starting"
        self._tried = asyncio.Event()
        """It is known whether the house can be opened now."""
        self._stopping = Stopping.of_environment()
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    # ------------------------------------------------------------------------------------- life

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._tasks = [
                    asyncio.create_task(self._open()),
                    asyncio.create_task(supervisor.watch()),
                    asyncio.create_task(self._stopping.watch()),
                ]
                # meanwhile the other workers take the callers: this one could only put them off
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._tried.wait(), _OPENING_SECONDS)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _open(self) -> None:
        while self._house is None:
            try:
                with _collector_at_rest():
                    self._house = await open_house(self._settings, self._clock)
            except NotReady as reason:
                self._missing = str(reason)
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                self._missing = mask_text(f"the database does not answer: {error}")
            except (SettingsFault, LawError) as fault:
                self._missing = f"cannot start: {fault}"
                log.critical("cannot_start", reason=str(fault))
                return
            except Exception as error:
                self._missing = mask_text(f"cannot start: {error}")
                log.exception("cannot_start")
                return
            finally:
                self._tried.set()
            if self._house is None:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._house is not None:
            await self._house.close()

    # --------------------------------------------------------------------------------- requests

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = _PAGES.get(scope["path"]) if scope["method"] in {"GET", "HEAD"} else None
        if page is not None:
            status, kind, body = await page(self)
            await _respond(send, status, kind, b"" if scope["method"] == "HEAD" else body)
        elif self._is_for_console(scope):
            await self._show(self._console, scope, receive, send)
        elif self._stopping.phase is Phase.CLOSING:
            await self._turn_away(scope, send)
        elif scope["path"].startswith(REST_PATH):
            await self._show(self._rest, scope, receive, send)
        elif self._house is not None:
            await self._pass_on(self._house, scope, receive, send)
        else:
            error = "系统正在启动，本次请求未受理，请用原报文编号稍后重发"
            await turn_away(send, self._clock.now(), error)

    async def _turn_away(self, scope: Scope, send: Send) -> None:
        """It is closing: who keeps connections open is asked to leave this one as well."""
        metrics.observe_turned_away(Reason.CLOSING)
        if scope["path"].startswith(REST_PATH):
            await gate.turn_away(send, Reason.CLOSING)
            return
        await turn_away(send, self._clock.now(), TURNED_AWAY[Reason.CLOSING], close=True)

    async def _pass_on(self, house: House, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await house.gateway(scope, receive, send)
        except ConnectionAbortedError:  # on purpose: the caller is to get no answer at all
            if house.playground is None or not house.playground.cut(scope):
                raise

    def _is_for_console(self, scope: Scope) -> bool:
        path = scope["path"]
        return self._settings.sandbox and (path == "/ui" or path.startswith("/ui/"))

    async def _show(self, made: "_MadeLater", scope: Scope, receive: Receive, send: Send) -> None:
        if self._house is None:
            await _respond(send, 503, _TEXT, f"{self._missing}\n".encode())
            return
        page = watched(made, self._house.access, made.viewers)
        await page(scope, receive, send)

    def _make_console(self) -> "Litestar":
        house = self._house
        assert house is not None
        assert house.playground is not None
        gateway = house.gateway
        return house.playground.console(gateway.context, gateway.answer, house.law_book)

    def _make_rest(self) -> gate.Gate:
        from yibao.openapi.application import rest
        from yibao.openapi.model import House as RestHouse

        house = self._house
        assert house is not None
        clock = house.gateway.context.clock
        made = rest(RestHouse(clock, house.database, house.commands, house.office))
        turnstile = house.gateway.context.turnstile
        assert turnstile is not None
        return gate.Gate(
            made,  # type: ignore[arg-type]
            turnstile.admission,
            turnstile.proxies,
            metrics.observe_turned_away,
        )

    async def _welcome(self) -> "Page":
        return (
            200,
            _TEXT,
            (WELCOME + (WELCOME_TO_SANDBOX if self._settings.sandbox else "")).encode(),
        )

    async def _alive(self) -> "Page":
        return 200, _TEXT, b"alive\n"

    async def _metrics(self) -> "Page":
        draining = {"yibao_draining": float(self._stopping.phase is not Phase.OPEN)}
        dsn = self._settings.database_url
        measured = (
            await vitals.measure(
                dsn, self._settings.data, VITALS | archiving.vitals(self._settings)
            )
            if dsn
            else {}
        )
        if self._house is not None:
            lockout = self._house.gateway.context.lockout
            measured["yibao_senders_locked_out"] = float(lockout.under_way())
        found = await asyncio.to_thread(metrics.exposition, {**measured, **draining})
        return 200, metrics.CONTENT_TYPE, found

    async def _ready(self) -> "Page":
        if self._stopping.phase is not Phase.OPEN:
            missing: str | None = "stopping"
        elif self._house is None:
            missing = self._missing
        else:
            missing = await _fault(self._house.database)
        body = {
            "ready": not missing,
            "sandbox": self._settings.sandbox,
            "open_door": self._settings.open_door,
            "missing": missing,
        }
        return 503 if missing else 200, _JSON, msgspec.json.encode(body) + b"\n"


class _MadeLater:
    """An application that takes seconds to import: made when it is first asked, in a thread, so
    that no call of the interface waits for it."""

    def __init__(self, make: "Callable[[], Litestar | gate.Gate]", viewers: ViewerKind) -> None:
        """``viewers``: who it is that looks at people there."""
        self.viewers = viewers
        self._make = make
        self._made: Litestar | gate.Gate | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
        await self._made(scope, receive, send)  # type: ignore[arg-type]


Page = tuple[int, str, bytes]
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json; charset=utf-8"

_PAGES: dict[str, Callable[[Application], Awaitable[Page]]] = {
    "/": Application._welcome,  # noqa: SLF001 - the class's own table of pages
    "/livez": Application._alive,  # noqa: SLF001
    "/readyz": Application._ready,  # noqa: SLF001
    "/metrics": Application._metrics,  # noqa: SLF001
}


def application() -> Application:
    """The factory that the server calls in each worker process."""
    settings = load_settings()
    set_up_logging(settings.log_level, settings.log_format)
    return Application(settings, SystemClock())


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """What is opened here stays for good, so the collector need not walk it, now or ever again.

    Calls leave few cycles behind: afterwards the young generation may grow larger than by default.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.set_threshold(20_000, 20, 50)
        gc.enable()


async def _fault(database: Database) -> str | None:
    """What keeps the open house from answering calls now; None when nothing does."""
    try:
        async with asyncio.timeout(_DATABASE_SECONDS):
            await check_migrated(database.dsn)
    except NotReady as reason:
        return str(reason)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        return mask_text(f"the database does not answer: {str(error) or 'timeout'}")
    return None


async def _respond(send: Send, status: int, kind: str, body: bytes) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
