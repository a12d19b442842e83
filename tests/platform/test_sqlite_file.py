"""Processes that begin at the same moment share a file without one of them being refused."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

from yibao.platform.sqlite_file import log_beside, make_private

AT_ONCE = 8


def test_many_turn_to_a_log_at_the_same_moment(tmp_path: Path) -> None:
    for attempt in range(20):
        path, together = tmp_path / str(attempt), Barrier(AT_ONCE)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            modes = list(threads.map(_opened, [path] * AT_ONCE, [together] * AT_ONCE))
        assert modes == ["wal"] * AT_ONCE


def _opened(path: Path, together: Barrier) -> str:
    make_private(path)
    together.wait()
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        log_beside(connection)
        mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
        return mode


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "new" / "file")
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o600
