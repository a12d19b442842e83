"""Everything around the server: database, migration, the sandbox's world, worker processes.

``running`` is the one way to start it, for ``yibao serve``, the demo and the benchmark alike. This
process supervises: it starts a dead database again and ends all of it together. The file
``serve.json`` in the data folder tells other commands where the server is.
"""

import asyncio
import dataclasses
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import psutil
import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from yibao.kernel.periods import business_date
from yibao.platform import migrations
from yibao.platform.crypto import Vault, load_key
from yibao.platform.metrics import FOLDER_VARIABLE, empty_folder
from yibao.platform.postgres import EmbeddedPostgres, PostgresFailed, running_dsn
from yibao.platform.settings import DEFAULT_PORT, Settings, SettingsFault, mask_url
from yibao.platform.stopping import LOOK_SECONDS, STOPPING_VARIABLE, Phase, tell
from yibao.platform.supervisor import SERVER_MODULE, SUPERVISOR_VARIABLE

OPEN_DOOR_WARNING = (
    "THE DOOR IS OPEN: any key, signature, institution and person is let in. "
    "For trying out on artificial data only."
)
READY_SECONDS = 120
CLOSING_SECONDS = 5 * LOOK_SECONDS
"""How long callers are told "not accepted" before the listener closes: time for every process to
see it, and for those who keep connections open to leave them."""
_HOUSE_SECONDS = 20
"""What the server gets beyond its last call, to end its workers and itself."""
FREED_SECONDS = 5
"""How long a port that was asked for may stay taken: a killed server's workers go within this."""
_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 2.0
"""Between tries to start a database that cannot start."""

log = structlog.get_logger()


class ServerFailed(SettingsFault):
    """The server did not come up, or ended by itself."""

    def __init__(self, message: str) -> None:
        super().__init__("serve", message)


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    base_url: str
    settings: Settings
    """With the database's URL and the port that are really in use."""
    _workers: "subprocess.Popen[bytes]"
    _postgres: EmbeddedPostgres | None

    def look_after(self) -> None:
        """Start the database again if it died. Raises ServerFailed when the server ended.

        A database that cannot start now (its disk is full) is tried again until it can: callers
        are told "not accepted" meanwhile, and nobody has to be there when there is room again.
        """
        if self._workers.poll() is not None:
            raise ServerFailed(f"the server ended by itself (exit code {self._workers.returncode})")
        if self._postgres is not None:
            try:
                self._postgres.revive()
            except (PostgresFailed, OSError) as failure:
                log.error("postgres_not_started", failure=str(failure), again_in=_RETRY_SECONDS)  # noqa: TRY400 - its text says all
                time.sleep(_RETRY_SECONDS)


def serve_until_stopped(settings: Settings, console: Console, *, port_asked: bool) -> None:
    """Serve until SIGINT or SIGTERM; then stop the workers first, the database last."""
    try:
        with running(settings, console, port_asked=port_asked) as server:
            console.print(f"Yibao is ready: {server.base_url}", highlight=False, soft_wrap=True)
            if settings.sandbox:
                console.print(f"Console: {server.base_url}/ui", highlight=False, soft_wrap=True)
                console.print(
                    f"Accounts to try it with: yibao sandbox accounts --data {settings.data}",
                    highlight=False,
                    soft_wrap=True,
                )
            if settings.open_door:
                console.print(OPEN_DOOR_WARNING, style="bold red", soft_wrap=True)
            sys.stdout.flush()
            while True:
                time.sleep(_LOOK_SECONDS)
                server.look_after()
    except KeyboardInterrupt:
        console.print("Yibao has stopped.")


@contextmanager
def running(settings: Settings, console: Console, *, port_asked: bool = False) -> Iterator[Running]:
    """A server with these settings, ready to answer; everything is stopped at the end.

    Without ``port_asked`` a port that is taken is replaced by a free one. SIGTERM and SIGHUP raise
    KeyboardInterrupt, as Ctrl-C does.
    """
    with ExitStack() as stack:
        stack.enter_context(_signals_interrupt())
        load_key(settings)  # made in a sandbox, a refusal elsewhere: before anything is started
        postgres = None
        dsn = settings.database_url
        if dsn is None:
            postgres = EmbeddedPostgres(settings.data / "postgres")
            stack.callback(_stop_quietly, postgres)
            dsn = postgres.start()
        else:
            settings.data.mkdir(parents=True, exist_ok=True)
        settings = dataclasses.replace(
            settings, database_url=dsn, port=_choose_port(settings, asked=port_asked)
        )
        base_url = _base_url(settings)
        stopping = settings.data.absolute() / "stopping"
        stopping.unlink(missing_ok=True)
        workers = _start_workers(settings, stopping)
        stack.callback(_stop_workers, workers, settings, stopping)
        # meanwhile the workers load; they are ready once the database is
        asyncio.run(_prepare(settings, dsn, console))
        server = Running(base_url, settings, workers, postgres)
        _wait_until_ready(server)
        stack.enter_context(_noted(settings.data, base_url))
        yield server


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The DSN of the database: the user's, the one already running, or started just for this."""
    dsn = settings.database_url or running_dsn(settings.data / "postgres")
    if dsn is not None:
        yield dsn
        return
    with EmbeddedPostgres(settings.data / "postgres") as dsn:
        yield dsn


def served(settings: Settings) -> Settings:
    """The settings with the address of the server that runs on the data folder, if one does."""
    try:
        note = json.loads((settings.data / "serve.json").read_text())
        parts = urlsplit(note["base_url"])
        if not psutil.pid_exists(note["pid"]) or parts.port is None or parts.hostname is None:
            return settings
    except (OSError, ValueError, KeyError, TypeError):
        return settings
    return dataclasses.replace(settings, host=parts.hostname, port=parts.port)


# -------------------------------------------------------------------------------------- the parts


async def _prepare(settings: Settings, dsn: str, console: Console) -> None:
    """Migrate, and in a sandbox fill the world when there is none."""
    try:
        await migrations.migrate(dsn)
    except OSError as error:
        raise ServerFailed(f"no database answers at {mask_url(dsn)}: {error}") from None
    await _make_months(dsn)
    if settings.sandbox:
        await _fill_sandbox(settings, dsn, console)


async def _make_months(dsn: str) -> None:
    """The running month's partitions, before anything is written to it."""
    import asyncpg

    from yibao.platform.months import service as months

    connection = await asyncpg.connect(dsn, timeout=30)
    try:
        await months.ensure(connection, business_date(datetime.now(UTC)))
    except asyncpg.PostgresError as error:  # it works without them, and tries again every hour
        log.warning("months_not_made", error=repr(error))
    finally:
        await connection.close()


async def _fill_sandbox(settings: Settings, dsn: str, console: Console) -> None:
    from yibao.platform.database import Database
    from yibao.sandbox.playground import seed_folder
    from yibao.sandbox.store.seed import keep_seed
    from yibao.sandbox.world import fill, is_filled

    database = await Database.open(dsn, writers=1, readers=1)
    try:
        if await is_filled(database):
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bars:
            shown = {}

            def progress(what: str, done: int, whole: int) -> None:
                if what not in shown:
                    shown[what] = bars.add_task(what, total=whole)
                bars.update(shown[what], completed=done)

            await fill(database, Vault(load_key(settings)), datetime.now(UTC), progress)
        await keep_seed(database, seed_folder(settings))
    finally:
        await database.close()


def _choose_port(settings: Settings, *, asked: bool) -> int:
    if settings.port and (asked or settings.port != DEFAULT_PORT):
        deadline = time.monotonic() + FREED_SECONDS
        while not _is_free(settings.host, settings.port):
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"port {settings.port} of {settings.host} is taken: give another by --port"
                )
            time.sleep(0.1)
        return settings.port
    if settings.port and _is_free(settings.host, settings.port):
        return settings.port
    with _listener(settings.host, 0) as free:
        return int(free.getsockname()[1])


def _is_free(host: str, port: int) -> bool:
    try:
        _listener(host, port).close()
    except OSError:
        return False
    return True


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
    except socket.gaierror as error:
        raise ServerFailed(f"{host} is no address of this machine: {error}") from None
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _base_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _start_workers(settings: Settings, stopping: Path) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        **settings.environment(),
        FOLDER_VARIABLE: str(empty_folder(settings.data.absolute() / "metrics")),
        SUPERVISOR_VARIABLE: str(os.getpid()),
        STOPPING_VARIABLE: str(stopping),
    }
    # a session of its own: Ctrl-C in the terminal is for the supervisor, which stops all in order
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", SERVER_MODULE],
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _stop_workers(workers: "subprocess.Popen[bytes]", settings: Settings, stopping: Path) -> None:
    """Not ready, then not accepting, then no listener; accepted calls are answered all the while.

    A server that never came up, or ended by itself, has nobody to tell.
    """
    if workers.poll() is None:
        tell(stopping, Phase.LEAVING)
        _wait(workers, settings.grace)
        tell(stopping, Phase.CLOSING)
        _wait(workers, CLOSING_SECONDS)
    workers.terminate()
    try:
        workers.wait(settings.shutdown_limit + _HOUSE_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(workers.pid, signal.SIGKILL)
        workers.wait()
    stopping.unlink(missing_ok=True)


def _wait(workers: "subprocess.Popen[bytes]", seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        workers.wait(seconds)


def _stop_quietly(postgres: EmbeddedPostgres) -> None:
    with suppress(PostgresFailed):
        postgres.stop()


def _wait_until_ready(server: Running) -> None:
    deadline = time.monotonic() + READY_SECONDS
    told = ""
    while time.monotonic() < deadline:
        server.look_after()
        try:
            ready, told = _ask_ready(server.base_url)
        except (OSError, http.client.HTTPException, ValueError):
            ready = False
        if ready:
            return
        if told.startswith("cannot start"):
            break
        time.sleep(0.03)
    raise ServerFailed(f"the server is not ready: {told or 'it does not answer'}")


def _ask_ready(base_url: str) -> tuple[bool, str]:
    parts = urlsplit(base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status == 200, str(json.loads(answer.read())["missing"])
    finally:
        connection.close()


@contextmanager
def _noted(data: Path, base_url: str) -> Iterator[None]:
    """Say in ``serve.json`` where the server is, while it runs."""
    note = data / "serve.json"
    aside = data / f"serve.json.{os.getpid()}"
    aside.write_text(json.dumps({"pid": os.getpid(), "base_url": base_url}) + "\n")
    aside.replace(note)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP are like Ctrl-C; while we stop, further ones are ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in wanted:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
