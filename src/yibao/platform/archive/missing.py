"""Asked when rows are missed: whoever loads by number and finds fewer, or lists an old period.

A process works on one database, and so has one archive; it is named when the database is opened.
What was found costs nothing, and what is missed in a database without an archive one small query.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.archive import rules
from yibao.platform.archive.model import TooManyRows
from yibao.platform.archive.store import known

if TYPE_CHECKING:
    from asyncpg import Connection


_FIRST_DAY = date(1970, 1, 2)
"""Before all numbers; east of Greenwich the first of January is none."""
_NO_NUMBER = 1 << 63
"""Behind all numbers, and before all days."""


class Recalls(Protocol):
    """Brings rows back; says how many numbers came."""

    async def numbers(self, pool: Pool, numbers: Sequence[int]) -> int:
        """The rows of numbers and what belongs to them."""

    async def days(
        self, pool: Pool | None, first: date, last: date, only: Mapping[str, Collection[str]]
    ) -> int:
        """The rows of days; raises TooManyRows."""

    async def numbers_of(
        self, pool: Pool, relation: str, column: str, values: Collection[str], horizon: int
    ) -> Sequence[int]:
        """The numbers of a table's rows below the horizon that have one of these values."""

    async def numbers_having(
        self, pool: Pool, having: Sequence["Rows"], horizon: int
    ) -> Collection[int]:
        """The numbers below the horizon that have rows of each of these kinds; the rarest first."""

    async def sums(
        self,
        connection: "Connection[Any]",
        pool: Pool,
        relation: str,
        where: Mapping[str, str],
        columns: Sequence[str],
    ) -> Mapping[str, int]:
        """Sums over what lies in the files alone."""


class Rows(NamedTuple):
    """Rows of one table that have one of some values."""

    relation: str
    """Such as ``settlement.settlement``."""
    column: str
    values: Collection[str]


class CameBack(Exception):  # noqa: N818 - not a fault
    """Rows came back while a snapshot was read that is older: read once more."""


class _Archives:
    """The archive of this process; None before a database is opened, and in tests without one."""

    recalls: Recalls | None = None


def use(recalls: Recalls | None) -> None:
    """From now on what is missed is asked of this archive; None: of none."""
    _Archives.recalls = recalls


async def came_back(
    connection: "Connection[Any]", pool: Pool, wanted: Iterable[int], found: Iterable[int]
) -> bool:
    """Whether some of the numbers that were wanted and not found have come back: read again.

    Raises CameBack where the caller's transaction is a snapshot that cannot see them.
    """
    missed = set(wanted) - set(found)
    if not missed or _Archives.recalls is None:
        return False
    horizon = await known.horizon(connection)
    old = sorted(number for number in missed if number < horizon)
    if not old or not await _Archives.recalls.numbers(pool, old):
        return False
    await _check_seen(connection)
    return True


async def bring_days(
    connection: "Connection[Any]",
    pool: Pool | None,
    first: date,
    last: date,
    only: Mapping[str, Collection[str]],
) -> None:
    """Bring back what was put away of days before they are listed (None: of all pools).

    ``only``: rows with one of these values in a column. Refused when they are too many for one
    question. Raises CameBack as ``came_back`` does.
    """
    if _Archives.recalls is None:
        return
    horizon = await known.horizon(connection)
    if rules.first_number(first) >= horizon:
        return
    last = min(last, rules.day_of(horizon - 1))
    try:
        back = await _Archives.recalls.days(pool, first, last, only)
    except TooManyRows:
        raise Refused(
            RefusalCode.SPAN_NOT_ALLOWED,
            f"{first} 至 {last} 的数据已归档且数量过大，请缩短期间，或由经办机构先执行"
            f" yibao archive recall --from {first} --to {last} 调回后再查",
            "period",
        ) from None
    if back:
        await _check_seen(connection)


async def bring_whole(
    connection: "Connection[Any]", pool: Pool, only: Mapping[str, Collection[str]]
) -> None:
    """Bring back all that was ever put away with one of these values: a person's whole past.

    As ``bring_days``; every file of the pool is looked into, so this is for clerks' work, and for
    laws that ask for all of it.
    """
    await bring_days(connection, pool, _FIRST_DAY, date.max, only)


async def bring_newest(
    connection: "Connection[Any]",
    pool: Pool,
    rows: Rows,
    shown: Sequence[int],
    *,
    limit: int,
    before: int = _NO_NUMBER,
) -> bool:
    """Bring back what a page of the newest rows lacks; whether anything came: read it again.

    ``shown``: the numbers on the page as it was read, newest first, at most ``limit`` and all below
    ``before``. Raises CameBack as ``came_back`` does.
    """
    if _Archives.recalls is None:
        return False
    oldest = shown[-1] if len(shown) == limit else 0
    horizon = await known.horizon(connection)
    if oldest >= horizon:
        return False
    there = await _Archives.recalls.numbers_of(
        pool, rows.relation, rows.column, rows.values, horizon
    )
    lacking = sorted(n for n in there if oldest < n < before)[-limit:]
    return await came_back(connection, pool, lacking, shown)


async def bring_having(connection: "Connection[Any]", pool: Pool, having: Sequence[Rows]) -> None:
    """Bring back the numbers that have rows of each of these kinds, and what belongs to them.

    The first kind is the rarest one: only days that have it are looked into for the others. Raises
    CameBack as ``came_back`` does.
    """
    if _Archives.recalls is None or not (horizon := await known.horizon(connection)):
        return
    there = await _Archives.recalls.numbers_having(pool, having, horizon)
    await came_back(connection, pool, there, ())


async def sums(
    connection: "Connection[Any]",
    pool: Pool,
    relation: str,
    where: Mapping[str, str],
    columns: Sequence[str],
) -> Mapping[str, int]:
    """Sums of columns over a table's rows that were put away and are not back, in fen or as told.

    ``where``: columns and the text that each of them has. For sums over all time, which would bring
    years back; what is back is summed where it is. Raises ArchiveFault.
    """
    if _Archives.recalls is None or not await known.horizon(connection):
        return dict.fromkeys(columns, 0)
    return await _Archives.recalls.sums(connection, pool, relation, where, columns)


async def _check_seen(connection: "Connection[Any]") -> None:
    if await connection.fetchval("SHOW transaction_isolation") != "read committed":
        raise CameBack
