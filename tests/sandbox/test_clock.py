"""The sandbox's clock, followed by all processes of a server."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from yibao.platform.clock import SettableClock
from yibao.sandbox.clock import SharedClock
from yibao.sandbox.store.shared import LOOK_SECONDS, SharedFile

MACHINE = datetime(2026, 7, 15, 4, tzinfo=UTC)
THEN = datetime(2027, 1, 1, tzinfo=UTC)


def clock(path: Path) -> SharedClock:
    return SharedClock(SharedFile(path), SettableClock(MACHINE))


def test_it_is_the_machines_until_it_is_set(tmp_path: Path) -> None:
    mine = clock(tmp_path / "shared.sqlite")
    assert mine.now() == MACHINE
    assert not mine.is_set()
    mine.set(THEN, running=False)
    assert mine.now() == THEN
    assert mine.is_set()
    mine.set(None)
    assert mine.now() == MACHINE


def test_another_process_follows(tmp_path: Path) -> None:
    mine, other = clock(tmp_path / "shared.sqlite"), clock(tmp_path / "shared.sqlite")
    assert other.now() == MACHINE
    mine.set(THEN, running=False)
    time.sleep(LOOK_SECONDS)
    assert other.now() == THEN


def test_a_running_clock_runs_the_same_everywhere(tmp_path: Path) -> None:
    mine, other = clock(tmp_path / "shared.sqlite"), clock(tmp_path / "shared.sqlite")
    mine.set(THEN)
    time.sleep(LOOK_SECONDS + 0.05)
    assert THEN + timedelta(seconds=LOOK_SECONDS) < other.now() < THEN + timedelta(seconds=5)
    assert abs(mine.now() - other.now()) < timedelta(seconds=0.1)
