"""Money between two pools is seen until it has arrived, come back, or been given up."""

import pytest

from yibao.accounts.vitals.service import VITALS
from yibao.platform.database import Database

TRANSFER = """
    INSERT INTO accounts.transfer (pool, id, direction, member, other_pool, other_member, parts,
                                   declined, recorded_at)
    VALUES ($1, 'm1', $2, 'm', $3, 'm', '[]', $4, now() - interval '30 hours')"""
HOLD = """
    INSERT INTO ledger.hold (pool, id, member, amount, allowed, purpose, expires_at, reserved_at,
                             parts, amounts, state)
    VALUES ('110000', 'h1', 'm', 1, '{}', '家庭共济', NULL, now() - interval '30 hours',
            '{}', '{}', 'reserved')"""
ORDER = """
    INSERT INTO accounts.family_order (pool, hold, id, owner_pool, kind, amount, member,
                                       recorded_at)
    VALUES ('430100', 'h1', '7', '110000', 'refund', 1, 'm', now() - interval '30 hours')"""
REFUND = """INSERT INTO ledger.hold_refund VALUES ('110000', 'h1', '7', 1, 1, now())"""
RELEASE = "UPDATE ledger.hold SET state = 'released', ended_at = now()"


async def hours(database: Database) -> int:
    """For how long the oldest money has been on its way."""
    async with database.owner() as connection:
        return int(await VITALS["yibao_transit_oldest_seconds"](connection) // 3600)


async def happens(database: Database, statement: str, *arguments: object) -> None:
    """Write a fact."""
    async with database.owner() as connection:
        await connection.execute(statement, *arguments)


@pytest.mark.parametrize(
    "end", [[("430100", "in", "110000", False)],
            [("430100", "in", "110000", True), ("110000", "back", "430100", False)]],
    ids=["arrives", "comes back"],
)  # fmt: skip
async def test_a_balance_is_on_its_way_until_it_is_somewhere(
    database: Database, end: list[tuple[str, str, str, bool]]
) -> None:
    assert await hours(database) == 0
    await happens(database, TRANSFER, "110000", "out", "430100", False)
    for pool, direction, other, declined in end:
        assert await hours(database) == 30
        await happens(database, TRANSFER, pool, direction, other, declined)
    assert await hours(database) == 0


async def test_what_is_held_for_another_pool_is_on_its_way_until_the_hold_ends(
    database: Database,
) -> None:
    await happens(database, HOLD)
    assert await hours(database) == 30
    await happens(database, RELEASE)
    assert await hours(database) == 0


async def test_what_is_given_back_is_on_its_way_until_it_is_there(database: Database) -> None:
    await happens(database, HOLD)
    await happens(database, RELEASE)
    await happens(database, ORDER)
    assert await hours(database) == 30
    await happens(database, REFUND)
    assert await hours(database) == 0
