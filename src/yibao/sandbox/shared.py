"""What all processes of a sandbox share in a small file: the clock's setting, faults that wait.

A process looks at most every 0.2 seconds whether the file was changed: asking costs nothing.
"""

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

LOOK_SECONDS = 0.2
_BUSY_SECONDS = 5.0

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
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        self.lock = threading.RLock()
        self._version = -1
        self._looked = float("-inf")
        with closing(self.connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.executescript(_TABLES)

    def version(self) -> int:
        """A number that differs once another process has changed the file."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            with self.lock:
                self._version = self.connection.execute("PRAGMA data_version").fetchone()[0]
            self._looked = now
        return self._version

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()
