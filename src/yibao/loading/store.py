"""SQL of runs and of where loaded facts came from."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.periods import Period
from yibao.loading.model import Counts, Known, Made, Row, Run
from yibao.platform.appending import Appending

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_LOCKS_OF_LOADING = 0x7965  # first key of the advisory locks by which one load of a kind runs

_LOADED = Appending(
    "loading",
    "loaded",
    {
        "pool": "text",
        "kind": "text",
        "source": "text",
        "source_key": "text",
        "digest": "bytea",
        "subject": "text",
        "valid_from": "date",
        "valid_until": "date",
        "run": "bigint",
        "loaded_at": "timestamptz",
    },
)


async def lock_kind(connection: "Connection[Any]", kind: str) -> bool:
    """Hold the right to load a kind until the connection goes; False while another has it."""
    mine: bool = await connection.fetchval(
        "SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCKS_OF_LOADING, kind
    )
    return mine


async def free_kind(connection: "Connection[Any]", kind: str) -> None:
    """Give the right back."""
    await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCKS_OF_LOADING, kind)


# -------------------------------------------------------------------------------------------- rows


async def known(
    connection: "Connection[Any]", pool: Pool, kind: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Known]:
    """What was loaded for (source, source key) of a kind; keys that never came lack."""
    rows = await connection.fetch(
        """SELECT source, source_key, digest, subject, valid_from, valid_until, loaded_at
           FROM loading.loaded
           WHERE pool = $1 AND kind = $2 AND superseded_at IS NULL
             AND (source, source_key) IN (SELECT * FROM unnest($3::text[], $4::text[]))""",
        pool,
        kind,
        [source for source, _ in keys],
        [key for _, key in keys],
    )
    return {(row[0], row[1]): Known(row[2], row[3], _period(row), row[6]) for row in rows}


def _period(row: "Record") -> Period | None:
    return None if row["valid_from"] is None else Period(row["valid_from"], row["valid_until"])


async def keep(
    connection: "Connection[Any]",
    kind: str,
    rows: Sequence[tuple[Row, Made]],
    run: int,
    now: datetime,
) -> None:
    """Remember where facts came from."""
    changed = [row for row, _ in rows if row.before is not None]
    if changed:
        await connection.execute(
            """UPDATE loading.loaded SET superseded_at = $4
               WHERE kind = $1 AND superseded_at IS NULL AND (pool, source, source_key) IN
                     (SELECT * FROM unnest($2::text[], $3::text[], $5::text[]))""",
            kind,
            [row.pool for row in changed],
            [row.source for row in changed],
            now,
            [row.key for row in changed],
        )
    await _LOADED.append(
        connection,
        [
            (
                row.pool, kind, row.source, row.key, row.digest, made.subject,
                None if made.period is None else made.period.start,
                None if made.period is None else made.period.end,
                run, now,
            )
            for row, made in rows
        ],
    )  # fmt: skip


async def batches_of(
    connection: "Connection[Any]", run: int
) -> list[tuple[Pool, datetime, list[str]]]:
    """(pool, instant, subjects) of what a run put in and was not changed since, latest first."""
    rows = await connection.fetch(
        """SELECT pool, loaded_at, array_agg(DISTINCT subject ORDER BY subject)
           FROM loading.loaded WHERE run = $1 AND superseded_at IS NULL
           GROUP BY pool, loaded_at ORDER BY loaded_at DESC, pool""",
        run,
    )
    return [(Pool(row[0]), row[1], row[2]) for row in rows]


async def changed_since(connection: "Connection[Any]", run: int) -> int:
    """How many rows of a run were replaced by a later one."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM loading.loaded WHERE run = $1 AND superseded_at IS NOT NULL", run
    )
    return count


async def built_upon(
    connection: "Connection[Any]", run: int, pool: Pool, members: Sequence[str]
) -> str | None:
    """A kind that a later run loaded for one of these members; None: nothing stands upon them."""
    kind: str | None = await connection.fetchval(
        """SELECT kind FROM loading.loaded
           WHERE pool = $1 AND run > $2 AND superseded_at IS NULL
             AND split_part(subject, '/', 1) = ANY ($3) LIMIT 1""",
        pool,
        run,
        members,
    )
    return kind


async def keys_of(
    connection: "Connection[Any]", run: int, pool: Pool, subjects: Sequence[str]
) -> list[str]:
    """Source keys of the rows of a run from which something came, in their order."""
    rows = await connection.fetch(
        """SELECT source_key FROM loading.loaded
           WHERE run = $1 AND pool = $2 AND subject = ANY ($3::text[]) AND superseded_at IS NULL
           ORDER BY source_key""",
        run,
        pool,
        subjects,
    )
    return [row[0] for row in rows]


async def forget(
    connection: "Connection[Any]", run: int, left: Sequence[tuple[Pool, str]], now: datetime
) -> None:
    """Let the rows of a run count as never loaded, and those they replaced count again.

    ``left``: (pool, subject) of rows that go on counting as loaded.
    """
    kept = [pool for pool, _ in left], [subject for _, subject in left]
    await connection.execute(
        """INSERT INTO loading.loaded (pool, kind, source, source_key, digest, subject, valid_from,
                                       valid_until, run, loaded_at)
           SELECT old.pool, old.kind, old.source, old.source_key, old.digest, old.subject,
                  old.valid_from, old.valid_until, old.run, $2
           FROM loading.loaded AS new
           JOIN loading.loaded AS old
             USING (pool, kind, source, source_key)
           WHERE new.run = $1 AND new.superseded_at IS NULL AND old.superseded_at = new.loaded_at
             AND old.run <> $1
             AND (new.pool, new.subject) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))""",
        run,
        now,
        *kept,
    )
    await connection.execute(
        """UPDATE loading.loaded SET superseded_at = $2
           WHERE run = $1 AND superseded_at IS NULL
             AND (pool, subject) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))""",
        run,
        now,
        *kept,
    )


# -------------------------------------------------------------------------------------------- runs

_RUN = """SELECT number, kind, file, started_at, rows_done, written, changed, unchanged, bad,
                 finished_at, undone_at FROM loading.run"""


def _run(row: "Record") -> Run:
    counts = Counts(row["rows_done"], row["written"], row["changed"], row["unchanged"], row["bad"])
    return Run(
        row["number"], row["kind"], row["file"], row["started_at"], row["rows_done"], counts,
        row["finished_at"], row["undone_at"],
    )  # fmt: skip


async def begin_run(
    connection: "Connection[Any]", number: int, kind: str, file: str, digest: bytes, now: datetime
) -> None:
    """Record that a load begins."""
    await connection.execute(
        """INSERT INTO loading.run (number, kind, file, digest, started_at)
           VALUES ($1, $2, $3, $4, $5)""",
        number,
        kind,
        file,
        digest,
        now,
    )


async def unfinished(connection: "Connection[Any]", digest: bytes) -> Run | None:
    """The run of a file that was broken off."""
    row = await connection.fetchrow(
        f"{_RUN} WHERE digest = $1 AND finished_at IS NULL AND undone_at IS NULL"
        " ORDER BY number DESC LIMIT 1",
        digest,
    )
    return None if row is None else _run(row)


async def note_progress(connection: "Connection[Any]", number: int, counts: Counts) -> None:
    """Note, with the rows themselves, how far a run has come."""
    await connection.execute(
        """UPDATE loading.run SET rows_done = $2, written = $3, changed = $4, unchanged = $5,
                                  bad = $6 WHERE number = $1""",
        number,
        counts.rows,
        counts.written,
        counts.changed,
        counts.unchanged,
        counts.bad,
    )


async def finish_run(connection: "Connection[Any]", number: int, now: datetime) -> None:
    """Record that a file is in."""
    await connection.execute(
        "UPDATE loading.run SET finished_at = $2 WHERE number = $1", number, now
    )


async def note_undone(connection: "Connection[Any]", number: int, now: datetime) -> None:
    """Record that a run was taken back."""
    await connection.execute("UPDATE loading.run SET undone_at = $2 WHERE number = $1", number, now)


async def run(connection: "Connection[Any]", number: int, *, lock: bool = False) -> Run | None:
    """A run by its number."""
    row = await connection.fetchrow(
        f"{_RUN} WHERE number = $1 {'FOR UPDATE' if lock else ''}", number
    )
    return None if row is None else _run(row)


async def runs(connection: "Connection[Any]", most: int) -> list[Run]:
    """The latest runs, newest first."""
    rows = await connection.fetch(f"{_RUN} ORDER BY number DESC LIMIT $1", most)
    return [_run(row) for row in rows]


async def subjects(
    connection: "Connection[Any]", number: int
) -> AsyncIterator[tuple[str, str, str, str]]:
    """(source, source key, pool, what came of it) of a run; inside a transaction."""
    query = """SELECT source, source_key, pool, subject FROM loading.loaded
               WHERE run = $1 AND superseded_at IS NULL"""
    async for row in connection.cursor(query, number, prefetch=5_000):
        yield row[0], row[1], row[2], row[3]
