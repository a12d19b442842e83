"""What is running on a cluster's folder: its postmaster, and processes a killed one left behind."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class PidFile:
    """The lines of ``postmaster.pid`` that we use."""

    pid: int
    port: int
    socket_folder: Path


def read_pid_file(cluster: Path) -> PidFile | None:
    """What the cluster's postmaster wrote about itself; None when there is no whole file."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        if not lines[4]:
            return None  # on its way up: it has no socket yet
        return PidFile(int(lines[0]), int(lines[3]), Path(lines[4]))
    except (OSError, ValueError, IndexError):
        return None


def is_alive(cluster: Path) -> bool:
    """Whether the process named in ``postmaster.pid`` lives and is a server on this folder.

    A number alone proves nothing: after a reboot it may belong to any process.
    """
    found = read_pid_file(cluster)
    return found is not None and _works_in(found.pid, cluster)


def remove_stale_pid_file(cluster: Path) -> None:
    """Remove a ``postmaster.pid`` whose number now belongs to a process that is no server of ours.

    PostgreSQL itself would take that process for its rival, since both are the same user's. To be
    called while the folder's lock is held.
    """
    found = read_pid_file(cluster)
    if found is not None and psutil.pid_exists(found.pid) and not leftovers(cluster):
        (cluster / "postmaster.pid").unlink()


def leftovers(cluster: Path) -> list[int]:
    """Processes of a dead postmaster that still work in the cluster's folder."""
    return [pid for pid in psutil.pids() if _works_in(pid, cluster)]


def end_processes(pids: list[int], kind: signal.Signals) -> None:
    """Send a signal to processes found by ``leftovers``."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, kind)


def _works_in(pid: int, cluster: Path) -> bool:
    """Whether a live postgres process has the cluster as its working folder (they all do)."""
    try:
        process = psutil.Process(pid)
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and process.name().startswith("postgres")
            and Path(process.cwd()) == cluster
        )
    except (psutil.Error, OSError):
        return False
