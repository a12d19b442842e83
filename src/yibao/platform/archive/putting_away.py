"""Put months away: write their rows as Parquet, read them back, compare, and only then drop them.

Nothing is dropped before everything of a run was compared. Whatever fails before that leaves the
database as it was; what lies in the folder then is written anew by the next run.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from yibao.kernel.areas import Pool
from yibao.platform.archive import files, rules
from yibao.platform.archive.dropping import Carry, Leaving, Tell, drop
from yibao.platform.archive.model import (
    TOGETHER,
    ArchivedFile,
    ArchiveFault,
    Manifest,
    Owner,
    Table,
)
from yibao.platform.archive.store import hot, known
from yibao.platform.months import service as months
from yibao.platform.months.model import Table as Cut
from yibao.platform.signing import Signer

if TYPE_CHECKING:
    from asyncpg import Connection


def tell_nobody(what: str, done: int, of: int) -> None:
    """For callers who show no progress."""


@dataclass(frozen=True, slots=True)
class PutAway:
    """What a run put away."""

    through: date
    """First day of the last month."""
    manifests: tuple[Manifest, ...]
    kept: int = 0
    """Numbers whose rows stay because later ones need them."""

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(manifest.rows for manifest in self.manifests)


@dataclass(frozen=True, slots=True)
class _Span:
    """All numbers that a run puts away."""

    through: date
    low: int
    high: int

    def of_day(self, day: date) -> tuple[int, int]:
        """The numbers of a civil day, as far as they belong to the run."""
        after = date.fromordinal(day.toordinal() + 1)
        return max(self.low, rules.first_number(day)), min(self.high, rules.first_number(after))


async def put_away(
    connection: "Connection[Any]",
    owner: Owner,
    folder: Path,
    signer: Signer,
    through: date,
    now: datetime,
    tell: Tell = tell_nobody,
    carries: Sequence[Carry] = (),
) -> PutAway:
    """Everything up to a month, and with it. Raises ArchiveFault.

    It is written on one of the owner's connections, and let go on another that is urgent.
    ``through`` is the month's first day; whether it may go has been asked before.
    """
    span = _Span(
        through, await known.horizon(connection), rules.first_number(rules.next_month(through))
    )
    tables = await hot.tables(connection)
    files.make_folder(folder)
    cut = {str(table): table for table in await months.tables(connection)}
    cuts = [cut[table.full_name] for table in tables]
    parts = [_parts(one, span) for one in cuts]
    rests = [f'"{one.schema}"."{one.rest}"' for one in cuts]
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        archived = await _written(connection, folder, tables, span, tell)
        await _compare(connection, folder, tables, archived, span, tell)
        before = [await hot.versions(connection, t, span.low, span.high) for t in tables]
        needed = await hot.visits_with_later_rows(
            connection, tables, span.high, high=rules.first_fresh_number(now)
        )
        kept = await hot.kept_of(connection, tables, needed, span.low, span.high)
        revision = await known.revision(connection)
    manifests = _manifests(archived, revision, now, signer)
    for manifest in manifests:
        files.write_manifest(manifest, folder)
    tell("manifests", len(manifests), len(manifests))
    leaving = Leaving(
        tables, parts, rests, before, kept, manifests, span.low, span.high, through, now, carries
    )
    return PutAway(through, manifests, await drop(owner, leaving, tell))


async def cut_through(connection: "Connection[Any]", before: date) -> bool:
    """Whether a partition reaches over the begin of a month: then it cannot go there."""
    edge = rules.first_number(before)
    cut = await months.tables(connection)
    return any(part.first < edge < part.end for table in cut for part in table.partitions)


def _parts(table: Cut, span: _Span) -> list[str]:
    """The partitions that go as a whole, quoted. Raises ArchiveFault for one that goes further."""
    going = []
    for part in table.partitions:
        if part.first >= span.high or part.end <= span.low:
            continue
        if part.end > span.high:
            raise ArchiveFault(
                f"{part.name} reaches to {rules.day_of(part.end - 1)}: {span.through:%Y-%m} goes"
                " together with the last month of that partition"
            )
        going.append(f'"{table.schema}"."{part.name}"')
    return going


# ------------------------------------------------------------------------------------------ writing


async def _written(
    connection: "Connection[Any]", folder: Path, tables: Sequence[Table], span: _Span, tell: Tell
) -> list[ArchivedFile]:
    """Write each table's days; what the files hold is counted while it is written."""
    found = [(table, await hot.days(connection, table, span.low, span.high)) for table in tables]
    total = sum(day.rows for _, days in found for day in days)
    done = 0
    archived = []
    for table, days in found:
        for pool, day, rows in days:
            archived.append(await _write_day(connection, folder, table, pool, day, span))
            done += rows
            tell("rows written", done, total)
    return archived


async def _write_day(
    connection: "Connection[Any]", folder: Path, table: Table, pool: Pool, day: date, span: _Span
) -> ArchivedFile:
    blank = ArchivedFile(pool, day, table.full_name, 0, 0, 0, None, None, {}, "")
    path = blank.path(folder)
    writer = files.DayWriter(path, table)
    try:
        async for rows in hot.rows_between(connection, table, pool, *span.of_day(day)):
            await asyncio.to_thread(_write_rows, writer, table, rows)
        await asyncio.to_thread(writer.placed)
    finally:
        writer.given_up()
    return await asyncio.to_thread(_told, blank, path, table)


def _write_rows(writer: files.DayWriter, table: Table, rows: Sequence[files.Row]) -> None:
    writer.write(files.arrow(table, rows))


def _told(blank: ArchivedFile, path: Path, table: Table) -> ArchivedFile:
    """What a file holds, by reading it back."""
    rows, sums = 0, dict.fromkeys(table.summed, 0)
    keys: list[int] = []
    visits: list[int] = []
    for group in files.groups(path):
        rows += group.num_rows
        for name in table.summed:
            sums[name] += _sum(group[name])
        keys += _edges(group[table.key])
        if table.has(TOGETHER):
            visits += _edges(group[TOGETHER])
    return replace(
        blank,
        rows=rows,
        lowest=min(keys),
        highest=max(keys),
        lowest_visit=min(visits, default=None),
        highest_visit=max(visits, default=None),
        sums=sums,
        sha256=files.digest(path),
    )


def _sum(column: pa.ChunkedArray) -> int:
    """Exact, however large: Arrow's own sum of numbers would run over."""
    return sum(filter(None, column.to_pylist()))


def _edges(column: pa.ChunkedArray) -> list[int]:
    edges = pc.min_max(column).as_py()
    return [edge for edge in (edges["min"], edges["max"]) if edge is not None]


# ---------------------------------------------------------------------------------------- comparing


async def _compare(
    connection: "Connection[Any]",
    folder: Path,
    tables: Sequence[Table],
    archived: Sequence[ArchivedFile],
    span: _Span,
    tell: Tell,
) -> None:
    """Hold every file against the rows of the same snapshot. Raises ArchiveFault."""
    of = {table.full_name: table for table in tables}
    for done, file in enumerate(archived):
        table = of[file.relation]
        low, high = span.of_day(file.day)
        count, sums = await hot.sums_between(connection, table, file.pool, low, high)
        if (count, sums) != (file.rows, file.sums):
            raise ArchiveFault(
                f"{file.path(folder)} holds {file.rows} rows with the sums {dict(file.sums)}, the"
                f" database {count} with {sums}: the month stays in the database"
            )
        again = files.groups(file.path(folder))
        async for rows in hot.rows_between(connection, table, file.pool, low, high):
            if not await asyncio.to_thread(_same, again, table, rows):
                raise ArchiveFault(
                    f"{file.path(folder)} does not hold the rows of the database: the month stays"
                    " in the database"
                )
        tell("files compared", done + 1, len(archived))


def _same(groups: "Iterable[pa.Table]", table: Table, rows: Sequence[files.Row]) -> bool:
    group = next(iter(groups), None)
    return group is not None and group.equals(files.arrow(table, rows))


# ---------------------------------------------------------------------------------------- manifests


def _manifests(
    archived: Sequence[ArchivedFile], revision: str, now: datetime, signer: Signer
) -> tuple[Manifest, ...]:
    """One for each pool and month, signed."""
    by_month: dict[tuple[Pool, date], list[ArchivedFile]] = {}
    for file in archived:
        by_month.setdefault((file.pool, rules.month_of(file.day)), []).append(file)
    made = []
    for (pool, month), some in sorted(by_month.items()):
        ordered = tuple(sorted(some, key=lambda file: (file.day, file.relation)))
        told = Manifest(pool, month, revision, now, ordered, signer.public)
        made.append(replace(told, signature=signer.sign(told.hash())))
    return tuple(made)
