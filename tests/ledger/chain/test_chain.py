"""The chain as it is written: every link, and two writers at once."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.builders import ANNA, BERT, POOL, Books
from yibao.kernel.areas import Pool
from yibao.ledger import service as ledger
from yibao.ledger.chain.rules import NO_HASH, SHORT, content_of, link
from yibao.ledger.model import (
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    bank_account,
    fund_account,
)

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)


async def blocks(books: Books) -> list[Any]:
    """The chain of the pool."""
    async with books.database.reader(None) as connection:
        rows: list[Any] = await connection.fetch("SELECT * FROM ledger.block ORDER BY number")
    return rows


async def test_each_post_is_a_block_that_follows_the_one_before(books: Books) -> None:
    await books.credit(ANNA, current=1, carried=2)
    await books.pay(3)
    async with books.unit() as unit:
        await ledger.post(unit, [])
    first, second = await blocks(books)
    assert (first["number"], second["number"]) == (1, 2)
    assert (first["previous"], second["previous"]) == (NO_HASH, first["hash"])
    assert [len(first["postings"]), len(second["postings"])] == [2, 1]
    assert second["hash"] == link(first["hash"], 2, second["content"])


async def test_what_is_rolled_back_leaves_no_gap(books: Books) -> None:
    await books.pay(1)

    async def given_up() -> None:
        async with books.unit() as unit:
            await ledger.post(unit, [posting(7)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await given_up()
    await books.pay(2)
    assert [block["number"] for block in await blocks(books)] == [1, 2]
    assert await books.faults() == []


async def test_one_writer_twice_at_once_writes_one_block_after_the_other(books: Books) -> None:
    """The second is refused by the block's key; whoever runs commands tries it again."""

    async def pay(member: str) -> bool:
        try:
            async with books.unit() as unit:
                await ledger.post(unit, [posting(unit.numbers.next(unit.now))])
                await asyncio.sleep(0.05)
        except asyncpg.UniqueViolationError:
            return False
        return True

    done = await asyncio.gather(*(pay(member) for member in (ANNA, BERT, ANNA)))
    assert len(await blocks(books)) == sum(done) >= 1
    assert await books.faults() == []


async def test_very_many_postings_are_several_blocks(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "BLOCK_LIMIT", 10)
    async with books.unit() as unit:
        await ledger.post(unit, [posting(unit.numbers.next(unit.now)) for _ in range(25)])
    assert [len(block["postings"]) for block in await blocks(books)] == [10, 10, 5]
    assert await books.faults() == []


def posting(number: int, amount: int = 5, reason: str = "") -> Posting:
    """A posting of two entries."""
    entries = (Entry(fund_account("310100"), -amount), Entry(bank_account("x"), amount))
    return Posting(number, date(2026, 7, 15), entries, Occasion(OccasionKind.PAYMENT, {}, reason))


ONE = posting(1)


@pytest.mark.parametrize(
    "other",
    [
        posting(2),
        posting(1, 6),
        posting(1, reason="别的"),
        replace(ONE, day=date(2026, 7, 16)),
        replace(ONE, entries=ONE.entries[::-1]),
        replace(ONE, occasion=None),
        replace(ONE, occasion=Occasion(OccasionKind.PAYMENT, {"run": 1})),
        replace(ONE, occasion=Occasion(OccasionKind.CLEARING)),
    ],
)
def test_every_fact_of_a_posting_changes_what_is_hashed(other: Posting) -> None:
    assert content_of(POOL, 1, NOW, [ONE]).hash != content_of(POOL, 1, NOW, [other]).hash


def test_pool_writer_and_time_change_it_too() -> None:
    hashes = {
        content_of(pool, writer, now, [ONE]).hash
        for pool in (POOL, Pool("430100"))
        for writer in (1, 2)
        for now in (NOW, NOW.replace(microsecond=1))
    }
    assert len(hashes) == 8


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=5))
def test_there_is_a_digest_for_each_reason_and_entry(amounts: list[int]) -> None:
    content = content_of(POOL, 1, NOW, [posting(n, amount) for n, amount in enumerate(amounts)])
    assert len(content.digests) == SHORT * 3 * len(amounts)
    assert content.lines == [2] * len(amounts)
