"""SQL of institutions, senders, pools, divisions and sign-ins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Division, Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period
from yibao.policy.terms import Level, Scheme
from yibao.registry.institutions.model import (
    HeaderFamily,
    Institution,
    InstitutionKind,
    InstitutionTerm,
    PoolDivision,
    SessionFacts,
)

if TYPE_CHECKING:
    from asyncpg import Connection, Record

# -------------------------------------------------------------------------------------------- read


async def institutions(connection: "Connection[Any]") -> dict[str, Institution]:
    """All institutions with their current terms, oldest first."""
    terms: dict[str, list[InstitutionTerm]] = {}
    for row in await connection.fetch(
        """SELECT institution, name, level, grade, division, area, contract, suspended,
                  valid_from, valid_until
           FROM registry.institution_term WHERE superseded_at IS NULL
           ORDER BY institution, valid_from"""
    ):
        terms.setdefault(row[0], []).append(_term(row))
    rows = await connection.fetch("SELECT code, kind, home_pool FROM registry.institution")
    return {
        code: Institution(code, InstitutionKind(kind), Pool(pool), tuple(terms.get(code, ())))
        for code, kind, pool in rows
    }


async def senders(
    connection: "Connection[Any]",
) -> tuple["list[Record]", dict[tuple[str, str], list[tuple[str, Period]]]]:
    """(family, id, dialect) of all senders, and the institutions of each."""
    allowed: dict[tuple[str, str], list[tuple[str, Period]]] = {}
    for family, sender, institution, start, end in await connection.fetch(
        """SELECT family, sender, institution, valid_from, valid_until
           FROM registry.visible_sender_institution WHERE superseded_at IS NULL
           ORDER BY family, sender, institution, valid_from"""
    ):
        allowed.setdefault((family, sender), []).append((institution, Period(start, end)))
    rows = await connection.fetch(
        "SELECT family, id, dialect FROM registry.visible_sender WHERE superseded_at IS NULL"
    )
    return rows, allowed


async def pools(connection: "Connection[Any]") -> dict[Pool, str]:
    """Names of the pools."""
    rows = await connection.fetch("SELECT code, name FROM registry.pool ORDER BY code")
    return {Pool(code): name for code, name in rows}


async def pool_divisions(
    connection: "Connection[Any]",
) -> dict[Division, tuple[PoolDivision, ...]]:
    """The map of divisions to pools, rows of a single scheme first."""
    found: dict[Division, list[PoolDivision]] = {}
    for division, scheme, pool, start, end in await connection.fetch(
        """SELECT division, scheme, pool, valid_from, valid_until
           FROM registry.pool_division WHERE superseded_at IS NULL
           ORDER BY division, scheme NULLS LAST, valid_from"""
    ):
        row = PoolDivision(
            Division(division),
            Pool(pool),
            Period(start, end),
            None if scheme is None else Scheme(scheme),
        )
        found.setdefault(row.division, []).append(row)
    return {division: tuple(rows) for division, rows in found.items()}


async def divisions(connection: "Connection[Any]") -> dict[Division, str]:
    """Names of all divisions, by code."""
    rows = await connection.fetch("SELECT code, name FROM registry.division ORDER BY code")
    return {Division(code): name for code, name in rows}


# ------------------------------------------------------------------------------------------- write


async def insert_divisions(
    connection: "Connection[Any]", divisions: Sequence[tuple[str, str]]
) -> None:
    """Keep the national list of divisions; a changed name is corrected."""
    await connection.execute(
        """INSERT INTO registry.division (code, name) SELECT * FROM unnest($1::text[], $2::text[])
           ON CONFLICT (code) DO UPDATE SET name = excluded.name""",
        [code for code, _ in divisions],
        [name for _, name in divisions],
    )


async def insert_pool(connection: "Connection[Any]", pool: Pool, name: str) -> bool:
    """Add a pool; False when its code is taken."""
    status = await connection.execute(
        "INSERT INTO registry.pool VALUES ($1, $2) ON CONFLICT DO NOTHING", pool, name
    )
    return status == "INSERT 0 1"


async def insert_institution(
    connection: "Connection[Any]", institution: Institution, now: datetime
) -> bool:
    """Add an institution without terms; False when its code is taken."""
    status = await connection.execute(
        "INSERT INTO registry.institution VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        institution.code,
        institution.kind.value,
        institution.home_pool,
        now,
    )
    return status == "INSERT 0 1"


async def current_terms(
    connection: "Connection[Any]", code: str
) -> list[tuple[int, InstitutionTerm]]:
    """Current terms of an institution with their row ids."""
    rows = await connection.fetch(
        """SELECT institution, name, level, grade, division, area, contract, suspended,
                  valid_from, valid_until, row_id
           FROM registry.institution_term WHERE institution = $1 AND superseded_at IS NULL
           ORDER BY valid_from""",
        code,
    )
    return [(row[10], _term(row)) for row in rows]


async def current_pool_divisions(
    connection: "Connection[Any]", division: Division, scheme: Scheme | None
) -> list[tuple[int, PoolDivision]]:
    """Current rows of one division and scheme (or none) with their row ids."""
    rows = await connection.fetch(
        """SELECT row_id, pool, valid_from, valid_until FROM registry.pool_division
           WHERE division = $1 AND scheme IS NOT DISTINCT FROM $2 AND superseded_at IS NULL""",
        division,
        scheme,
    )
    return [
        (row[0], PoolDivision(division, Pool(row[1]), Period(row[2], row[3]), scheme))
        for row in rows
    ]


async def current_sender(
    connection: "Connection[Any]", family: HeaderFamily, identifier: str
) -> tuple[int, str | None] | None:
    """Row id and dialect of a sender."""
    row = await connection.fetchrow(
        """SELECT row_id, dialect FROM registry.sender
           WHERE family = $1 AND id = $2 AND superseded_at IS NULL""",
        family.value,
        identifier,
    )
    return None if row is None else (row[0], row[1])


async def current_permissions(
    connection: "Connection[Any]", family: HeaderFamily, sender: str, institution: str
) -> list[tuple[int, Period]]:
    """Periods in which a sender may speak for an institution, with their row ids."""
    rows = await connection.fetch(
        """SELECT row_id, valid_from, valid_until FROM registry.sender_institution
           WHERE family = $1 AND sender = $2 AND institution = $3 AND superseded_at IS NULL""",
        family.value,
        sender,
        institution,
    )
    return [(row[0], Period(row[1], row[2])) for row in rows]


_COPIED = {
    "institution_term": (
        "institution", "name", "level", "grade", "division", "area", "contract", "suspended",
        "valid_from", "valid_until", "recorded_at",
    ),
    "pool_division": (
        "division", "scheme", "pool", "valid_from", "valid_until", "recorded_at",
    ),
    "sender": ("family", "id", "dialect", "recorded_at"),
    "sender_institution": (
        "family", "sender", "institution", "valid_from", "valid_until", "recorded_at",
    ),
}  # fmt: skip


async def copy(connection: "Connection[Any]", table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Record new rows of one table by COPY."""
    records = list(rows)
    if records:
        await connection.copy_records_to_table(
            table, schema_name="registry", columns=_COPIED[table], records=records
        )


async def supersede(
    connection: "Connection[Any]", table: str, row_ids: Sequence[int], now: datetime
) -> None:
    """Stamp rows of a dated table as known only until ``now``."""
    if row_ids:
        await connection.execute(
            f"UPDATE registry.{table} SET superseded_at = $2"  # noqa: S608 - our own table names
            " WHERE row_id = ANY($1) AND superseded_at IS NULL",
            row_ids,
            now,
        )


def term_row(code: str, term: InstitutionTerm, now: datetime) -> tuple[Any, ...]:
    """A row of ``institution_term``."""
    return (
        code, term.name, term.level.value, term.grade, term.division, term.area, term.contract,
        term.suspended, term.period.start, term.period.end, now,
    )  # fmt: skip


def pool_division_row(row: PoolDivision, now: datetime) -> tuple[Any, ...]:
    """A row of ``pool_division``."""
    return (row.division, row.scheme, row.pool, row.period.start, row.period.end, now)


def _term(row: "Record") -> InstitutionTerm:
    return InstitutionTerm(
        period=Period(row[8], row[9]),
        name=row[1],
        level=Level(row[2]),
        grade=row[3],
        division=Division(row[4]),
        area=Division(row[5]),
        contract=row[6],
        suspended=row[7],
    )


# ---------------------------------------------------------------------------------------- sessions

_SESSION = "pool, number, institution, operator, signed_in_at, signed_out_at"


async def insert_sign_in(
    connection: "Connection[Any]",
    key: PoolKey,
    institution: str,
    operator: str,
    mac: str | None,
    ip: str,
    now: datetime,
) -> None:
    """Record a sign-in."""
    await connection.execute(
        """INSERT INTO registry.sign_in
           (pool, number, institution, operator, mac, ip, signed_in_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        key.pool,
        key.number,
        institution,
        operator,
        mac,
        ip,
        now,
    )


async def close_sign_in(connection: "Connection[Any]", key: PoolKey, now: datetime) -> None:
    """Record the sign-out of an open sign-in."""
    await connection.execute(
        """UPDATE registry.sign_in SET signed_out_at = $3
           WHERE pool = $1 AND number = $2 AND signed_out_at IS NULL""",
        key.pool,
        key.number,
        now,
    )


async def sign_in(connection: "Connection[Any]", key: PoolKey) -> SessionFacts | None:
    """A sign-in by its key."""
    row = await connection.fetchrow(
        f"SELECT {_SESSION} FROM registry.visible_sign_in WHERE pool = $1 AND number = $2",  # noqa: S608
        key.pool,
        key.number,
    )
    return None if row is None else SessionFacts(PoolKey(Pool(row[0]), row[1]), *row[2:])
