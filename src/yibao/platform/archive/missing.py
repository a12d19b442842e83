"""Asked when rows are missed: whoever loads by number and finds fewer, or lists an old period.

A process works on one database, and so has one archive; it is named when the database is opened.
What was found costs nothing, and what is missed in a database without an archive one small query.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.archive import rules
from yibao.platform.archive.model import TooManyRows
from yibao.platform.archive.store import known

if TYPE_CHECKING:
    from asyncpg import Connection


class Recalls(Protocol):
    """Brings rows back; says how many numbers came."""

    async def numbers(self, pool: Pool, numbers: Sequence[int]) -> int:
        """The rows of numbers and what belongs to them."""

    async def days(
        self, pool: Pool | None, first: date, last: date, only: Mapping[str, Collection[str]]
    ) -> int:
        """The rows of days; raises TooManyRows."""


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


async def _check_seen(connection: "Connection[Any]") -> None:
    if await connection.fetchval("SHOW transaction_isolation") != "read committed":
        raise CameBack
