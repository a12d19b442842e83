"""SQL of clerks and of their tries to sign in."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.bureau.clerks.model import (
    FAILURES_ALLOWED,
    FAILURES_ANYWHERE,
    KNOWN_FOR,
    LOCKED_FOR,
)
from yibao.bureau.clerks.rules import Tries, Try

if TYPE_CHECKING:
    from asyncpg import Connection


class ClerkRow(NamedTuple):
    """A clerk as kept."""

    code: str
    sealed_name: bytes
    pools: Sequence[str]
    salt: bytes
    hashed_key: bytes
    suspended: bool

    @property
    def mark(self) -> str:
        """What tells this key of the clerk from an earlier or later one."""
        return self.salt.hex()


async def find(connection: "Connection[Any]", code: str, *, lock: bool = False) -> ClerkRow | None:
    """A clerk; locked, so that two tries to sign in are counted one after the other."""
    row = await connection.fetchrow(
        f"""SELECT code, sealed_name, pools, salt, hashed_key, suspended FROM bureau.clerk
            WHERE code = $1 AND superseded_at IS NULL {"FOR UPDATE" if lock else ""}""",  # noqa: S608
        code,
    )
    return None if row is None else ClerkRow(*row)


async def insert(connection: "Connection[Any]", row: ClerkRow, now: datetime) -> None:
    """Record a clerk; what was known of one with this code before is history."""
    await connection.execute(
        "UPDATE bureau.clerk SET superseded_at = $2 WHERE code = $1 AND superseded_at IS NULL",
        row.code,
        now,
    )
    await connection.execute(
        """INSERT INTO bureau.clerk
               (code, sealed_name, pools, salt, hashed_key, suspended, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *row,
        now,
    )


async def visible(connection: "Connection[Any]") -> list[tuple[str, bytes, list[str], bool]]:
    """Code, sealed name, pools and suspension of everybody who may be seen."""
    rows = await connection.fetch(
        "SELECT code, sealed_name, pools, suspended FROM bureau.visible_clerk ORDER BY code"
    )
    return [tuple(row) for row in rows]


async def latest_tries(
    connection: "Connection[Any]", code: str, address: str, now: datetime
) -> Tries:
    """The last tries to sign in as a clerk, as many as decide a lock-out."""
    here = await connection.fetch(
        """SELECT succeeded, tried_at FROM bureau.sign_in WHERE clerk = $1 AND address = $2
           ORDER BY tried_at DESC, row_id DESC LIMIT $3""",
        code,
        address,
        FAILURES_ALLOWED,
    )
    anywhere = await connection.fetch(
        """SELECT succeeded, tried_at FROM bureau.sign_in WHERE clerk = $1
           ORDER BY tried_at DESC, row_id DESC LIMIT $2""",
        code,
        FAILURES_ANYWHERE,
    )
    known = await connection.fetchval(
        """SELECT EXISTS (SELECT FROM bureau.sign_in
                          WHERE clerk = $1 AND address = $2 AND succeeded AND tried_at > $3)""",
        code,
        address,
        now - KNOWN_FOR,
    )
    return Tries([Try(*row) for row in here], [Try(*row) for row in anywhere], known)


async def record_try(
    connection: "Connection[Any]", code: str, address: str, now: datetime, *, succeeded: bool
) -> None:
    """Keep a try to sign in."""
    await connection.execute(
        "INSERT INTO bureau.sign_in (clerk, address, succeeded, tried_at) VALUES ($1, $2, $3, $4)",
        code,
        address,
        succeeded,
        now,
    )


async def locked_out(connection: "Connection[Any]") -> float:
    """How many pairs of clerk and address are locked out now."""
    return float(
        await connection.fetchval(
            """WITH lately AS (
                   SELECT DISTINCT clerk, address FROM bureau.sign_in
                   WHERE tried_at > clock_timestamp() - $1::interval AND NOT succeeded)
               SELECT count(*) FROM lately WHERE $2 = (
                   SELECT count(*) FILTER (WHERE NOT succeeded) FROM (
                       SELECT succeeded FROM bureau.sign_in AS own
                       WHERE own.clerk = lately.clerk AND own.address = lately.address
                       ORDER BY tried_at DESC, row_id DESC LIMIT $2) AS latest)""",
            LOCKED_FOR,
            FAILURES_ALLOWED,
        )
    )
