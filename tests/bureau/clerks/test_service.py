"""A clerk signs in with a key that is kept nowhere; wrong keys in a row lock the clerk out."""

from datetime import UTC, datetime, timedelta

import pytest

from yibao.bureau.clerks import service
from yibao.bureau.clerks.model import FAILURES_ALLOWED, LOCKED_FOR, Clerk
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)
VAULT = Vault(b"k" * 32)
CLERK = Clerk("W1", "测试经办甲")


async def enter(database: Database, clerk: Clerk = CLERK) -> str:
    """Enter a clerk; the key."""
    async with database.writer() as connection, connection.transaction():
        return (await service.add(connection, VAULT, clerk, now=NOW)).key


async def refusal(database: Database, key: str, code: str = "W1", now: datetime = NOW) -> Refused:
    """What signing in is refused with."""
    with pytest.raises(Refused) as refused:
        await service.sign_in(database, VAULT, code, key, now)
    return refused.value


async def test_a_clerk_signs_in_with_the_key(database: Database) -> None:
    key = await enter(database)
    assert (await service.sign_in(database, VAULT, "W1", key, NOW)).clerk == CLERK
    async with database.owner() as connection:
        kept = await connection.fetchval("SELECT clerk::text FROM bureau.clerk")
    assert key not in kept
    assert CLERK.name not in kept


async def test_a_wrong_key_an_unknown_code_and_a_suspended_clerk_are_told_alike(
    database: Database,
) -> None:
    key = await enter(database)
    wrong = await refusal(database, "wrong")
    unknown = await refusal(database, key, "W2")
    async with database.writer() as connection, connection.transaction():
        await service.suspend(connection, "W1", now=NOW)
    suspended = await refusal(database, key)
    assert wrong.refusal == unknown.refusal == suspended.refusal
    assert wrong.refusal.code is RefusalCode.CLERK_UNKNOWN


async def test_wrong_keys_in_a_row_lock_the_clerk_out_for_a_time(database: Database) -> None:
    key = await enter(database)
    for _ in range(FAILURES_ALLOWED):
        assert (await refusal(database, "wrong")).refusal.code is RefusalCode.CLERK_UNKNOWN
    locked = await refusal(database, key, now=NOW + LOCKED_FOR - timedelta(seconds=1))
    assert locked.refusal.code is RefusalCode.CLERK_LOCKED
    assert (await service.sign_in(database, VAULT, "W1", key, NOW + LOCKED_FOR)).clerk == CLERK


async def test_a_right_key_in_between_ends_the_row(database: Database) -> None:
    key = await enter(database)
    for _ in range(FAILURES_ALLOWED - 1):
        await refusal(database, "wrong")
    await service.sign_in(database, VAULT, "W1", key, NOW)
    await refusal(database, "wrong")
    assert (await service.sign_in(database, VAULT, "W1", key, NOW)).clerk == CLERK


async def test_a_new_key_ends_the_old_one(database: Database) -> None:
    old = await enter(database)
    new = await enter(database)
    await refusal(database, old)
    assert (await service.sign_in(database, VAULT, "W1", new, NOW)).clerk == CLERK


async def test_suspending_nobody_is_refused(database: Database) -> None:
    async with database.writer() as connection:
        with pytest.raises(Refused):
            await service.suspend(connection, "W9", now=NOW)
