"""Reversals (2601) of stays and purchases: before, during and after the message they undo."""

import asyncio
from datetime import timedelta

import pytest

from tests.settlement.builders import Town, contents, stay_line
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import RefusalCode as Code
from yibao.platform.commands.model import Done
from yibao.platform.commands.service import Commands
from yibao.settlement.model import Reverse, SettlementFacts, VisitFacts, WithdrawLines
from yibao.settlement.service import REQUESTS


def _reversal(facts: SettlementFacts | VisitFacts, transaction: str, message: str) -> Reverse:
    return Reverse(facts.institution, facts.member, transaction, message, "")


async def _stay_to_settle(town: Town) -> VisitFacts:
    stay = await town.admit(await town.insure(account="100"), days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "5000")))
    await town.do(town.discharge(stay))
    return stay


async def test_a_stays_settlement_is_undone_whole_and_a_second_time_nothing(town: Town) -> None:
    stay = await _stay_to_settle(town)
    settled = await town.do(town.stay_settlement(stay, "5000"))
    for _ in range(2):
        await town.do(_reversal(settled, "2304A", settled.message_id))
    assert await town.counters(stay.member) == {}
    assert await town.balance(stay.member) == 10000
    assert await town.rows("settlement.visible_settlement") == 2
    await town.do(town.stay_settlement(stay, "5000"))


async def test_a_stays_cancellation_is_undone(town: Town) -> None:
    stay = await _stay_to_settle(town)
    settled = await town.do(town.stay_settlement(stay, "5000"))
    counted = await town.counters(stay.member)
    mirror = await town.do(town.cancellation(settled), transaction="2305")
    await town.do(_reversal(mirror, "2305", mirror.message_id))
    assert await town.counters(stay.member) == counted
    assert (await town.refused(town.stay_settlement(stay, "5000"))).code is Code.BATCH_SETTLED


async def test_a_cancellation_is_not_undone_when_lines_were_added_since(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "50")))
    settled = await town.do(town.stay_settlement(stay, "50", interim=True))
    mirror = await town.do(town.cancellation(settled), transaction="2305")
    await town.do(town.upload(stay, stay_line("2", "5")))
    refusal = await town.refused(_reversal(mirror, "2305", mirror.message_id))
    assert refusal.code is Code.NOT_REVERSIBLE


async def test_a_purchase_and_its_cancellation_are_undone(town: Town) -> None:
    member = await town.insure(account="100")
    bought = await town.do(town.purchase(member))
    mirror = await town.do(town.cancellation(bought), transaction="2103")
    assert await town.balance(member) == 10000
    await town.do(_reversal(mirror, "2103", mirror.message_id))
    assert await town.balance(member) == 7000
    await town.do(_reversal(bought, "2102", bought.message_id))
    assert await town.balance(member) == 10000
    assert await town.faults() == []


async def test_an_admission_is_undone_unless_something_hangs_on_it(town: Town) -> None:
    member = await town.insure()
    await town.do(town.admission(member), message="M1")
    reversal = Reverse(town.admission(member).institution, member, "2401", "M1", "")
    await town.do(reversal)
    stay = await town.do(town.admission(member), message="M2")
    await town.do(town.upload(stay, stay_line("1", "5")))
    refusal = await town.refused(replace(reversal, original_message="M2"))
    assert refusal.code is Code.LINES_LEFT
    assert "2302" in refusal.message


async def test_a_reversal_that_came_first_keeps_the_late_original_out(town: Town) -> None:
    member = await town.insure()
    for transaction, request in (("2401", town.admission(member)), ("2102", town.purchase(member))):
        before = await contents(town)
        await town.do(Reverse(request.institution, member, transaction, "LATE", ""))
        refusal = await town.refused(request, message="LATE")
        assert refusal.code is Code.MESSAGE_REVERSED
        assert await contents(town) == before


async def test_a_reversal_that_crosses_an_admission_leaves_nobody_in_hospital(town: Town) -> None:
    other = Commands(
        town.database.writer,
        town.clock,
        NumberSource(200),
        dict.fromkeys(REQUESTS, town.room.handle),
    )
    for _ in range(6):
        member = await town.insure()
        command = town.command(town.admission(member))
        reversal = Reverse(command.key.institution, member, "2401", command.key.message_id, "")
        _, reversed_ = await asyncio.gather(
            town.commands.submit(command), other.submit(town.command(reversal))
        )
        assert isinstance(reversed_, Done)
        await town.do(town.admission(member))


@pytest.mark.parametrize(("hours", "done"), [(23, True), (25, False)])
async def test_after_a_day_the_usual_cancellation_is_named_instead(
    town: Town, hours: int, done: bool
) -> None:
    stay = await _stay_to_settle(town)
    settled = await town.do(town.stay_settlement(stay, "5000"))
    town.clock.set(town.clock.now() + timedelta(hours=hours))
    outcome = await town.send(_reversal(settled, "2304", settled.message_id))
    if done:
        assert isinstance(outcome, Done)
    else:
        assert not isinstance(outcome, Done)
        assert (outcome.code, outcome.facts) == (Code.NOT_REVERSIBLE, {"instead": "2305"})


async def test_what_is_not_reversible_is_refused_with_what_is(town: Town) -> None:
    stay = await town.admit(await town.insure())
    refusal = await town.refused(_reversal(stay, "2402", "M"))
    assert refusal.code is Code.NOT_REVERSIBLE
    assert "2304" in refusal.message


async def test_a_refused_reversal_stays_refused_when_a_late_copy_comes(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "50")))
    settled = await town.do(town.stay_settlement(stay, "50", interim=True))
    mirror = await town.do(town.cancellation(settled), transaction="2305")
    await town.do(town.upload(stay, stay_line("2", "5")))
    reversal = _reversal(mirror, "2305", mirror.message_id)
    first = await town.refused(reversal, message="refused-once")
    await town.do(WithdrawLines(stay.institution, stay.member, stay.key, ("2",)))
    before = await contents(town)
    again = await town.refused(reversal, message="refused-once")
    assert (again.code, again.message) == (first.code, first.message)
    assert await contents(town) == before
    await town.do(reversal, message="asked-anew")
    assert await town.rows("settlement.visible_settlement") == 3
