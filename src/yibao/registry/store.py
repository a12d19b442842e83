"""SQL of the version rows, by which caches of the registry are exact."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from yibao.kernel.areas import NO_PERSON_POOL

if TYPE_CHECKING:
    from asyncpg import Connection

CATALOGUE = "catalogue"
INSTITUTIONS = "institutions"
LAWS = "laws"

T = TypeVar("T")


async def versions(connection: "Connection[Any]") -> dict[str, int]:
    """Number by part, of what no pool owns."""
    rows = await connection.fetch(
        "SELECT what, number FROM registry.version WHERE pool = $1", NO_PERSON_POOL
    )
    return dict(rows)


async def bump(connection: "Connection[Any]", what: str) -> int:
    """A fresh version of a part, for the transaction that changes it; locks out other writers."""
    number: int = await connection.fetchval(
        """UPDATE registry.version SET number = nextval('registry.version_number')
           WHERE what = $1 AND pool = $2 RETURNING number""",
        what,
        NO_PERSON_POOL,
    )
    return number


async def read_whole(
    connection: "Connection[Any]", what: str, read: Callable[[int], Awaitable[T]]
) -> T:
    """What ``read`` makes of one version of a part, though it needs several statements.

    A change commits its rows and its version together, so the same version before and after means
    that every statement between saw the same rows.
    """
    before = (await versions(connection))[what]
    while True:
        whole = await read(before)
        after = (await versions(connection))[what]
        if after == before:
            return whole
        before = after


_LOCKS_OF_RECORDS = 0x7263  # first key of the advisory locks below


async def lock_records(connection: "Connection[Any]", institutions: Iterable[str]) -> None:
    """Let nobody else change these institutions' own records until the transaction ends.

    Departments and mappings have no row to lock before there is one.
    """
    for institution in sorted(set(institutions)):
        await connection.execute(
            "SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCKS_OF_RECORDS, institution
        )
