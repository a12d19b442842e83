"""Holds: what is set aside is spent by nobody else, and ends once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.builders import ANNA, CARRIED, CURRENT, NOON, POOL, Books
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import Hold, HoldState, Reservation, Taken
from yibao.ledger.model import AccountState, owed_account, transit_account

HOUR = timedelta(hours=1)
WAY = transit_account("premium")


def wanted(amount: Fen = 100, name: str = "h1", **more: Any) -> Reservation:
    """A reservation of Anna's account, the carried part first, for an hour."""
    told = {"allowed": (CARRIED, CURRENT), "purpose": "代缴保费", "until": NOON + HOUR, **more}
    return Reservation(name, ANNA, amount, **told)


async def done(books: Books, work: str, *arguments: Any, **more: Any) -> Any:
    """One use case of holds in a unit of its own."""
    async with books.unit() as unit:
        return await getattr(holds, work)(unit, *arguments, **more)


@asynccontextmanager
async def refused(books: Books, code: RefusalCode) -> AsyncIterator[None]:
    """What is done here is refused by this code and changes nothing."""
    before = await contents(books)
    with pytest.raises(Refused) as told:
        yield
    assert told.value.refusal.code is code
    assert await contents(books) == before


async def contents(books: Books) -> list[list[Any]]:
    """Everything that a hold could change."""
    async with books.database.owner() as connection:
        return [
            await connection.fetch(f"SELECT * FROM ledger.{table} ORDER BY 1, 2, 3")
            for table in ("account_part", "hold", "hold_refund", "entry", "block", "occasion")
        ]


@pytest.fixture
async def account(books: Books) -> Books:
    """Anna has 60 fen carried over and 100 of this year."""
    await books.credit(ANNA, current=100, carried=60)
    return books


async def test_what_is_reserved_is_taken_in_order_and_no_longer_available(account: Books) -> None:
    hold, existed = await done(account, "reserve", wanted(100))
    assert not existed
    assert hold.taken == (Taken(CARRIED, 60), Taken(CURRENT, 40))
    parts = await account.parts(ANNA)
    assert (parts[CARRIED].amount, parts[CARRIED].available) == (60, 0)
    assert (parts[CURRENT].amount, parts[CURRENT].available) == (100, 60)
    assert await account.faults() == []


async def test_the_same_reservation_again_gets_the_first_answer(account: Books) -> None:
    first, _ = await done(account, "reserve", wanted(100))
    account.wait(minutes=1)
    again, existed = await done(account, "reserve", wanted(100))
    assert existed
    assert again == first


async def test_a_repeat_after_the_end_tells_the_end(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    await done(account, "release", "h1")
    account.wait(hours=2)
    again, existed = await done(account, "reserve", wanted(100))
    assert existed
    assert again.state is HoldState.RELEASED


@pytest.mark.parametrize(
    "other",
    [
        wanted(99),
        wanted(100, allowed=(CURRENT,)),
        wanted(100, purpose="其他"),
        wanted(100, until=NOON + 2 * HOUR),
    ],
)
async def test_a_known_id_with_another_content_is_refused(
    account: Books, other: Reservation
) -> None:
    await done(account, "reserve", wanted(100))
    async with refused(account, RefusalCode.HOLD_DIFFERS):
        await done(account, "reserve", other)


async def test_more_than_is_available_is_refused(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    async with refused(account, RefusalCode.BALANCE_SHORT):
        await done(account, "reserve", wanted(61, "h2"))
    async with refused(account, RefusalCode.BALANCE_SHORT):
        await done(account, "reserve", wanted(1, "h3", allowed=(CARRIED,)))


async def test_a_part_named_twice_pays_once(account: Books) -> None:
    async with refused(account, RefusalCode.BALANCE_SHORT):
        await done(account, "reserve", wanted(61, allowed=(CARRIED, CARRIED)))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (wanted(0), RefusalCode.AMOUNT_OUT_OF_RANGE),
        (wanted(-5), RefusalCode.AMOUNT_OUT_OF_RANGE),
        (wanted(1, ""), RefusalCode.FIELD_INVALID),
        (wanted(1, until=NOON), RefusalCode.DATE_NOT_ALLOWED),
    ],
)
async def test_what_is_no_reservation_is_refused(
    account: Books, bad: Reservation, code: RefusalCode
) -> None:
    async with refused(account, code):
        await done(account, "reserve", bad)


async def test_a_capture_takes_from_the_parts_in_order_and_frees_the_rest(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    hold = await done(account, "capture", "h1", 70, WAY)
    assert (hold.state, hold.captured) == (HoldState.CAPTURED, 70)
    parts = await account.parts(ANNA)
    assert (parts[CARRIED].amount, parts[CARRIED].held) == (0, 0)
    assert (parts[CURRENT].amount, parts[CURRENT].held) == (90, 0)
    async with account.database.reader(None) as connection:
        entries = (await ledger.entries_of(connection, POOL, [hold.posting]))[hold.posting]
    assert entries[-1] == (WAY, 70)
    assert await account.faults() == []


async def test_a_hold_is_captured_once_and_never_beyond_its_amount(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    async with refused(account, RefusalCode.HOLD_EXCEEDED):
        await done(account, "capture", "h1", 101, WAY)
    async with refused(account, RefusalCode.AMOUNT_OUT_OF_RANGE):
        await done(account, "capture", "h1", 0, WAY)
    await done(account, "capture", "h1", 50, WAY)
    async with refused(account, RefusalCode.HOLD_ENDED):
        await done(account, "capture", "h1", 50, WAY)
    async with refused(account, RefusalCode.HOLD_ENDED):
        await done(account, "release", "h1")


async def test_a_hold_that_was_never_made_is_refused(account: Books) -> None:
    async with refused(account, RefusalCode.HOLD_UNKNOWN):
        await done(account, "capture", "h9", 1, WAY)


async def test_after_a_release_nothing_can_be_captured(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    await done(account, "release", "h1")
    assert all(part.held == 0 for part in (await account.parts(ANNA)).values())
    async with refused(account, RefusalCode.HOLD_ENDED):
        await done(account, "capture", "h1", 1, WAY)


async def test_after_its_time_a_hold_is_over_whether_or_not_the_job_has_run(
    account: Books,
) -> None:
    await done(account, "reserve", wanted(100))
    account.wait(hours=1)
    async with refused(account, RefusalCode.HOLD_ENDED):
        await done(account, "capture", "h1", 1, WAY)
    async with account.database.owner() as connection:
        assert await holds.expire(connection, account.now) == 1
        assert await holds.expire(connection, account.now) == 0
    assert all(part.held == 0 for part in (await account.parts(ANNA)).values())
    async with account.database.reader(None) as connection:
        (hold,) = await holds.holds_of(connection, POOL, ANNA)
    assert hold.state is HoldState.EXPIRED
    async with refused(account, RefusalCode.HOLD_ENDED):
        await done(account, "capture", "h1", 1, WAY)


async def test_the_job_leaves_a_hold_that_somebody_is_ending(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    account.wait(hours=1)
    async with account.unit() as unit, account.database.owner() as connection:
        await ledger.lock_parts(unit, [ANNA])
        assert await holds.expire(connection, account.now) == 0


async def test_refunds_go_back_to_the_exact_parts_the_last_first(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    await done(account, "capture", "h1", 90, WAY)
    await done(account, "refund", "h1", "r1", 20)
    parts = await account.parts(ANNA)
    assert (parts[CARRIED].amount, parts[CURRENT].amount) == (0, 90)
    await done(account, "refund", "h1", "r2", 70)
    parts = await account.parts(ANNA)
    assert (parts[CARRIED].amount, parts[CURRENT].amount) == (60, 100)
    assert await account.faults() == []


async def test_a_refund_twice_is_one_and_beyond_the_capture_none(account: Books) -> None:
    await done(account, "reserve", wanted(100))
    async with refused(account, RefusalCode.HOLD_ENDED):
        await done(account, "refund", "h1", "r1", 1)
    await done(account, "capture", "h1", 90, WAY)
    first = await done(account, "refund", "h1", "r1", 50)
    assert await done(account, "refund", "h1", "r1", 50) == first
    async with refused(account, RefusalCode.HOLD_DIFFERS):
        await done(account, "refund", "h1", "r1", 51)
    async with refused(account, RefusalCode.HOLD_EXCEEDED):
        await done(account, "refund", "h1", "r2", 41)


async def test_a_refund_to_an_account_that_was_closed_since_is_owed_to_its_owner(
    account: Books,
) -> None:
    await done(account, "reserve", wanted(160))
    await done(account, "capture", "h1", 160, WAY)
    async with account.unit() as unit:
        await ledger.lock_parts(unit, [ANNA])
        await ledger.set_state(unit, ANNA, AccountState.CLOSED)
    refund = await done(account, "refund", "h1", "r1", 160)
    async with account.database.reader(None) as connection:
        entries = (await ledger.entries_of(connection, POOL, [refund.posting]))[refund.posting]
    assert {entry.account for entry in entries} == {owed_account(ANNA), WAY}
    assert await account.faults() == []


async def test_of_many_at_once_only_what_there_is_is_reserved(account: Books) -> None:
    """160 fen are there; of eight times 30 five are granted, and each is captured once."""
    reserved = await settled(
        done(account, "reserve", wanted(30, f"h{number}")) for number in range(8)
    )
    granted = [made.hold.reservation.id for made in reserved if not isinstance(made, Refused)]
    assert len(granted) == 5
    captured = await settled(
        done(account, "capture", name, 30, WAY) for name in granted for _ in range(2)
    )
    assert sum(isinstance(hold, Hold) for hold in captured) == 5
    assert sum(part.amount for part in (await account.parts(ANNA)).values()) == 10
    assert await account.faults() == []


async def settled(works: Any) -> list[Any]:
    """All at once; a block that was written meanwhile makes one of two writers try again."""

    async def one(work: Awaitable[Any]) -> Any:
        try:
            return await work
        except Refused as told:
            return told

    return await asyncio.gather(*(one(work) for work in works))


# ------------------------------------------------------------------------------------ any order


@dataclass
class Shadow:
    """What holds should be, kept in plain numbers."""

    balance: Fen
    open: dict[str, tuple[Fen, Any]] = field(default_factory=dict)
    captured: dict[str, Fen] = field(default_factory=dict)
    made: int = 0

    @property
    def held(self) -> Fen:
        """What should be set aside."""
        return sum(amount for amount, _ in self.open.values())


STEPS = st.tuples(
    st.sampled_from(("reserve", "reserve", "capture", "release", "refund", "wait", "expire")),
    st.integers(0, 3),
    st.integers(1, 120),
)


@given(st.lists(STEPS, min_size=5, max_size=25))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_in_any_order_money_is_where_it_should_be(
    books: Books, steps: list[tuple[str, int, int]]
) -> None:
    for table in ("hold_refund", "hold", "account_part", "entry", "block", "occasion"):
        await books.tamper(f"DELETE FROM ledger.{table}")
    books.now = NOON
    await books.credit(ANNA, current=100, carried=60)
    shadow = Shadow(160)
    for step, which, amount in steps:
        await take(books, shadow, step, which, amount)
        parts = (await books.parts(ANNA)).values()
        assert sum(part.amount for part in parts) == shadow.balance
        assert sum(part.held for part in parts) == shadow.held
    assert await books.faults() == []


async def take(books: Books, shadow: Shadow, step: str, which: int, amount: Fen) -> None:
    """One step, in the ledger and in the shadow, which agree on whether it is refused."""
    if step == "wait":
        books.wait(minutes=amount)
        return
    if step == "expire":
        async with books.database.owner() as connection:
            await holds.expire(connection, books.now)
        shadow.open = {n: one for n, one in shadow.open.items() if one[1] > books.now}
        return
    if step == "reserve":
        shadow.made += 1
        name, until = f"h{shadow.made}", books.now + HOUR
        allowed = amount <= shadow.balance - shadow.held
        assert await happens(done(books, "reserve", wanted(amount, name, until=until))) is allowed
        if allowed:
            shadow.open[name] = amount, until
        return
    name = sorted([*shadow.open, *shadow.captured, "h0"])[which % (len(shadow.open) + 1)]
    reserved, until = shadow.open.get(name, (0, books.now))
    if step == "capture":
        allowed = until > books.now and amount <= reserved
        assert await happens(done(books, "capture", name, amount, WAY)) is allowed
        if allowed:
            shadow.balance -= amount
            shadow.captured[name] = amount
            del shadow.open[name]
    elif step == "release":
        allowed = until > books.now
        assert await happens(done(books, "release", name)) is allowed
        if allowed:
            del shadow.open[name]
    else:
        name = next(iter(shadow.captured), "h0")
        allowed = amount <= shadow.captured.get(name, 0)
        shadow.made += 1
        assert await happens(done(books, "refund", name, f"r{shadow.made}", amount)) is allowed
        if allowed:
            shadow.balance += amount
            shadow.captured[name] -= amount


async def happens(work: Awaitable[Any]) -> bool:
    """Whether it is done, and not refused."""
    try:
        await work
    except Refused:
        return False
    return True
