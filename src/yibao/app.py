"""The server: settings → database → rooms → interface, composed once in each worker process.

``granian --factory yibao.app:application`` runs it; ``yibao serve`` does that with everything
around it. A process that starts before its database can be used goes on trying, and says on
/readyz what is missing; until then a call of the interface is answered "not accepted, nothing
done, send the same message again".
"""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import psutil
import structlog

from yibao import __doc__ as about
from yibao.accounts.events import arrivals
from yibao.accounts.family import wishes as family
from yibao.accounts.family.elsewhere import service as elsewhere
from yibao.accounts.vitals import service as accounts_vitals
from yibao.bureau import service as bureau
from yibao.bureau.clerks import service as clerks
from yibao.bureau.model import Office
from yibao.clearing.vitals import service as clearing_vitals
from yibao.gateway.asgi import Gateway, turn_away
from yibao.gateway.authentication import Door, SignedDoor
from yibao.gateway.context import Context
from yibao.gateway.dialects.load import dialects
from yibao.gateway.nonces import NONCES_FILE, Nonces
from yibao.gateway.tokens import Tokens
from yibao.gateway.turnstile import TURNED_AWAY, Turnstile
from yibao.inventory import service as inventory
from yibao.ledger.heads import service as heads
from yibao.ledger.holds import service as holds
from yibao.ledger.vitals import service as ledger_vitals
from yibao.openapi import gate
from yibao.payments import service as payments
from yibao.platform import metrics, migrations, vitals
from yibao.platform.access import service as access_service
from yibao.platform.access.lockout import LOCKOUTS_FILE, Lockout
from yibao.platform.access.model import ViewerKind
from yibao.platform.access.pages import watched
from yibao.platform.access.record import AccessRecord
from yibao.platform.admission.service import Admission, Reason
from yibao.platform.clock import Clock, SystemClock
from yibao.platform.commands.model import Handler
from yibao.platform.commands.service import Commands
from yibao.platform.commands.shared_reads import SharedReads
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.files import service as files
from yibao.platform.jobs import Errand, Housekeeping, Job
from yibao.platform.logging import mask_text, set_up_logging
from yibao.platform.settings import Settings, SettingsFault, load_settings
from yibao.platform.stopping import Phase, Stopping
from yibao.policy.law_book import LawBook
from yibao.policy.load import load_law_book
from yibao.policy.parameters import LawError
from yibao.prescriptions import service as prescriptions
from yibao.registry.credentials import service as credentials
from yibao.registry.departments import service as departments
from yibao.registry.filings import service as filings
from yibao.registry.institutions.model import SignIn, SignOut
from yibao.registry.institutions.service import handle_sessions
from yibao.registry.laws.service import keep
from yibao.registry.mappings import service as mappings
from yibao.registry.representatives import wishes as representatives
from yibao.registry.service import ReferenceCache
from yibao.settlement.clearing import service as clearing
from yibao.settlement.elsewhere.service import AcrossPools
from yibao.settlement.reconciliation import service as reconciliation
from yibao.settlement.service import REQUESTS, SettlementRoom
from yibao.supervision import service as supervision
from yibao.uploads import service as uploads

if TYPE_CHECKING:
    from litestar import Litestar

    from yibao.sandbox.playground import Playground

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SUPERVISOR_VARIABLE = "YIBAO_SUPERVISOR"  # set by cli/serving.py
"""Process id of ``yibao serve``; without it a worker has no business any more."""

_RETRY_SECONDS = 0.5
_WATCH_SECONDS = 1.0
_SERVER_ENDS_SECONDS = 10
"""How long a server that was told to end may take to end its workers."""
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

JOBS: dict[str, Job] = {
    "files": files.remove_expired,
    "credentials": credentials.remove_expired,
    "holds": holds.expire,
}
"""What is removed once it has expired; the names are the log's."""

VITALS: dict[str, vitals.Vital] = {
    **ledger_vitals.VITALS,
    **accounts_vitals.VITALS,
    **clearing_vitals.VITALS,
    "yibao_clerks_locked_out": clerks.locked_out,
}
"""What rooms measure for /metrics when it is asked for; the names are the metrics'."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class House:
    """The rooms, open and composed."""

    database: Database
    commands: Commands
    gateway: Gateway
    law_book: LawBook
    playground: "Playground | None"
    housekeeping: Housekeeping
    office: Office
    access: AccessRecord

    async def close(self) -> None:
        """Finish what is under way, then let go of the database."""
        await self.housekeeping.stop()
        await self.commands.drain()
        await self.access.drain()
        await self.database.close()
        if self.playground is not None:
            self.playground.close()


class NotReady(Exception):  # noqa: N818 - a state, and it passes
    """Something that the server needs is not there yet; the text says what and what to do."""


async def open_house(settings: Settings, clock: Clock) -> House:
    """Compose the rooms over a migrated and, in a sandbox, filled database. Raises NotReady."""
    dsn = settings.database_url
    if dsn is None:
        raise NotReady("no database: start with `yibao serve`, or set DATABASE_URL")
    await _check_migrated(dsn)
    vault = Vault(load_key(settings))
    law_book = load_law_book(settings.law)
    dialects()  # a file that cannot be used is told now, not to a hospital
    tokens = Tokens(vault)
    tolerance = timedelta(seconds=settings.clock_skew)
    nonces = Nonces(settings.data / NONCES_FILE)
    door: Door = SignedDoor(clock, tolerance, nonces, tokens)
    line_clock = clock
    hooks: dict[str, Any] = {"lockout": Lockout(path=settings.data / LOCKOUTS_FILE)}
    playground = None
    database = await Database.open(dsn, settings.writers, settings.readers)
    try:
        references = ReferenceCache(vault, law_book)
        async with database.reader(None) as connection:
            reference = await references.current(connection)
        if settings.sandbox and not reference.catalogue.items:
            raise NotReady("the sandbox is not filled yet: `yibao serve --sandbox` fills it")
        playground = _playground(settings, clock)
        if playground is not None:
            clock = playground.clock  # but the door goes by the machine's time, as its callers do
            door = playground.door(door)
            hooks |= {
                "record": playground.record,
                "faults": playground.faults,
                "welcome": playground.welcome(database, references, vault),
                "lockout": Lockout(free=None),  # here people find out how signing goes
            }
        room = SettlementRoom(references, vault)
        office = Office(references, vault, room)
        async with database.writer() as connection:
            await keep(connection, list(law_book.laws.values()), now=clock.now())
        commands = Commands(
            database.writer,
            clock,
            await database.numbers(),
            dict.fromkeys(REQUESTS, room.handle)
            | handlers_beside_settlement(references, vault)
            | bureau.handlers(office),
            metrics.observe_batch,
        )
        across_pools = AcrossPools(commands, database)
        numbers = await database.numbers()
        # by the machine's time: who looked when is no matter of a sandbox's business days
        access = AccessRecord(database.writer, numbers.writer, vault, line_clock.now)
        context = Context(
            clock=clock,
            database=database,
            commands=across_pools,
            trials=SharedReads(database.writer, clock, room.try_settlements),
            room=room,
            references=references,
            vault=vault,
            door=door,
            line_clock=line_clock,
            clock_tolerance=tolerance,
            tokens=tokens,
            body_limit=settings.body_limit,
            observe=metrics.observe_call,
            turnstile=_turnstile(settings),
            access=access,
            **hooks,
        )
        jobs = JOBS | {
            "access": access_service.removal(vault, settings.access_days),
            "heads": heads.job(vault),
        }
        errands: dict[str, Errand] = {
            "across_pools": across_pools.finish_all,
            "transfers": lambda _: arrivals.finish_all(commands, database),
        }
        housekeeping = Housekeeping(database, clock, jobs, errands=errands)
        housekeeping.start()
        gateway = Gateway(context)
        return House(
            database, commands, gateway, law_book, playground, housekeeping, office, access
        )
    except BaseException:
        if playground is not None:
            playground.close()
        await database.close()
        raise


def handlers_beside_settlement(references: ReferenceCache, vault: Vault) -> dict[type, Handler]:
    """Who runs each kind of command beside the settlement room's own."""
    handlers: dict[type, Handler] = {SignIn: handle_sessions, SignOut: handle_sessions}
    for of_registry in (credentials, departments, filings, mappings, files):
        handlers |= of_registry.handlers(vault)
    for room in (clearing, reconciliation, uploads, supervision, inventory, prescriptions):
        handlers |= room.handlers(references, vault)
    handlers |= family.handlers(references, vault)
    handlers |= elsewhere.handlers()
    handlers |= arrivals.handlers(vault)
    handlers |= representatives.handlers()
    return handlers | dict(payments.handlers(references, vault))


def _turnstile(settings: Settings) -> Turnstile:
    admission = Admission(
        wait=settings.wanted_wait / 1000,
        sender_rate=settings.sender_rate,
        unproved_rate=settings.guesses,
        observe=metrics.observe_room,
    )
    return Turnstile(admission, settings.proxies, metrics.observe_turned_away)


def _playground(settings: Settings, clock: Clock) -> "Playground | None":
    """What a sandbox has beside the product; a plain platform does not even import it."""
    if not settings.sandbox:
        return None
    from yibao.sandbox.playground import Playground

    return Playground(settings, clock)


class Application:
    """The ASGI application of one worker process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._house: House | None = None
        self._console = _MadeLater(self._make_console, ViewerKind.CONSOLE)
        self._rest = _MadeLater(self._make_rest, ViewerKind.PERSON)
        self._missing = "starting"
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
                    asyncio.create_task(_watch_supervisor()),
                    asyncio.create_task(self._stopping.watch()),
                ]
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
        measured = await vitals.measure(dsn, self._settings.data, VITALS) if dsn else {}
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


async def _check_migrated(dsn: str) -> None:
    revision = await migrations.current(dsn)
    if revision != migrations.head():
        raise NotReady(
            f"the database is at revision {revision}, not {migrations.head()}: run `yibao migrate`"
        )


async def _fault(database: Database) -> str | None:
    """What keeps the open house from answering calls now; None when nothing does."""
    try:
        async with asyncio.timeout(_DATABASE_SECONDS):
            await _check_migrated(database.dsn)
    except NotReady as reason:
        return str(reason)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        return mask_text(f"the database does not answer: {error or 'timeout'}")
    return None


async def _watch_supervisor() -> None:
    """End the server when ``yibao serve`` was killed: its orphans must not keep the port."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is None:
        return
    while _lives(int(supervisor)):  # noqa: ASYNC110 - another process cannot set an event here
        await asyncio.sleep(_WATCH_SECONDS)
    with suppress(OSError, ValueError):  # who read the log may be gone as well
        log.warning("supervisor_gone")
    server = os.getppid()
    if _is_server(server):
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGTERM)
        await asyncio.sleep(_SERVER_ENDS_SECONDS)
    os._exit(1)  # an orphan: the server that started it was killed too


def _is_server(pid: int) -> bool:
    """Whether a process is granian; an orphan's parent is whoever collects orphans."""
    try:
        return any("granian" in word for word in psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


async def _respond(send: Send, status: int, kind: str, body: bytes) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
