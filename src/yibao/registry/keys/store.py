"""SQL of senders' keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.registry.institutions.model import HeaderFamily, KeyKind

if TYPE_CHECKING:
    from asyncpg import Connection


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it lies in the table."""

    id: str
    family: str
    sender: str
    kind: str
    sealed: bytes | None
    public_key: str | None
    valid_from: datetime
    valid_until: datetime | None


_COLUMNS = "id, family, sender, kind, sealed, public_key, valid_from, valid_until"


async def current(connection: "Connection[Any]") -> list[KeyRow]:
    """All keys that were not revoked, newest first."""
    rows = await connection.fetch(
        f"""SELECT {_COLUMNS} FROM registry.visible_sender_key WHERE superseded_at IS NULL
            ORDER BY valid_from DESC, row_id DESC"""  # noqa: S608 - our own columns
    )
    return [KeyRow(*row) for row in rows]


async def find(connection: "Connection[Any]", identifier: str) -> KeyRow | None:
    """One key that was not revoked."""
    row = await connection.fetchrow(
        f"""SELECT {_COLUMNS} FROM registry.visible_sender_key
            WHERE id = $1 AND superseded_at IS NULL""",  # noqa: S608
        identifier,
    )
    return None if row is None else KeyRow(*row)


async def insert(connection: "Connection[Any]", row: KeyRow, now: datetime) -> None:
    """Record a key."""
    await connection.execute(
        f"""INSERT INTO registry.sender_key ({_COLUMNS}, recorded_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",  # noqa: S608
        row.id,
        row.family,
        row.sender,
        row.kind,
        row.sealed,
        row.public_key,
        row.valid_from,
        row.valid_until,
        now,
    )


async def supersede(connection: "Connection[Any]", identifier: str, now: datetime) -> None:
    """A key's row is history from ``now`` on."""
    await connection.execute(
        """UPDATE registry.sender_key SET superseded_at = $2
           WHERE id = $1 AND superseded_at IS NULL""",
        identifier,
        now,
    )


async def supersede_of(
    connection: "Connection[Any]",
    family: HeaderFamily,
    sender: str,
    kind: KeyKind,
    now: datetime,
) -> None:
    """All keys of one kind of a sender are history from ``now`` on."""
    await connection.execute(
        """UPDATE registry.sender_key SET superseded_at = $4
           WHERE family = $1 AND sender = $2 AND kind = $3 AND superseded_at IS NULL""",
        family.value,
        sender,
        kind.value,
        now,
    )
