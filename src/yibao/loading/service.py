"""Put a file in: look at all of it, then write it, portion by portion; take a load back.

A file is read twice. The first time everything is checked, against the registry too, and nothing
is written; a wrong row ends the load there. The second time a portion of rows and the note how far
the file has come are one transaction: a load that was killed goes on behind its last portion.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import NO_PERSON_POOL, Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.loading import store
from yibao.loading.kinds import KINDS
from yibao.loading.model import (
    Counts,
    Desk,
    Fault,
    Kind,
    Made,
    Options,
    Progress,
    Report,
    Row,
)
from yibao.loading.reading import Table, UnreadableFile, look_at
from yibao.loading.rows import PERSON, SOURCE_KEY, Portion, Reader, Seen
from yibao.platform.clock import Clock
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.people import service as people
from yibao.registry.service import ReferenceCache
from yibao.settlement.service import settled_since

if TYPE_CHECKING:
    from asyncpg import Connection

FAULTS_KEPT = 100
"""Faults that a report holds; all of them go to ``tell``."""

_TICK = timedelta(microseconds=1)

__all__ = ["KINDS", "UnreadableFile", "known_run", "load", "runs", "subjects", "undo"]

runs = store.runs
subjects = store.subjects
known_run = store.run


async def load(
    database: Database,
    vault: Vault,
    references: ReferenceCache,
    clock: Clock,
    kind: Kind,
    path: Path,
    options: Options,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    tell: Callable[[Fault], None] = lambda _: None,
) -> Report:
    """Load a file. ``tell`` gets every fault, ``progress`` a word after every portion.

    Raises UnreadableFile when it is no table of the kind, OSError when it cannot be opened, Refused
    when another load of the kind is under way.
    """
    table = look_at(path)
    reader = Reader(table, kind, options, vault)
    numbers = await database.numbers()
    async with database.writer() as connection:
        if not await store.lock_kind(connection, kind.name):
            raise Refused(RefusalCode.BUSY, f"另有“{kind.title}”的装载正在进行，请稍后再试", "kind")
        try:
            loading = _Loading(
                connection, vault, references, clock, numbers, kind, options, reader, progress, tell
            )
            return await loading.run(table)
        finally:
            if not connection.is_closed():
                await store.free_kind(connection, kind.name)


_TOLD = 100
"""Most rows that are named."""


async def undo(unit: Unit, vault: Vault, references: ReferenceCache, number: int) -> dict[str, Any]:
    """Take a whole load back (撤销装载), as if it had never come.

    What a clerk changed since stays, and its rows are told: they count as loaded, ``left`` names
    the first of them by source key.
    Refused once something was settled upon it, a later load changed some of it or was built upon
    its people, or of a kind that is only changed from a date on.
    """
    run = await store.run(unit.connection, number, lock=True)
    if run is None:
        raise Refused(RefusalCode.FIELD_INVALID, f"没有编号为 {number} 的装载", "run")
    if run.undone_at is not None:
        raise Refused(RefusalCode.FIELD_INVALID, f"装载 {number} 已撤销", "run")
    kind = KINDS[run.kind]
    if kind.take_back is None:
        raise Refused(RefusalCode.FIELD_INVALID, f"“{kind.title}”不能整批撤销，请按日期变更", "run")
    if changed := await store.changed_since(unit.connection, number):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"该装载中有 {changed} 行已被后来的装载变更，请先撤销后来的装载",
            "run",
        )
    reference = await references.current(unit.connection)
    rows = 0
    left: list[tuple[Pool, str]] = []
    keys: list[str] = []
    for pool, loaded_at, subjects in await store.batches_of(unit.connection, number):
        members = sorted({subject.partition("/")[0] for subject in subjects})
        upon = await store.built_upon(unit.connection, number, pool, members)
        if upon is not None:
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"这些人员之后又装载了“{KINDS[upon].title}”，请先撤销后来的装载",
                "run",
            )
        settled = await settled_since(unit.connection, pool, members, loaded_at)
        if settled:
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"人员 {settled[0]} 等 {len(settled)} 人在装载之后已有结算，不能撤销",
                "run",
            )
        desk = Desk(replace(unit, pool=pool), vault, reference)
        changed_since = await kind.take_back(desk, subjects, loaded_at)
        rows += len(subjects) - len(changed_since)
        left += [(pool, subject) for subject in changed_since]
        if changed_since:
            keys += await store.keys_of(unit.connection, number, pool, changed_since)
    await store.forget(unit.connection, number, left, unit.now)
    await store.note_undone(unit.connection, number, unit.now)
    told = {"run": number, "kind": run.kind, "taken_back": rows}
    return told | {"left": keys[:_TOLD], "left_rows": len(keys)} if keys else told


class _Loading:
    """One file on its way."""

    def __init__(
        self,
        connection: "Connection[Any]",
        vault: Vault,
        references: ReferenceCache,
        clock: Clock,
        numbers: NumberSource,
        kind: Kind,
        options: Options,
        reader: Reader,
        progress: Callable[[Progress], None],
        tell: Callable[[Fault], None],
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._references = references
        self._clock = clock
        self._numbers = numbers
        self._kind = kind
        self._options = options
        self._reader = reader
        self._progress = progress
        self._tell = tell
        self._faults: list[Fault] = []
        self._left_out: set[int] = set()
        """Rows that were found wrong when the file was looked through."""
        self._totals: defaultdict[str, int] = defaultdict(int)

    async def run(self, table: Table) -> Report:
        """Check, and write unless something is against it."""
        counts = await self._look_through()
        report = Report(self._kind.name, counts, self._faults, totals=dict(self._totals))
        if self._options.dry_run or (counts.bad and not self._options.skip_bad):
            return report
        digest = _digest(table, self._kind, self._options)
        before = await store.unfinished(self._connection, digest)
        if before is None:
            now = self._clock.now()
            report.run = self._numbers.next(now)
            await store.begin_run(
                self._connection, report.run, self._kind.name, table.path.name, digest, now
            )
            done = Counts()
        else:
            report.run, done = before.number, before.counts
            report.resumed_at = before.rows_done
        report.counts = await self._write(report.run, done, counts.rows)
        await store.finish_run(self._connection, report.run, self._clock.now())
        return report

    # ------------------------------------------------------------------------------------ checking

    async def _look_through(self) -> Counts:
        """Everything that is wrong with the file, and what would come of it."""
        counts, seen = Counts(), Seen()
        controls: list[tuple[Row, str, int]] = []
        async for portion in _ahead(self._reader.portions()):
            async with self._connection.transaction():
                good, faults = await self._examined(portion)
            wrong = {fault.row for fault in faults}
            self._left_out |= wrong
            for row in portion.rows:
                seen.add(row, [] if row.number in wrong else list(self._kind.alike(row)))
                if told := self._kind.control(row.content):
                    controls.append((row, *told))
                elif row.number not in wrong and (adds := self._kind.tally(row.content)):
                    self._totals[f"{row.pool} {adds[0]}"] += adds[1]
            self._note(faults)
            counts.bad = len(self._left_out)
            counts.rows = portion.last - 1
            self._count(counts, good)
            counts.unchanged += (
                len(portion.rows) - len(good) - len(wrong & {row.number for row in portion.rows})
            )
            self._progress(Progress("checking", counts.rows))
        self._note_of_all(counts, seen, controls)
        return counts

    def _note_of_all(
        self, counts: Counts, seen: Seen, controls: Iterable[tuple[Row, str, int]]
    ) -> None:
        """What only the whole file shows: rows that repeat others, totals that do not agree."""
        late = [
            Fault(
                number, SOURCE_KEY.name, f"与第 {first} 行重复", f"it repeats what row {first} says"
            )
            for number, first in sorted(seen.repeated().items())
        ]
        for row, what, amount in controls:
            has = self._totals.get(f"{row.pool} {what}", 0)
            if has != amount:
                late.append(
                    Fault(
                        row.number,
                        "value",
                        f"控制总数 {what} 为 {amount}，各行合计为 {has}",
                        f"the control total of {what} is {amount}, the rows have {has}",
                    )
                )
        self._left_out |= {fault.row for fault in late}
        counts.bad = len(self._left_out)
        self._note(late)

    def _note(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self._tell(fault)
            if len(self._faults) < FAULTS_KEPT:
                self._faults.append(fault)

    async def _examined(
        self, portion: Portion, *, again: bool = False
    ) -> tuple[list[Row], list[Fault]]:
        """The rows that are new or changed and right, and all faults, in the order of rows.

        ``again``: they were looked at before, so what writing looks at itself is left out.
        """
        faults = list(portion.faults)
        good: list[Row] = []
        by_pool: defaultdict[Pool, list[Row]] = defaultdict(list)
        for row in portion.rows:
            by_pool[row.pool].append(row)
        for pool, rows in sorted(by_pool.items()):
            desk = await self._desk(pool, self._clock.now())
            if pool not in desk.reference.directory.pools:
                faults += [_unknown_pool(row) for row in rows]
                continue
            fresh, against = await self._fresh(desk, rows)
            if not (again and self._kind.writes_checked):
                against += await self._kind.check(desk, fresh)
            wrong = {fault.row for fault in against}
            good += [row for row in fresh if row.number not in wrong]
            faults += against
        good.sort(key=lambda row: row.number)
        return good, sorted(faults)

    async def _fresh(self, desk: Desk, rows: Sequence[Row]) -> tuple[list[Row], list[Fault]]:
        """The rows that were not loaded before as they are, with their persons found."""
        known = await store.known(
            desk.connection, desk.pool, self._kind.name, [(row.source, row.key) for row in rows]
        )
        fresh: list[Row] = []
        faults: list[Fault] = []
        for row in rows:
            before = known.get((row.source, row.key))
            if before is None:
                fresh.append(row)
            elif before.digest == row.digest:
                continue
            elif self._kind.changes:
                fresh.append(replace(row, before=before))
            else:
                faults.append(
                    Fault(
                        row.number,
                        SOURCE_KEY.name,
                        "此主键已装载过不同的内容，请由经办人员更正",
                        "it was loaded before with other content: a clerk corrects it",
                        row.key,
                    )
                )
        if self._kind.of_person:
            fresh = await _with_members(desk, fresh, faults)
        return fresh, faults

    async def _desk(self, pool: Pool, now: datetime) -> Desk:
        reference = await self._references.current(self._connection)
        unit = Unit(pool, self._connection, now, self._numbers)
        return Desk(unit, self._vault, reference)

    # ------------------------------------------------------------------------------------- writing

    async def _write(self, run: int, counts: Counts, total: int) -> Counts:
        async for portion in _ahead(self._reader.portions(skip=counts.rows)):
            async with self._connection.transaction():
                await self._write_portion(run, portion, counts)
                await store.note_progress(self._connection, run, counts)
            self._progress(Progress("writing", counts.rows, total))
        return counts

    async def _write_portion(self, run: int, portion: Portion, counts: Counts) -> None:
        good, faults = await self._examined(portion, again=True)
        good = [row for row in good if row.number not in self._left_out]
        wrong = {fault.row for fault in faults} | (
            self._left_out & {row.number for row in portion.rows}
        )
        if wrong and not self._options.skip_bad:
            self._note(faults)
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"第 {min(wrong)} 行在装载期间变得不符合要求，前面的行已入库，请更正后继续",
                "row",
            )
        now = self._later_than(good)
        kept: list[tuple[Row, Made]] = []
        by_pool: defaultdict[Pool, list[Row]] = defaultdict(list)
        for row in good:
            by_pool[row.pool].append(row)
        for pool, rows in sorted(by_pool.items()):
            desk = await self._desk(pool, now)
            made = await self._kind.write(desk, rows)
            kept += zip(rows, made, strict=True)
        await store.keep(self._connection, self._kind.name, kept, run, now)
        counts.rows = portion.last - 1
        counts.bad += len(wrong)
        counts.unchanged += (
            len(portion.rows) - len(good) - len(wrong & {row.number for row in portion.rows})
        )
        self._count(counts, good)

    def _later_than(self, rows: Sequence[Row]) -> datetime:
        """Now; later than what the rows replace, although a clock may stand still or step back."""
        replaced = [row.before.loaded_at + _TICK for row in rows if row.before is not None]
        return max([self._clock.now(), *replaced])

    def _count(self, counts: Counts, good: Sequence[Row]) -> None:
        changed = sum(row.before is not None for row in good)
        counts.changed += changed
        counts.written += len(good) - changed


async def _with_members(desk: Desk, rows: Sequence[Row], faults: list[Fault]) -> list[Row]:
    """The rows with the numbers of the persons they name, if any; who is unknown is a fault."""
    unnamed = [row for row in rows if row.person is None]
    rows = [row for row in rows if row.person is not None]
    keys = [(row.source, row.person or "") for row in rows]
    loaded = await store.known(desk.connection, desk.pool, "persons", keys)
    others = [person for source, person in keys if (source, person) not in loaded]
    numbered = await people.find_by_numbers(desk.connection, others) if others else {}
    found: list[Row] = []
    for row, key in zip(rows, keys, strict=True):
        if key in loaded:
            found.append(replace(row, member=loaded[key].subject))
        elif numbered.get(key[1], (NO_PERSON_POOL,))[0] == desk.pool:
            found.append(replace(row, member=key[1]))
        else:
            faults.append(
                Fault(
                    row.number,
                    PERSON.name,
                    f"统筹区 {desk.pool} 没有此人员",
                    f"pool {desk.pool} has no such person",
                    key[1],
                )
            )
    return [*found, *unnamed]


async def _ahead(portions: Iterator[Portion]) -> AsyncIterator[Portion]:
    """The portions, the next of which is read while the database is at work on this one."""
    following = asyncio.ensure_future(asyncio.to_thread(next, portions, None))
    try:
        while (portion := await following) is not None:
            following = asyncio.ensure_future(asyncio.to_thread(next, portions, None))
            yield portion
    finally:
        await asyncio.gather(following, return_exceptions=True)


def _unknown_pool(row: Row) -> Fault:
    return Fault(
        row.number, "pool", "本平台没有此统筹区", "this platform has no such pool", row.pool
    )


def _digest(table: Table, kind: Kind, options: Options) -> bytes:
    """What makes a load the same load again: the file, its kind and what was said of it."""
    said = f"{kind.name}|{options.source}|{options.pool}|{options.skip_bad}"
    return hashlib.sha256(table.digest + said.encode()).digest()
