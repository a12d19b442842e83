"""SQL of reviews and refusals of applications."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yibao.clearing.review.model import Deduction, GivenBack, Granted, Review
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import Fen, rate_from_text

if TYPE_CHECKING:
    from asyncpg import Connection, Record


async def insert(connection: "Connection[Any]", review: Review) -> None:
    """Write a review with its deductions."""
    granted = review.granted
    await connection.execute(
        """INSERT INTO clearing.review (pool, application, institution, month, clearing_class,
               claimed, deducted, withheld, payable, set_off, retention_rate, reviewed_by,
               reviewed_at, posting)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        *review.application,
        review.institution,
        review.month,
        review.clearing_class,
        granted.claimed,
        granted.deducted,
        granted.withheld,
        granted.payable,
        granted.set_off,
        granted.retention_rate.text(),
        review.reviewed_by,
        review.reviewed_at,
        review.posting,
    )
    await connection.executemany(
        """INSERT INTO clearing.deduction (pool, application, line, institution, settlement,
               amount, reason)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        [
            (
                *review.application,
                line,
                review.institution,
                None if one.settlement is None else one.settlement.text(),
                one.amount,
                one.reason,
            )
            for line, one in enumerate(review.deductions, 1)
        ],
    )


async def insert_refusal(connection: "Connection[Any]", refusal: GivenBack) -> None:
    """Write why an application was given back."""
    await connection.execute(
        """INSERT INTO clearing.refusal (pool, application, institution, reason, refused_by,
               refused_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        *refusal.application,
        refusal.institution,
        refusal.reason,
        refusal.refused_by,
        refusal.refused_at,
    )


async def of_institution(
    connection: "Connection[Any]", institution: str, month: str | None
) -> list[Review]:
    """An institution's reviews, of one month or all, oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM clearing.visible_review
           WHERE institution = $1 AND ($2::text IS NULL OR month = $2) ORDER BY application""",
        institution,
        month,
    )
    deductions: dict[PoolKey, list[Deduction]] = {}
    for row in await connection.fetch(
        """SELECT * FROM clearing.visible_deduction
           WHERE institution = $1 AND application = ANY ($2::bigint[])
           ORDER BY pool, application, line""",
        institution,
        [row["application"] for row in rows],
    ):
        settlement = row["settlement"]
        deductions.setdefault(_key(row), []).append(
            Deduction(
                row["amount"],
                row["reason"],
                None if settlement is None else parse_pool_key(settlement),
            )
        )
    return [_review(row, tuple(deductions.get(_key(row), ()))) for row in rows]


async def refusals_of(
    connection: "Connection[Any]", institution: str, applications: list[PoolKey]
) -> dict[PoolKey, GivenBack]:
    """Why applications of an institution were given back."""
    rows = await connection.fetch(
        """SELECT * FROM clearing.visible_refusal
           WHERE institution = $1 AND application = ANY ($2::bigint[])""",
        institution,
        [key.number for key in applications],
    )
    return {
        _key(row): GivenBack(
            _key(row), row["institution"], row["reason"], row["refused_by"], row["refused_at"]
        )
        for row in rows
    }


async def deducted_of(
    connection: "Connection[Any]", institution: str, settlements: Sequence[PoolKey]
) -> dict[PoolKey, Fen]:
    """What reviews deducted of an institution's bills; those of which nothing was lack."""
    rows = await connection.fetch(
        """SELECT settlement, sum(amount)::bigint AS amount FROM clearing.visible_deduction
           WHERE institution = $1 AND settlement = ANY ($2::text[]) GROUP BY settlement""",
        institution,
        [one.text() for one in settlements],
    )
    deducted = {row["settlement"]: row["amount"] for row in rows}
    return {one: deducted[one.text()] for one in settlements if one.text() in deducted}


async def withheld_of_year(
    connection: "Connection[Any]", pool: Pool, institution: str, year: int
) -> Fen:
    """What reviews kept back of the months of a year."""
    withheld: Fen = await connection.fetchval(
        """SELECT coalesce(sum(withheld), 0)::bigint FROM clearing.visible_review
           WHERE pool = $1 AND institution = $2 AND month LIKE $3""",
        pool,
        institution,
        f"{year:04d}%",
    )
    return withheld


def _key(row: "Record") -> PoolKey:
    return PoolKey(row["pool"], row["application"])


def _review(row: "Record", deductions: tuple[Deduction, ...]) -> Review:
    return Review(
        _key(row),
        row["institution"],
        row["month"],
        row["clearing_class"],
        Granted(
            row["claimed"],
            row["deducted"],
            row["withheld"],
            row["payable"],
            row["set_off"],
            rate_from_text(row["retention_rate"]),
        ),
        row["reviewed_by"],
        row["reviewed_at"],
        row["posting"],
        deductions,
    )
