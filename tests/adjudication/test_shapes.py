"""Shapes of rules that no packaged law uses yet, each with a bill worked by hand."""

from decimal import Decimal
from typing import Any

from tests.adjudication.builders import Member, bill_of
from tests.policy.builders import counter, document, law_of, limit, payer

BANDS: list[dict[str, Any]] = [
    {"above": 0, "to": 100, "ratio": Decimal("0.5")},
    {"above": 100, "to": 400, "ratio": Decimal("0.6")},
    {"above": 400, "ratio": Decimal("0.8")},
]


def banded(axis: str, counts: str, *payers: str) -> Member:
    """A member under a law whose bands run over the year."""
    counters = {"axis": counter("year", counts, *payers), "paid": counter("year", "deductible")}
    pool = payer(BANDS, measured_on=axis, counter="axis")
    return Member(law_of(document({"pool": pool}, counters, {"year": limit("paid", 50)})))


def funds(member: Member, *bills: int) -> list[int]:
    """What the funds pay of bills in yuan, one after the other, in fen."""
    return [member.settle(bill_of(member.law, yuan * 100)).funds for yuan in bills]


def test_absolute_bands_count_the_deductible_within_the_first() -> None:
    # 50 deductible; 50 at 50 %; then 300 at 60 %; then 200 at 80 %
    assert funds(banded("absolute", "in_scope"), 600) == [2_500 + 18_000 + 16_000]
    assert funds(banded("absolute", "in_scope"), 80, 320, 200) == [1_500, 1_000 + 18_000, 16_000]


def test_bands_after_the_deductible_begin_above_it() -> None:
    assert funds(banded("after_deductible", "after_deductible"), 600) == [5_000 + 18_000 + 12_000]
    parted = funds(banded("after_deductible", "after_deductible"), 80, 320, 200)
    assert parted == [1_500, 3_500 + 15_000, 3_000 + 12_000]


def test_bands_on_fund_paid_change_when_the_fund_has_paid_so_much() -> None:
    # after the deductible: 200 of cost pay 100; 500 more pay 300; the rest is at 80 %
    assert funds(banded("fund_paid", "fund", "pool"), 850) == [10_000 + 30_000 + 8_000]
    assert funds(banded("fund_paid", "fund", "pool"), 250, 500, 100) == [10_000, 30_000, 8_000]


def test_a_cap_on_cost_counts_the_cost_not_the_fund() -> None:
    counters = {"cost": counter("month", "in_scope")}
    pool = payer(Decimal("0.7"), caps={"month": limit("cost", 300)})
    member = Member(law_of(document({"pool": pool}, counters)))
    assert funds(member, 200, 200, 50) == [14_000, 7_000, 0]


def test_the_deductible_is_cost_too_where_a_cap_counts_all_cost() -> None:
    counters = {"cost": counter("year", "in_scope"), "paid": counter("year", "deductible")}
    pool = payer(Decimal("0.5"), caps={"year": limit("cost", 300)})
    member = Member(law_of(document({"pool": pool}, counters, {"year": limit("paid", 100)})))
    assert funds(member, 1_000) == [10_000]


def test_the_tighter_of_two_caps_binds() -> None:
    counters = {"year": counter("year", "fund", "pool"), "month": counter("month", "fund", "pool")}
    caps = {"year": limit("year", 100), "month": limit("month", 30)}
    member = Member(law_of(document({"pool": payer(1, caps=caps)}, counters)))
    assert funds(member, 20, 20) == [2_000, 1_000]


def test_what_lies_above_a_cap_goes_to_the_next_payer() -> None:
    counters = {"pool": counter("year", "fund", "pool")}
    payers = {
        "pool": payer(Decimal("0.9"), caps={"year": limit("pool", 90)}),
        "large": payer(Decimal("0.8"), base="above_cap"),
    }
    member = Member(law_of(document(payers, counters)))
    # 100 of cost fill the pool's 90; 80 % of the other 50
    assert funds(member, 150, 10) == [9_000 + 4_000, 800]


def test_two_funds_may_share_one_cap() -> None:
    counters = {"both": counter("year", "fund", "first", "second")}
    caps = {"year": limit("both", 100)}
    payers = {
        "first": payer(Decimal("0.5"), caps=caps),
        "second": payer(Decimal("0.5"), base="co_pay", caps=caps),
    }
    assert funds(Member(law_of(document(payers, counters))), 160) == [8_000 + 2_000]


def test_assistance_may_pay_the_deductible_too() -> None:
    counters = {"paid": counter("year", "deductible")}
    payers = {"pool": payer(Decimal("0.7")), "assistance": payer(1, base="unpaid")}
    member = Member(law_of(document(payers, counters, {"year": limit("paid", 50)})))
    statement = member.settle(bill_of(member.law, 10_000, own=300))
    assert (statement.deductible, statement.funds, statement.cash) == (5_000, 10_000, 300)


def test_a_co_pay_payer_after_assistance_finds_nothing_left() -> None:
    counters = {"paid": counter("year", "deductible")}
    payers = {
        "pool": payer(Decimal("0.7")),
        "assistance": payer(1, base="unpaid"),
        "supplement": payer(1, base="co_pay"),
    }
    member = Member(law_of(document(payers, counters, {"year": limit("paid", 50)})))
    assert funds(member, 100) == [10_000]


def test_each_payer_is_rounded_half_up_and_the_next_works_on_the_rounded_rest() -> None:
    payers = {"pool": payer(Decimal("0.5")), "supplement": payer(Decimal("0.5"), base="co_pay")}
    member = Member(law_of(document(payers)))
    statement = member.settle(bill_of(member.law, 3))
    # 1.5 fen → 2; half of the rest of 1 → 1: the person is left with nothing, not with 0.75
    assert [payment.amount for payment in statement.payments] == [2, 1]
