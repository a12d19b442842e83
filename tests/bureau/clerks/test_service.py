"""A clerk signs in with a key that is kept nowhere; wrong keys lock out where they came from."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from yibao.bureau.clerks import service, store
from yibao.bureau.clerks.model import (
    FAILURES_ALLOWED,
    FAILURES_ANYWHERE,
    KNOWN_FOR,
    LOCKED_FOR,
    Clerk,
)
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)
VAULT = Vault(b"k" * 32)
CLERK = Clerk("W1", "测试经办甲")
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


async def enter(database: Database, clerk: Clerk = CLERK) -> str:
    """Enter a clerk; the key."""
    async with database.writer() as connection, connection.transaction():
        return (await service.add(connection, VAULT, clerk, now=NOW)).key


async def signing_in(
    database: Database, key: str, *, address: str = HERE, now: datetime = NOW
) -> Clerk:
    """Who signs in."""
    return (await service.sign_in(database, VAULT, "W1", key, address, now)).clerk


async def refusal(
    database: Database, key: str, code: str = "W1", *, address: str = HERE, now: datetime = NOW
) -> Refused:
    """What signing in is refused with."""
    with pytest.raises(Refused) as refused:
        await service.sign_in(database, VAULT, code, key, address, now)
    return refused.value


async def guessing(database: Database, addresses: Sequence[str], now: datetime = NOW) -> None:
    """Wrong keys, one from each address; written as tries, because each real one takes its time."""
    async with database.writer() as connection:
        for address in addresses:
            await store.record_try(connection, "W1", address, now, succeeded=False)


async def test_a_clerk_signs_in_with_the_key(database: Database) -> None:
    key = await enter(database)
    assert await signing_in(database, key) == CLERK
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
    assert await signing_in(database, key, now=NOW + LOCKED_FOR) == CLERK


async def test_whoever_guesses_elsewhere_locks_nobody_out_here(database: Database) -> None:
    key = await enter(database)
    for _ in range(FAILURES_ALLOWED):
        await refusal(database, "wrong", address=ELSEWHERE)
    locked = await refusal(database, key, address=ELSEWHERE)
    assert locked.refusal.code is RefusalCode.CLERK_LOCKED
    assert await signing_in(database, key) == CLERK
    assert (await refusal(database, key, address=ELSEWHERE)).refusal == locked.refusal, (
        "who signs in here unlocks no guesser there"
    )


async def test_guesses_from_many_addresses_lock_out_wherever_the_clerk_is_not_known(
    database: Database,
) -> None:
    key = await enter(database)
    await signing_in(database, key, now=NOW - timedelta(days=1))
    everywhere = [f"203.0.113.{number}" for number in range(FAILURES_ANYWHERE)]
    await guessing(database, everywhere[1:])
    assert await signing_in(database, key, address=ELSEWHERE) == CLERK
    await guessing(database, everywhere, NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=2)
    locked = await refusal(database, key, address="203.0.113.200", now=later)
    assert locked.refusal.code is RefusalCode.CLERK_LOCKED
    assert await signing_in(database, key, now=later) == CLERK, "the clerk's own place"


async def test_an_address_where_the_clerk_has_not_been_for_long_is_unknown(
    database: Database,
) -> None:
    key = await enter(database)
    await signing_in(database, key, now=NOW - KNOWN_FOR)
    await guessing(database, [ELSEWHERE] * FAILURES_ANYWHERE)
    assert (await refusal(database, key)).refusal.code is RefusalCode.CLERK_LOCKED


async def test_the_metrics_tell_how_many_are_locked_out(database: Database) -> None:
    key, now = await enter(database), datetime.now(UTC)
    await guessing(database, [HERE] * FAILURES_ALLOWED, now - LOCKED_FOR)
    await guessing(database, [ELSEWHERE] * (FAILURES_ALLOWED - 1), now)
    async with database.owner() as connection:
        assert await service.locked_out(connection) == 0
        await guessing(database, [ELSEWHERE], now)
        assert await service.locked_out(connection) == 1
        await signing_in(database, key, now=now)
        assert await service.locked_out(connection) == 1


async def test_a_right_key_in_between_ends_the_row(database: Database) -> None:
    key = await enter(database)
    for _ in range(FAILURES_ALLOWED - 1):
        await refusal(database, "wrong")
    await signing_in(database, key)
    await refusal(database, "wrong")
    assert await signing_in(database, key) == CLERK


async def test_a_new_key_ends_the_old_one(database: Database) -> None:
    old = await enter(database)
    new = await enter(database)
    await refusal(database, old)
    assert await signing_in(database, new) == CLERK


async def test_suspending_nobody_is_refused(database: Database) -> None:
    async with database.writer() as connection:
        with pytest.raises(Refused):
            await service.suspend(connection, "W9", now=NOW)
