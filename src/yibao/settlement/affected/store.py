"""SQL that finds the members and settlements to look at again."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.policy.terms import Scheme

if TYPE_CHECKING:
    from asyncpg import Connection

_LIVING = """settlement.visible_settlement AS settlement
    JOIN settlement.visible_batch AS batch
      ON batch.pool = settlement.pool AND batch.visit = settlement.visit
     AND batch.id = settlement.batch
     AND batch.living_settlement = settlement.id"""


async def insured_divisions(connection: "Connection[Any]", scheme: Scheme) -> list[str]:
    """The insured divisions that bills of a scheme name."""
    rows = await connection.fetch(
        "SELECT DISTINCT insured_division FROM settlement.visible_settlement WHERE scheme = $1",
        scheme,
    )
    return [row[0] for row in rows]


async def members_billed(
    connection: "Connection[Any]",
    since: date,
    scheme: Scheme | None = None,
    divisions: Sequence[str] | None = None,
) -> list[tuple[Pool, str]]:
    """Members with a living bill of ``since`` or later, of a scheme and divisions where given."""
    rows = await connection.fetch(
        f"""SELECT DISTINCT settlement.pool, settlement.member FROM {_LIVING}
            WHERE settlement.day >= $1 AND ($2::text IS NULL OR settlement.scheme = $2)
              AND ($3::text[] IS NULL OR settlement.insured_division = ANY ($3))
            ORDER BY 1, 2""",  # noqa: S608 - a fixed text
        since,
        scheme,
        divisions,
    )
    return [(Pool(row[0]), row[1]) for row in rows]


async def settlements_of(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> list[tuple[str, int, bool]]:
    """(member, number, living) of everything settled or cancelled of members, by number."""
    rows = await connection.fetch(
        """SELECT settlement.member, settlement.id,
                  batch.living_settlement IS NOT DISTINCT FROM settlement.id
           FROM settlement.visible_settlement AS settlement
           JOIN settlement.visible_batch AS batch
             ON batch.pool = settlement.pool AND batch.visit = settlement.visit
            AND batch.id = settlement.batch
           WHERE settlement.pool = $1 AND settlement.member = ANY ($2) ORDER BY settlement.id""",
        pool,
        members,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def brought_in(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> list[tuple[str, int]]:
    """(member, number) of what an older system had counted of members, by number."""
    rows = await connection.fetch(
        """SELECT DISTINCT member, settlement FROM settlement.accumulator_entry
           WHERE pool = $1 AND member = ANY ($2) AND kind = 'brought_in' ORDER BY settlement""",
        pool,
        members,
    )
    return [(row[0], row[1]) for row in rows]
