"""How many settlements a disk and an evening have room for. Pure, but for the look at the disk."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.machine import NoRoom

LEAST = 500_000
"""Settlements below which a filled database says nothing about years."""
GIB = 1024**3
KEPT_FREE = 12 * GIB
"""Bytes of the disk that are left alone: the log, sorting, and what half an hour's soak writes."""
KEPT_SHARE = 0.25
"""And this share of what a filled database takes: its archive or a backup lies beside it."""
_LAST = KEPT_FREE // 2
ROUGH_BYTES = 6_000
"""Of a settlement with 20 lines, all tables and indexes, before it is measured."""
MEMORY = 2 * GIB
"""Bytes that must be free: the database's cache and two processes with their people."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a machine has to give."""

    disk: int
    """Free bytes."""
    memory: int
    """Available bytes."""


def look(folder: Path) -> Room:
    """The room where a folder is, or will be."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    return Room(shutil.disk_usage(there).free, psutil.virtual_memory().available)


def check(room: Room, asked: int) -> None:
    """Raises NoRoom when not even the least number that is worth it can fit, told beforehand."""
    least = min(asked, LEAST)
    needed = KEPT_FREE + int(least * ROUGH_BYTES * (1 + KEPT_SHARE))
    if room.disk < needed:
        raise NoRoom(
            f"the disk has {_gib(room.disk)} free; {least:,} settlements need about {_gib(needed)}"
        )
    if room.memory < MEMORY:
        raise NoRoom(f"{_gib(room.memory)} of memory are available, {_gib(MEMORY)} are needed")


def ran_low(room: Room) -> str | None:
    """Why to stop half-way: somebody else has taken what was free."""
    return f"the disk has {_gib(room.disk)} free" if room.disk < _LAST else None


def affordable(
    asked: int, done: int, bytes_each: float, rate: float, disk: int, seconds: float
) -> tuple[int, str]:
    """How many settlements there are to be, and why no more.

    ``done`` are there already, ``bytes_each`` and ``rate`` (a second) were measured on them,
    ``disk`` bytes are free and ``seconds`` left. Raises NoRoom below the least.
    """
    of_disk = done + int(max(0, disk - KEPT_FREE) / (bytes_each * (1 + KEPT_SHARE)))
    of_time = done + int(max(0.0, seconds) * rate)
    limits = {
        "it was asked for": asked,
        f"the disk has {_gib(disk)} free and each takes {bytes_each:,.0f} bytes": of_disk,
        f"{seconds / 3600:.1f} h are left at {rate:,.0f} a second": of_time,
    }
    why = min(limits, key=lambda reason: limits[reason])
    if limits[why] < min(asked, LEAST):
        raise NoRoom(f"only {limits[why]:,} settlements fit, because {why}")
    return limits[why], why


def _gib(size: float) -> str:
    return f"{size / GIB:,.1f} GiB"
