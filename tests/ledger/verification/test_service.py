"""Books that tell what somebody changed by SQL: which entry, and the first one first."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date

import asyncpg
import pytest

from tests.ledger.builders import ANNA, CURRENT, POOL, Books
from yibao.kernel.areas import Pool
from yibao.ledger import service as ledger
from yibao.ledger.chart import UnknownAccount
from yibao.ledger.model import Credit, Entry, Posting, fund_account
from yibao.ledger.verification import service as verification
from yibao.ledger.verification.model import KEPT, Fault, Findings

OTHER = Pool("430100")


@asynccontextmanager
async def snapshot(books: Books) -> AsyncIterator["asyncpg.Connection"]:
    """A reader's transaction."""
    async with (
        books.database.reader(None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def examined(books: Books, **more: object) -> Findings:
    """What the ledger shows."""
    async with snapshot(books) as connection:
        return await verification.examine(connection, **more)  # type: ignore[arg-type]


async def faults(books: Books, **more: object) -> Sequence[Fault]:
    """What is wrong."""
    return (await examined(books, **more)).faults


@pytest.fixture
async def paid(books: Books) -> list[Posting]:
    """Five payments, each in a block of its own."""
    made = []
    for amount in (100, 200, 300, 400, 500):
        made.append(await books.pay(amount))
        books.wait(minutes=1)
    return made


async def test_right_books_have_figures_and_no_faults(books: Books, paid: list[Posting]) -> None:
    await books.credit(ANNA, current=70, carried=30)
    findings = await examined(books)
    assert findings.faults == []
    assert findings.figures == {"blocks": 6, "postings": 7, "entries": 14, "fen moved": 1_600}


async def test_a_changed_amount_is_named_with_what_it_was_to_hash_to(
    books: Books, paid: list[Posting]
) -> None:
    await books.tamper(
        "UPDATE ledger.entry SET amount = 301 WHERE posting = $1 AND line = 1", paid[2].number
    )
    first, second = await faults(books)
    assert (first.posting, first.line) == (paid[2].number, None)
    assert "sum to 1 fen" in first.text
    assert (second.pool, second.posting, second.line) == (POOL, paid[2].number, 1)
    assert "301 fen" in second.text
    assert "was to hash to" in second.text


@pytest.mark.parametrize(
    "change", ["account = 'bank:elsewhere'", "posted_on = posted_on + 1", "amount = -200, line = 7"]
)
async def test_whatever_is_changed_of_an_entry_is_told(
    books: Books, paid: list[Posting], change: str
) -> None:
    await books.tamper(
        f"UPDATE ledger.entry SET {change} WHERE posting = $1 AND line = 0", paid[1].number
    )
    found = await faults(books)
    assert {fault.posting for fault in found} == {paid[1].number}
    assert found[0].line == 0


async def test_a_balanced_change_of_two_entries_is_told_too(
    books: Books, paid: list[Posting]
) -> None:
    await books.tamper(
        "UPDATE ledger.entry SET amount = amount * 2 WHERE posting = $1", paid[3].number
    )
    assert [(fault.posting, fault.line) for fault in await faults(books)] == [
        (paid[3].number, 0),
        (paid[3].number, 1),
    ]


async def test_a_removed_entry_is_named(books: Books, paid: list[Posting]) -> None:
    await books.tamper("DELETE FROM ledger.entry WHERE posting = $1 AND line = 1", paid[1].number)
    assert any(
        (fault.posting, fault.line) == (paid[1].number, 1) and "removed" in fault.text
        for fault in await faults(books)
    )


async def test_an_entry_added_to_a_posting_is_named(books: Books, paid: list[Posting]) -> None:
    await books.tamper(
        "INSERT INTO ledger.entry VALUES ($1, $2, 2, 'bank:test', 5, '2026-07-15'),"
        " ($1, $2, 3, 'fund:310100', -5, '2026-07-15')",
        POOL,
        paid[0].number,
    )
    assert [(fault.line, "added" in fault.text) for fault in await faults(books)] == [
        (2, True),
        (3, True),
    ]


async def test_an_added_posting_is_named(books: Books, paid: list[Posting]) -> None:
    await books.tamper(
        "INSERT INTO ledger.entry VALUES ($1, 7, 0, 'bank:test', 5, '2026-07-15'),"
        " ($1, 7, 1, 'fund:310100', -5, '2026-07-15')",
        POOL,
    )
    assert [(fault.posting, fault.line) for fault in await faults(books)] == [(7, 0), (7, 1)]


async def test_the_first_wrong_entry_in_time_comes_first(books: Books, paid: list[Posting]) -> None:
    for posting in (paid[4], paid[1], paid[3]):
        await books.tamper(
            "UPDATE ledger.entry SET account = 'bank:x' WHERE posting = $1 AND line = 1",
            posting.number,
        )
    assert [fault.posting for fault in await faults(books)] == [
        paid[1].number,
        paid[3].number,
        paid[4].number,
    ]


async def test_an_entry_changed_with_its_digest_is_told_by_its_block(
    books: Books, paid: list[Posting]
) -> None:
    await books.tamper(
        "UPDATE ledger.entry SET amount = amount * 3 WHERE posting = $1", paid[1].number
    )
    await books.tamper(
        """UPDATE ledger.block SET digests = substr(digests, 1, 8) || (
               SELECT string_agg(substr(sha256(convert_to(pool, 'UTF8') || int8send(posting)
                          || int2send(line) || int8send(amount) || date_send(posted_on)
                          || convert_to(account, 'UTF8')), 1, 8), ''::bytea ORDER BY line)
               FROM ledger.entry WHERE posting = $1)
           WHERE $1 = ANY (postings)""",
        paid[1].number,
    )
    (fault,) = await faults(books)
    assert fault.posting == paid[1].number
    assert "block 2" in fault.text


async def test_a_changed_reason_is_told(books: Books, paid: list[Posting]) -> None:
    await books.tamper(
        "UPDATE ledger.occasion SET reason = '另有原因' WHERE posting = $1", paid[2].number
    )
    (fault,) = await faults(books)
    assert fault.posting == paid[2].number
    assert "made for" in fault.text


async def test_blocks_that_were_swapped_are_told(books: Books, paid: list[Posting]) -> None:
    await books.tamper("UPDATE ledger.block SET number = 100 WHERE number = 2")
    await books.tamper("UPDATE ledger.block SET number = 2 WHERE number = 3")
    await books.tamper("UPDATE ledger.block SET number = 3 WHERE number = 100")
    found = await faults(books)
    assert len(found) >= 2
    assert "block" in found[0].text


async def test_a_block_that_was_taken_out_is_told_with_its_postings(
    books: Books, paid: list[Posting]
) -> None:
    await books.tamper("DELETE FROM ledger.block WHERE number = 3")
    found = await faults(books)
    assert any("block 3 of writer" in fault.text and "removed" in fault.text for fault in found)
    assert any(fault.posting == paid[2].number and "no block" in fault.text for fault in found)


async def test_a_posting_in_two_blocks_is_told(books: Books, paid: list[Posting]) -> None:
    await books.tamper(
        "UPDATE ledger.block SET postings = array_replace(postings, $1, $2)",
        paid[1].number,
        paid[0].number,
    )
    assert any("more than one block" in fault.text for fault in await faults(books))


async def test_a_part_that_holds_something_else_is_told(books: Books) -> None:
    await books.credit(ANNA, current=70)
    await books.tamper("UPDATE ledger.account_part SET amount = 71, held = 5")
    part, held = await faults(books)
    assert "holds 71 fen, its entries say 70" in part.text
    assert CURRENT in part.text
    assert "5 fen are held, its open holds say 0" in held.text


async def test_a_part_that_is_gone_is_told(books: Books) -> None:
    await books.credit(ANNA, current=70)
    await books.tamper("DELETE FROM ledger.account_part")
    (fault,) = await faults(books)
    assert f"part {CURRENT} of {ANNA} holds 0 fen" in fault.text


async def test_pools_and_days_bound_what_is_looked_at(books: Books, paid: list[Posting]) -> None:
    await books.tamper("UPDATE ledger.entry SET account = 'bank:x' WHERE account LIKE 'bank:%'")
    books.wait(days=1)
    await books.pay(5, pool=OTHER)
    await books.pay(7)
    assert await faults(books, pool=OTHER) == []
    today = await examined(books, since=date(2026, 7, 16))
    assert today.faults == []
    assert today.figures["blocks"] == 2
    assert {fault.pool for fault in await faults(books)} == {POOL}


async def test_of_very_many_faults_the_earliest_are_kept_and_all_counted(books: Books) -> None:
    async with books.unit() as unit:
        credits_ = [Credit(f"{POOL}{n:014}", "310", 2026, "current", 5) for n in range(KEPT + 20)]
        await ledger.credit(unit, credits_)
    await books.tamper("UPDATE ledger.entry SET amount = amount * 2 WHERE line = 1")
    findings = await examined(books)
    assert findings.count > 2 * KEPT
    assert len(findings.faults) == KEPT
    async with books.database.reader(None) as connection:
        first = await connection.fetchval("SELECT min(posting) FROM ledger.entry")
    assert findings.faults[0].posting == first


async def test_books_go_on_while_they_are_read(books: Books, paid: list[Posting]) -> None:
    async with snapshot(books) as connection:
        await connection.fetchval("SELECT count(*) FROM ledger.block")
        await books.pay(1)
        findings = await verification.examine(connection)
    assert findings.faults == []
    assert findings.figures["blocks"] == 5


async def test_what_is_no_account_cannot_be_posted_on() -> None:
    with pytest.raises(UnknownAccount, match="no account is called"):
        Posting(1, date(2026, 7, 1), (Entry("fond:1", 1), Entry(fund_account("2"), -1)))
