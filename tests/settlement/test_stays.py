"""The way of a stay through the room, over a real database."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.settlement.builders import (
    CLASS_B,
    OTHER_TERTIARY,
    PHARMACY,
    RESIDENT,
    TERTIARY,
    Town,
    contents,
    key_of,
    return_of,
    stay_line,
)
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import RefusalCode as Code
from yibao.platform.commands.model import Done
from yibao.platform.commands.service import Commands
from yibao.settlement.model import (
    CancelAdmission,
    ChangeAdmission,
    ReopenStay,
    SettlementFacts,
    VisitFacts,
    VisitKind,
    VisitState,
    WithdrawLines,
)
from yibao.settlement.service import REQUESTS


async def test_a_stay_is_admitted_charged_discharged_and_settled(town: Town) -> None:
    member = await town.insure()
    stay = await town.admit(member, days_ago=5)
    assert (stay.kind, stay.end, stay.details) == (VisitKind.STAY, None, {"adm_bed": "8"})
    (line,) = await town.do(town.upload(stay, stay_line("1", "5000")))
    assert line.line.batch == "stay-1"
    discharged = await town.do(town.discharge(stay))
    assert discharged.end == town.clock.now()
    request = town.stay_settlement(stay, "5000")
    tried = await town.trial(request)
    settled = await town.do(request)
    # 1300 deductible of the first stay, then 85 % of 3700 at level 3
    assert (settled.deductible, settled.funds) == (130000, 314500)
    assert settled.snapshot["days"] == 5
    assert replace(tried, key=settled.key, message_id=settled.message_id, insured=None) == replace(
        settled, insured=None
    )
    assert await town.faults() == []


async def test_the_second_stay_of_the_year_has_half_the_deductible(town: Town) -> None:
    member = await town.insure()
    await town.stayed(member, "5000", days=9)
    town.clock.set(town.clock.now() + timedelta(days=30))
    assert (await town.stayed(member, "5000", days=9)).deductible == 65000


async def test_interim_settlements_pay_the_deductible_once(town: Town) -> None:
    member = await town.insure()
    stay = await town.admit(member, days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "1000")))
    first = await town.do(town.stay_settlement(stay, "1000", interim=True))
    (line,) = await town.do(town.upload(stay, stay_line("2", "4000")))
    assert line.line.batch == "stay-2"
    await town.do(town.discharge(stay))
    second = await town.do(town.stay_settlement(stay, "4000"))
    whole = await town.stayed(await town.insure(), "5000")
    assert first.deductible + second.deductible == whole.deductible == 130000
    assert first.funds + second.funds == whole.funds
    assert (first.interim, second.interim) == (True, False)


async def test_what_is_still_open_is_settled_in_one_bill_whatever_batches_it_lies_in(
    town: Town,
) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "1000")))
    first = await town.do(town.stay_settlement(stay, "1000", interim=True))
    await town.do(town.upload(stay, stay_line("2", "4000")))
    await town.do(town.cancellation(first))
    await town.do(town.upload(stay, stay_line("3", "500")))
    await town.do(town.discharge(stay))
    settled = await town.do(town.stay_settlement(stay, "5500"))
    assert (settled.sums.total, settled.deductible) == (550000, 130000)
    await town.do(town.cancellation(settled))
    assert await town.counters(stay.member) == {}
    again = await town.do(town.stay_settlement(stay, "5500"))
    assert again.funds == settled.funds


async def test_interim_settlements_are_cancelled_last_first_and_leave_nothing(town: Town) -> None:
    member = await town.insure(account="700", carried="50")
    stay = await town.admit(member, days_ago=5)
    bills = []
    for serial, amount in (("1", "900"), ("2", "1234.56"), ("3", "3000")):
        await town.do(town.upload(stay, stay_line(serial, amount, item=CLASS_B)))
        bills.append(await town.do(town.stay_settlement(stay, amount, interim=True)))
    refusal = await town.refused(town.cancellation(bills[0]))
    assert refusal.code is Code.NOT_REVERSIBLE
    assert refusal.facts == {"later": key_of(bills[2]).text()}
    for bill in reversed(bills):
        mirror = await town.do(town.cancellation(bill))
        assert mirror.funds == -bill.funds
    assert await town.counters(member) == {}
    assert await town.balance(member) == 75000
    assert await town.faults() == []
    await town.do(town.discharge(stay))
    anew = await town.do(town.stay_settlement(stay, "5134.56"))
    assert sum(b.funds for b in bills) == anew.funds


async def test_the_last_settlement_is_the_one_decided_last_whatever_its_number(
    town: Town,
) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "900")))
    town.clock.move(timedelta(hours=1))
    first = await town.do(town.stay_settlement(stay, "900", interim=True))
    await town.do(town.upload(stay, stay_line("2", "3000")))
    town.clock.move(timedelta(hours=-1))  # a second process began earlier, and waited for the stay
    handlers = dict.fromkeys(REQUESTS, town.room.handle)
    waiting = Commands(town.database.writer, town.clock, NumberSource(77), handlers)
    outcome = await waiting.submit(town.command(town.stay_settlement(stay, "3000", interim=True)))
    assert isinstance(outcome, Done)
    last = outcome.result
    assert key_of(last).number < key_of(first).number
    refusal = await town.refused(town.cancellation(first))
    assert refusal.facts == {"later": key_of(last).text()}
    for bill in (last, first):
        await town.do(town.cancellation(bill))
    assert await town.faults() == []


async def test_a_settlement_may_tell_of_the_discharge_itself(town: Town) -> None:
    member = await town.insure()
    stay = await town.admit(member, days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "50")))
    now = town.clock.now()
    settled = await town.do(town.stay_settlement(stay, "50", discharged_at=now))
    assert (await town.refused(town.admission(member, OTHER_TERTIARY, begin=_days(town, -1)))).code
    second = await town.do(town.admission(member, OTHER_TERTIARY))
    await town.do(CancelAdmission(OTHER_TERTIARY, member, second.key))
    await town.do(town.cancellation(settled))
    # the discharge went with its settlement: the person lies in hospital again
    assert (await town.refused(town.admission(member, OTHER_TERTIARY))).code is Code.STAY_OVERLAPS


async def test_a_cancelled_bill_puts_nobody_into_two_hospitals(town: Town) -> None:
    member = await town.insure()
    stay = await town.admit(member, days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "50")))
    now = town.clock.now()
    settled = await town.do(town.stay_settlement(stay, "50", discharged_at=now))
    await town.do(town.admission(member, OTHER_TERTIARY))
    await town.do(town.cancellation(settled))
    async with town.database.reader(None) as connection:
        lying = await connection.fetchval(
            "SELECT count(*) FROM settlement.visible_visit WHERE end_at IS NULL"
        )
    assert lying == 1


async def test_an_upload_may_be_corrected_line_by_line(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    lines = [stay_line(str(n), "10") for n in range(1, 6)]
    await town.do(town.upload(stay, *lines))
    assert await town.do(_withdrawal(stay, "2", "4")) == 2
    await town.do(town.upload(stay, stay_line("2", "99", item=CLASS_B)))
    await town.do(town.discharge(stay))
    settled = await town.do(town.stay_settlement(stay, "129"))
    assert (settled.sums.total, settled.sums.first_pay) == (12900, 990)
    async with town.database.reader([TERTIARY]) as connection:
        kept = await connection.fetchval("SELECT count(*) FROM settlement.visible_line")
    assert kept == 6


async def test_all_lines_of_a_stay_may_be_withdrawn_at_once(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    await town.do(town.upload(stay, *(stay_line(str(n), "10") for n in range(40))))
    assert await town.do(_withdrawal(stay, "0000")) == 40
    assert (await town.do(CancelAdmission(TERTIARY, stay.member, stay.key))).state is (
        VisitState.CANCELLED
    )


async def test_a_reopened_stay_takes_lines_again(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    await town.do(town.discharge(stay, _days(town, -2)))
    late = stay_line("1", "10")
    assert (await town.refused(town.upload(stay, late))).code is Code.DATE_NOT_ALLOWED
    reopened = await town.do(ReopenStay(TERTIARY, stay.member, stay.key))
    assert (reopened.end, reopened.discharge_diagnoses) == (None, ())
    await town.do(town.upload(stay, late))


async def test_a_death_in_hospital_is_noted_with_the_person_and_the_bill_still_paid(
    town: Town,
) -> None:
    member = await town.insure()
    stay = await town.admit(member, days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "5000", time=_days(town, -2))))
    died = await town.do(town.discharge(stay, _days(town, -2), way="5"))
    assert died.died_on == _days(town, -2).date()
    town.clock.set(_days(town, 1))
    assert (await town.refused(town.registration(member))).code is Code.DATE_NOT_ALLOWED
    assert (await town.do(town.stay_settlement(stay, "5000"))).funds == 314500


async def test_the_day_of_a_transfer_may_belong_to_both_hospitals(town: Town) -> None:
    member = await town.insure()
    first = await town.admit(member, days_ago=5)
    await town.do(town.discharge(first))
    await town.do(town.admission(member, OTHER_TERTIARY))


async def test_a_change_of_the_admission_stands_in_its_place(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    corrected = replace(
        town.admission(stay.member, begin=_days(town, -6)),
        department_name="外科",
        diagnoses=(),
        details={"adm_bed": "9"},
    )
    changed = await town.do(ChangeAdmission(TERTIARY, stay.member, stay.key, corrected))
    assert (changed.begin, changed.department_name) == (_days(town, -6), "外科")
    assert (changed.details, changed.diagnoses) == ({"adm_bed": "9"}, stay.diagnoses)


async def test_outpatient_care_is_for_the_days_before_and_after_a_stay(town: Town) -> None:
    member = await town.insure()
    visit = await town.open_visit(member)
    await town.charge(visit, "10")
    stay = await town.admit(member)
    await town.do(town.registration(member))
    await town.do(town.settlement(visit, "10"))
    town.clock.set(_days(town, 2))
    refusal = await town.refused(town.registration(member))
    assert refusal.code is Code.STAY_OVERLAPS
    assert refusal.facts == {"admitted": "2026-07-15"}
    await town.do(town.discharge(stay))
    await town.do(town.registration(member))


async def test_an_outpatient_bill_of_a_day_in_hospital_is_refused(town: Town) -> None:
    member = await town.insure()
    visit = await town.open_visit(member)
    await town.charge(visit, "10")
    await town.admit(member, days_ago=3)
    assert (await town.refused(town.settlement(visit, "10"))).code is Code.STAY_OVERLAPS


async def test_nobody_learns_where_or_why_another_lies_in_hospital(town: Town) -> None:
    member = await town.insure()
    stay = await town.admit(member, OTHER_TERTIARY, days_ago=3)
    refusal = await town.refused(town.admission(member))
    assert refusal.code is Code.STAY_OVERLAPS
    assert "2026-07-12" in refusal.message
    told = f"{refusal.message} {refusal.facts}"
    for secret in (OTHER_TERTIARY, "J06.900", "感冒", "内科", stay.key.text(), "发热"):
        assert secret not in told


def _days(town: Town, days: int) -> datetime:
    return town.clock.now() + timedelta(days=days)


def _withdrawal(stay: VisitFacts, *serials: str) -> WithdrawLines:
    return WithdrawLines(stay.institution, stay.member, stay.key, serials)


# ---------------------------------------------------------------------------------------- refusals


async def _line(town: Town, stay: VisitFacts) -> None:
    await town.do(town.upload(stay, stay_line("1", "100", quantity="10", price="10")))


async def _settled(town: Town, stay: VisitFacts) -> SettlementFacts:
    await _line(town, stay)
    await town.do(town.discharge(stay))
    settled: SettlementFacts = await town.do(town.stay_settlement(stay, "100"))
    return settled


async def _interim(town: Town, stay: VisitFacts) -> None:
    await _line(town, stay)
    await town.do(town.stay_settlement(stay, "100", interim=True))


async def _returned(town: Town, stay: VisitFacts) -> None:
    await _line(town, stay)
    original = stay_line("1", "100", quantity="10", price="10")
    await town.do(town.upload(stay, return_of(original, "2", "4", "40")))


async def _interim_and_return(town: Town, stay: VisitFacts) -> None:
    await _interim(town, stay)
    await town.do(town.upload(stay, return_of(ORIGINAL, "2", "4", "40")))


async def _discharged(town: Town, stay: VisitFacts) -> None:
    await _line(town, stay)
    await town.do(town.discharge(stay))


async def _nothing(town: Town, stay: VisitFacts) -> None:
    pass


ORIGINAL = stay_line("1", "100", quantity="10", price="10")

Case = tuple[Callable[[Town, VisitFacts], Awaitable[Any]], Callable[[Town, VisitFacts], Any], Code]
CASES: dict[str, Case] = {
    "a second admission": (_nothing, lambda t, s: t.admission(s.member), Code.STAY_OVERLAPS),
    "an admission at a pharmacy": (
        _nothing,
        lambda t, s: t.admission(s.member, PHARMACY),
        Code.CARE_NOT_OFFERED,
    ),
    "an admission with a diagnosis that nobody knows": (
        _nothing,
        lambda t, s: replace(
            t.admission(s.member), diagnoses=(replace(s.diagnoses[0], code="X99"),)
        ),
        Code.CODE_UNKNOWN,
    ),
    "the stay of another institution": (
        _nothing,
        lambda t, s: replace(t.discharge(s), institution=OTHER_TERTIARY),
        Code.VISIT_UNKNOWN,
    ),
    "the stay of another person": (
        _nothing,
        lambda t, s: replace(t.discharge(s), member="11000000000000000099"),
        Code.PERSON_DIFFERS,
    ),
    "a description of a stay as of an outpatient visit": (
        _nothing,
        lambda t, s: t.description(s),
        Code.VISIT_KIND_DIFFERS,
    ),
    "outpatient lines for a stay": (
        _nothing,
        lambda t, s: t.upload(s, stay_line("1", "5", batch="B1")),
        Code.VISIT_KIND_DIFFERS,
    ),
    "an outpatient settlement of a stay": (
        _line,
        lambda t, s: t.settlement(s, "100"),
        Code.VISIT_KIND_DIFFERS,
    ),
    "a fee before the admission": (
        _nothing,
        lambda t, s: t.upload(s, stay_line("1", "5", time=_days(t, -6))),
        Code.DATE_NOT_ALLOWED,
    ),
    "a discharge before the admission": (
        _nothing,
        lambda t, s: t.discharge(s, _days(t, -6)),
        Code.DATE_NOT_ALLOWED,
    ),
    "a discharge before the last fee": (
        _line,
        lambda t, s: t.discharge(s, _days(t, -1)),
        Code.DATE_NOT_ALLOWED,
    ),
    "a discharge in the future": (
        _nothing,
        lambda t, s: t.discharge(s, _days(t, 3)),
        Code.DATE_NOT_ALLOWED,
    ),
    "a discharge in another scheme": (
        _nothing,
        lambda t, s: replace(t.discharge(s), scheme=RESIDENT),
        Code.FIELD_INVALID,
    ),
    "a discharge of what is settled": (_settled, lambda t, s: t.discharge(s), Code.VISIT_SETTLED),
    "a discharge taken back that never was": (
        _nothing,
        lambda t, s: ReopenStay(TERTIARY, s.member, s.key),
        Code.NOT_DISCHARGED,
    ),
    "a discharge taken back under a settlement": (
        _settled,
        lambda t, s: ReopenStay(TERTIARY, s.member, s.key),
        Code.VISIT_SETTLED,
    ),
    "an admission taken back under its lines": (
        _line,
        lambda t, s: CancelAdmission(TERTIARY, s.member, s.key),
        Code.LINES_LEFT,
    ),
    "an admission taken back under a settlement": (
        _interim,
        lambda t, s: CancelAdmission(TERTIARY, s.member, s.key),
        Code.VISIT_SETTLED,
    ),
    "an admission moved behind a fee": (
        _line,
        lambda t, s: ChangeAdmission(
            TERTIARY, s.member, s.key, t.admission(s.member, begin=_days(t, 1))
        ),
        Code.DATE_NOT_ALLOWED,
    ),
    "an admission changed under a settlement": (
        _interim,
        lambda t, s: ChangeAdmission(
            TERTIARY, s.member, s.key, t.admission(s.member, begin=_days(t, -6))
        ),
        Code.VISIT_SETTLED,
    ),
    "a final settlement before the discharge": (
        _line,
        lambda t, s: t.stay_settlement(s, "100"),
        Code.NOT_DISCHARGED,
    ),
    "a final settlement that tells another day of discharge": (
        _discharged,
        lambda t, s: t.stay_settlement(s, "100", discharged_at=_days(t, -1)),
        Code.DATE_NOT_ALLOWED,
    ),
    "a stay without lines": (
        _nothing,
        lambda t, s: t.stay_settlement(s, "0", interim=True),
        Code.BATCH_EMPTY,
    ),
    "a stay settled already": (
        _settled,
        lambda t, s: t.stay_settlement(s, "100"),
        Code.BATCH_SETTLED,
    ),
    "a line for a stay settled already": (
        _settled,
        lambda t, s: t.upload(s, stay_line("2", "5")),
        Code.BATCH_SETTLED,
    ),
    "a total that is not that of the lines": (
        _line,
        lambda t, s: t.stay_settlement(s, "99.99", interim=True),
        Code.TOTAL_DIFFERS,
    ),
    "a serial that came with other content": (
        _line,
        lambda t, s: t.upload(s, stay_line("1", "99")),
        Code.LINE_DIFFERS,
    ),
    "the withdrawal of a line that is not there": (
        _line,
        lambda t, s: _withdrawal(s, "1", "7"),
        Code.LINE_UNKNOWN,
    ),
    "the withdrawal of a settled line": (
        _interim,
        lambda t, s: _withdrawal(s, "1"),
        Code.BATCH_SETTLED,
    ),
    "the withdrawal of a line without its return": (
        _returned,
        lambda t, s: _withdrawal(s, "1"),
        Code.LINE_RETURNED,
    ),
    "a return of a line that is not there": (
        _nothing,
        lambda t, s: t.upload(s, return_of(ORIGINAL, "2", "1", "10")),
        Code.LINE_UNKNOWN,
    ),
    "a return of a return": (
        _returned,
        lambda t, s: t.upload(s, replace(return_of(ORIGINAL, "3", "1", "10"), returns="2")),
        Code.LINE_UNKNOWN,
    ),
    "a return of more than remains": (
        _returned,
        lambda t, s: t.upload(s, return_of(ORIGINAL, "3", "7", "70")),
        Code.AMOUNT_OUT_OF_RANGE,
    ),
    "a last return that leaves money behind": (
        _returned,
        lambda t, s: t.upload(s, return_of(ORIGINAL, "3", "6", "59.99")),
        Code.LINE_AMOUNT_DIFFERS,
    ),
    "a return at another price": (
        _line,
        lambda t, s: t.upload(s, replace(return_of(ORIGINAL, "2", "1", "10"), price=11_000_000)),
        Code.LINE_DIFFERS,
    ),
    "a return that is positive": (
        _line,
        lambda t, s: t.upload(s, replace(ORIGINAL, serial="2", returns="1")),
        Code.AMOUNT_OUT_OF_RANGE,
    ),
    "a negative line that gives nothing back": (
        _line,
        lambda t, s: t.upload(s, replace(return_of(ORIGINAL, "2", "1", "10"), returns=None)),
        Code.AMOUNT_OUT_OF_RANGE,
    ),
    "a bill of which only a return is left": (
        _interim_and_return,
        lambda t, s: t.stay_settlement(s, "-40", interim=True),
        Code.AMOUNT_OUT_OF_RANGE,
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_it_is_refused_and_changes_nothing(town: Town, case: str) -> None:
    prepare, make, code = CASES[case]
    stay = await town.admit(await town.insure(), days_ago=5)
    await prepare(town, stay)
    before = await contents(town)
    refusal = await town.refused(make(town, stay))
    assert refusal.code is code, refusal
    assert refusal.message
    assert await contents(town) == before
