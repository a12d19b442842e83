"""Postings that balance, parts that stay above zero, and books that tell when they are wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit, Entry, Posting, fund_account, personal_account
from yibao.platform.commands.model import Unit
from yibao.platform.database import Database

POOL = Pool("110000")
DAY = date(2026, 7, 1)
MEMBER = "11000000000000000001"
_numbers = NumberSource(7)


@asynccontextmanager
async def unit(database: Database) -> AsyncIterator[Unit]:
    """A unit that commits."""
    async with database.writer() as connection, connection.transaction():
        yield Unit(POOL, connection, datetime(2026, 7, 1, tzinfo=UTC), _numbers)


def test_a_posting_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(AssertionError, match="out of balance by 1 fen"):
        Posting(1, DAY, (Entry(fund_account("a"), 100), Entry(fund_account("b"), -99)))


def test_a_posting_has_no_zero_entry() -> None:
    with pytest.raises(AssertionError, match="zero entry"):
        Posting(1, DAY, (Entry(fund_account("a"), 0),))


@given(st.lists(st.integers(-(10**10), 10**10).filter(bool), min_size=1, max_size=8))
def test_a_mirror_undoes_every_entry(amounts: list[int]) -> None:
    entries = [Entry(fund_account(str(i)), amount) for i, amount in enumerate(amounts)]
    if rest := sum(amounts):
        entries.append(Entry(fund_account("rest"), -rest))
    posting = Posting(1, DAY, tuple(entries))
    mirror = posting.mirrored(2, DAY)
    both = dict(zip(posting.entries, mirror.entries, strict=True))
    assert all(one.amount + other.amount == 0 for one, other in both.items())


async def test_credits_open_parts_and_are_found_as_balances(database: Database) -> None:
    async with unit(database) as u:
        await ledger.credit(u, [Credit(MEMBER, "310", 2025, "carried", 500)])
        await ledger.credit(u, [Credit(MEMBER, "310", 2026, "current", 300)])
        await ledger.credit(u, [Credit(MEMBER, "310", 2026, "current", 20)])
    async with database.reader(None) as connection:
        parts = (await ledger.balances(connection, POOL, [MEMBER]))[MEMBER]
        assert [(part.name, part.amount) for part in parts] == [
            ("2025:carried", 500),
            ("2026:current", 320),
        ]
        assert await ledger.verify(connection) == []


async def test_a_part_never_goes_below_zero(database: Database) -> None:
    async with unit(database) as u:
        await ledger.credit(u, [Credit(MEMBER, "310", 2026, "current", 10)])
    async with unit(database) as u:
        await ledger.lock_parts(u, [MEMBER])
        with pytest.raises(asyncpg.CheckViolationError):
            await ledger.post(u, [_withdrawal(11)])
    async with database.reader(None) as connection:
        assert await ledger.verify(connection) == []


async def test_an_entry_on_an_account_that_does_not_exist_is_a_fault(database: Database) -> None:
    async with unit(database) as u:
        with pytest.raises(AssertionError, match="do not exist"):
            await ledger.post(u, [_withdrawal(1)])


async def test_an_amount_that_somebody_changed_by_sql_is_told(database: Database) -> None:
    async with unit(database) as u:
        await ledger.credit(u, [Credit(MEMBER, "310", 2026, "current", 100)])
    async with database.owner() as connection:
        await connection.execute("UPDATE ledger.entry SET amount = 99 WHERE amount = 100")
    async with database.reader(None) as connection:
        faults = await ledger.verify(connection)
    unbalanced, changed, part = faults
    assert "not to zero" in unbalanced
    assert "hashes to" in changed
    assert "2026:current" in part


def _withdrawal(amount: int) -> Posting:
    return Posting(
        _numbers.next(datetime(2026, 7, 1, tzinfo=UTC)),
        DAY,
        (
            Entry(personal_account(MEMBER, "2026:current"), -amount),
            Entry(fund_account("x"), amount),
        ),
    )
