"""SQL of kept laws and their releases."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Division
from yibao.policy.terms import Scheme
from yibao.registry.laws.model import Release

if TYPE_CHECKING:
    from asyncpg import Connection, Record


async def keep(
    connection: "Connection[Any]", laws: Sequence[tuple[bytes, str, str, str]], now: datetime
) -> None:
    """Keep (fingerprint, area, scheme, text) of laws; known ones stay as they are."""
    if not laws:  # executed for nothing, a statement leaves its implicit transaction open
        return
    await connection.executemany(
        """INSERT INTO registry.law (fingerprint, area, scheme, text, added_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING""",
        [(*law, now) for law in laws],
    )


async def known(connection: "Connection[Any]", fingerprints: Sequence[bytes]) -> set[bytes]:
    """Which of the laws are kept already."""
    rows = await connection.fetch(
        "SELECT fingerprint FROM registry.law WHERE fingerprint = ANY ($1)", fingerprints
    )
    return {row[0] for row in rows}


async def text(connection: "Connection[Any]", fingerprint: bytes) -> str | None:
    """The canonical text of a law."""
    found: str | None = await connection.fetchval(
        "SELECT text FROM registry.law WHERE fingerprint = $1", fingerprint
    )
    return found


async def texts(connection: "Connection[Any]", fingerprints: Sequence[bytes]) -> dict[bytes, str]:
    """The canonical texts of laws by fingerprint."""
    rows = await connection.fetch(
        "SELECT fingerprint, text FROM registry.law WHERE fingerprint = ANY ($1)", fingerprints
    )
    return {row[0]: row[1] for row in rows}


async def insert_release(
    connection: "Connection[Any]",
    law: tuple[bytes, str, str],
    effective_from: date,
    reason: str,
    cases: int,
    by: str,
    now: datetime,
) -> int:
    """Propose a release of (fingerprint, area, scheme); its number."""
    number: int = await connection.fetchval(
        """INSERT INTO registry.law_release
               (fingerprint, area, scheme, effective_from, reason, cases, proposed_by, proposed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",
        *law,
        effective_from,
        reason,
        cases,
        by,
        now,
    )
    return number


async def releases(connection: "Connection[Any]") -> list[Release]:
    """All releases in the order they were proposed."""
    rows = await connection.fetch("SELECT * FROM registry.law_release ORDER BY id")
    return [_release(row) for row in rows]


async def release(connection: "Connection[Any]", number: int) -> Release | None:
    """One release."""
    row = await connection.fetchrow("SELECT * FROM registry.law_release WHERE id = $1", number)
    return None if row is None else _release(row)


async def set_released(connection: "Connection[Any]", number: int, by: str, now: datetime) -> None:
    """Let a proposal count."""
    await connection.execute(
        "UPDATE registry.law_release SET released_by = $2, released_at = $3 WHERE id = $1",
        number,
        by,
        now,
    )


async def set_withdrawn(
    connection: "Connection[Any]", number: int, by: str, reason: str, now: datetime
) -> None:
    """Let a release count no more."""
    await connection.execute(
        """UPDATE registry.law_release
           SET withdrawn_by = $2, withdrawn_because = $3, withdrawn_at = $4 WHERE id = $1""",
        number,
        by,
        reason,
        now,
    )


def _release(row: "Record") -> Release:
    return Release(
        number=row["id"],
        area=Division(row["area"]),
        scheme=Scheme(row["scheme"]),
        fingerprint=row["fingerprint"].hex(),
        effective_from=row["effective_from"],
        reason=row["reason"],
        cases=row["cases"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        released_by=row["released_by"],
        released_at=row["released_at"],
        withdrawn_by=row["withdrawn_by"],
        withdrawn_at=row["withdrawn_at"],
        withdrawn_because=row["withdrawn_because"],
    )
