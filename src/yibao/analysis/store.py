"""What the room reads of the database: settlements that live, through the readers' views."""

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Connection

_ROWS_A_FETCH = 5_000

_LIVING = """
    SELECT bill.member, bill.visit, bill.day, bill.care_kind, bill.person_type, bill.level,
           bill.snapshot,
           coalesce(bill.snapshot -> 'buckets', jsonb_build_object('general', jsonb_build_array(
               bill.total, bill.own, bill.over_limit, bill.first_pay, bill.in_scope))) AS buckets
    FROM settlement.visible_batch AS batch
    JOIN settlement.visible_settlement AS bill
      ON bill.pool = batch.pool AND bill.id = batch.living_settlement
    WHERE bill.scheme = $1 AND bill.insured_division LIKE $2
    ORDER BY bill.member, bill.day, bill.id
"""

_BUCKETS = """
    SELECT DISTINCT jsonb_object_keys(coalesce(bill.snapshot -> 'buckets', '{"general": []}'))
    FROM settlement.visible_batch AS batch
    JOIN settlement.visible_settlement AS bill
      ON bill.pool = batch.pool AND bill.id = batch.living_settlement
    WHERE bill.scheme = $1 AND bill.insured_division LIKE $2
"""


async def buckets(connection: "Connection", scheme: str, divisions: str) -> list[str]:
    """The benefit buckets that occur; ``divisions`` is a pattern of the insured division."""
    return [row[0] for row in await connection.fetch(_BUCKETS, scheme, divisions)]


async def living_settlements(
    connection: "Connection", scheme: str, divisions: str
) -> AsyncIterator[Mapping[str, Any]]:
    """Settlements by member and day, streamed; within a transaction."""
    cursor: Any = connection.cursor(_LIVING, scheme, divisions, prefetch=_ROWS_A_FETCH)
    async for row in cursor:
        yield row
