"""SQL of paper bills and of the settlements they may repeat."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.settlement.clearing.model import clearing_class
from yibao.settlement.manual_claims.model import Claim, PaidTwice, Paper, Release, Standing

if TYPE_CHECKING:
    from asyncpg import Connection, Record


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
                 ON batch.pool = settlement.pool AND batch.visit = settlement.visit
                AND batch.id = settlement.batch
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


async def claims_on(connection: "Connection[Any]", pool: Pool, invoice: str) -> list[int]:
    """The settlements of paper bills with an invoice, cancelled ones too."""
    rows = await connection.fetch(
        """SELECT settlement FROM settlement.manual_claim
           WHERE pool = $1 AND upper(trim(invoice)) = upper(trim($2)) ORDER BY settlement""",
        pool,
        invoice,
    )
    return [row["settlement"] for row in rows]


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
             ON batch.pool = settlement.pool AND batch.visit = settlement.visit
            AND batch.id = settlement.batch
            AND batch.living_settlement = settlement.id
           WHERE claim.pool = $1 AND upper(trim(claim.invoice)) = upper(trim($3))
             AND claim.member <> $2
           ORDER BY claim.settlement LIMIT 1""",
        pool,
        member,
        invoice,
    )
    return number


async def meeting_paper(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[PaidTwice]:
    """An institution's living bills of a span, each with a living paper bill that it may repeat.

    That is one of the same human, in whatever pool, or one with the same invoice; ``why`` is not
    told yet.
    """
    rows = await connection.fetch(_MEETING_PAPER, institution, first_day, last_day)
    return [_meeting(row) for row in rows]


async def papers_met(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[PoolKey]:
    """The settlements of those paper bills, cancelled ones and those that were put away too."""
    rows = await connection.fetch(
        f"{_PAIRS} SELECT DISTINCT paper_pool, paper FROM pair",  # noqa: S608 - our own text
        institution,
        first_day,
        last_day,
    )
    return [PoolKey(Pool(row[0]), row[1]) for row in rows]


_PAIRS = """
    WITH bill AS (
        SELECT settlement.*, (visit.begin_at AT TIME ZONE 'Asia/Shanghai')::date AS first_day,
               (visit.end_at AT TIME ZONE 'Asia/Shanghai')::date AS last_day,
               visit.kind = 'stay' AS is_stay
        FROM settlement.visible_settlement AS settlement
        JOIN settlement.visible_batch AS batch
          ON batch.pool = settlement.pool AND batch.visit = settlement.visit
         AND batch.id = settlement.batch
         AND batch.living_settlement = settlement.id
        JOIN settlement.visible_visit AS visit
          ON visit.pool = settlement.pool AND visit.id = settlement.visit
        WHERE settlement.institution = $1 AND settlement.settled_on BETWEEN $2 AND $3
          AND settlement.payee = 'institution'
    ), pair AS (
        SELECT bill.pool, bill.id, claim.pool AS paper_pool, claim.settlement AS paper
        FROM bill
        JOIN registry.membership AS own
          ON own.pool = bill.pool AND own.number = bill.member AND own.superseded_at IS NULL
        JOIN registry.membership AS any_own
          ON any_own.identity = own.identity AND any_own.superseded_at IS NULL
        JOIN settlement.visible_manual_claim AS claim
          ON claim.pool = any_own.pool AND claim.member = any_own.number
        UNION
        SELECT bill.pool, bill.id, claim.pool, claim.settlement
        FROM bill
        JOIN settlement.visible_manual_claim AS claim
          ON claim.pool = bill.pool AND upper(trim(claim.invoice)) = upper(trim(bill.invoice))
        WHERE bill.invoice <> ''
    )"""
_MEETING_PAPER = f"""{_PAIRS}
    SELECT bill.pool, bill.id, bill.invoice, bill.total, bill.first_day, bill.last_day,
           bill.is_stay, bill.settled_on, bill.care_kind,
           bill.funds + bill.account + bill.family AS claimed,
           pair.paper_pool, pair.paper, claim.institution_name, claim.invoice AS paper_invoice,
           claim.total AS paper_total, paid.funds AS paper_funds,
           claim.first_day AS paper_first_day,
           CASE WHEN paid_visit.kind = 'stay' THEN claim.last_day END AS paper_discharged
    FROM pair
    JOIN bill ON bill.pool = pair.pool AND bill.id = pair.id
    JOIN settlement.visible_manual_claim AS claim
      ON claim.pool = pair.paper_pool AND claim.settlement = pair.paper
    JOIN settlement.visible_settlement AS paid
      ON paid.pool = pair.paper_pool AND paid.id = pair.paper
    JOIN settlement.visible_batch AS paid_batch
      ON paid_batch.pool = paid.pool AND paid_batch.visit = paid.visit
     AND paid_batch.id = paid.batch AND paid_batch.living_settlement = paid.id
    JOIN settlement.visible_visit AS paid_visit
      ON paid_visit.pool = paid.pool AND paid_visit.id = paid.visit
    ORDER BY bill.id, pair.paper"""  # noqa: S608 - our own text


def _meeting(row: "Record") -> PaidTwice:
    return PaidTwice(
        Standing(
            PoolKey(Pool(row["pool"]), row["id"]),
            row["invoice"],
            row["total"],
            row["first_day"],
            row["last_day"] if row["is_stay"] else row["first_day"],
            row["is_stay"],
        ),
        row["settled_on"],
        clearing_class(row["care_kind"]),
        row["claimed"],
        Paper(
            PoolKey(Pool(row["paper_pool"]), row["paper"]),
            row["institution_name"],
            row["paper_invoice"],
            row["paper_total"],
            row["paper_funds"],
            row["paper_first_day"],
            row["paper_discharged"],
        ),
        "",
    )


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
