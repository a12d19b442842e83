"""A worker process ends with ``yibao serve``, which started its server: an orphan keeps no port."""

import asyncio
import os
import signal
from contextlib import suppress

import psutil
import structlog

SUPERVISOR_VARIABLE = "YIBAO_SUPERVISOR"
"""Process id of ``yibao serve``; without it a worker has no business any more."""

SERVER_MODULE = "yibao.server"
"""What runs as the process that listens and starts the workers."""

_WATCH_SECONDS = 1.0
_SERVER_ENDS_SECONDS = 10
"""How long a server that was told to end may take to end its workers."""

log = structlog.get_logger()


async def watch() -> None:
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
    """Whether a process is the server; an orphan's parent is whoever collects orphans."""
    try:
        return SERVER_MODULE in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
