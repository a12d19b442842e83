"""SQLite files that several processes of a machine share: made, and turned to a log beside them."""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

BUSY_SECONDS = 5.0
"""How long to wait for a process that is just writing."""
_AGAIN_SECONDS = 0.005


def make_private(path: Path) -> None:
    """Make the file and its folder where there is none, for the server's user alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # never open a file that is there: to close it would take away the locks of this process,
        # and the next one to leave would carry off the log that we write (sqlite.org/howtocorrupt)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def log_beside(connection: sqlite3.Connection) -> None:
    """Turn to a write-ahead log (WAL), so that readers never wait for a writer.

    SQLite does not wait for another process that turns to it at the same moment; we do.
    """
    patience_ends = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > patience_ends:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return
