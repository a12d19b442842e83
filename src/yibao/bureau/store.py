"""SQL of proposals, of what became of them, and of approvals that could not be carried out."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey

if TYPE_CHECKING:
    from asyncpg import Connection


class ProposalRow(NamedTuple):
    """A proposal as kept, with what became of it."""

    pool: str
    number: int
    kind: str
    sealed_content: bytes
    reason: str
    proposed_by: str
    proposed_at: datetime
    outcome: str | None
    decided_by: str | None
    decided_at: datetime | None
    remark: str | None
    sealed_result: bytes | None
    refused: str | None


_COLUMNS = ", ".join(ProposalRow._fields)


async def insert(
    connection: "Connection[Any]",
    key: PoolKey,
    kind: str,
    sealed_content: bytes,
    reason: str,
    proposed_by: str,
    now: datetime,
) -> None:
    """Record a proposal."""
    await connection.execute(
        """INSERT INTO bureau.proposal
               (pool, number, kind, sealed_content, reason, proposed_by, proposed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *key,
        kind,
        sealed_content,
        reason,
        proposed_by,
        now,
    )


async def find(connection: "Connection[Any]", key: PoolKey) -> ProposalRow | None:
    """One proposal."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM bureau.visible_proposal WHERE pool = $1 AND number = $2",  # noqa: S608
        *key,
    )
    return None if row is None else ProposalRow(*row)


async def listed(
    connection: "Connection[Any]", pools: Sequence[Pool] | None, *, only_open: bool, limit: int
) -> list[ProposalRow]:
    """The latest proposals, the newest first; of some pools or of all (None)."""
    rows = await connection.fetch(
        f"""SELECT {_COLUMNS} FROM bureau.visible_proposal
            WHERE ($1::text[] IS NULL OR pool = ANY ($1)) AND (outcome IS NULL OR NOT $2)
            ORDER BY number DESC, pool LIMIT $3""",  # noqa: S608 - our own columns
        pools,
        only_open,
        limit,
    )
    return [ProposalRow(*row) for row in rows]


async def decide(
    connection: "Connection[Any]",
    key: PoolKey,
    outcome: str,
    clerk: str,
    now: datetime,
    remark: str | None,
    sealed_result: bytes | None = None,
) -> None:
    """Record what became of a proposal; a second decision of it is a unique violation."""
    await connection.execute(
        """INSERT INTO bureau.decision
               (pool, proposal, outcome, decided_by, decided_at, remark, sealed_result)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *key,
        outcome,
        clerk,
        now,
        remark,
        sealed_result,
    )


async def record_refusal(
    connection: "Connection[Any]",
    key: PoolKey,
    number: int,
    clerk: str,
    code: int,
    message: str,
    now: datetime,
) -> None:
    """Keep why an approval could not be carried out."""
    await connection.execute(
        """INSERT INTO bureau.refusal (pool, proposal, number, clerk, code, message, refused_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *key,
        number,
        clerk,
        code,
        message,
        now,
    )
