"""The archive: put cold months away, bring rows back, say what there is and whether it is whole."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from yibao.kernel.areas import Pool
from yibao.kernel.periods import add_months, business_date
from yibao.platform.archive import checking, coming_back, putting_away, rules
from yibao.platform.archive.coming_back import Only
from yibao.platform.archive.dropping import Carry, Tell
from yibao.platform.archive.missing import Rows
from yibao.platform.archive.model import PURPOSE, ArchiveFault, Manifest, Owner, Stay, TooManyRows
from yibao.platform.archive.putting_away import PutAway, tell_nobody
from yibao.platform.archive.store import hot, known
from yibao.platform.crypto import Vault
from yibao.platform.settings import Settings
from yibao.platform.signing import Signer, signer_for

if TYPE_CHECKING:
    from asyncpg import Connection

Reason: TypeAlias = "Callable[[Connection[Any], date], Awaitable[Sequence[Stay]]]"
"""A room's: why what is older than a day, and not put away yet, has to stay."""

RECALLED_FOR = timedelta(days=7)
"""How long rows that came back stay, if nobody changes them."""

MOST_NUMBERS = 20_000
"""How many visits, settlements and postings one question about a period brings back by itself."""


REMEMBERED = 2_000
"""Persons of whom a process remembers which numbers lie in the archive."""


archived_before = known.horizon
"""The number below which everything was put away; 0: nothing was."""


async def archived_through(connection: "Connection[Any]") -> date | None:
    """The last day that was put away; None: none was."""
    end = await known.horizon(connection)
    return rules.day_of(end - 1) if end else None


archived_months = known.manifests
"""What was put away, by pool and month, as the database knows it; None: of all pools."""


@dataclass(frozen=True, slots=True)
class Due:
    """What may be put away now, and why the month after it may not."""

    through: date | None
    """First day of the last month that may go; None: none may."""
    next_month: date | None = None
    """The first one that is old enough and has to stay."""
    stays: tuple[Stay, ...] = ()


class Archive:
    """What lies in Parquet files, over one database and one folder."""

    def __init__(
        self,
        folder: Path,
        signer: Signer,
        owner: Owner,
        *,
        hot_months: int = 24,
        reasons: Sequence[Reason] = (),
        carries: Sequence[Carry] = (),
    ) -> None:
        """``hot_months``: whole months that stay in the database; 0: nothing is put away.

        ``reasons`` keep a month there; ``carries`` are told of what leaves, while it is there.
        """
        self.folder = folder
        self.signer = signer
        self._owner = owner
        self._hot_months = hot_months
        self._reasons = reasons
        self._carries = carries

    # -------------------------------------------------------------------------------- going away

    async def due(self, now: datetime) -> Due:
        """Which months may be put away now."""
        async with self._owner() as connection:
            return await self._due(connection, now)

    async def put_away(
        self, now: datetime, through: date | None = None, tell: Tell = tell_nobody
    ) -> PutAway | None:
        """Put away what is due, or only up to a month (its first day); None: nothing is.

        Raises ArchiveFault when the named month may not go, when another process is at it, and for
        whatever keeps the files from being written and found right: then nothing was dropped.
        """
        async with self._owner() as connection:
            if not await known.putting_away(connection):
                raise ArchiveFault("another process is putting months away")
            if through is not None:
                self._check_cold(through, now)
            due = await self._due(connection, now, through)
            if through is not None and due.through != through:
                raise ArchiveFault(_why_not(due, through))
            if due.through is None:
                return None
            return await putting_away.put_away(
                connection,
                self._owner,
                self.folder,
                self.signer,
                due.through,
                now,
                tell,
                self._carries,
            )

    def _check_cold(self, through: date, now: datetime) -> None:
        if not rules.is_cold(through, self._hot_months, business_date(now)):
            raise ArchiveFault(
                f"{through:%Y-%m} is among the months that stay in the database (setting"
                f" hot_months: {self._hot_months})"
            )

    async def _due(
        self, connection: "Connection[Any]", now: datetime, through: date | None = None
    ) -> Due:
        first = await hot.oldest_month(connection)
        newest = add_months(rules.month_of(business_date(now)), -(self._hot_months + 1))
        if through is not None:
            newest = min(newest, through)
        if first is None or not self._hot_months:
            return Due(None)
        may_go = None
        for month in rules.months_between(first, rules.next_month(newest)):
            stays = await self._stays(connection, rules.next_month(month))
            if stays:
                return Due(may_go, month, stays)
            if not await putting_away.cut_through(connection, rules.next_month(month)):
                may_go = month
        return Due(may_go)

    async def _stays(self, connection: "Connection[Any]", before: date) -> tuple[Stay, ...]:
        told = [await reason(connection, before) for reason in self._reasons]
        return tuple(stay for stays in told for stay in stays if stay.count)

    # ------------------------------------------------------------------------------- coming back

    def recalls(self, now: Callable[[], datetime]) -> "Recalls":
        """What brings rows back."""
        return Recalls(self.folder, self._owner, now)

    async def recall(self, pool: Pool, numbers: Iterable[int], now: datetime) -> int:
        """As ``Recalls.numbers``."""
        return await self.recalls(lambda: now).numbers(pool, list(numbers))

    async def recall_days(
        self,
        pool: Pool | None,
        first: date,
        last: date,
        now: datetime,
        *,
        only: Only | None = None,
        most: int = MOST_NUMBERS,
    ) -> int:
        """As ``Recalls.days``."""
        return await self.recalls(lambda: now).days(pool, first, last, only or {}, most)

    async def send_away(self, now: datetime) -> int:
        """Let what came back leave again, unless it was changed; how many numbers left."""
        left = 0
        async with self._owner() as connection:
            horizon = await known.horizon(connection)
            before = now - RECALLED_FOR
            if not (recalls := await known.recalls_before(connection, before, horizon)):
                return 0
            later = await coming_back.needed_later(connection, horizon)
            for recall in recalls:
                async with connection.transaction():
                    if await coming_back.send_away(connection, self.folder, recall, later):
                        left += len(recall.numbers)
        return left

    # ----------------------------------------------------------------------------------- looking

    async def manifests(self, pool: Pool | None = None) -> list[Manifest]:
        """What was put away, by pool and month."""
        async with self._owner() as connection:
            return await known.manifests(connection, pool)

    async def verify(
        self, pool: Pool | None = None, tell: Tell = tell_nobody
    ) -> list[tuple[Pool, str]]:
        """What is wrong with manifests and files: (pool, sentence)."""
        found = await self.manifests(pool)
        return await asyncio.to_thread(checking.faults, self.folder, self.signer, found, tell)


class Recalls:
    """Brings rows back; what ``missing`` asks."""

    def __init__(self, folder: Path, owner: Owner, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._owner = owner
        self._now = now
        self._looked_up: OrderedDict[tuple[Any, ...], Sequence[int]] = OrderedDict()
        self._days: dict[tuple[Any, ...], Sequence[date]] = {}

    async def numbers(self, pool: Pool, numbers: Sequence[int]) -> int:
        """Bring back the rows of visits, settlements or postings with all that belongs to them.

        Says how many numbers came back: 0 when they are back already or no file knows them. Raises
        ArchiveFault when a file is missing or was changed.
        """
        async with self._owner() as connection, connection.transaction():
            return await coming_back.bring_back(
                connection, self._folder, pool, numbers, self._now()
            )

    async def days(
        self, pool: Pool | None, first: date, last: date, only: Only, most: int = MOST_NUMBERS
    ) -> int:
        """Bring back what was written on days (None: in all pools); how many numbers it was.

        ``only``: rows with one of these values in a column, and all that belongs to them. Raises
        TooManyRows when that is more than ``most`` numbers.
        """
        async with self._owner() as connection:
            found = await known.files_between(connection, pool, first, last)
            wanted = {}
            for where in dict.fromkeys(file.pool for file in found):
                own = [file for file in found if file.pool == where]
                wanted[where] = await coming_back.numbers_in(connection, self._folder, own, only)
            count = sum(map(len, wanted.values()))
            if count > most:
                raise TooManyRows(
                    f"{first} to {last} would bring {count:,} numbers back from the archive, more"
                    f" than {most:,}: run `yibao archive recall --from {first} --to {last}"
                    f" --limit {count}` first"
                )
            back = 0
            for where, numbers in wanted.items():
                async with connection.transaction():
                    back += await coming_back.bring_back(
                        connection, self._folder, where, numbers, self._now()
                    )
            return back

    async def numbers_of(
        self, pool: Pool, relation: str, column: str, values: Collection[str], horizon: int
    ) -> Sequence[int]:
        """The numbers that a table's files have rows of with one of these values.

        Files below one horizon never change, so what was looked up is remembered: a page of a list
        asks again and again. Raises ArchiveFault.
        """
        asked = (pool, relation, column, tuple(sorted(values)), horizon)
        if asked in self._looked_up:
            self._looked_up.move_to_end(asked)
            return self._looked_up[asked]
        async with self._owner() as connection:
            files = await known.files_of_table(connection, pool, relation)
            found = await coming_back.numbers_in(connection, self._folder, files, {column: values})
        self._looked_up[asked] = tuple(sorted(found))
        while len(self._looked_up) > REMEMBERED:
            self._looked_up.popitem(last=False)
        return self._looked_up[asked]

    async def numbers_having(
        self, pool: Pool, having: Sequence[Rows], horizon: int
    ) -> Collection[int]:
        """The numbers that the files have rows of each of these kinds of, the rarest kind first.

        On which days that one came is remembered, for it is asked with others again and again: the
        kinds that rooms ask for first are few. Raises ArchiveFault.
        """
        async with self._owner() as connection:
            days = await self._days_of(connection, pool, having[0], horizon)
            there = await known.files_of_days(connection, pool, days)
            found: set[int] | None = None
            for rows in having:
                own = [file for file in there if file.relation == rows.relation]
                only = {rows.column: rows.values}
                numbers = await coming_back.numbers_in(connection, self._folder, own, only)
                found = numbers if found is None else found & numbers
            return found or ()

    async def _days_of(
        self, connection: "Connection[Any]", pool: Pool, rows: Rows, horizon: int
    ) -> Sequence[date]:
        """The days whose file of a table has such rows."""
        asked = (pool, rows.relation, rows.column, tuple(sorted(rows.values)), horizon)
        if asked not in self._days:
            found = []
            for file in await known.files_of_table(connection, pool, rows.relation):
                only = {rows.column: rows.values}
                if await coming_back.numbers_in(connection, self._folder, [file], only):
                    found.append(file.day)
            self._days[asked] = tuple(found)
        return self._days[asked]

    async def sums(
        self,
        connection: "Connection[Any]",
        pool: Pool,
        relation: str,
        where: Mapping[str, str],
        columns: Sequence[str],
    ) -> Mapping[str, int]:
        """Sums of columns over what lies in a table's files alone, as the connection sees it.

        ``where``: columns and the text that each of them has. Raises ArchiveFault.
        """
        found = await known.files_of_table(connection, pool, relation)
        return await coming_back.sums_of(connection, self._folder, found, where, columns)


def _why_not(due: Due, through: date) -> str:
    """Why a month that is old enough cannot be put away."""
    if due.next_month is not None:
        return f"{due.next_month:%Y-%m} has to stay: {'; '.join(map(str, due.stays))}"
    return (
        f"{through:%Y-%m} was put away already, or holds nothing, or lies in one partition with"
        " the month after it and goes together with that"
    )


def archive_of(
    settings: Settings,
    vault: Vault,
    owner: Owner,
    reasons: Sequence[Reason] = (),
    carries: Sequence[Carry] = (),
) -> Archive:
    """The archive of an installation."""
    return Archive(
        settings.archive_folder,
        signer_for(vault, PURPOSE),
        owner,
        hot_months=settings.hot_months,
        reasons=reasons,
        carries=carries,
    )
