"""Repeated, reversed, crossing and refused messages: what an institution can rely on."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.settlement.builders import OTHER_TERTIARY, TERTIARY, Town, key_of, line
from yibao.kernel.frozen import replace
from yibao.kernel.money import fen_from_yuan
from yibao.kernel.refusals import RefusalCode
from yibao.platform.commands.model import Done
from yibao.settlement import service as settlement
from yibao.settlement.model import CancelRegistration, Reverse, SettlementKind, WithdrawFees


async def test_a_retry_gets_the_first_answer(town: Town) -> None:
    visit = await town.open_visit(await town.insure(account="100"))
    await town.charge(visit, "60")
    command = town.command(town.settlement(visit, "60"))
    first = await town.commands.submit(command)
    assert isinstance(first, Done)
    again = await town.commands.submit(command)
    assert isinstance(again, Done)
    assert again.replayed
    async with town.database.writer() as connection:
        recalled = await town.room.recall(
            connection, command.pool, command.request, again.reference
        )
    assert recalled == first.result
    assert await town.rows("settlement.visible_settlement") == 1


@pytest.mark.parametrize(
    "later",
    [
        datetime(2026, 7, 31, 16, 0, 30, tzinfo=UTC),  # over midnight and month's end in China
        datetime(2026, 12, 31, 16, 0, 30, tzinfo=UTC),  # over the year's end
    ],
)
async def test_a_retry_over_midnight_and_months_end_gets_the_first_answer(
    town: Town, later: datetime
) -> None:
    town.clock.set(later - timedelta(minutes=1))
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "60")
    command = town.command(town.settlement(visit, "60"))
    await town.commands.submit(command)
    town.clock.set(later)
    again = await town.commands.submit(command)
    assert isinstance(again, Done)
    assert again.replayed


async def test_an_upload_is_answered_again_after_its_batch_was_withdrawn(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    command = town.command(town.upload(visit, line("1", "30"), line("2", "5")))
    first = await town.commands.submit(command)
    assert isinstance(first, Done)
    await town.do(WithdrawFees(TERTIARY, visit.member, visit.key, "0000"))
    again = await town.commands.submit(command)
    assert isinstance(again, Done)
    async with town.database.writer() as connection:
        recalled = await town.room.recall(
            connection, command.pool, command.request, again.reference
        )
    assert recalled == first.result


async def test_a_message_id_with_other_content_is_refused(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.do(town.upload(visit, line("1", "30")), message="M1")
    refusal = await town.refused(town.upload(visit, line("2", "30")), message="M1")
    assert refusal.code is RefusalCode.MESSAGE_REUSED
    assert await town.rows("settlement.visible_line") == 1


async def test_one_message_id_may_serve_two_transactions(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.do(town.upload(visit, line("1", "30")), message="M1")
    await town.do(town.settlement(visit, "30"), message="M1")


async def test_a_refusal_stays_while_the_facts_stay_and_goes_when_they_change(
    town: Town,
) -> None:
    visit = await town.open_visit(await town.insure())
    command = town.command(town.settlement(visit, "30"))
    for _ in range(2):
        refusal = await town.commands.submit(command)
        assert not isinstance(refusal, Done)
        assert refusal.code is RefusalCode.BATCH_UNKNOWN
    await town.do(town.upload(visit, line("1", "30")))
    outcome = await town.commands.submit(command)
    assert isinstance(outcome, Done)
    again = await town.commands.submit(command)
    assert isinstance(again, Done)
    assert again.reference == outcome.reference


async def test_a_reversal_undoes_a_settlement_and_may_come_twice(town: Town) -> None:
    member = await town.insure(account="100")
    settled = await town.bill(member, "1900")
    for _ in range(2):
        await town.do(town.reversal(settled))
    assert await town.counters(member) == {}
    assert await town.balance(member) == fen_from_yuan("100")
    assert await town.faults() == []
    assert await town.rows("settlement.visible_settlement") == 2


async def test_a_reversed_message_that_comes_again_is_refused(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "60")
    command = town.command(town.settlement(visit, "60"))
    settled = await town.commands.submit(command)
    assert isinstance(settled, Done)
    await town.do(town.reversal(settled.result))
    late = await town.commands.submit(command)
    assert not isinstance(late, Done)
    assert late.code is RefusalCode.MESSAGE_REVERSED
    # the batch is open again, under a new message
    await town.do(town.settlement(visit, "60"))


async def test_a_reversal_for_a_message_that_never_came_is_done_and_fences_it(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "60")
    command = town.command(town.settlement(visit, "60"))
    await town.do(Reverse(TERTIARY, visit.member, "2207", command.key.message_id, ""))
    late = await town.commands.submit(command)
    assert not isinstance(late, Done)
    assert late.code is RefusalCode.MESSAGE_REVERSED
    assert await town.rows("settlement.visible_settlement") == 0


async def test_a_reversal_of_a_cancellation_lets_the_settlement_stand_again(town: Town) -> None:
    member = await town.insure(account="100")
    settled = await town.bill(member, "1900")
    before = (await town.counters(member), await town.balance(member))
    mirror = await town.do(town.cancellation(settled))
    await town.do(town.reversal(mirror, "2208"))
    assert (await town.counters(member), await town.balance(member)) == before
    # and it may be cancelled again
    again = await town.do(town.cancellation(settled))
    assert again.kind is SettlementKind.CANCELLATION
    assert again.mirrors == key_of(settled)
    assert await town.faults() == []


async def test_a_cancellation_is_not_reversed_when_the_batch_was_settled_anew(town: Town) -> None:
    member = await town.insure()
    settled = await town.bill(member, "20")
    mirror = await town.do(town.cancellation(settled))
    async with town.database.reader(None) as connection:
        visit = await settlement.visit(connection, settled.visit)
    assert visit is not None
    await town.do(town.settlement(visit, "20"))
    refusal = await town.refused(town.reversal(mirror, "2208"))
    assert refusal.code is RefusalCode.NOT_REVERSIBLE


async def test_another_institution_cannot_reverse_or_see_it(town: Town) -> None:
    settled = await town.bill(await town.insure(), "20")
    foreign = replace(town.reversal(settled), institution=OTHER_TERTIARY)
    await town.do(foreign)  # to that institution it is a message that never came
    refusal = await town.refused(replace(town.cancellation(settled), institution=OTHER_TERTIARY))
    assert refusal.code is RefusalCode.VISIT_UNKNOWN
    assert await town.rows("settlement.visible_settlement") == 1


async def test_a_registration_is_not_cancelled_while_a_settlement_lives(town: Town) -> None:
    settled = await town.bill(await town.insure(), "20")
    request = CancelRegistration(TERTIARY, settled.member, settled.visit, "MZ1")
    assert (await town.refused(request)).code is RefusalCode.VISIT_SETTLED
    await town.do(town.cancellation(settled))
    await town.do(request)
    assert (await town.refused(request)).code is RefusalCode.VISIT_CANCELLED
