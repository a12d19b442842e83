"""Rows come back from the files by their numbers, and leave again when nobody changed them.

What belongs together comes together: a visit with all its charges and settlements, whatever months
they lie in.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.platform.archive import files, rules
from yibao.platform.archive.model import (
    NUMBER,
    TOGETHER,
    ArchivedFile,
    Column,
    Table,
)
from yibao.platform.archive.store import hot, known

if TYPE_CHECKING:
    from asyncpg import Connection


async def bring_back(
    connection: "Connection[Any]", folder: Path, pool: Pool, numbers: Iterable[int], now: datetime
) -> int:
    """Insert the rows of numbers and all that belongs to them; how many numbers came back.

    In the owner's transaction. What is back already is left alone; numbers that no file knows come
    to nothing. Raises ArchiveFault.
    """
    horizon = await known.horizon(connection)
    asked = sorted({number for number in numbers if 0 < number < horizon})
    if not asked:
        return 0
    await known.bringing_back(connection, pool)
    asked = sorted(set(asked) - await known.recalled(connection, pool, asked))
    if not asked:
        return 0
    tables = {table.full_name: table for table in await hot.tables(connection)}
    found = _Found(connection, folder, pool, tables)
    await found.look_for(asked)
    if not found.numbers:
        return 0
    for file, wanted in await found.files_with_rows():
        await put_back(connection, folder, tables[file.relation], file, wanted)
    await known.note_recalled(connection, pool, found.numbers, asked[0], now)
    return len(found.numbers)


Only = Mapping[str, Collection[str]]
"""Values by column of text; a table with none of the columns has no such rows. Empty: all rows."""


class _Found:
    """Which numbers of a pool belong together, found by looking into the files."""

    def __init__(
        self, connection: "Connection[Any]", folder: Path, pool: Pool, tables: dict[str, Table]
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._pool = pool
        self._tables = tables
        self.numbers: set[int] = set()

    async def look_for(self, asked: Iterable[int]) -> None:
        """These numbers, their visits, and all that belongs to those visits."""
        there = await self._known(set(asked))
        if not there:
            return
        visits = {visit for _, visit in there if visit is not None} | {n for n, _ in there}
        belonging = {number for number, _ in there} | visits
        for file in await known.files_of_visits(self._connection, self._pool, sorted(visits)):
            for number, visit in await self._looked(file, {TOGETHER: visits}):
                belonging |= {number} if visit is None else {number, visit}
        self.numbers |= {n for n, _ in await self._known(belonging)}

    async def _known(self, numbers: set[int]) -> set[tuple[int, int | None]]:
        """Those of some numbers that the files of their days have rows of, with their visits."""
        days = sorted({rules.day_of(number) for number in numbers})
        found: set[tuple[int, int | None]] = set()
        for file in await known.files_of_days(self._connection, self._pool, days):
            if any(file.lowest <= number <= file.highest for number in numbers):
                key = self._tables[file.relation].key
                found |= await self._looked(file, {key: numbers})
        return found

    async def _looked(
        self, file: ArchivedFile, wanted: dict[str, Any]
    ) -> set[tuple[int, int | None]]:
        """Numbers and visits of the rows that are wanted."""
        table = self._tables[file.relation]
        columns = [name for name in (table.key, TOGETHER, NUMBER) if table.has(name)]
        rows = await asyncio.to_thread(
            files.read, file.path(self._folder), wanted, list(dict.fromkeys(columns))
        )
        found: set[tuple[int, int | None]] = set()
        for row in rows.to_pylist():
            visit = row.get(TOGETHER)
            found.add((row[table.key], visit))
            if row.get(NUMBER) is not None:
                found.add((row[NUMBER], visit))
        return found

    async def files_with_rows(self) -> list[tuple[ArchivedFile, list[int]]]:
        """The files of the numbers, each with those of them that lie in it."""
        days = sorted({rules.day_of(number) for number in self.numbers})
        found = []
        for file in await known.files_of_days(self._connection, self._pool, days):
            wanted = [n for n in sorted(self.numbers) if file.lowest <= n <= file.highest]
            if wanted:
                found.append((file, wanted))
        return found


async def put_back(
    connection: "Connection[Any]",
    folder: Path,
    table: Table,
    file: ArchivedFile,
    numbers: Sequence[int] | None,
) -> None:
    """Insert a file's rows of numbers (None: all) after its bytes were found unchanged."""
    await asyncio.to_thread(files.check_unchanged, file, folder)
    wanted = None if numbers is None else {table.key: numbers}
    rows = await asyncio.to_thread(files.read, file.path(folder), wanted)
    names = [name for name in rows.schema.names if table.has(name)]
    await hot.put_back(connection, table, names, _tuples(rows, names))


def _tuples(rows: Any, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(rows[name].to_pylist() for name in names), strict=True))


async def numbers_in(
    connection: "Connection[Any]", folder: Path, some: Sequence[ArchivedFile], only: Only
) -> set[int]:
    """The numbers that files have rows of; ``only`` those with one of these values in a column."""
    tables = {table.full_name: table for table in await hot.tables(connection)}
    found: set[int] = set()
    for file in some:
        table = tables[file.relation]
        wanted = {name: values for name, values in only.items() if table.has(name, "text")}
        if wanted or not only:
            path, columns = file.path(folder), [table.key]
            rows = await asyncio.to_thread(files.read, path, wanted or None, columns)
            found |= set(rows[table.key].to_pylist())
    return found


async def sums_of(
    connection: "Connection[Any]",
    folder: Path,
    some: Sequence[ArchivedFile],
    where: Mapping[str, str],
    columns: Sequence[str],
) -> dict[str, int]:
    """Sums over the rows of one table's files that have these texts and are not back."""
    keys = {table.full_name: table.key for table in await hot.tables(connection)}
    sums = dict.fromkeys(columns, 0)
    name, text = next(iter(where.items()))
    for file in some:
        key = keys[file.relation]
        wanted = list(dict.fromkeys([key, *where, *columns]))
        table = await asyncio.to_thread(files.read, file.path(folder), {name: [text]}, wanted)
        rows = [row for row in table.to_pylist() if all(row[n] == t for n, t in where.items())]
        back = await known.recalled(connection, file.pool, [row[key] for row in rows])
        for row in rows:
            if row[key] not in back:
                for column in columns:
                    sums[column] += row[column]
    return sums


# ------------------------------------------------------------------------------------------ leaving


async def needed_later(connection: "Connection[Any]", horizon: int) -> set[tuple[Pool, int]]:
    """Visits that have rows on both sides of the horizon."""
    return await hot.visits_with_later_rows(connection, await hot.tables(connection), horizon)


async def send_away(
    connection: "Connection[Any]", folder: Path, recall: known.Recall, later: set[tuple[Pool, int]]
) -> bool:
    """Delete what came back together, if it is as the files say; else let it stay. Raises.

    In the owner's transaction. ``later``: visits that have rows behind the horizon.
    """
    pool, _, numbers = recall
    if any((pool, number) in later for number in numbers):
        await known.let_wait(connection, recall, await known.horizon(connection))
        return False
    tables = await hot.tables(connection)
    for table in tables:
        there = await hot.rows_of(connection, table, pool, numbers, lock=True)
        kept, names = await _in_files(connection, folder, table, pool, numbers)
        if _ordered(table, names, (tuple(row[n] for n in names) for row in there)) != kept:
            await known.let_stay(connection, recall)
            return False
    for table in tables:
        await hot.remove(connection, table, pool, numbers)
    await known.forget_recall(connection, recall)
    return True


async def _in_files(
    connection: "Connection[Any]", folder: Path, table: Table, pool: Pool, numbers: Sequence[int]
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows that the files have of numbers, and the columns that are compared."""
    names = [column.name for column in table.columns]
    found: list[tuple[Any, ...]] = []
    days: list[date] = sorted({rules.day_of(number) for number in numbers})
    for file in await known.files_of_days(connection, pool, days):
        if file.relation != table.full_name:
            continue
        rows = await asyncio.to_thread(files.read, file.path(folder), {table.key: numbers})
        names = [name for name in rows.schema.names if table.has(name)]
        found += _tuples(rows, names)
    return _ordered(table, names, found), names


def _ordered(
    table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Rows in an order of their own, so that two lists of them can be compared."""
    types = {column.name: column for column in table.columns}
    comparable: list[Column] = [types[name] for name in names]
    return sorted(
        (tuple(_plain(value, column) for value, column in zip(row, comparable, strict=True)))
        for row in rows
    )


def _plain(value: Any, column: Column) -> tuple[bool, Any]:
    """A value that sorts, empty ones first."""
    return (value is not None, value if value is not None else column.name)
