"""What all processes of a sandbox share in a small file: the clock's setting, faults that wait.

A process looks at most every 0.2 seconds whether the file was changed: asking costs nothing.
"""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from yibao.platform.sqlite_file import BUSY_SECONDS, log_beside, make_private

SHARED_FILE = "sandbox.sqlite"
LOOK_SECONDS = 0.2

_TABLES = """
CREATE TABLE IF NOT EXISTS clock (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    instant TEXT    NOT NULL,
    set_at  TEXT    NOT NULL,
    running INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS fault (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    wish   TEXT    NOT NULL,
    remain INTEGER NOT NULL
);
"""


class SharedFile:
    """One process's connection to the file. Its methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        make_private(path)
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        self._lock = threading.Lock()
        self._version = -1
        self._looked = float("-inf")
        log_beside(self._connection)
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.executescript(_TABLES)

    def version(self) -> int:
        """A number that differs once another process has changed the file."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            with self._lock:
                self._version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            self._looked = now
        return self._version

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    # ------------------------------------------------------------------------------------ clock

    def clock(self) -> tuple[datetime, datetime, bool] | None:
        """(instant, when it was set, whether it runs on); None while it was not set."""
        rows = self._execute("SELECT instant, set_at, running FROM clock")
        if not rows:
            return None
        [(instant, set_at, running)] = rows
        return datetime.fromisoformat(instant), datetime.fromisoformat(set_at), bool(running)

    def set_clock(self, instant: datetime, set_at: datetime, *, running: bool) -> None:
        """Keep what the clock was set to, and when."""
        self._execute(
            "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?)",
            instant.isoformat(),
            set_at.isoformat(),
            running,
        )

    def unset_clock(self) -> None:
        """Forget what the clock was set to."""
        self._execute("DELETE FROM clock")

    # ----------------------------------------------------------------------------------- faults

    def faults(self) -> list[tuple[int, str, int]]:
        """(id, wish, hits left) of the faults that wait, oldest first."""
        return self._execute("SELECT id, wish, remain FROM fault ORDER BY id")

    def add_fault(self, wish: str, count: int) -> int:
        """Let a fault wait for so many hits; its id."""
        statement = "INSERT INTO fault (wish, remain) VALUES (?, ?) RETURNING id"
        return int(self._execute(statement, wish, count)[0][0])

    def hit_by_fault(self, id: int) -> bool:  # noqa: A002 - the table's word
        """Use up one hit; False when other processes have used them all."""
        hit = self._execute(
            "UPDATE fault SET remain = remain - 1 WHERE id = ? AND remain > 0 RETURNING id", id
        )
        self._execute("DELETE FROM fault WHERE remain <= 0")
        return bool(hit)

    def remove_faults(self, id: int | None = None) -> None:  # noqa: A002
        """Take one fault away, or all."""
        self._execute("DELETE FROM fault WHERE ?1 IS NULL OR id = ?1", id)

    def _execute(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
