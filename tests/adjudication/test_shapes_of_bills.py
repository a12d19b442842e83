"""Every shape of a bill: away from home, buckets, months, fixed prices, accounts; by hand."""

from datetime import date

import pytest

from tests.adjudication.builders import Member, by_payer, stay_of
from tests.adjudication.laws import law_from
from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import AccountPart, CounterKey, Sums
from yibao.kernel.frozen import replace
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import EntitlementExtent, Filing, Level, Place

# ------------------------------------------------------------------------------ away from home


def test_an_out_of_area_first_pay_comes_before_deductible_and_ratio() -> None:
    law = law_from(
        """
        counters.visit = { scope = "visit", counts = "deductible" }
        [benefits.stay.first_pay]
        by = ["place", "filing"]
        value = { local = 0, other = { none = 0.2, other = 0.1 } }
        [benefits.stay]
        deductible.visit = { counter = "visit", amount = 100 }
        payers.pool = { bands = 0.5 }
        """
    )
    away = stay_of(law, 1_000, place=Place.OUTSIDE, first_pay=50)
    statement = Member(law).settle(away)
    # 1,000 − 200 − 100 = 700 × 50 %
    assert statement.sums == Sums(105_000, 0, 0, 25_000, 80_000)
    assert (statement.deductible, statement.funds) == (10_000, 35_000)
    filed = replace(away, filing=Filing.EMERGENCY)
    assert Member(law).settle(filed).funds == 40_000


def test_where_the_scheme_does_not_pay_account_and_cash_do() -> None:
    law = law_from(
        """
        [benefits.stay]
        places = { by = ["place"], value = { local = ["l1", "l2", "l3", "pharmacy"], other = [] } }
        payers.pool = { bands = 0.5 }
        """
    )
    assert Member(law).settle(stay_of(law, 100)).funds == 5_000
    assert Member(law).settle(stay_of(law, 100, is_pharmacy=True)).funds == 5_000
    assert Member(law).settle(stay_of(law, 100, level=Level.GRASS_ROOTS)).funds == 0
    away = Member(law, {"current": 3_000}).settle(stay_of(law, 100, place=Place.PROVINCE))
    assert (away.funds, away.account_total, away.cash) == (0, 3_000, 7_000)


def test_a_pharmacy_s_bill_takes_the_level_of_the_prescriber() -> None:
    law = law_from(
        """
        [benefits.stay]
        places = ["l1", "l3", "pharmacy"]
        payers.pool.bands = { by = ["level"], value = { l3 = 0.6, other = 0.8 } }
        """
    )
    prescribed = stay_of(law, 100, level=Level.THIRD, is_pharmacy=True)
    own = stay_of(law, 100, level=Level.GRASS_ROOTS, is_pharmacy=True)
    assert [Member(law).settle(bill).funds for bill in (prescribed, own)] == [6_000, 8_000]


# ------------------------------------------------------------------------------------- buckets


BUCKETS = law_from(
    """
    counters.both = { scope = "year", counts = "deductible" }
    counters.dual = { scope = "year", counts = "fund", payers = ["pool"], benefits = ["dual"] }
    benefits.stay.deductible.year = { counter = "both", amount = 500 }
    benefits.stay.payers.pool = { bands = 0.8 }
    [benefits.dual]
    title = "双通道"
    buckets = ["dual_channel", "targeted"]
    deductible.year = { counter = "both", amount = 500 }
    payers.pool.bands = 0.6
    payers.pool.caps.year = { counter = "dual", amount = 1000 }
    [payers.serious]
    bands = 0.5
    """
)


def test_lines_of_another_bucket_are_another_benefit_s_part_of_the_bill() -> None:
    bill = stay_of(BUCKETS, 400)
    dual = {
        "dual_channel": Sums(100_000, 0, 0, 10_000, 90_000),
        "targeted": Sums(200_000, in_scope=200_000),
    }
    statement = Member(BUCKETS).settle(replace(bill, sums=bill.sums | dual))
    # the general part pays 400 of the deductible, the other 100; 60 % of 2,800 are 1,680, but 1,000
    # a year; half of what is left: 400 + 100 + 1,800
    assert statement.deductible == 50_000
    assert by_payer(statement) == {"pool": 100_000, "serious": 115_000}
    assert statement.sums == Sums(340_000, 0, 0, 10_000, 330_000)
    assert dict(statement.counters)[CounterKey("dual", "2026")] == 100_000


def test_a_bucket_that_no_benefit_names_is_refused_by_name() -> None:
    bill = replace(stay_of(BUCKETS), sums={"dental": Sums(100, in_scope=100)})
    with pytest.raises(Refused) as raised:
        benefit(bill, BUCKETS, {}, [])
    assert raised.value.refusal.facts["parameter"] == "benefits.*.buckets.dental"


# ------------------------------------------------------------------------- chronic diseases, months


CHRONIC = law_from(
    """
    [counters.quota]
    scope = "month"
    counts = "fund"
    payers = ["pool"]
    by = ["chronic"]
    spread = true
    [classes.chronic]
    fact = "disease"
    order = ["insulin", "diabetes", "hypertension"]
    diabetes = ["E1"]
    insulin = ["E10"]
    hypertension = ["I10"]
    [benefits.stay.payers.pool]
    bands = 0.5
    [benefits.stay.payers.pool.caps.month]
    counter = "quota"
    amount = { by = ["chronic"], value = { diabetes = 100, insulin = 300, hypertension = 80 } }
    further = 40
    """
)


def chronic(yuan: int, disease: str = "E11.9", month: int = 3, **facts: int) -> int:
    """What the fund pays of one chronic bill."""
    bill = stay_of(CHRONIC, yuan, disease=disease, day=date(2026, month, 1), **facts)
    return benefit(bill, CHRONIC, {}, []).funds


def test_each_disease_has_its_monthly_limit_the_longest_prefix_deciding() -> None:
    assert [chronic(1_000, code) for code in ("E11.9", "E10.2", "I10")] == [10_000, 30_000, 8_000]


def test_several_diseases_at_once_have_the_main_one_s_limit_and_some_for_each_further() -> None:
    assert chronic(1_000, further_diseases=2) == 18_000


def test_a_bill_without_a_disease_is_refused_where_the_law_tells_diseases_apart() -> None:
    with pytest.raises(Refused) as raised:
        benefit(stay_of(CHRONIC, 100), CHRONIC, {}, [])
    parameter = raised.value.refusal.facts["parameter"]
    assert parameter == "benefits.stay.payers.pool.caps.month.amount.unknown"


def test_a_prescription_for_three_months_is_charged_to_each_of_them() -> None:
    member = Member(CHRONIC)
    long = stay_of(CHRONIC, 500, disease="E11", months=3, day=date(2026, 11, 20))
    first = member.settle(stay_of(CHRONIC, 140, disease="E11", day=date(2026, 11, 1)))
    statement = member.settle(long)
    # 70 of November are used: 30 + 100 + 100 are left, and 250 would be paid
    assert (first.funds, statement.funds) == (7_000, 23_000)
    assert dict(statement.counters) == {
        CounterKey("quota", "2026-11|diabetes"): 3_000,
        CounterKey("quota", "2026-12|diabetes"): 10_000,
        CounterKey("quota", "2027-01|diabetes"): 10_000,
    }
    assert set(dict(statement.counters)) == set(needed_counters(long, CHRONIC))


def test_a_quarter_s_limit_may_be_spread_too() -> None:
    law = law_from(
        """
        counters.quota = { scope = "quarter", counts = "in_scope", spread = true }
        [benefits.stay.payers.pool]
        bands = 1
        caps.quarter = { counter = "quota", amount = 100 }
        """
    )
    member = Member(law)
    days = [(date(2026, 2, 1), 3), (date(2026, 4, 1), 1), (date(2026, 3, 31), 1)]
    bills = [stay_of(law, 150, day=day, months=months) for day, months in days]
    # from February: two quarters of 100; April finds 50 left of the second, March none of the first
    assert [member.settle(bill).funds for bill in bills] == [15_000, 5_000, 0]
    # what lies beyond all limits is charged to the first month's quarter
    assert member.counters == {
        CounterKey("quota", "2026-Q1"): 25_000,
        CounterKey("quota", "2026-Q2"): 20_000,
    }


def test_without_a_limit_each_month_bears_an_equal_share() -> None:
    law = law_from(
        """
        counters.paid = { scope = "month", counts = "fund", payers = ["pool"], spread = true }
        benefits.stay.payers.pool = { bands = 1 }
        """
    )
    statement = benefit(stay_of(law, 100, months=3), law, {}, [])
    assert [delta for _, delta in statement.counters] == [3_334, 3_333, 3_333]


# -------------------------------------------------------------------------------- fixed prices


def test_what_lies_above_a_fixed_price_is_the_hospital_s() -> None:
    law = law_from(
        """
        [benefits.stay]
        fixed_price.amount = { by = ["single"], value = { appendix = 6000 } }
        payers.pool = { bands = 0.8 }
        [classes.single]
        fact = "disease"
        order = ["appendix"]
        appendix = ["K35"]
        """
    )
    bill = stay_of(law, 7_000, own=500, disease="K35.8", fixed_price=True)
    statement = Member(law).settle(bill)
    # 7,500 − 6,000 off the scope: 5,500 × 80 %
    assert (statement.hospital_part, statement.funds) == (150_000, 440_000)
    assert statement.personal == 160_000
    cheap = Member(law).settle(stay_of(law, 5_000, disease="K35.8", fixed_price=True))
    assert (cheap.hospital_part, cheap.funds) == (0, 400_000)


def test_a_bed_day_s_price_is_for_each_day_and_spares_the_hospital_nothing_it_bears() -> None:
    law = law_from(
        """
        [benefits.stay]
        fixed_price = { amount = 200, per_day = true }
        payers.pool = { bands = 0.5 }
        """
    )
    bill = stay_of(law, days=3, fixed_price=True)
    sums = Sums(100_000, 0, 30_000, 30_000, 40_000, hospital=10_000)
    statement = Member(law).settle(replace(bill, sums={"general": sums}))
    # 100 of over-limit are the hospital's; of the other 900, 600 are the price, 300 its part too:
    # 400 − 300 in scope, half of it the fund's
    assert (statement.hospital_part, statement.funds) == (40_000, 5_000)
    assert statement.personal == 100_000 - 40_000 - 5_000


def test_what_the_scope_does_not_hold_is_taken_from_first_pay_over_limit_and_own() -> None:
    law = law_from(
        """
        account = { may_pay = ["own"], parts = ["current"] }
        [benefits.stay]
        fixed_price.amount = 20
        payers.pool = { bands = 1 }
        """
    )
    bill = stay_of(law, 10, first_pay=10, over_limit=10, own=30, fixed_price=True)
    statement = Member(law, {"current": 100_000}).settle(bill)
    # 40 above the price: all that is in scope, first pay and over limit, and 10 of the own expense
    assert (statement.hospital_part, statement.funds) == (4_000, 0)
    assert (statement.account_total, statement.cash) == (2_000, 0)


def test_a_fixed_price_that_the_law_does_not_know_is_refused() -> None:
    law = law_from("benefits.stay.payers.pool = { bands = 1 }")
    with pytest.raises(Refused) as raised:
        benefit(stay_of(law, 1, fixed_price=True), law, {}, [])
    assert raised.value.refusal.facts["parameter"] == "benefits.stay.fixed_price.amount"


# ------------------------------------------------------------------------------ over the new year


def test_a_stay_over_the_year_s_end_is_settled_whole_or_must_be_cut() -> None:
    stay = 'benefits.stay.payers.pool = { bands = 1 }\nbenefits.stay.across_year = "{}"'
    over = {"begin": date(2025, 12, 20), "day": date(2026, 1, 5)}
    whole, cut = law_from(stay.replace("{}", "whole")), law_from(stay.replace("{}", "cut"))
    assert benefit(stay_of(whole, 100, **over), whole, {}, []).funds == 10_000
    with pytest.raises(Refused) as raised:
        benefit(stay_of(cut, 100, **over), cut, {}, [])
    assert raised.value.refusal.code is RefusalCode.DATE_NOT_ALLOWED
    assert raised.value.refusal.facts["day"] == "2025-12-31"
    up_to_it = stay_of(cut, 100, begin=date(2025, 12, 20), day=date(2025, 12, 31))
    assert benefit(up_to_it, cut, {}, []).funds == 10_000


# ------------------------------------------------------------------------------------ the account


def test_the_current_year_s_account_may_be_spent_before_the_deductible() -> None:
    # A14's shape: account of the year 500 first, then 1,500 deductible, then 70 % of the rest
    law = law_from(
        """
        counters.paid = { scope = "year", counts = "deductible" }
        [account]
        may_pay = { by = ["part"], value = { current = [], carried = ["deductible", "co_pay"] } }
        parts = ["current", "carried"]
        spent_first = ["current"]
        [benefits.stay]
        deductible.year = { counter = "paid", amount = 1500 }
        payers.pool = { bands = 0.7 }
        """
    )
    member = Member(law, {"current": 50_000, "carried": 100_000})
    statement = member.settle(stay_of(law, 3_000, own=40))
    # 3,000 − 500 − 1,500 = 1,000: 700 and 300; the carried part pays 1,000 of the other 1,800
    assert (statement.deductible, statement.funds) == (150_000, 70_000)
    assert statement.account == (("current", 50_000), ("carried", 100_000))
    assert statement.cash == 304_000 - 70_000 - 150_000


def test_each_part_of_the_account_pays_what_it_may() -> None:
    law = law_from(
        """
        [account]
        may_pay = { by = ["part"], value = { current = ["co_pay"], carried = ["co_pay", "own"] } }
        parts = ["current", "carried"]
        [benefits.stay]
        payers.pool = { bands = 0.5 }
        """
    )
    member = Member(law, {"current": 10_000, "carried": 10_000})
    statement = member.settle(stay_of(law, 100, own=70, first_pay=10))
    assert statement.account == (("current", 5_000), ("carried", 7_000))
    assert statement.cash == 1_000


def test_arrears_block_the_fund_and_leave_the_account() -> None:
    law = law_from("benefits.stay.payers.pool = { bands = 1 }\npayers.aid = { bands = 1 }")
    blocked = stay_of(law, 100, {"entitlement": EntitlementExtent.ACCOUNT_ONLY})
    statement = benefit(blocked, law, {}, [AccountPart("a", "current", 3_000)])
    assert (statement.funds, statement.account_total, statement.counters) == (0, 3_000, ())


# ------------------------------------------------------------------------- how the bill is reported


def test_each_payer_names_its_fund_its_field_and_its_place_in_the_law() -> None:
    law = law_from(
        """
        [benefits.stay.payers.pool]
        bands = 0.5
        reported_as = { value = { fund = "390100", amount_field = "hifp" } }
        [payers.aid]
        bands = 0.5
        reported_as = { value = { fund = "610100", amount_field = "maf" } }
        """
    )
    payments = benefit(stay_of(law, 100), law, {}, []).payments
    assert [(p.fund, p.amount_field, p.payer) for p in payments] == [
        ("390100", "hifp", "benefits.stay.payers.pool"),
        ("610100", "maf", "payers.aid"),
    ]


# ------------------------------------------------------------------------ bills that make no sense


@pytest.mark.parametrize(
    ("facts", "code", "field"),
    [
        ({"days": 0}, RefusalCode.AMOUNT_OUT_OF_RANGE, "days"),
        ({"months": 0}, RefusalCode.AMOUNT_OUT_OF_RANGE, "months"),
        ({"further_diseases": -1}, RefusalCode.AMOUNT_OUT_OF_RANGE, "further_diseases"),
        ({"day": date(1969, 12, 31)}, RefusalCode.DATE_NOT_ALLOWED, "birth_date"),
        ({"sums": {"general": Sums(2, in_scope=1)}}, RefusalCode.TOTAL_DIFFERS, "total"),
        (
            {"sums": {"general": Sums(1, over_limit=1, hospital=2)}},
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            "sums",
        ),
    ],
)
def test_a_bill_that_makes_no_sense_is_refused_by_the_field(
    facts: dict,
    code: RefusalCode,
    field: str,  # type: ignore[type-arg]
) -> None:
    law = law_from("benefits.stay.payers.pool = { bands = 1 }")
    with pytest.raises(Refused) as raised:
        benefit(stay_of(law, 1, **facts), law, {}, [])
    assert (raised.value.refusal.code, raised.value.refusal.field) == (code, field)
    with pytest.raises(Refused):
        needed_counters(stay_of(law, 1, **facts), law)


def test_a_bill_before_any_value_is_refused_with_parameter_and_day() -> None:
    law = law_from("benefits.stay.payers.pool = { bands = 1 }")
    with pytest.raises(Refused) as raised:
        benefit(stay_of(law, 1, day=date(1999, 12, 31)), law, {}, [])
    assert raised.value.refusal.code is RefusalCode.PARAMETER_MISSING
    assert raised.value.refusal.facts["day"] == "1999-12-31"
