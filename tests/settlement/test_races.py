"""Bills that meet: at once gives what one after the other gives, in and across processes."""

import asyncio
from itertools import count

import asyncpg
import pytest

from tests.settlement.builders import (
    FOREIGN,
    OTHER_TERTIARY,
    TERTIARY,
    Town,
    line,
    return_of,
    stay_line,
)
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.money import fen_from_yuan
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.commands.model import Done
from yibao.platform.commands.service import Commands
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.model import Reverse, SettlementFacts
from yibao.settlement.service import REQUESTS


@pytest.fixture
async def second(town: Town) -> Commands:
    """The commands of another process on the same database."""
    return Commands(
        town.database.writer,
        town.clock,
        NumberSource(200),
        dict.fromkeys(REQUESTS, town.room.handle),
    )


async def test_a_ceiling_met_by_bills_at_once_equals_the_serial_result(
    town: Town, second: Commands
) -> None:
    member = await town.insure(account="300")
    visits = [await town.open_visit(member) for _ in range(12)]
    for visit in visits:
        await town.charge(visit, "333.33")
    outcomes = await asyncio.gather(
        *(
            (town.commands if i % 2 else second).submit(
                town.command(town.settlement(visit, "333.33"))
            )
            for i, visit in enumerate(visits)
        )
    )
    bills: list[SettlementFacts] = [o.result for o in outcomes if isinstance(o, Done)]
    assert len(bills) == 12
    assert sum(bill.deductible for bill in bills) == fen_from_yuan("1800")
    assert sum(bill.account for bill in bills) == fen_from_yuan("300")
    alone = await town.insure(account="300")
    serial = [await town.bill(alone, "333.33") for _ in range(12)]
    assert sum(b.funds for b in bills) == sum(b.funds for b in serial)
    assert await town.balance(member) == 0
    assert await town.faults() == []
    assert await _accumulators_are_their_entries(town)


async def test_a_cancellation_waits_for_who_moves_what_the_bill_had_read(town: Town) -> None:
    member = await town.insure()
    await town.bill(member, "2000")  # the deductible is paid: the next bill reads it, no more
    bill = await town.bill(member, "100")
    async with town.database.writer() as held:
        moved = await held.fetch(
            "SELECT counter, scope FROM settlement.accumulator_entry WHERE settlement = $1",
            bill.key.number if bill.key else 0,
        )
        only_read = set(bill.snapshot["counters"]) - {f"{name}@{scope}" for name, scope in moved}
        assert only_read
        async with held.transaction():
            await held.execute(
                """SELECT FROM settlement.accumulator
                   WHERE member = $1 AND counter || '@' || scope = ANY ($2::text[]) FOR UPDATE""",
                member,
                list(only_read),
            )
            cancelled = asyncio.create_task(town.send(town.cancellation(bill)))
            done, _ = await asyncio.wait([cancelled], timeout=1)
            assert not done, "it saw who stands before that was decided"
        assert isinstance(await cancelled, Done)


async def test_a_double_submit_settles_once(town: Town, second: Commands) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "50")
    command = town.command(town.settlement(visit, "50"))
    outcomes = await asyncio.gather(
        *(c.submit(command) for c in (town.commands, second, town.commands, second))
    )
    assert all(isinstance(o, Done) for o in outcomes)
    assert len({o.reference["settlement"] for o in outcomes if isinstance(o, Done)}) == 1
    assert await town.rows("settlement.visible_settlement") == 1


async def test_two_messages_for_one_batch_settle_once(town: Town, second: Commands) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "50")
    outcomes = await asyncio.gather(
        *(c.submit(town.command(town.settlement(visit, "50"))) for c in (town.commands, second))
    )
    assert sum(isinstance(o, Done) for o in outcomes) == 1
    assert await town.rows("settlement.visible_settlement") == 1


async def test_a_reversal_that_crosses_its_original_leaves_nothing_settled(
    town: Town, second: Commands
) -> None:
    for _ in range(8):
        visit = await town.open_visit(await town.insure())
        await town.charge(visit, "50")
        command = town.command(town.settlement(visit, "50"))
        reversal = Reverse(visit.institution, visit.member, "2207", command.key.message_id, "")
        settled, reversed_ = await asyncio.gather(
            town.commands.submit(command), second.submit(town.command(reversal))
        )
        assert isinstance(reversed_, Done)
        async with town.database.reader(None) as connection:
            living = await connection.fetchval(
                "SELECT count(*) FROM settlement.visible_batch WHERE visit = $1"
                " AND living_settlement IS NOT NULL",
                visit.key.number,
            )
        assert living == 0, settled
    assert await town.faults() == []


async def test_one_bad_command_in_a_batch_fails_alone(town: Town) -> None:
    good = [await town.open_visit(await town.insure()) for _ in range(6)]
    commands = [town.command(town.upload(visit, line("1", "5"))) for visit in good]
    # a details value that JSON cannot carry: not a refusal, a fault in the middle of the batch
    visit = await town.open_visit(await town.insure())
    broken = town.command(town.upload(visit, replace(line("1", "5"), details={"x": object()})))
    outcomes = await asyncio.gather(
        *(town.commands.submit(c) for c in [*commands[:3], broken, *commands[3:]])
    )
    assert [isinstance(o, Done) for o in outcomes] == [True, True, True, False, True, True, True]
    assert await town.rows("settlement.visible_line") == 6


async def test_many_bills_of_many_people_keep_every_book_in_balance(
    town: Town, second: Commands
) -> None:
    people = [await town.insure(account="200", carried="100") for _ in range(10)]
    numbers = count()

    async def live(member: str) -> None:
        for _ in range(4):
            n = next(numbers)
            visit = await town.open_visit(member)
            await town.charge(visit, "523.45")
            commands = town.commands if n % 2 else second
            outcome = await commands.submit(town.command(town.settlement(visit, "523.45")))
            assert isinstance(outcome, Done), outcome
            if n % 3 == 0:
                await town.do(town.cancellation(outcome.result))

    await asyncio.gather(*(live(member) for member in people))
    assert await town.faults() == []
    assert await _accumulators_are_their_entries(town)
    async with town.database.reader(None) as connection:
        claimed = await connection.fetchval(
            "SELECT sum(amount) FROM ledger.entry WHERE account LIKE 'institution:%:claimed'"
        )
        settled = await connection.fetchval(
            "SELECT sum(funds + account) FROM settlement.visible_settlement"
        )
    assert claimed == settled


async def test_an_accumulator_cannot_be_changed_by_a_reader(town: Town) -> None:
    async with town.database.reader(None) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE settlement.accumulator SET amount = 0")


async def test_a_writer_cannot_change_or_delete_a_settled_fact(town: Town) -> None:
    await town.bill(await town.insure(), "10")
    for statement in (
        "UPDATE settlement.settlement SET total = 0",
        "DELETE FROM settlement.settlement",
        "UPDATE ledger.entry SET amount = 1",
        "DELETE FROM ledger.entry",
        "UPDATE settlement.fee_upload SET sent = sent",
        "DELETE FROM settlement.accumulator_entry",
    ):
        async with town.database.writer() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def _accumulators_are_their_entries(town: Town) -> bool:
    async with town.database.reader(None) as connection:
        return await accumulators.inconsistencies(connection) == []


async def test_two_hospitals_that_admit_one_human_at_once_are_told_apart(
    town: Town, second: Commands
) -> None:
    for _ in range(6):
        member = await town.insure()
        outcomes = await asyncio.gather(
            town.commands.submit(town.command(town.admission(member, TERTIARY))),
            second.submit(town.command(town.admission(member, OTHER_TERTIARY))),
        )
        assert sum(isinstance(o, Done) for o in outcomes) == 1
        (refusal,) = (o for o in outcomes if isinstance(o, Refusal))
        assert refusal.code is RefusalCode.STAY_OVERLAPS


async def test_two_pools_that_admit_one_human_at_once_are_told_apart(
    town: Town, second: Commands
) -> None:
    for _ in range(6):
        home, away = await town.insure_twice()
        outcomes = await asyncio.gather(
            town.commands.submit(town.command(town.admission(home))),
            second.submit(
                replace(town.command(town.admission(away, FOREIGN)), pool=Pool("430100"))
            ),
        )
        (refusal,) = (o for o in outcomes if isinstance(o, Refusal))
        assert refusal.code is RefusalCode.STAY_OVERLAPS


async def test_a_last_return_raced_goes_back_once(town: Town, second: Commands) -> None:
    stay = await town.admit(await town.insure())
    original = stay_line("1", "100", quantity="10", price="10")
    await town.do(town.upload(stay, original))
    outcomes = await asyncio.gather(
        *(
            commands.submit(town.command(town.upload(stay, return_of(original, serial, "6", "60"))))
            for serial, commands in (("2", town.commands), ("3", second))
        )
    )
    assert sum(isinstance(o, Done) for o in outcomes) == 1
