"""Daily heads: what was cut off or rewritten since is found by who kept them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.ledger.builders import POOL, Books
from yibao.kernel.areas import Pool
from yibao.ledger.heads import service as heads
from yibao.ledger.heads.model import Head, head_of_json
from yibao.ledger.verification.model import Findings
from yibao.ledger.verification.service import examine_heads
from yibao.platform.crypto import Vault
from yibao.platform.signing import Signer

VAULT = Vault(b"k" * 32)
KEY = heads.signer(VAULT)


async def made(books: Books, key: Signer = KEY) -> int:
    """How many heads are made now."""
    async with books.database.owner() as connection:
        return await heads.make(connection, key, books.now)


async def kept(books: Books) -> list[Head]:
    """The heads, as an auditor keeps them."""
    async with books.database.reader(None) as connection:
        listed = await heads.heads(connection)
    return [head_of_json(head.as_json()) for head in listed]


async def faults(books: Books, exported: Sequence[Head] = ()) -> list[str]:
    """What the heads show."""
    findings = Findings()
    async with books.database.reader(None) as connection:
        await examine_heads(connection, findings, public_keys=[KEY.public], exported=exported)
    return [fault.text for fault in findings.faults]


@pytest.fixture
async def three_days(books: Books) -> Books:
    """Three days with two payments each, and their heads."""
    for _ in range(3):
        await books.pay(100)
        await books.pay(200)
        books.wait(days=1)
        await made(books)
    return books


async def test_a_day_has_its_head_when_it_is_over(books: Books) -> None:
    await books.pay(100)
    assert await made(books) == 0
    books.wait(hours=11)  # 23:00 in China
    assert await made(books) == 0
    books.wait(hours=1)
    assert await made(books) == 1
    assert await made(books) == 0


async def test_heads_follow_one_another_and_are_signed(three_days: Books) -> None:
    first, second, third = await kept(three_days)
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert [head.marks[0].number for head in (first, second, third)] == [2, 4, 6]
    assert KEY.verify(third.hash, third.signature)
    assert await faults(three_days) == []


async def test_days_that_were_missed_are_made_up_for_and_quiet_ones_have_none(
    books: Books,
) -> None:
    await books.pay(1)
    books.wait(days=3)
    await books.pay(2, pool=Pool("430100"))
    books.wait(days=1)
    assert await made(books) == 2
    assert [(head.pool, head.day.day) for head in await kept(books)] == [(POOL, 15), ("430100", 18)]


async def unsigned_days(books: Books) -> int:
    """For how many whole days something written has had no head."""
    async with books.database.owner() as connection:
        return int(await heads.unsigned_for(connection) // 86_400)


async def test_only_what_was_written_lacks_a_head(books: Books) -> None:
    books.now = datetime.now(UTC) - timedelta(days=10)
    assert await unsigned_days(books) == 0
    await books.pay(1)
    assert await unsigned_days(books) == 9
    books.wait(days=1)
    await made(books)
    assert await unsigned_days(books) == 0, "nothing was written since"
    books.wait(days=4)
    await books.pay(2, pool=Pool("430100"))
    assert await unsigned_days(books) == 4, "another pool's head covers nothing"


async def test_what_came_late_into_a_day_lacks_no_head(books: Books) -> None:
    books.now = datetime.now(UTC) - timedelta(days=10)
    await books.pay(1)
    books.wait(days=1)
    await made(books)
    books.wait(days=-1)
    await books.pay(2)  # behind the pool's next head, whenever that is
    assert await unsigned_days(books) == 0


async def test_an_end_that_was_cut_off_is_found(three_days: Books) -> None:
    exported = await kept(three_days)
    await three_days.tamper("DELETE FROM ledger.block WHERE number > 4")
    await three_days.tamper(
        "DELETE FROM ledger.entry WHERE posting NOT IN (SELECT unnest(postings) FROM ledger.block)"
    )
    assert await three_days.faults() == []
    (fault,) = await faults(three_days)
    assert "cut off" in fault
    await three_days.tamper("DELETE FROM ledger.head WHERE day = '2026-07-17'")
    assert await faults(three_days) == []
    told = await faults(three_days, exported)
    assert any("is not here any more" in text for text in told)
    assert any("cut off" in text for text in told)


async def test_a_chain_that_was_rewritten_from_the_start_is_found(three_days: Books) -> None:
    exported = await kept(three_days)
    for table in ("entry", "block", "occasion", "head"):
        await three_days.tamper(f"DELETE FROM ledger.{table}")
    three_days.wait(days=-3)
    for _ in range(3):
        await three_days.pay(1)
        await three_days.pay(2)
        three_days.wait(days=1)
        await made(three_days)
    assert await three_days.faults() == []
    assert await faults(three_days) == []
    assert any("rewritten" in text for text in await faults(three_days, exported))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("numbers = ARRAY[1]::bigint[]", "its hash is not that of its content"),
        ("signature = sha256(signature) || sha256(signature)", "signature"),
        ("public_key = sha256(public_key) || sha256(public_key)", "a key that is not the ledger's"),
        ("previous = sha256(previous)", "does not follow"),
    ],
)
async def test_a_head_that_was_changed_is_found(three_days: Books, change: str, told: str) -> None:
    await three_days.tamper(f"UPDATE ledger.head SET {change} WHERE day = '2026-07-16'")
    assert any(told in text for text in await faults(three_days))


async def test_a_head_signed_by_another_key_is_found(three_days: Books) -> None:
    other = heads.signer(Vault(b"x" * 32))
    await three_days.pay(1)
    three_days.wait(days=1)
    await made(three_days, other)
    (fault,) = await faults(three_days)
    assert "a key that is not the ledger's" in fault


def test_the_key_is_the_vaults_and_no_other_one_verifies() -> None:
    assert heads.signer(Vault(b"k" * 32)) == KEY
    other = heads.signer(Vault(b"x" * 32))
    assert other.public != KEY.public
    assert KEY.verify(b"told", KEY.sign(b"told"))
    assert not other.verify(b"told", KEY.sign(b"told"))
    assert not KEY.verify(b"told otherwise", KEY.sign(b"told"))


def test_what_is_no_head_is_refused() -> None:
    with pytest.raises(ValueError, match="head"):
        head_of_json({"pool": "110000", "day": "2026-07-15"})
