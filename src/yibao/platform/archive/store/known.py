"""SQL of what is known of the files, where the archive ends, and what is back."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.kernel.areas import Pool
from yibao.platform.archive.model import ArchivedFile, Manifest

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_LOCK = 0x7965
"""Advisory locks: 0 puts away, a pool's hash brings back."""


async def revision(connection: "Connection[Any]") -> str:
    """The schema's."""
    return str(await connection.fetchval("SELECT version_num FROM platform.alembic_version"))


async def putting_away(connection: "Connection[Any]") -> bool:
    """Whether this session alone puts months away from now on, until it ends."""
    mine: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1, 0)", _LOCK)
    return mine


async def bringing_back(connection: "Connection[Any]", pool: Pool) -> None:
    """Let nobody else bring rows of a pool back until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK, pool)


async def horizon(connection: "Connection[Any]") -> int:
    """Where the archive ends: numbers below it may lie in files. 0: nothing was put away."""
    number: int = await connection.fetchval(
        "SELECT coalesce(max(number), 0) FROM platform.archive_horizon"
    )
    return number


async def move_horizon(
    connection: "Connection[Any]", number: int, month: date, now: datetime
) -> None:
    """What lies below a number was put away; ``month`` is the last one."""
    await connection.execute(
        "INSERT INTO platform.archive_horizon (number, month, archived_at) VALUES ($1, $2, $3)",
        number,
        month,
        now,
    )


async def record(connection: "Connection[Any]", manifest: Manifest) -> None:
    """Note a month's manifest and files."""
    await connection.execute(
        """INSERT INTO platform.archived_month (pool, month, revision, made_at, public_key,
                                                signature)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        manifest.pool,
        manifest.month,
        manifest.revision,
        manifest.made_at,
        manifest.public_key,
        manifest.signature,
    )
    await connection.executemany(
        """INSERT INTO platform.archived_file (pool, day, relation, row_count, lowest, highest,
                                               lowest_visit, highest_visit, sums, sha256)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        [
            (
                file.pool,
                file.day,
                file.relation,
                file.rows,
                file.lowest,
                file.highest,
                file.lowest_visit,
                file.highest_visit,
                dict(file.sums),
                file.sha256,
            )
            for file in manifest.files
        ],
    )


async def manifests(connection: "Connection[Any]", pool: Pool | None = None) -> list[Manifest]:
    """What was put away, by pool and month, as the database knows it."""
    files: dict[tuple[Pool, date], list[ArchivedFile]] = {}
    for file in await archived_files(connection, pool):
        files.setdefault((file.pool, file.day.replace(day=1)), []).append(file)
    rows = await connection.fetch(
        """SELECT pool, month, revision, made_at, public_key, signature
           FROM platform.archived_month
           WHERE $1::text IS NULL OR pool = $1 ORDER BY pool, month""",
        pool,
    )
    return [
        Manifest(
            row["pool"],
            row["month"],
            row["revision"],
            row["made_at"],
            tuple(files.get((row["pool"], row["month"]), ())),
            row["public_key"],
            row["signature"],
        )
        for row in rows
    ]


_FILE = """SELECT pool, day, relation, row_count, lowest, highest, lowest_visit, highest_visit,
                  sums, sha256
           FROM platform.archived_file"""


async def archived_files(
    connection: "Connection[Any]", pool: Pool | None = None
) -> list[ArchivedFile]:
    """All files, by pool, day and table."""
    rows = await connection.fetch(
        f"{_FILE} WHERE $1::text IS NULL OR pool = $1 ORDER BY pool, day, relation",
        pool,
    )
    return [_file(row) for row in rows]


async def files_of_table(
    connection: "Connection[Any]", pool: Pool, relation: str
) -> list[ArchivedFile]:
    """A pool's files of one table, by day."""
    rows = await connection.fetch(
        f"{_FILE} WHERE pool = $1 AND relation = $2 ORDER BY day", pool, relation
    )
    return [_file(row) for row in rows]


async def files_of_days(
    connection: "Connection[Any]", pool: Pool | None, days_: Sequence[date]
) -> list[ArchivedFile]:
    """The files of days; None: of all pools."""
    rows = await connection.fetch(
        f"""{_FILE} WHERE ($1::text IS NULL OR pool = $1) AND day = ANY ($2::date[])
            ORDER BY pool, day, relation""",
        pool,
        days_,
    )
    return [_file(row) for row in rows]


async def files_of_visits(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> list[ArchivedFile]:
    """The files that may hold rows of visits, in days and months after them too."""
    rows = await connection.fetch(
        f"""{_FILE} WHERE pool = $1 AND EXISTS (
                SELECT FROM unnest($2::bigint[]) AS visit
                WHERE visit BETWEEN lowest_visit AND highest_visit)
            ORDER BY day, relation""",
        pool,
        visits,
    )
    return [_file(row) for row in rows]


async def files_between(
    connection: "Connection[Any]", pool: Pool | None, first: date, last: date
) -> list[ArchivedFile]:
    """The files of days, both of them too; None: of all pools."""
    rows = await connection.fetch(
        f"""{_FILE} WHERE ($1::text IS NULL OR pool = $1) AND day BETWEEN $2 AND $3
            ORDER BY pool, day, relation""",
        pool,
        first,
        last,
    )
    return [_file(row) for row in rows]


def _file(row: "Record") -> ArchivedFile:
    return ArchivedFile(*row)


async def recalled(connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]) -> set[int]:
    """Those of some numbers whose rows are back."""
    rows = await connection.fetch(
        "SELECT number FROM platform.recalled WHERE pool = $1 AND number = ANY ($2::bigint[])",
        pool,
        numbers,
    )
    return {row["number"] for row in rows}


async def note_recalled(
    connection: "Connection[Any]", pool: Pool, numbers: Iterable[int], cause: int, now: datetime
) -> None:
    """Note that the rows of numbers came back together."""
    await connection.execute(
        """INSERT INTO platform.recalled (pool, number, cause, recalled_at)
           SELECT $1, number, $3, $4 FROM unnest($2::bigint[]) AS number
           ON CONFLICT DO NOTHING""",
        pool,
        sorted(numbers),
        cause,
        now,
    )


class Recall(NamedTuple):
    """What came back together."""

    pool: Pool
    cause: int
    numbers: list[int]


async def recalls_before(
    connection: "Connection[Any]", instant: datetime, horizon_: int
) -> list[Recall]:
    """What came back, or was kept back, before an instant and may leave now."""
    rows = await connection.fetch(
        """SELECT pool, cause, array_agg(number ORDER BY number) FROM platform.recalled
           GROUP BY pool, cause
           HAVING max(recalled_at) < $1 AND NOT bool_or(stays) AND max(waits) < $2
           ORDER BY 1, 2""",
        instant,
        horizon_,
    )
    return [Recall(*row) for row in rows]


async def forget_recall(connection: "Connection[Any]", recall: Recall) -> None:
    """Its rows have left again."""
    await connection.execute(
        "DELETE FROM platform.recalled WHERE pool = $1 AND cause = $2", recall.pool, recall.cause
    )


async def let_stay(connection: "Connection[Any]", recall: Recall) -> None:
    """Its rows were changed: they do not leave again."""
    await connection.execute(
        "UPDATE platform.recalled SET stays = true WHERE pool = $1 AND cause = $2",
        recall.pool,
        recall.cause,
    )


async def let_wait(connection: "Connection[Any]", recall: Recall, horizon_: int) -> None:
    """Its rows are needed beside later ones: look again when the horizon has moved."""
    await connection.execute(
        "UPDATE platform.recalled SET waits = $3 WHERE pool = $1 AND cause = $2",
        recall.pool,
        recall.cause,
        horizon_,
    )
