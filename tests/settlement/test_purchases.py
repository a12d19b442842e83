"""Purchases at a pharmacy: one message from lines to settlement."""

from typing import Any

import pytest

from tests.policy.builders import dated
from tests.settlement.builders import (
    CLASS_B,
    RESIDENT,
    TERTIARY,
    Town,
    contents,
    key_of,
    line,
)
from tests.settlement.laws import law, let_count
from yibao.kernel.frozen import replace
from yibao.kernel.refusals import RefusalCode as Code
from yibao.policy.terms import CareKind
from yibao.settlement.model import Practice, Purchase, UnknownItems, VisitKind


async def test_a_purchase_is_paid_by_the_account_and_cash(town: Town) -> None:
    member = await town.insure(account="20")
    request = replace(town.purchase(member), prescription="RX1")
    tried = await town.trial(request)
    bought = await town.do(request)
    assert (bought.sums.total, bought.funds, bought.account, bought.cash) == (3000, 0, 2000, 1000)
    assert (tried.account, tried.cash, tried.sums, tried.key) == (2000, 1000, bought.sums, None)
    async with town.database.reader([bought.institution]) as connection:
        visit = await connection.fetchrow("SELECT * FROM settlement.visible_visit")
    assert (visit["kind"], visit["prescription"]) == (VisitKind.PURCHASE, "RX1")
    assert await town.faults() == []


async def test_the_trial_writes_nothing(town: Town) -> None:
    member = await town.insure(account="20")
    before = await contents(town)
    await town.trial(town.purchase(member))
    assert await contents(town) == before
    assert await town.balance(member) == 2000


async def test_a_purchase_cancelled_leaves_account_and_counters_as_they_were(town: Town) -> None:
    member = await town.insure(account="20")
    bought = await town.do(town.purchase(member))
    mirror = await town.do(town.cancellation(bought))
    assert (mirror.account, mirror.cash) == (-2000, -1000)
    assert await town.balance(member) == 2000
    assert await town.counters(member) == {}


async def test_the_batch_of_a_purchase_is_kept_with_the_settlement_that_lives_in_it(
    town: Town,
) -> None:
    bought = await town.do(town.purchase(await town.insure(account="20")))
    async with town.database.writer() as connection:
        rows = await connection.fetch("SELECT living_settlement FROM settlement.charge_batch")
    assert [row["living_settlement"] for row in rows] == [key_of(bought).number]


async def test_a_purchase_repeated_is_the_same_purchase(town: Town) -> None:
    member = await town.insure(account="20")
    request = town.purchase(member)
    await town.do(request, message="P11000000004X1")
    again = await town.send(request, message="P11000000004X1")
    assert again.replayed  # type: ignore[union-attr]
    assert await town.rows("settlement.visible_settlement") == 1


async def test_a_resident_buys_as_a_resident_without_saying_so(town: Town) -> None:
    member = await town.insure("1501", RESIDENT)
    assert (await town.do(town.purchase(member))).scheme == RESIDENT


async def test_a_law_may_pay_at_pharmacies(town: Town) -> None:
    half = law(
        benefit={"places": [dated(["pharmacy"])], "care_kinds": [dated(["41"])]},
        rest={"unpaid_care_kinds": [dated(["93"])]},
    )
    await let_count(town, half)
    bought = await town.do(town.purchase(await town.insure()))
    assert bought.funds == 1500


async def test_a_province_may_let_unknown_items_be_own_expense(town: Town) -> None:
    member = await town.insure()
    unknown = line("1", "30", item="LOCAL1", batch="")
    request = town.purchase(member, unknown, line("2", "10", item=CLASS_B, batch=""))
    assert (await town.refused(request)).code is Code.CODE_UNKNOWN
    lenient = Practice(unknown_items=UnknownItems.OWN_EXPENSE)
    bought = await town.do(replace(request, practice=lenient))
    assert (bought.sums.total, bought.sums.own) == (4000, 3000)
    placeholder = Practice(own_expense_codes=frozenset({"LOCAL1", CLASS_B}))
    bought = await town.do(replace(request, practice=placeholder))
    assert bought.sums.own == 4000


CASES: dict[str, tuple[dict[str, Any], Code]] = {
    "a hospital": ({"institution": TERTIARY}, Code.CARE_NOT_OFFERED),
    "an institution that nobody knows": (
        {"institution": "P99999999999"},
        Code.INSTITUTION_UNKNOWN,
    ),
    "a person that nobody knows": ({"member": "11000099999999999999"}, Code.PERSON_UNKNOWN),
    "a scheme the person is not in": ({"scheme": RESIDENT}, Code.NOT_ENROLLED),
    "another person's card": ({"voucher_number": "99"}, Code.PERSON_DIFFERS),
    "no lines": ({"lines": ()}, Code.BATCH_EMPTY),
    "a serial twice": (
        {"lines": (line("1", "15", batch=""),) * 2},
        Code.LINE_DUPLICATE,
    ),
    "an item that nobody knows": (
        {"lines": (line("1", "30", item="XZ9", batch=""),)},
        Code.CODE_UNKNOWN,
    ),
    "a return": (
        {"lines": (replace(line("1", "-30", price="30", quantity="-1"), returns="0"),)},
        Code.AMOUNT_OUT_OF_RANGE,
    ),
    "an amount that is not price times count": (
        {"lines": (line("1", "30", price="7", batch=""),)},
        Code.LINE_AMOUNT_DIFFERS,
    ),
    "a total that is not that of the lines": ({"total": 2999}, Code.TOTAL_DIFFERS),
    "a kind of care that the law does not know": (
        {"care_kind": CareKind("99")},
        Code.PARAMETER_MISSING,
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_it_is_refused_and_changes_nothing(town: Town, case: str) -> None:
    change, code = CASES[case]
    member = await town.insure(account="20")
    request: Purchase = replace(town.purchase(member), **change)
    before = await contents(town)
    refusal = await town.refused(request)
    assert refusal.code is code, refusal
    assert await contents(town) == before


async def test_the_visit_of_a_purchase_takes_no_more_lines_and_bills(town: Town) -> None:
    bought = await town.do(town.purchase(await town.insure()))
    await town.do(town.cancellation(bought))
    async with town.database.writer() as connection:
        visit = await town.room.recall(
            connection, bought.visit.pool, town.registration("?"), {"visit": bought.visit.text()}
        )
    upload = town.upload(visit, line("9", "1"))
    assert (await town.refused(upload)).code is Code.VISIT_KIND_DIFFERS
    again = town.settlement(visit, "30", batch="1")
    assert (await town.refused(again)).code is Code.VISIT_KIND_DIFFERS
    assert key_of(bought).pool == bought.visit.pool
