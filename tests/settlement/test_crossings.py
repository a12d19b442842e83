"""Corrections that cross settlements, cancellations and reversals of one visit."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.settlement.builders import (
    ALWAYS,
    BEIJING,
    CLASS_B,
    EMPLOYEE,
    NOON,
    OTHER_TERTIARY,
    POOL,
    RESIDENT,
    TERTIARY,
    Town,
    return_of,
    stay_line,
)
from tests.settlement.test_law_of_stays import let_chains_count
from yibao.kernel.frozen import replace
from yibao.kernel.refusals import RefusalCode as Code
from yibao.policy.terms import PersonType
from yibao.registry.people import service as people
from yibao.registry.people.model import Enrolment, NewMembership, NewPerson
from yibao.settlement import service as settlements
from yibao.settlement.model import (
    CancelAdmission,
    CancelRegistration,
    ChangeAdmission,
    ReopenStay,
    Reverse,
    SettlementFacts,
    VisitFacts,
    WithdrawLines,
)


def _reversal(facts: SettlementFacts, transaction: str) -> Reverse:
    return Reverse(facts.institution, facts.member, transaction, facts.message_id, "")


async def _charged_stay(town: Town, **more: Any) -> VisitFacts:
    stay = await town.admit(await town.insure(**more), days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "5000", time=stay.begin)))
    return stay


# ------------------------------------------------------- a cancellation undone, its visit changed


@pytest.mark.parametrize("how", ["cancelled", "another day", "another disease"])
async def test_no_bill_comes_back_on_a_visit_that_is_another_now(town: Town, how: str) -> None:
    settled = await town.bill(await town.insure(account="50"), "3000")
    mirror = await town.do(town.cancellation(settled))
    async with town.database.reader(None) as connection:
        visit = await settlements.visit(connection, settled.visit)
    assert visit is not None
    description = town.description(visit)
    await town.do(
        {
            "cancelled": CancelRegistration(TERTIARY, visit.member, visit.key, "MZ1"),
            "another day": replace(description, begin=visit.begin - timedelta(days=300)),
            "another disease": replace(description, disease_code="M07800"),
        }[how]
    )
    refusal = await town.refused(_reversal(mirror, "2208"))
    assert refusal.code is Code.NOT_REVERSIBLE
    assert await town.counters(visit.member) == {}
    assert await town.balance(visit.member) == 5000


@pytest.mark.parametrize("how", ["reopened", "another end", "another begin", "another kind"])
async def test_no_bill_comes_back_on_a_stay_that_is_another_now(town: Town, how: str) -> None:
    stay = await _charged_stay(town)
    await town.do(town.discharge(stay))
    settled = await town.do(town.stay_settlement(stay, "5000"))
    mirror = await town.do(town.cancellation(settled), transaction="2305")
    admission = town.admission(stay.member, begin=stay.begin)
    change = ChangeAdmission(stay.institution, stay.member, stay.key, admission)
    earlier = replace(admission, begin=stay.begin - timedelta(days=3))
    await town.do(
        {
            "reopened": ReopenStay(stay.institution, stay.member, stay.key),
            "another end": town.discharge(stay, NOON - timedelta(days=1)),
            "another begin": replace(change, admission=earlier),
            "another kind": replace(change, admission=replace(admission, care_kind="24")),
        }[how]
    )
    assert (await town.refused(_reversal(mirror, "2305"))).code is Code.NOT_REVERSIBLE
    assert await town.counters(stay.member) == {}


async def test_an_interim_bill_comes_back_though_the_stay_has_ended_since(town: Town) -> None:
    stay = await _charged_stay(town)
    settled = await town.do(town.stay_settlement(stay, "5000", interim=True))
    counted = await town.counters(stay.member)
    mirror = await town.do(town.cancellation(settled), transaction="2305")
    await town.do(town.discharge(stay))
    await town.do(_reversal(mirror, "2305"))
    assert await town.counters(stay.member) == counted


async def test_a_discharge_that_only_the_bill_told_of_comes_back_with_it(town: Town) -> None:
    stay = await _charged_stay(town)
    end = town.clock.now() - timedelta(days=1)
    settled = await town.do(town.stay_settlement(stay, "5000", discharged_at=end))
    mirror = await town.do(town.cancellation(settled), transaction="2305")
    await town.do(_reversal(mirror, "2305"))
    reopening = ReopenStay(stay.institution, stay.member, stay.key)
    assert (await town.refused(reopening)).code is Code.VISIT_SETTLED
    await town.do(town.admission(stay.member, OTHER_TERTIARY, begin=end))


@pytest.mark.parametrize("first", ["the bill", "its cancellation"])
async def test_a_bill_and_its_cancellation_both_undone_leave_nothing(
    town: Town, first: str
) -> None:
    settled = await town.bill(await town.insure(account="50"), "3000")
    mirror = await town.do(town.cancellation(settled))
    undoings = [_reversal(settled, "2207"), _reversal(mirror, "2208")]
    for undoing in undoings if first == "the bill" else reversed(undoings):
        await town.do(undoing)
    assert await town.counters(settled.member) == {}
    assert await town.balance(settled.member) == 5000


# ------------------------------------------------------------ a discharge that only a bill tells of


@pytest.mark.parametrize("day", ["2026-07-18", "2027-01-02", "2099-01-01"])
async def test_a_bill_does_not_end_a_stay_in_the_future(town: Town, day: str) -> None:
    stay = await _charged_stay(town)
    told = town.stay_settlement(
        stay, "5000", discharged_at=datetime.fromisoformat(f"{day}T04:00:00+00:00")
    )
    refusal = await town.refused(told)
    assert (refusal.code, refusal.field) == (Code.DATE_NOT_ALLOWED, "discharged_at")
    assert await town.counters(stay.member) == {}


async def test_a_bill_does_not_end_a_stay_before_a_fee_that_is_settled(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "50", time=NOON - timedelta(days=1))))
    await town.do(town.stay_settlement(stay, "50", interim=True))
    await town.do(town.upload(stay, stay_line("2", "60", time=stay.begin)))
    told = town.stay_settlement(stay, "60", discharged_at=NOON - timedelta(days=3))
    assert (await town.refused(told)).code is Code.DATE_NOT_ALLOWED


async def test_a_bill_puts_nobody_into_two_hospitals(town: Town) -> None:
    member = await town.insure()
    first = await town.admit(member, days_ago=9)
    await town.do(town.upload(first, stay_line("1", "50", time=first.begin)))
    await town.do(town.discharge(first, NOON - timedelta(days=6)))
    second = await town.do(town.admission(member, OTHER_TERTIARY, begin=NOON - timedelta(days=5)))
    await town.do(town.discharge(second, NOON - timedelta(days=3)))
    await town.do(ReopenStay(first.institution, member, first.key))
    told = town.stay_settlement(first, "50", discharged_at=NOON)
    assert (await town.refused(told)).code is Code.STAY_OVERLAPS
    await town.do(replace(told, discharged_at=NOON - timedelta(days=6)))


# --------------------------------------------------------------------------------- interim, chains


async def test_a_stay_keeps_the_chain_of_its_interim_bill(town: Town) -> None:
    await let_chains_count(town)
    member = await town.insure()
    before = await town.admit(member, days_ago=6)
    await town.do(town.discharge(before, NOON - timedelta(days=5)))
    stay = await town.admit(member, days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "100", time=stay.begin)))
    first = await town.do(town.stay_settlement(stay, "100", interim=True))
    # the stay that it seemed to continue was an error of registration
    await town.do(CancelAdmission(TERTIARY, member, before.key))
    await town.do(town.upload(stay, stay_line("2", "100")))
    await town.do(town.discharge(stay))
    second = await town.do(town.stay_settlement(stay, "100"))
    assert (first.deductible, second.deductible) == (8000, 0)
    for bill in (second, first):
        await town.do(town.cancellation(bill))
    anew = await town.do(town.stay_settlement(stay, "200"))
    assert (anew.deductible, anew.snapshot["chain"]) == (8000, stay.key.text())


async def test_a_stay_is_settled_in_the_scheme_that_it_was_admitted_in(town: Town) -> None:
    member = await _insured_in_both(town)
    stay = await town.admit(member, days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "2000", time=stay.begin)))
    await town.do(town.stay_settlement(stay, "2000", interim=True))
    await town.do(town.upload(stay, stay_line("2", "2000", time=stay.begin)))
    await town.do(town.discharge(stay))
    request = town.stay_settlement(stay, "2000")
    # another scheme would begin with its own deductible
    refusal = await town.refused(replace(request, scheme=RESIDENT))
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "scheme")
    assert (await town.do(request)).deductible == 0


async def _insured_in_both(town: Town) -> str:
    enrolments = (
        Enrolment(EMPLOYEE, BEIJING, PersonType("1101"), ALWAYS),
        Enrolment(RESIDENT, BEIJING, PersonType("1501"), ALWAYS),
    )
    document = "990101198001019999"
    person = NewPerson(
        "01", document, "测试", "1", date(1980, 1, 1), (NewMembership(POOL, ALWAYS, enrolments),)
    )
    async with town.database.writer() as connection, connection.transaction():
        (admitted,) = await people.admit(connection, town.vault, [person], now=town.clock.now())
    member = admitted.memberships[0].number
    town.documents[member] = document
    return member


# ------------------------------------------------------------------------- returns taken back again


async def test_a_return_is_not_withdrawn_from_under_a_later_one(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    sold = stay_line("b", "0.09", item=CLASS_B, quantity="9", price="0.01")
    await town.do(town.upload(stay, sold, stay_line("keep", "5")))
    await town.do(town.upload(stay, return_of(sold, "r1", "4", "0.04")))
    await town.do(town.upload(stay, return_of(sold, "r2", "1", "0.01")))

    def gone(*serials: str) -> WithdrawLines:
        return WithdrawLines(TERTIARY, stay.member, stay.key, serials)

    # the later one was split by what the earlier one had left
    refusal = await town.refused(gone("r1"))
    assert (refusal.code, "r2" in refusal.message) == (Code.LINE_RETURNED, True)
    assert await town.do(gone("r2", "r1")) == 2
    await town.do(town.upload(stay, return_of(sold, "r3", "9", "0.09")))
    settled = await town.do(town.stay_settlement(stay, "5", interim=True))
    assert (settled.sums.first_pay, settled.sums.in_scope) == (0, 500)
