"""SQL of paper bills and of the settlements they may repeat."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.settlement.manual_claims.model import Claim, Release, Standing

if TYPE_CHECKING:
    from asyncpg import Connection


async def lock_invoice(connection: "Connection[Any]", pool: Pool, invoice: str) -> None:
    """Let nobody else claim an invoice until the transaction ends, for whomever."""
    await connection.execute(
        """SELECT pg_advisory_xact_lock(
               hashtextextended('settlement.invoice ' || $1 || upper(trim($2)), 0))""",
        pool,
        invoice,
    )


async def standing(
    connection: "Connection[Any]",
    numbers: Sequence[tuple[Pool, str]],
    first_day: date,
    last_day: date,
) -> list[Standing]:
    """Living settlements of care that touches a span of days, or of any invoice.

    ``numbers`` are all of a human's, of whatever pool: one's costs are paid once.
    """
    rows = await connection.fetch(
        """SELECT * FROM (
               SELECT settlement.pool, settlement.id, settlement.invoice, settlement.total,
                      (visit.begin_at AT TIME ZONE 'Asia/Shanghai')::date AS first_day,
                      (visit.end_at AT TIME ZONE 'Asia/Shanghai')::date AS last_day,
                      visit.kind = 'stay' AS is_stay
               FROM unnest($1::text[], $2::text[]) AS own (pool, member)
               JOIN settlement.settlement AS settlement
                 ON settlement.pool = own.pool AND settlement.member = own.member
               JOIN settlement.charge_batch AS batch
                 ON batch.pool = settlement.pool AND batch.id = settlement.batch
                AND batch.living_settlement = settlement.id
               JOIN settlement.visit AS visit
                 ON visit.pool = settlement.pool AND visit.id = settlement.visit
           ) AS bill
           WHERE bill.invoice <> '' OR (bill.first_day <= $4
             AND (bill.last_day >= $3 OR bill.first_day >= $3 OR bill.is_stay))
           ORDER BY id""",
        [pool for pool, _ in numbers],
        [number for _, number in numbers],
        first_day,
        last_day,
    )
    return [
        Standing(
            PoolKey(Pool(row["pool"]), row["id"]),
            row["invoice"],
            row["total"],
            row["first_day"],
            row["last_day"] if row["is_stay"] else row["first_day"],
            row["is_stay"],
        )
        for row in rows
    ]


async def claimed_by_others(
    connection: "Connection[Any]", pool: Pool, member: str, invoice: str
) -> int | None:
    """A living manual claim of somebody else with the same invoice; its settlement."""
    number: int | None = await connection.fetchval(
        """SELECT claim.settlement
           FROM settlement.manual_claim AS claim
           JOIN settlement.settlement AS settlement
             ON settlement.pool = claim.pool AND settlement.id = claim.settlement
           JOIN settlement.charge_batch AS batch
             ON batch.pool = settlement.pool AND batch.id = settlement.batch
            AND batch.living_settlement = settlement.id
           WHERE claim.pool = $1 AND upper(trim(claim.invoice)) = upper(trim($3))
             AND claim.member <> $2
           ORDER BY claim.settlement LIMIT 1""",
        pool,
        member,
        invoice,
    )
    return number


async def insert(
    connection: "Connection[Any]",
    settlement: PoolKey,
    claim: Claim,
    place: str,
    release: Release,
    now: datetime,
) -> None:
    """Keep what a paper bill told beside its settlement; ``place`` is the institution's name."""
    await connection.execute(
        """INSERT INTO settlement.manual_claim (pool, settlement, member, institution,
               institution_name, invoice, first_day, last_day, total, proposal, entered_by,
               released_by, remark, entered_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        *settlement,
        claim.member,
        claim.place.code,
        place,
        claim.invoice,
        claim.first_day,
        claim.last_day,
        claim.total,
        release.proposal.number,
        release.entered_by,
        release.released_by,
        release.remark,
        now,
    )
