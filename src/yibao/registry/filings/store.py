"""SQL of declarations and their withdrawals."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.areas import Division, Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period
from yibao.platform.crypto import Vault
from yibao.registry.filings.model import Declaration, DeclarationKind, WithdrawDeclaration

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_DECLARATION = """pool, number, kind, institution, member, occurred_on, valid_from, valid_until,
                  details, sealed, declared_at, withdrawn_at"""


async def insert(connection: "Connection[Any]", vault: Vault, declared: Declaration) -> None:
    """Keep a declaration."""
    await connection.execute(
        """INSERT INTO registry.declaration
           (pool, number, kind, institution, member, occurred_on, valid_from, valid_until,
            details, sealed, declared_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        declared.key.pool,
        declared.key.number,
        declared.kind.value,
        declared.institution,
        declared.member,
        declared.occurred_on,
        declared.period.start,
        declared.period.end,
        dict(declared.details),
        vault.seal(msgspec.json.encode(declared.contact).decode()),
        declared.declared_at,
    )


async def insert_withdrawal(
    connection: "Connection[Any]", request: WithdrawDeclaration, now: datetime
) -> None:
    """Keep a withdrawal; the key of its table lets a declaration have one alone."""
    await connection.execute(
        "INSERT INTO registry.declaration_withdrawal VALUES ($1, $2, $3, $4, $5)",
        request.key.pool,
        request.key.number,
        request.institution,
        request.memo,
        now,
    )


async def declaration(
    connection: "Connection[Any]", vault: Vault, key: PoolKey
) -> Declaration | None:
    """A declaration by its key, if the connection may see its institution."""
    row = await connection.fetchrow(
        f"SELECT {_DECLARATION} FROM registry.visible_declaration"  # noqa: S608 - fixed names
        " WHERE pool = $1 AND number = $2",
        key.pool,
        key.number,
    )
    return None if row is None else _declaration(vault, row)


async def injuries(
    connection: "Connection[Any]", vault: Vault, pool: Pool, member: str
) -> list[Declaration]:
    """A member's injuries that were not withdrawn."""
    rows = await connection.fetch(
        f"SELECT {_DECLARATION} FROM registry.visible_declaration"  # noqa: S608 - fixed names
        " WHERE pool = $1 AND member = $2 AND kind = 'injury' AND withdrawn_at IS NULL",
        pool,
        member,
    )
    return [_declaration(vault, row) for row in rows]


async def referrals(
    connection: "Connection[Any]", vault: Vault, pool: Pool, member: str, first: date, last: date
) -> list[Declaration]:
    """A member's referrals of a span of days that were not withdrawn, whoever made them."""
    rows = await connection.fetch(
        f"SELECT {_DECLARATION} FROM registry.referral"  # noqa: S608 - fixed names
        " WHERE pool = $1 AND member = $2 AND occurred_on BETWEEN $3 AND $4"
        " AND withdrawn_at IS NULL ORDER BY occurred_on, number",
        pool,
        member,
        first,
        last,
    )
    return [_declaration(vault, row) for row in rows]


async def own_referrals(
    connection: "Connection[Any]", vault: Vault, institution: str, first: date, last: date
) -> list[Declaration]:
    """The referrals that an institution made in a span of days and did not withdraw."""
    rows = await connection.fetch(
        f"SELECT {_DECLARATION} FROM registry.visible_declaration"  # noqa: S608 - fixed names
        " WHERE institution = $1 AND kind = 'transfer' AND occurred_on BETWEEN $2 AND $3"
        " AND withdrawn_at IS NULL ORDER BY occurred_on, number",
        institution,
        first,
        last,
    )
    return [_declaration(vault, row) for row in rows]


async def is_diagnosis(connection: "Connection[Any]", code: str) -> bool:
    """Whether the catalogue has a diagnosis of this code."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM registry.diagnosis WHERE code = $1 AND superseded_at IS NULL)",
        code,
    )
    return found


async def standing(connection: "Connection[Any]", institution: str, day: date) -> Division | None:
    """Where an institution stands on a day; None when it has no contract with us then."""
    code = await connection.fetchval(
        """SELECT division FROM registry.institution_term
           WHERE institution = $1 AND superseded_at IS NULL
             AND valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2)""",
        institution,
        day,
    )
    return None if code is None else Division(code)


def _declaration(vault: Vault, row: "Record") -> Declaration:
    return Declaration(
        key=PoolKey(Pool(row[0]), row[1]),
        kind=DeclarationKind(row[2]),
        institution=row[3],
        member=row[4],
        occurred_on=row[5],
        period=Period(row[6], row[7]),
        details=row[8],
        contact=msgspec.json.decode(vault.open(row[9])),
        declared_at=row[10],
        withdrawn_at=row[11],
    )
