"""Stock is a sum of facts; two sales of one box at the same moment: one wins."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from tests.inventory.builders import ITEM, NOON, movement, sale, sale_return
from yibao.inventory.model import DeleteGoods, Movement, MovementKind, RecordGoods
from yibao.inventory.service import handlers, stock
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.periods import instant_of
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.clock import SettableClock
from yibao.platform.commands.model import Command, Done, MessageKey, Outcome
from yibao.platform.commands.service import Commands
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.service import ReferenceCache

HERE, THERE = "P11000000004", "H11000000001"
_messages = count(1)


async def desk_over(database: Database) -> Commands:
    """The commands of one server process."""
    vault = Vault(b"k" * 32)
    made = handlers(ReferenceCache(vault), vault)
    return Commands(database.writer, SettableClock(NOON), await database.numbers(), made)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Commands]:
    """The commands of a server."""
    commands = await desk_over(database)
    yield commands
    await commands.drain()


async def send(
    commands: Commands, request: RecordGoods | DeleteGoods, message: str | None = None
) -> Outcome:
    """Submit a request under a message id of its own."""
    key = MessageKey(request.institution, "3505", message or f"m{next(_messages)}")
    return await commands.submit(
        Command(NO_PERSON_POOL, request.institution, key, b"digest", request)
    )


async def done(commands: Commands, *rows: Movement, institution: str = HERE) -> None:
    """Record rows that must be accepted."""
    outcome = await send(commands, RecordGoods(institution, rows, by_row=False))
    assert isinstance(outcome, Done), outcome


async def left(database: Database, institution: str = HERE) -> int | None:
    """The stock of the item in whole units, as the institution reads it."""
    async with database.reader([institution]) as connection:
        found = await stock(connection, institution, ITEM)
    return None if found is None else found // 10_000


async def test_stock_is_opening_and_purchases_less_what_left(
    database: Database, desk: Commands
) -> None:
    assert await left(database) is None
    for kind, quantity, expected in (
        (MovementKind.PURCHASE, 10, 10),
        (MovementKind.PURCHASE_RETURN, -2, 8),
        (MovementKind.SALE, -5, 3),
        (MovementKind.SALE_RETURN, 1, 4),
        (MovementKind.CHANGE, -1, 3),
    ):
        await done(desk, movement(kind, quantity, codes=()))
        assert await left(database) == expected, kind
    assert await left(database, THERE) is None


async def test_a_stock_taking_opens_its_day(database: Database, desk: Commands) -> None:
    before, on_day = NOON.replace(day=13), NOON.replace(day=14)
    counted = {"moved_at": instant_of(on_day.replace(tzinfo=None, hour=0)), "codes": ()}
    await done(desk, movement(MovementKind.PURCHASE, 100, codes=(), moved_at=before))
    await done(desk, movement(MovementKind.STOCK_TAKING, 7, serial="LOT-1", **counted))
    await done(desk, movement(MovementKind.STOCK_TAKING, 5, serial="LOT-2", **counted))
    assert await left(database) == 12
    await done(desk, sale(codes=(), moved_at=on_day))
    await done(desk, sale(codes=(), moved_at=before))  # recorded late, counted already
    assert await left(database) == 11
    await done(desk, movement(MovementKind.STOCK_TAKING, 6, serial="LOT-1", **counted))
    assert await left(database) == 10, "a lot counted again replaces its first count"


async def test_more_than_there_was_may_be_sold_but_is_warned_of(desk: Commands) -> None:
    outcome = await send(desk, RecordGoods(HERE, (sale(),), by_row=False))
    assert isinstance(outcome, Done)
    (warning,) = outcome.result.warnings
    assert ITEM in warning
    assert "-1.0000" in warning


async def test_a_box_goes_out_once_until_it_comes_back(database: Database, desk: Commands) -> None:
    await done(desk, sale(serial="A"))
    for institution in (HERE, THERE):
        outcome = await send(desk, RecordGoods(institution, (sale(),), by_row=False))
        assert isinstance(outcome, Refusal)
        assert outcome.code == RefusalCode.CODE_SOLD
    await done(desk, sale_return())
    await done(desk, sale(), institution=THERE)
    assert await left(database) == 0
    assert await left(database, THERE) == -1


async def test_a_bad_row_leaves_the_good_ones_of_its_list(
    database: Database, desk: Commands
) -> None:
    rows = (sale(serial="A"), sale(serial="B"), sale(serial="C", codes=("9" * 20,)))
    outcome = await send(desk, RecordGoods(HERE, rows, by_row=True), "one")
    assert isinstance(outcome, Done)
    assert list(outcome.result.refused) == [1]
    assert await left(database) == -2
    again = await send(desk, RecordGoods(HERE, rows, by_row=True), "one")
    assert isinstance(again, Done)
    assert again.replayed
    assert list(again.reference["refused"]) == ["1"]
    assert await left(database) == -2


async def test_a_deleted_record_counts_no_more_and_frees_its_box(
    database: Database, desk: Commands
) -> None:
    gone = DeleteGoods(HERE, "A", (MovementKind.SALE, MovementKind.SALE_RETURN))
    await done(desk, sale(serial="A"))
    assert isinstance(await send(desk, gone), Done)
    assert await left(database) is None
    assert isinstance(await send(desk, gone), Refusal)
    await done(desk, sale(serial="B"), institution=THERE)
    other = await send(desk, DeleteGoods(HERE, "B", (MovementKind.SALE,)))
    assert isinstance(other, Refusal), "another institution's record is not there"
    assert await left(database, THERE) == -1


async def test_a_return_is_not_deleted_when_its_box_was_sold_again(
    database: Database, desk: Commands
) -> None:
    await done(desk, sale(serial="A"))
    await done(desk, sale_return(serial="R"))
    await done(desk, sale(serial="B"), institution=THERE)
    gone = DeleteGoods(HERE, "R", (MovementKind.SALE_RETURN,))
    outcome = await send(desk, gone)
    assert isinstance(outcome, Refusal)
    assert outcome.code == RefusalCode.CODE_SOLD
    assert await left(database) == 0
    assert isinstance(await send(desk, DeleteGoods(THERE, "B", (MovementKind.SALE,))), Done)
    assert isinstance(await send(desk, gone), Done)
    again = await send(desk, RecordGoods(THERE, (sale(),), by_row=False))
    assert isinstance(again, Refusal), "the first sale counts again"


async def test_of_many_sales_of_one_box_at_once_one_wins(dsn: str) -> None:
    """Two server processes, many institutions, one box."""
    first, second = await Database.open(dsn), await Database.open(dsn)
    try:
        desks = [await desk_over(first), await desk_over(second)]
        outcomes = await asyncio.gather(
            *(
                send(desks[i % 2], RecordGoods(f"P{i:011d}", (sale(),), by_row=False))
                for i in range(40)
            )
        )
        assert sum(isinstance(outcome, Done) for outcome in outcomes) == 1
        refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
        assert {refusal.code for refusal in refusals} == {RefusalCode.CODE_SOLD}
        async with first.reader(None) as connection:
            sold = await connection.fetchval("SELECT count(*) FROM inventory.visible_movement")
        assert sold == 1
    finally:
        await asyncio.gather(first.close(), second.close())
