"""The outbox's reader: every fact, in commit order, at least once, none skipped."""

import asyncpg
import pytest

from tests.platform.commands.builders import POOL, commands, wish
from yibao.platform.commands.relay import Fact, relay
from yibao.platform.database import Database


async def test_facts_come_in_order_and_once(database: Database) -> None:
    seen = await _published(database, 5)
    assert [fact.payload["n"] for fact in seen] == [0, 1, 2, 3, 4]
    assert await _read(database) == []


async def test_a_consumer_that_fails_gets_the_facts_again(database: Database) -> None:
    submit = await commands(database)
    await submit.submit(wish("a", publish=1))

    async def failing(_connection: object, _facts: list[Fact]) -> None:
        raise RuntimeError("the consumer broke")

    with pytest.raises(RuntimeError):
        await relay(database.writer, POOL, "books", failing)
    assert len(await _read(database)) == 1


async def test_a_slow_commit_is_not_skipped(database: Database) -> None:
    slow = await asyncpg.connect(database.dsn)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(
        "INSERT INTO platform.outbox (pool, id, kind, payload, recorded_at)"
        " VALUES ($1, 1, 'slow', '{}', now())",
        POOL,
    )
    submit = await commands(database)
    await submit.submit(wish("fast", publish=1))
    assert await _read(database) == []  # the fast one waits for the older transaction
    await transaction.commit()
    await slow.close()
    assert [fact.kind for fact in await _read(database)] == ["slow", "wished"]


async def _published(database: Database, facts: int) -> list[Fact]:
    submit = await commands(database)
    for n in range(facts):
        await submit.submit(wish(f"subject {n}", publish=n))
    return await _read(database)


async def _read(database: Database) -> list[Fact]:
    seen: list[Fact] = []

    async def consume(_connection: object, facts: list[Fact]) -> None:
        seen.extend(facts)

    await relay(database.writer, POOL, "books", consume)
    return seen
