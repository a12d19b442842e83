"""A real server on a folder of its own: started, stopped, frozen, killed, and started again."""

import asyncio
import contextlib
import fcntl
import http.client
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from yibao.platform.postgres import running_dsn
from yibao.platform.settings import load_settings
from yibao.sandbox.accounts import collect

COMMAND = [sys.executable, "-m", "yibao"]
READY_SECONDS = 180
STOP_SECONDS = 60
DATABASE_DOWN = (
    OSError, TimeoutError,
    asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
)  # fmt: skip
"""What a caller of the database meets while it is killed, at whatever point."""
_READY = re.compile(r"is ready: http://\S+:(\d+)\s")


class Served:
    """``yibao serve --sandbox`` on a folder. Every start after the first is on the first's port."""

    def __init__(self, folder: Path, *, workers: int = 2, log: Path | None = None) -> None:
        self.folder = folder
        self.log = log or folder.parent / f"{folder.name}.log"
        """All that the server ever said."""
        self._workers = workers
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None

    # ----------------------------------------------------------------------------- up and down

    def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            ServerDown: it ended before it was ready; what it said goes with it.
        """
        self._process = subprocess.Popen(
            [
                *(*COMMAND, "serve", "--sandbox", "--data", str(self.folder)),
                *("--port", self._port, "--workers", str(self._workers)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        told: list[str] = []
        ready = threading.Event()
        # the pipe is read to its end, or a server that has much to say would stand still
        threading.Thread(target=self._listen, args=(told, ready), daemon=True).start()
        if not ready.wait(READY_SECONDS) or self._process.poll() is not None:
            raise ServerDown("".join(told[-20:]))

    def stop(self) -> None:
        """End it as Ctrl-C does; killed when it does not end."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill(application=True, database=True)

    @property
    def is_up(self) -> bool:
        """Whether the supervising process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(self._port)

    @property
    def dsn(self) -> str | None:
        """The owner's way into the database; None while there is none."""
        return running_dsn(self.folder / "postgres")

    def accounts(self, persons_an_area: int = 80) -> dict[str, Any]:
        """Institutions with their keys, persons and items, as ``yibao sandbox accounts`` tells."""
        return collect(load_settings({"data": self.folder, "sandbox": True}), persons_an_area)

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Another ``yibao`` command on the same folder."""
        return subprocess.run(
            [*COMMAND, *words, "--data", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def is_ready(self) -> bool:
        """Whether the worker that takes a new connection can answer calls."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def said(self, lines: int = 60) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text().splitlines()[-lines:])

    # -------------------------------------------------------------------------------- violence

    def kill(self, *, application: bool = False, database: bool = False) -> None:
        """SIGKILL to the supervisor and its workers, to the postmaster and its backends, or all."""
        victims = [*(self.application() if application else ()), *self.database(database)]
        for process in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if application and self._process is not None:
            self._process.wait(timeout=20)

    def application(self) -> list[psutil.Process]:
        """The supervisor and everything below it, without the database."""
        if self._process is None or not self.is_up:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(self._process.pid)
            database = {process.pid for process in self.database()}
            below = supervisor.children(recursive=True)
            return [supervisor, *(one for one in below if one.pid not in database)]
        return []

    def workers(self) -> list[psutil.Process]:
        """The processes that answer messages: the grandchildren of the supervisor."""
        supervisor, *below = self.application() or [None]
        with contextlib.suppress(psutil.NoSuchProcess):
            return [one for one in below if supervisor and one.ppid() != supervisor.pid]
        return []

    def database(self, wanted: bool = True) -> list[psutil.Process]:
        """The postmaster and its children."""
        note = self.folder / "postgres" / "cluster" / "postmaster.pid"
        with contextlib.suppress(psutil.NoSuchProcess, OSError, ValueError, IndexError):
            postmaster = psutil.Process(int(note.read_text().split()[0]))
            return [postmaster, *postmaster.children(recursive=True)] if wanted else []
        return []

    def backends(self) -> list[psutil.Process]:
        """The database's processes that serve a connection."""
        return [one for one in self.database()[1:] if " yibao [local]" in f" {_title(one)}"]

    def background_writers(self) -> list[psutil.Process]:
        """The database's processes that write behind."""
        titled = [(one, _title(one)) for one in self.database()[1:]]
        return [one for one, title in titled if "writer" in title or "checkpointer" in title]

    @contextlib.contextmanager
    def frozen(self, processes: Sequence[psutil.Process]) -> Iterator[None]:
        """SIGSTOP; SIGCONT at the end."""
        _signal(processes, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(processes, signal.SIGCONT)

    # --------------------------------------------------------------------------------- private

    def _listen(self, told: list[str], ready: threading.Event) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        with self.log.open("a") as log:
            for line in process.stdout:
                told.append(line)
                del told[:-200]
                log.write(line)
                log.flush()
                # a server that is killed may leave half a line
                if told_port := _READY.search(line):
                    self._port = told_port[1]
                    ready.set()
        ready.set()


class ServerDown(Exception):  # noqa: N818 - a state
    """The server did not come up."""


class Pristine:
    """A filled, stopped data folder that any number of worlds begin with a copy of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy_to(self, folder: Path) -> Path:
        """The world as it was filled; made at the first call, by a server started for that."""
        with self._alone():
            if not self._folder.exists():
                aside = self._folder.with_suffix(".new")
                first = Served(aside, workers=1)
                first.start()
                first.stop()
                aside.rename(self._folder)
        return Path(shutil.copytree(self._folder, folder, symlinks=True, dirs_exist_ok=True))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time."""
        with self._folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


async def started(served: Served, tries: int = 20) -> None:
    """Start, again and again while what stopped it lasts, as the person on call would."""
    for attempt in range(tries):
        try:
            await asyncio.to_thread(served.start)
        except ServerDown:
            if attempt == tries - 1:
                raise
            served.kill(application=True)
            await asyncio.sleep(1)
        else:
            return


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
