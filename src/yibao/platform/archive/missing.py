"""Asked when numbers are missed: whoever loads rows by number, and finds fewer, asks once here.

A process works on one database, and so has one archive; it is named when the database is opened.
What was found costs nothing, and what is missed in a database without an archive one small query.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.platform.archive import store

if TYPE_CHECKING:
    from asyncpg import Connection

Recall = Callable[[Pool, Sequence[int]], Awaitable[int]]
"""Brings the rows of numbers back; says how many numbers came."""


class CameBack(Exception):  # noqa: N818 - not a fault
    """Rows came back while a snapshot was read that is older: read once more."""


class _Archives:
    """The archive of this process; None before a database is opened, and in tests without one."""

    recall: Recall | None = None


def use(recall: Recall | None) -> None:
    """From now on what is missed is asked of this archive; None: of none."""
    _Archives.recall = recall


async def came_back(
    connection: "Connection[Any]", pool: Pool, wanted: Iterable[int], found: Iterable[int]
) -> bool:
    """Whether some of the numbers that were wanted and not found have come back: read again.

    Raises CameBack where the caller's transaction is a snapshot that cannot see them.
    """
    missed = set(wanted) - set(found)
    if not missed or _Archives.recall is None:
        return False
    horizon = await store.horizon(connection)
    old = sorted(number for number in missed if number < horizon)
    if not old or not await _Archives.recall(pool, old):
        return False
    if await connection.fetchval("SHOW transaction_isolation") != "read committed":
        raise CameBack
    return True
