"""Rows of the files beside those of the database, for whoever reads books through."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from yibao.kernel.areas import Pool
from yibao.platform.archive import files, rules
from yibao.platform.archive.model import ArchivedFile
from yibao.platform.archive.store import hot, known

if TYPE_CHECKING:
    from asyncpg import Connection

Row = Mapping[str, Any]
"""A row by column; what was ``jsonb`` is its text."""

_KEPT_OPEN = 16
"""Files in memory at a time: what is read in the order of its days is read once."""


class ColdRows:
    """The rows that were put away, by number; what came back since lies in the files all the same.

    Read as of one moment: months that are put away later are not among them.
    """

    def __init__(
        self, folder: Path, horizon: int, found: Sequence[ArchivedFile], keys: Mapping[str, str]
    ) -> None:
        self.horizon = horizon
        """Numbers below it lie in files; 0: nothing was put away."""
        self._folder = folder
        self._keys = keys
        self._files = {(file.relation, file.pool, file.day): file for file in found}
        self._open: OrderedDict[ArchivedFile, pa.Table] = OrderedDict()
        self._seen: dict[ArchivedFile, int] = {}

    @classmethod
    async def of(cls, connection: "Connection[Any]", folder: Path) -> "ColdRows":
        """What was put away, as the connection's snapshot knows it."""
        return cls(
            folder,
            await known.horizon(connection),
            await known.archived_files(connection),
            {table.full_name: table.key for table in await hot.tables(connection)},
        )

    async def rows(self, relation: str, pool: Pool, numbers: Sequence[int]) -> list[Row]:
        """A table's rows of numbers. Raises ArchiveFault when a file cannot be read."""
        by_day: dict[ArchivedFile, list[int]] = {}
        for number in numbers:
            if number < self.horizon:
                file = self._files.get((relation, pool, rules.day_of(number)))
                if file is not None:
                    by_day.setdefault(file, []).append(number)
        found: list[Row] = []
        for file, wanted in by_day.items():
            whole = await self._whole(file)
            mask = pc.is_in(whole[self._keys[relation]], pa.array(wanted, pa.int64()))
            some = whole.filter(mask).to_pylist()
            self._seen[file] = self._seen.get(file, 0) + len(some)
            found += some
        return found

    async def days(
        self, relation: str, pool: Pool | None
    ) -> AsyncIterator[tuple[Pool, Sequence[Row]]]:
        """All rows of a table, a pool's day at a time. Raises ArchiveFault."""
        for file in self._files.values():
            if file.relation == relation and pool in {None, file.pool}:
                yield file.pool, (await self._whole(file)).to_pylist()

    def never_asked_for(self, relation: str, pool: Pool | None) -> list[tuple[ArchivedFile, int]]:
        """Files of a table with more rows than were asked for by number, and how many more."""
        return [
            (file, file.rows - self._seen.get(file, 0))
            for file in self._files.values()
            if file.relation == relation
            and pool in {None, file.pool}
            and file.rows != self._seen.get(file, 0)
        ]

    async def _whole(self, file: ArchivedFile) -> pa.Table:
        if file in self._open:
            self._open.move_to_end(file)
            return self._open[file]
        while len(self._open) >= _KEPT_OPEN:
            self._open.popitem(last=False)
        self._open[file] = await asyncio.to_thread(files.read, file.path(self._folder))
        return self._open[file]
