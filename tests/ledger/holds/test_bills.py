"""A bill leaves alone what is held, whoever comes first."""

import asyncio
from datetime import timedelta

from tests.settlement.builders import POOL, Town
from yibao.kernel.refusals import Refused
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import Reservation
from yibao.platform.commands.model import Done, Unit


async def reserved(town: Town, member: str, amount: int, name: str = "h1") -> bool:
    """Whether so much could be set aside."""
    async with town.database.writer() as connection, connection.transaction():
        unit = Unit(POOL, connection, town.clock.now(), town.numbers)
        until = unit.now + timedelta(hours=1)
        try:
            await holds.reserve(
                unit, Reservation(name, member, amount, ("2026:current",), "代缴", until)
            )
        except Refused:
            return False
    return True


async def test_a_bill_spends_only_what_is_not_held(town: Town) -> None:
    member = await town.insure(account="30")
    assert await reserved(town, member, 2_500)
    settled = await town.bill(member, "20")
    assert (settled.account, settled.cash) == (500, 1_500)
    assert await town.faults() == []


async def test_a_hold_takes_only_what_a_bill_left(town: Town) -> None:
    member = await town.insure(account="30")
    await town.bill(member, "20")
    assert not await reserved(town, member, 1_001)
    assert await reserved(town, member, 1_000)


async def test_a_bill_and_a_hold_at_once_never_spend_the_same_money(town: Town) -> None:
    for turn in range(5):
        member = await town.insure(account="30")
        visit = await town.open_visit(member)
        await town.charge(visit, "20")
        outcome, granted = await asyncio.gather(
            town.send(town.settlement(visit, "20")), reserved(town, member, 2_500, f"h{turn}")
        )
        assert isinstance(outcome, Done)
        paid = 500 if granted else 2_000
        assert outcome.result.account == paid
    assert await town.faults() == []
