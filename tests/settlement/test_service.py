"""The way of a bill through the room, over a real database."""

from datetime import date

import pytest

from tests.settlement.builders import (
    CLASS_B,
    CLASS_C,
    CLINIC,
    OTHER_TERTIARY,
    POOL,
    RESIDENT,
    TERTIARY,
    Town,
    key_of,
    line,
    set_terms,
)
from yibao.kernel.frozen import replace
from yibao.kernel.money import fen_from_yuan
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode
from yibao.platform.commands.model import Done
from yibao.registry.catalogue.model import Catalogue
from yibao.registry.service import ReferenceCache
from yibao.settlement import service as settlement
from yibao.settlement.model import Practice, SerialScope, SettlementKind, WithdrawFees


async def test_an_active_employee_pays_the_deductible_first(town: Town) -> None:
    member = await town.insure()
    settled = await town.bill(member, "2000")
    # 1800 deductible, then 70 % of 200 (published case A49)
    assert (settled.deductible, settled.funds, settled.cash) == (180000, 14000, 186000)


async def test_the_deductible_is_paid_once_a_year(town: Town) -> None:
    member = await town.insure()
    await town.bill(member, "1700")
    second = await town.bill(member, "1100")
    assert (second.deductible, second.funds) == (10000, 70000)


async def test_grass_roots_care_is_paid_at_ninety_per_cent(town: Town) -> None:
    member = await town.insure()
    await town.bill(member, "1800")
    assert (await town.bill(member, "100", CLINIC)).funds == 9000


async def test_the_account_pays_carried_over_money_too_and_the_rest_is_cash(town: Town) -> None:
    member = await town.insure(account="100", carried="50")
    settled = await town.bill(member, "200")
    assert (settled.account, settled.cash, settled.balance) == (15000, 5000, 0)
    assert await town.balance(member) == 0


async def test_without_the_flag_the_account_stays_untouched(town: Town) -> None:
    member = await town.insure(account="100")
    visit = await town.open_visit(member)
    await town.charge(visit, "50")
    settled = await town.do(town.settlement(visit, "50", use_account=False))
    assert (settled.account, settled.cash, settled.balance) == (0, 5000, 10000)


async def test_several_settlements_stand_on_one_registration(town: Town) -> None:
    member = await town.insure()
    visit = await town.open_visit(member)
    for batch, amount in (("fee", "50"), ("tests", "1750"), ("drugs", "100")):
        await town.charge(visit, amount, batch=batch)
        settled = await town.do(town.settlement(visit, amount, batch=batch))
    assert settled.funds == 7000
    assert await town.faults() == []


async def test_the_trial_equals_the_settlement(town: Town) -> None:
    member = await town.insure(account="123.45")
    await town.bill(member, "1765.43")
    visit = await town.open_visit(member)
    await town.charge(visit, "333.33", item=CLASS_B)
    request = town.settlement(visit, "333.33")
    tried, settled = await town.trial(request), await town.do(request)
    for field in ("sums", "deductible", "payments", "personal", "account", "cash", "balance"):
        assert getattr(tried, field) == getattr(settled, field), field
    assert tried.key is None


async def test_the_trial_writes_nothing(town: Town) -> None:
    member = await town.insure()
    visit = await town.open_visit(member)
    await town.charge(visit, "10")
    await town.trial(town.settlement(visit, "10"))
    assert await town.rows("settlement.visible_settlement") == 0
    assert await town.counters(member) == {}


async def test_cancelling_all_restores_the_state_before(town: Town) -> None:
    member = await town.insure(account="500", carried="30")
    settled = [await town.bill(member, amount) for amount in ("1500", "900", "77.77")]
    assert await town.counters(member) != {}
    for bill in reversed(settled):
        mirror = await town.do(town.cancellation(bill))
        assert mirror.kind is SettlementKind.CANCELLATION
        assert (mirror.sums.total, mirror.deductible) == (-bill.sums.total, -bill.deductible)
        assert mirror.funds == -bill.funds
    assert await town.counters(member) == {}
    assert await town.balance(member) == fen_from_yuan("530")
    assert await town.faults() == []


async def test_cancelling_out_of_order_flags_the_later_bill(town: Town) -> None:
    member = await town.insure()
    first, second = await town.bill(member, "1800"), await town.bill(member, "100")
    stranger = await town.bill(await town.insure(), "100")
    await town.do(town.cancellation(first))
    async with town.database.reader(None) as connection:
        flagged = await connection.fetch("SELECT settlement FROM settlement.resettlement_flag")
    assert [row["settlement"] for row in flagged] == [key_of(second).number]
    assert key_of(stranger).number not in {row["settlement"] for row in flagged}


async def test_a_cancelled_batch_may_be_settled_anew(town: Town) -> None:
    member = await town.insure()
    visit = await town.open_visit(member)
    await town.charge(visit, "2000")
    first = await town.do(town.settlement(visit, "2000"))
    await town.do(town.cancellation(first))
    second = await town.do(town.settlement(visit, "2000"))
    assert (second.funds, second.deductible) == (first.funds, first.deductible)
    assert second.key != first.key


async def test_a_resident_has_the_resident_law(town: Town) -> None:
    member = await town.insure("1501", RESIDENT)
    visit = await town.open_visit(member, TERTIARY, RESIDENT)
    await town.charge(visit, "750")
    settled = await town.do(town.settlement(visit, "750"))
    # 550 deductible at level 3, then 50 %
    assert (settled.deductible, settled.funds) == (55000, 10000)


async def test_a_class_b_line_has_its_first_pay_and_a_class_c_line_is_own_expense(
    town: Town,
) -> None:
    member = await town.insure()
    visit = await town.open_visit(member)
    (second, third) = await town.do(
        town.upload(
            visit,
            line("b", "100", item=CLASS_B),
            line("c", "7", item=CLASS_C),
        )
    )
    assert (second.first_pay, second.in_scope) == (1000, 9000)
    assert (third.own, third.in_scope) == (700, 0)


async def test_a_change_of_the_catalogue_after_the_upload_is_classified_again(town: Town) -> None:
    member = await town.insure()
    visit = await town.open_visit(member)
    await town.charge(visit, "100", item=CLASS_B)
    async with town.database.writer() as connection:
        await set_terms(connection, town.clock.now(), CLASS_B, "02", 3000)
        await connection.execute("UPDATE registry.version SET number = number + 1")
    settled = await town.do(town.settlement(visit, "100"))
    assert settled.sums.first_pay == 3000
    async with town.database.reader(None) as connection:
        stored = await connection.fetchval("SELECT first_pay FROM settlement.visible_line")
    assert stored == 3000


async def test_a_stored_settlement_comes_out_again_from_its_own_facts(town: Town) -> None:
    member = await town.insure("1201", account="40")
    await town.bill(member, "1000")
    settled = await town.bill(member, "800")
    async with town.database.reader(None) as connection:
        stored = await settlement.settlement(connection, key_of(settled))
        assert stored is not None
        again = await settlement.explained(connection, stored)
    assert again.decision.statement.funds == settled.funds > 0


async def test_money_moves_from_funds_and_account_to_the_institution(town: Town) -> None:
    member = await town.insure(account="1000")
    settled = await town.bill(member, "2000")
    async with town.database.reader(None) as connection:
        sums = await connection.fetch(
            "SELECT split_part(account, ':', 1) AS side, sum(amount)::bigint AS amount"
            " FROM ledger.entry WHERE posting = $1 GROUP BY 1",
            key_of(settled).number,
        )
    assert {row["side"]: row["amount"] for row in sums} == {
        "fund": -settled.funds,
        "account": -settled.account,
        "cash": -settled.cash,
        "institution": 200000,
    }


async def test_a_bill_outside_the_enrolment_is_for_the_account_and_cash_or_refused(
    town: Town,
) -> None:
    gone = await town.insure(period=Period(date(2020, 1, 1), date(2026, 7, 1)))
    refusal = await town.refused(town.registration(gone))
    assert refusal.code is RefusalCode.NOT_ENROLLED


async def test_an_institution_reads_its_own_bills_only(town: Town) -> None:
    settled = await town.bill(await town.insure(), "10")
    async with town.database.reader([TERTIARY]) as connection:
        assert await settlement.settlement(connection, key_of(settled)) is not None
        assert len(await settlement.lines(connection, settled.visit, None, await _catalogue(town)))
    async with town.database.reader([OTHER_TERTIARY]) as connection:
        assert await settlement.settlement(connection, key_of(settled)) is None
        assert await settlement.visit(connection, settled.visit) is None
        assert not await settlement.lines(connection, settled.visit, None, await _catalogue(town))


async def _catalogue(town: Town) -> Catalogue:
    async with town.database.writer() as connection:
        return (await ReferenceCache(town.vault).current(connection)).catalogue


@pytest.mark.parametrize("withdrawn", ["B1", "0000"])
async def test_withdrawn_lines_are_no_longer_billed_and_may_be_sent_anew(
    town: Town, withdrawn: str
) -> None:
    visit = await town.open_visit(await town.insure())
    await town.do(town.upload(visit, line("1", "30")))
    assert await town.do(WithdrawFees(TERTIARY, visit.member, visit.key, withdrawn)) == 1
    await town.do(town.upload(visit, line("1", "20")))
    settled = await town.do(town.settlement(visit, "20"))
    assert settled.sums.total == 2000


async def test_a_province_may_number_the_lines_of_each_batch_anew(town: Town) -> None:
    practice = Practice(serials=SerialScope.BATCH)
    visit = await town.open_visit(await town.insure())
    lines = (line("1", "50", batch="fee"), line("1", "80", batch="drugs"))
    upload = replace(town.upload(visit, *lines), practice=practice)
    priced = await town.do(upload, message="first")
    assert [one.line.amount for one in priced] == [5000, 8000]
    again = await town.send(upload, message="first")
    assert isinstance(again, Done)
    async with town.database.reader(None) as connection:
        recalled = await town.room.recall(connection, POOL, upload, again.reference)
    assert recalled == priced, "the repetition tells them apart too"
    twice = replace(town.upload(visit, lines[0], lines[0]), practice=practice)
    assert (await town.refused(twice)).code is RefusalCode.LINE_DUPLICATE
    elsewhere = town.upload(visit, line("1", "90", batch="tests"))
    assert (await town.refused(elsewhere)).code is RefusalCode.LINE_DIFFERS
