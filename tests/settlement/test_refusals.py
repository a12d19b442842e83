"""Bad requests: each is refused by its own code and changes nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.settlement.builders import (
    CLASS_A,
    FOREIGN,
    OTHER_TERTIARY,
    PHARMACY,
    RESIDENT,
    SUSPENDED,
    TERTIARY,
    Town,
    contents,
    line,
)
from yibao.adjudication.model import Sums
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import RefusalCode as Code
from yibao.policy.terms import CareKind
from yibao.settlement.model import CancelRegistration, CancelSettlement, VisitFacts, WithdrawFees

Request = Callable[[Town, VisitFacts], Awaitable[Any]]


async def _uploaded(town: Town, visit: VisitFacts, *lines: Any) -> VisitFacts:
    await town.do(town.upload(visit, *lines))
    return visit


async def _settled_batch(town: Town, visit: VisitFacts) -> Any:
    await town.charge(visit, "10")
    await town.do(town.settlement(visit, "10"))
    return town.settlement(visit, "10")


async def _line_to_a_settled_batch(town: Town, visit: VisitFacts) -> Any:
    await _settled_batch(town, visit)
    return town.upload(visit, line("new", "5"))


async def _withdrawal_of_a_settled_batch(town: Town, visit: VisitFacts) -> Any:
    await _settled_batch(town, visit)
    return WithdrawFees(TERTIARY, visit.member, visit.key, "B1")


async def _cancelled_visit(town: Town, visit: VisitFacts) -> Any:
    await town.do(CancelRegistration(TERTIARY, visit.member, visit.key, "MZ1"))
    return town.upload(visit, line("1", "5"))


def _settlement_with(**changes: Any) -> Request:
    async def make(town: Town, visit: VisitFacts) -> Any:
        await town.charge(visit, "10")
        return replace(town.settlement(visit, "10"), **changes)

    return make


async def _total_that_differs(town: Town, visit: VisitFacts) -> Any:
    await town.charge(visit, "10")
    return town.settlement(visit, "10.01")


async def _sums_that_differ(town: Town, visit: VisitFacts) -> Any:
    await town.charge(visit, "10")
    return town.settlement(visit, "10", sums=Sums(1000, 100, 0, 0, 900))


async def _serial_with_other_content(town: Town, visit: VisitFacts) -> Any:
    await _uploaded(town, visit, line("1", "10"))
    return town.upload(visit, line("1", "11"))


async def _cancelled_twice(town: Town, visit: VisitFacts) -> Any:
    await town.charge(visit, "10")
    settled = await town.do(town.settlement(visit, "10"))
    await town.do(town.cancellation(settled))
    return town.cancellation(settled)


async def _cancellation_cancelled(town: Town, visit: VisitFacts) -> Any:
    await town.charge(visit, "10")
    settled = await town.do(town.settlement(visit, "10"))
    mirror = await town.do(town.cancellation(settled))
    return town.cancellation(mirror)


def _now(request: Callable[[Town, VisitFacts], Any]) -> Request:
    async def made(town: Town, visit: VisitFacts) -> Any:
        return request(town, visit)

    return made


CASES: dict[str, tuple[Request, Code]] = {
    "an unknown institution": (
        _now(lambda t, v: t.registration(v.member, "H99999999999")),
        Code.INSTITUTION_UNKNOWN,
    ),
    "a suspended institution": (
        _now(lambda t, v: t.registration(v.member, SUSPENDED)),
        Code.INSTITUTION_SUSPENDED,
    ),
    "a pharmacy that registers a visit": (
        _now(lambda t, v: t.registration(v.member, PHARMACY)),
        Code.CARE_NOT_OFFERED,
    ),
    "an institution of another pool": (
        _now(lambda t, v: t.registration(v.member, FOREIGN)),
        Code.CARE_NOT_OFFERED,
    ),
    "another person's identity card": (
        _now(lambda t, v: replace(t.registration(v.member), voucher_number="99")),
        Code.PERSON_DIFFERS,
    ),
    "a voucher of a type that nobody knows": (
        _now(lambda t, v: replace(t.registration(v.member), voucher_type="77")),
        Code.VOUCHER_NOT_SUPPORTED,
    ),
    "a card that is nobody's": (
        _now(lambda t, v: replace(t.registration(v.member), voucher_type="03")),
        Code.VOUCHER_INVALID,
    ),
    "another person's credential": (
        _now(
            lambda t, v: replace(t.registration(v.member), voucher_type="01", voucher_holder="99")
        ),
        Code.PERSON_DIFFERS,
    ),
    "an unknown person": (
        _now(lambda t, v: t.registration("11000099999999999999")),
        Code.PERSON_UNKNOWN,
    ),
    "a scheme the person is not in": (
        _now(lambda t, v: t.registration(v.member, TERTIARY, RESIDENT)),
        Code.NOT_ENROLLED,
    ),
    "a visit that begins the day after tomorrow": (
        _now(
            lambda t, v: replace(t.registration(v.member), begin=t.clock.now() + timedelta(days=2))
        ),
        Code.DATE_NOT_ALLOWED,
    ),
    "an unknown visit": (
        _now(lambda t, v: replace(t.upload(v, line("1", "5")), visit=PoolKey(Pool("110000"), 1))),
        Code.VISIT_UNKNOWN,
    ),
    "a visit of another institution": (
        _now(lambda t, v: replace(t.upload(v, line("1", "5")), institution=OTHER_TERTIARY)),
        Code.VISIT_UNKNOWN,
    ),
    "a visit of another person": (
        _now(lambda t, v: replace(t.upload(v, line("1", "5")), member="11000000000000000099")),
        Code.PERSON_DIFFERS,
    ),
    "a visit whose registration was cancelled": (_cancelled_visit, Code.VISIT_CANCELLED),
    "a wrong number of the registration": (
        _now(lambda t, v: CancelRegistration(TERTIARY, v.member, v.key, "MZ2")),
        Code.FIELD_INVALID,
    ),
    "an unknown diagnosis": (
        _now(lambda t, v: t.description(v, "J06.999x999")),
        Code.CODE_UNKNOWN,
    ),
    "an unknown item": (
        _now(lambda t, v: t.upload(v, line("1", "5", item="XZ99"))),
        Code.CODE_UNKNOWN,
    ),
    "a negative line": (
        _now(lambda t, v: t.upload(v, line("1", "-5", price="5", quantity="-1"))),
        Code.AMOUNT_OUT_OF_RANGE,
    ),
    "an absurd line": (
        _now(lambda t, v: t.upload(v, line("1", "100000000.01"))),
        Code.AMOUNT_OUT_OF_RANGE,
    ),
    "an amount that is not price times count": (
        _now(lambda t, v: t.upload(v, line("1", "5", price="2", quantity="3"))),
        Code.LINE_AMOUNT_DIFFERS,
    ),
    "an approval flag that does not exist": (
        _now(lambda t, v: t.upload(v, line("1", "5", approval="7"))),
        Code.FIELD_INVALID,
    ),
    "no lines": (_now(lambda t, v: t.upload(v)), Code.BATCH_EMPTY),
    "a serial that came with other content": (_serial_with_other_content, Code.LINE_DIFFERS),
    "one serial twice in a message": (
        _now(lambda t, v: t.upload(v, line("1", "5"), line("1", "5"))),
        Code.LINE_DUPLICATE,
    ),
    "a fee of the day after tomorrow": (
        _now(lambda t, v: t.upload(v, line("1", "5", time=v.begin + timedelta(days=2)))),
        Code.DATE_NOT_ALLOWED,
    ),
    "a settlement on another person's identity card": (
        _settlement_with(voucher_number="99"),
        Code.PERSON_DIFFERS,
    ),
    "a settlement on a voucher of a type that nobody knows": (
        _settlement_with(voucher_type="77"),
        Code.VOUCHER_NOT_SUPPORTED,
    ),
    "a settlement on a card that is nobody's": (
        _settlement_with(voucher_type="03", voucher_number="X1"),
        Code.VOUCHER_INVALID,
    ),
    "a return of an outpatient line": (
        _now(
            lambda t, v: t.upload(
                v, replace(line("2", "-5", price="5", quantity="-1"), returns="1")
            )
        ),
        Code.AMOUNT_OUT_OF_RANGE,
    ),
    "a settlement of a kind of care that the law does not know": (
        _settlement_with(care_kind=CareKind("99")),
        Code.PARAMETER_MISSING,
    ),
    "a line for a settled batch": (_line_to_a_settled_batch, Code.BATCH_SETTLED),
    "the withdrawal of an unknown batch": (
        _now(lambda t, v: WithdrawFees(TERTIARY, v.member, v.key, "B9")),
        Code.BATCH_UNKNOWN,
    ),
    "the withdrawal of a settled batch": (_withdrawal_of_a_settled_batch, Code.BATCH_SETTLED),
    "an empty batch": (_now(lambda t, v: t.settlement(v, "0")), Code.BATCH_UNKNOWN),
    "a batch settled already": (_settled_batch, Code.BATCH_SETTLED),
    "a total that does not match the lines": (_total_that_differs, Code.TOTAL_DIFFERS),
    "sums that do not match the lines": (_sums_that_differ, Code.SUMS_CHANGED),
    "an unknown settlement": (
        _now(
            lambda t, v: CancelSettlement(TERTIARY, v.member, v.key, PoolKey(Pool("110000"), 7), "")
        ),
        Code.SETTLEMENT_UNKNOWN,
    ),
    "a settlement cancelled already": (_cancelled_twice, Code.SETTLEMENT_CANCELLED),
    "the cancellation of a cancellation": (_cancellation_cancelled, Code.SETTLEMENT_UNKNOWN),
}


@pytest.mark.parametrize("case", CASES)
async def test_it_is_refused_and_changes_nothing(town: Town, case: str) -> None:
    make, code = CASES[case]
    visit = await town.open_visit(await town.insure())
    request = await make(town, visit)
    before = await contents(town)
    refusal = await town.refused(request)
    assert refusal.code is code, refusal
    assert refusal.message
    assert await contents(town) == before


async def test_a_repeated_serial_with_equal_content_is_the_same_line(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await _uploaded(town, visit, line("1", "10"))
    answered = await town.do(town.upload(visit, line("1", "10"), line("2", "5", item=CLASS_A)))
    assert [facts.line.serial for facts in answered] == ["1", "2"]
    settled = await town.do(town.settlement(visit, "15"))
    assert settled.sums.total == 1500


async def test_a_visit_that_nobody_described_is_settled_as_the_bill_says(town: Town) -> None:
    member = await town.insure()
    registered = await town.do(town.registration(member))
    await town.charge(registered, "10")
    assert (await town.do(town.settlement(registered, "10"))).care_kind == "11"


async def test_sums_are_handed_back_with_the_refusal(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    refusal = await town.refused(await _sums_that_differ(town, visit))
    assert refusal.facts == {
        "own": "0.00",
        "over_limit": "0.00",
        "first_pay": "0.00",
        "in_scope": "10.00",
    }
