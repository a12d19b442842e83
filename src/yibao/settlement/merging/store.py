"""SQL of handing counters and stays over, and of the bills that a merger touches."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey

if TYPE_CHECKING:
    from asyncpg import Connection


async def hand_over_stays(connection: "Connection[Any]", gone: int, kept: int) -> None:
    """The stays of a closed file are the kept human's: nobody lies in two hospitals."""
    await connection.execute(
        """WITH visits AS (
               UPDATE settlement.visit AS visit SET identity = $2 FROM settlement.stay AS stay
               WHERE stay.identity = $1 AND visit.pool = stay.pool AND visit.id = stay.visit)
           UPDATE settlement.stay SET identity = $2 WHERE identity = $1""",
        gone,
        kept,
    )


async def insert_heir(
    connection: "Connection[Any]", pool: Pool, gone: str, kept: str, number: int
) -> None:
    """Note to which number another one's counters and account went over.

    What had gone over to ``gone`` before goes on to ``kept`` with it.
    """
    await connection.execute(
        """INSERT INTO settlement.handed_over (pool, gone, kept, number)
           SELECT pool, gone, $3, $4 FROM settlement.handed_over
           WHERE pool = $1 AND kept = $2 AND gone <> $3
           UNION VALUES ($1::text, $2::text, $3::text, $4::bigint)""",
        pool,
        gone,
        kept,
        number,
    )


async def living_bills(
    connection: "Connection[Any]", members: Sequence[tuple[Pool, str]]
) -> list[tuple[PoolKey, str, date]]:
    """(settlement, member, day) of the living bills of members, by number."""
    rows = await connection.fetch(
        """SELECT settlement.pool, settlement.id, settlement.member, settlement.day
           FROM unnest($1::text[], $2::text[]) AS wanted (pool, member)
           JOIN settlement.settlement AS settlement
             ON settlement.pool = wanted.pool AND settlement.member = wanted.member
           JOIN settlement.charge_batch AS batch
             ON batch.pool = settlement.pool AND batch.visit = settlement.visit
           AND batch.id = settlement.batch
            AND batch.living_settlement = settlement.id
           ORDER BY settlement.id""",
        [pool for pool, _ in members],
        [number for _, number in members],
    )
    return [(PoolKey(Pool(row[0]), row[1]), row[2], row[3]) for row in rows]
