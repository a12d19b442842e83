"""A journal of what passed by: handed over in memory, written to one SQLite file by a thread.

Whoever notes something waits for nothing. A burst is taken whole; what comes faster than anybody
reads, for longer, is dropped and counted, so that a load costs what it costs without a journal. The
file (mode 0600) is shared by all processes of a server and keeps the newest notes alone. It is a
developer's aid, not a record: what was noted in the last moments before a crash may be lost.
"""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from yibao.platform.sqlite_file import BUSY_SECONDS, log_beside, make_private

T = TypeVar("T")

BURST = 500
"""Notes that a process takes at once."""
STEADY = 100
"""Notes a second that it takes for good: each costs some 40 µs."""
WAITING_BYTES = 64 * 1024 * 1024
KEPT = 5_000
"""The newest notes that stay in the file."""
KEPT_BYTES = 256 * 1024 * 1024
GREATEST_ID = 2**63 - 1
"""SQLite takes no greater number, however great one somebody asks for."""
_BEAT_SECONDS = 0.1
_BEATS_BETWEEN_PRUNINGS = 20

_Row = tuple[str | int | float | bytes, ...]

log = structlog.get_logger()

_TABLES = """
CREATE TABLE IF NOT EXISTS note (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    received    TEXT    NOT NULL,
    transaction_number TEXT NOT NULL,
    institution TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    code        INTEGER NOT NULL,
    rule        TEXT    NOT NULL,
    error       TEXT    NOT NULL,
    seconds     REAL    NOT NULL,
    visit       TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    document    BLOB    NOT NULL
);
CREATE INDEX IF NOT EXISTS note_visit ON note (visit) WHERE visit <> '';
CREATE TABLE IF NOT EXISTS dropped (process INTEGER PRIMARY KEY, count INTEGER NOT NULL);
"""
_COLUMNS = "received, transaction_number, institution, message, code, rule, error, seconds, visit"


@dataclass(frozen=True, slots=True)
class Note:
    """What a list shows of an exchange; the whole of it is in its document."""

    received: datetime
    """Aware UTC."""
    number: str
    institution: str
    message: str
    code: int
    rule: str
    error: str
    seconds: float
    visit: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A note in the file; a greater id was written later."""

    id: int
    note: Note


@dataclass(frozen=True, slots=True)
class Search:
    """Which notes are wanted; an empty part asks nothing."""

    institution: str = ""
    number: str = ""
    """Beginning of the transaction number."""
    outcome: str = ""
    """``done``, ``refused``, or "" for both."""
    text: str = ""
    """Stands somewhere in the document or the error."""
    visit: str = ""


class Journal(Generic[T]):
    """Takes notes in one process. ``close`` writes what still waits."""

    def __init__(
        self,
        path: Path,
        describe: Callable[[T], tuple[Note, bytes]],
        *,
        weigh: Callable[[T], int] = lambda _: 0,
        kept: int = KEPT,
        kept_bytes: int = KEPT_BYTES,
        burst: int = BURST,
    ) -> None:
        """``describe`` makes note and document of a thing; it runs in the writing thread.

        ``weigh`` tells at once how many bytes a thing holds.
        """
        self._path = path
        self._describe = describe
        self._weigh = weigh
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._burst = burst
        self._allowance: float = burst
        self._waiting: deque[T] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._stop = threading.Event()
        _create(path)
        self._thread = threading.Thread(target=self._write_on, name="journal", daemon=True)
        self._thread.start()

    def note(self, thing: T) -> None:
        """Hand a thing over; returns at once, whatever becomes of it."""
        if self._allowance >= 1 and self._waiting_bytes < WAITING_BYTES:
            self._allowance -= 1
            self._waiting_bytes += self._weigh(thing)
            self._waiting.append(thing)
        else:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits and stop."""
        self._stop.set()
        self._thread.join(BUSY_SECONDS)

    def _write_on(self) -> None:
        beats = 0
        with closing(_connect(self._path)) as connection:
            while not self._stop.wait(_BEAT_SECONDS):
                # not under a lock: one note more or less is no matter
                self._allowance = min(self._burst, self._allowance + STEADY * _BEAT_SECONDS)
                if self._write_waiting(connection):
                    beats += 1
                    if beats % _BEATS_BETWEEN_PRUNINGS == 0:
                        self._prune(connection)
            self._write_waiting(connection)

    def _write_waiting(self, connection: sqlite3.Connection) -> bool:
        if not self._waiting:
            return False
        try:
            rows = list(self._take())
            with connection:
                connection.executemany(
                    f"INSERT INTO note ({_COLUMNS}, size, document)"  # noqa: S608 - fixed names
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
                if self._dropped:
                    connection.execute(
                        "INSERT INTO dropped VALUES (?, ?)"
                        " ON CONFLICT (process) DO UPDATE SET count = excluded.count",
                        (os.getpid(), self._dropped),
                    )
        except sqlite3.Error as error:
            log.warning("journal_not_written", error=repr(error))
        return True

    def _take(self) -> Iterator[_Row]:
        self._waiting_bytes = 0  # a little too early, which only lets a few more in
        for _ in range(len(self._waiting)):
            thing = self._waiting.popleft()
            try:
                yield _row(*self._describe(thing))
            except Exception as error:  # noqa: BLE001 - one odd note must not cost the others
                log.warning("journal_note_odd", error=repr(error))

    def _prune(self, connection: sqlite3.Connection) -> None:
        try:
            with connection:
                connection.execute(
                    """DELETE FROM note WHERE id <= (
                           SELECT max(id) FROM (
                               SELECT id, row_number() OVER newest AS place,
                                      sum(size) OVER newest AS bytes
                               FROM note WINDOW newest AS (ORDER BY id DESC)
                           ) WHERE place > ? OR bytes > ?)""",
                    (self._kept, self._kept_bytes),
                )
        except sqlite3.Error as error:
            log.warning("journal_not_pruned", error=repr(error))


class JournalReader:
    """Reads the journal of all processes; every question opens the file anew (it is quick)."""

    def __init__(self, path: Path) -> None:
        _create(path)
        self._path = path

    def newest(self, search: Search, limit: int, *, before: int | None = None) -> list[Kept]:
        """Up to ``limit`` notes, newest first, older than the id ``before`` if it is given."""
        edge = ("id < ?", before) if before is not None else None
        return self._find(search, limit, "DESC", edge)

    def after(self, search: Search, after: int, limit: int) -> list[Kept]:
        """Up to ``limit`` of the newest notes written after the id ``after``, newest first."""
        return self._find(search, limit, "DESC", ("id > ?", after))

    def document(self, id: int) -> tuple[Kept, bytes] | None:  # noqa: A002 - the table's word
        """A note with its document; None when it is not kept (any more)."""
        with self._open() as connection:
            row = connection.execute(
                f"SELECT id, {_COLUMNS}, document FROM note WHERE id = ?",  # noqa: S608
                (id,),
            ).fetchone()
        return None if row is None else (_kept(row[:-1]), row[-1])

    def last(self) -> int:
        """The id of the newest note; 0 when there is none."""
        with self._open() as connection:
            return int(connection.execute("SELECT coalesce(max(id), 0) FROM note").fetchone()[0])

    def dropped(self) -> int:
        """How many notes were dropped because they came too fast."""
        with self._open() as connection:
            row = connection.execute("SELECT coalesce(sum(count), 0) FROM dropped").fetchone()
        return int(row[0])

    def seen(self, column: str) -> list[str]:
        """The values of ``institution`` or ``transaction_number`` in the journal, in order."""
        assert column in {"institution", "transaction_number"}
        with self._open() as connection:
            rows = connection.execute(
                f"SELECT DISTINCT {column} FROM note WHERE {column} <> '' ORDER BY 1"  # noqa: S608
            ).fetchall()
        return [row[0] for row in rows]

    def _find(
        self, search: Search, limit: int, order: str, edge: tuple[str, int] | None
    ) -> list[Kept]:
        conditions, values = _conditions(search)
        if edge is not None:
            conditions.append(edge[0])
            values.append(edge[1])
        where = " AND ".join(conditions) or "true"
        with self._open() as connection:
            rows = connection.execute(
                f"SELECT id, {_COLUMNS} FROM note WHERE {where} ORDER BY id {order} LIMIT ?",  # noqa: S608
                (*values, limit),
            ).fetchall()
        return [_kept(row) for row in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(_connect(self._path)) as connection:
            yield connection


def _conditions(search: Search) -> tuple[list[str], list[str | int]]:
    conditions: list[str] = []
    values: list[str | int] = []
    for column, wanted in (("institution", search.institution), ("visit", search.visit)):
        if wanted:
            conditions.append(f"{column} = ?")
            values.append(wanted)
    if search.number:
        conditions.append("substr(transaction_number, 1, length(?)) = ?")
        values += [search.number, search.number]
    if search.outcome == "done":
        conditions.append("code = 0")
    elif search.outcome == "refused":
        conditions.append("code <> 0")
    if search.text:
        # bytes against bytes: a document may hold anything that a caller sent
        conditions.append("(instr(document, CAST(? AS BLOB)) > 0 OR instr(error, ?) > 0)")
        values += [search.text, search.text]
    return conditions, values


def _create(path: Path) -> None:
    make_private(path)
    with closing(_connect(path)) as connection:
        log_beside(connection)
        connection.executescript(_TABLES)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _row(note: Note, document: bytes) -> _Row:
    return (
        note.received.astimezone(UTC).isoformat(),
        note.number,
        note.institution,
        note.message,
        note.code,
        note.rule,
        note.error,
        note.seconds,
        note.visit,
        len(document),
        document,
    )


def _kept(row: tuple[Any, ...]) -> Kept:
    number, received, *rest = row
    return Kept(number, Note(datetime.fromisoformat(received), *rest))
