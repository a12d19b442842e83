"""Every shape of a payer: ratios, bands, caps and layers, each with bills worked by hand."""

from datetime import date

import pytest

from tests.adjudication.builders import Member, by_payer, stay_of
from tests.adjudication.laws import law_from
from yibao.kernel.money import Rate
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import Filing, IdentityKind, Level, PersonType, Place, Scheme

PERSON = """
    [classes.person]
    fact = "person_type"
    order = ["active", "retired"]
    active = ["11"]
    retired = ["12"]
"""

POOR = """
    [classes.poverty]
    fact = "identity"
    order = ["destitute", "allowance"]
    destitute = ["2304"]
    allowance = ["2303"]
    otherwise = "ordinary"
"""

RETIRED = {"person_type": PersonType("1201")}
ALLOWANCE = {"identities": (IdentityKind("2303"),)}


# ------------------------------------------------------------------------------------ ratios


def test_the_retired_bear_six_tenths_of_the_own_share() -> None:
    law = law_from(
        PERSON
        + """
        [benefits.stay.payers.pool]
        bands = [{ above = 0, to = 30000, ratio = 0.85 }, { above = 30000, ratio = 0.90 }]
        adjust.retired.own_share_times = { by = ["person"], value = { active = 1, retired = 0.6 } }
        """
    )
    # 30,000 × 85 % + 10,000 × 90 %; retired: own shares 9 % and 6 %
    assert Member(law).settle(stay_of(law, 40_000)).funds == 3_450_000
    assert Member(law).settle(stay_of(law, 40_000, RETIRED)).funds == 2_730_000 + 940_000


def test_points_are_added_and_a_ratio_never_exceeds_one() -> None:
    law = law_from(
        PERSON
        + """
        [benefits.stay.payers.pool]
        bands = [{ above = 0, to = 100, ratio = 0.99 }, { above = 100, ratio = 0 }]
        adjust.retired.points = { by = ["person"], value = { active = 0, retired = 0.02 } }
        """
    )
    statement = Member(law).settle(stay_of(law, 150, RETIRED))
    # the band at 0 stays 0: an adjustment makes nobody pay who does not
    assert statement.funds == 10_000
    assert Member(law).settle(stay_of(law, 50, RETIRED)).payments[0].rate == Rate(10_000)


def test_points_grow_with_each_year_of_age() -> None:
    law = law_from(
        """
        [benefits.stay.payers.pool]
        bands = 0.75
        adjust.age.points_per_year_of_age = 0.002
        """
    )
    # 56 years: 75 % + 11.2 points
    assert Member(law).settle(stay_of(law, 1_000)).funds == 86_200


def test_adjustments_act_in_their_order() -> None:
    law = law_from(
        """
        [benefits.stay.payers.pool]
        bands = 0.8
        adjust.unfiled.fund_share_times = { by = ["filing"], value = { none = 0.9, other = 1 } }
        adjust.away.points = { by = ["place"], value = { outside = -0.1, other = 0 } }
        adjust_order = ["away", "unfiled"]
        """
    )
    away = stay_of(law, 1_000, place=Place.OUTSIDE)
    # (80 % − 10 points) × 0.9; in the other order it would be 62 %
    assert Member(law).settle(away).funds == 63_000
    filed = stay_of(law, 1_000, place=Place.OUTSIDE, filing=Filing.TRANSFER)
    assert Member(law).settle(filed).funds == 70_000


def test_a_place_may_have_a_table_of_its_own() -> None:
    law = law_from(
        """
        [benefits.stay.payers.pool.bands]
        by = ["place", "level"]
        value = { local = { l3 = 0.7, other = 0.8 }, other = 0.5 }
        """
    )
    bills = [
        stay_of(law, 100),
        stay_of(law, 100, level=Level.FIRST),
        stay_of(law, 100, place=Place.PROVINCE),
    ]
    assert [Member(law).settle(bill).funds for bill in bills] == [7_000, 8_000, 5_000]


def test_bands_may_be_told_by_the_own_share() -> None:
    law = law_from(
        """
        [benefits.stay.payers.pool.bands]
        unit = "own_share"
        value = [{ above = 0, to = 100, ratio = 0.2 }, { above = 100, ratio = 0.05 }]
        """
    )
    assert Member(law).settle(stay_of(law, 300)).funds == 8_000 + 19_000


# -------------------------------------------------------------------------------------- bands


def test_bands_run_over_one_bill_or_over_the_year() -> None:
    body = """
        counters.cost = { scope = "year", counts = "after_deductible" }
        [benefits.stay.payers.pool]
        bands = [{ above = 0, to = 100, ratio = 0.5 }, { above = 100, ratio = 0.8 }]
    """
    bill, year = law_from(body), law_from(body + 'counter = "cost"')
    assert [Member(bill).settle(stay_of(bill, 150)).funds for _ in range(2)] == [9_000, 9_000]
    member = Member(year)
    assert [member.settle(stay_of(year, 150)).funds for _ in range(2)] == [9_000, 12_000]


def test_a_bound_on_fund_paid_is_found_inside_a_bill() -> None:
    # A10's shape: 150 at 70 % would be 105; at 70 paid the ratio falls: 100 at 70 %, 50 at 60 %
    law = law_from(
        """
        counters.paid = { scope = "year", counts = "fund", payers = ["pool"] }
        [benefits.stay.payers.pool]
        measured_on = "fund_paid"
        counter = "paid"
        bands = [{ above = 0, to = 70, ratio = 0.7 }, { above = 70, ratio = 0.6 }]
        """
    )
    assert Member(law).settle(stay_of(law, 150)).funds == 7_000 + 3_000


# --------------------------------------------------------------------------------------- caps


def test_a_cap_on_payments_allows_so_many_in_a_life() -> None:
    law = law_from(
        """
        counters.given = { scope = "life", counts = "payments", payers = ["grant"] }
        [benefits.stay.payers.grant]
        bands = 0.5
        caps.life = { counter = "given", amount = 2 }
        """
    )
    member = Member(law)
    paid = [member.settle(stay_of(law, 100, day=date(2026 + n, 1, 1))).funds for n in range(3)]
    assert paid == [5_000, 5_000, 0]


def test_a_cap_may_be_an_amount_a_day() -> None:
    law = law_from(
        """
        counters.bed = { scope = "visit", counts = "fund", payers = ["pool"] }
        [benefits.stay.payers.pool]
        bands = 1
        caps.daily = { counter = "bed", amount = 40, every_days = 1 }
        """
    )
    assert Member(law).settle(stay_of(law, 1_000, days=7)).funds == 28_000


def test_the_boundary_inside_a_bill_is_not_rounded_and_the_rest_goes_on() -> None:
    # A10: 70 % until the fund has paid 1.00: 1.00 / 0.7 = 1.428571…; 80 % of the rest is paid by
    # the next: (10.00 − 1.428571…) × 0.8 = 6.857142… → 6.86
    law = law_from(
        """
        counters.pool = { scope = "year", counts = "fund", payers = ["pool"] }
        [benefits.stay.payers.pool]
        bands = 0.7
        caps.year = { counter = "pool", amount = 1 }
        [benefits.stay.payers.large]
        base = "above_cap"
        bands = 0.8
        """
    )
    assert by_payer(Member(law).settle(stay_of(law, 10))) == {"pool": 100, "large": 686}


def test_what_is_above_the_cap_may_be_another_payer_s_than_the_next() -> None:
    law = law_from(
        """
        counters.pool = { scope = "year", counts = "fund", payers = ["pool"] }
        [benefits.stay.payers.pool]
        bands = 0.5
        caps.year = { counter = "pool", amount = 100 }
        [benefits.stay.payers.supplement]
        base = "co_pay"
        bands = 0
        [benefits.stay.payers.large]
        base = "above_cap"
        above_cap_of = "pool"
        bands = 0.9
        """
    )
    # 200 of cost fill the pool's 100; 90 % of the other 300
    assert by_payer(Member(law).settle(stay_of(law, 500))) == {"pool": 10_000, "large": 27_000}


GROWING = """
    counters.paid = { scope = "year", counts = "fund", payers = ["pool"] }
    [benefits.stay.payers.pool]
    bands = 1
    [benefits.stay.payers.pool.caps.year]
    counter = "paid"
    amount = 10000
    growth.enrolled = { years = "enrolled_years", after = 4, step = 1000 }
    growth.free = { years = "claim_free_years", after = 0, step = 1000 }
    growth_at_most = 0.2
"""


@pytest.mark.parametrize(
    ("enrolled", "free", "cap"), [(4, 0, 10_000), (5, 0, 11_000), (3, 1, 11_000), (9, 9, 12_000)]
)
def test_a_cap_grows_with_years_enrolled_and_years_without_a_claim(
    enrolled: int, free: int, cap: int
) -> None:
    law = law_from(GROWING)
    who = {"enrolled_years": enrolled, "claim_free_years": free}
    assert Member(law).settle(stay_of(law, 50_000, who)).funds == cap * 100


def test_an_unknown_number_of_years_is_refused_by_its_name() -> None:
    law = law_from(GROWING)
    with pytest.raises(Refused) as raised:
        Member(law).settle(stay_of(law, 100, {"enrolled_years": 5}))
    assert raised.value.refusal.code is RefusalCode.FIELD_MISSING
    assert raised.value.refusal.field == "claim_free_years"
    assert raised.value.refusal.facts["day"] == "2026-03-01"


# --------------------------------------------------------------- critical illness, assistance


LAYERS = (
    """
    counters.base = { scope = "year", counts = "base_after_deductible", payers = ["serious"] }
    counters.own = { scope = "year", counts = "deductible", payers = ["serious"] }
    counters.serious = { scope = "year", counts = "fund", payers = ["serious"] }
    counters.aid = { scope = "year", counts = "fund", payers = ["aid"] }
    """
    + POOR
    + """
    [benefits.stay.payers.pool]
    bands = 0.5
    [benefits.outpatient.payers.pool]
    bands = 0.5
    [payers.serious]
    title = "大病保险"
    measured_on = "after_deductible"
    counter = "base"
    bands = [{ above = 0, to = 30000, ratio = 0.6 }, { above = 30000, ratio = 0.7 }]
    adjust.poor.points = { by = ["poverty"], value = { ordinary = 0, other = 0.05 } }
    [payers.serious.deductible.year]
    counter = "own"
    amount = 10000
    factor.poor = { by = ["poverty"], value = { ordinary = 1, other = 0.5 } }
    [payers.serious.caps.year]
    counter = "serious"
    amount = { by = ["poverty"], value = { ordinary = 20000, other = "none" } }
    [payers.aid]
    title = "医疗救助"
    bands = { by = ["poverty"], value = { destitute = 1, allowance = 0.7, ordinary = "none" } }
    caps.year = { counter = "aid", amount = 10000 }
"""
)


def test_critical_illness_gathers_a_year_s_rest_over_kinds_of_care() -> None:
    law = law_from(LAYERS)
    member = Member(law)
    # 12,000 left of a stay and 6,000 of outpatient care: 10,000 deductible; 8,000 × 60 %
    first = member.settle(stay_of(law, 24_000))
    second = member.settle(stay_of(law, 12_000, care_kind="11"))
    assert by_payer(first) == {"pool": 1_200_000, "serious": 120_000}
    assert by_payer(second) == {"pool": 600_000, "serious": 360_000}
    # 8,000 lie in the first band; 60,000 more: 22,000 × 60 % and 38,000 × 70 % = 39,800, but 15,200
    third = member.settle(stay_of(law, 120_000))
    assert by_payer(third) == {"pool": 6_000_000, "serious": 2_000_000 - 480_000}
    assert member.value("own") == 1_000_000


def test_the_poor_have_half_the_deductible_five_points_more_and_no_cap() -> None:
    law = law_from(LAYERS)
    statement = Member(law).settle(stay_of(law, 100_000, ALLOWANCE))
    # 50,000 left: 45,000 above 5,000: 30,000 × 65 % + 15,000 × 75 % = 30,750; then 70 % of 19,250
    # is 13,475, but 10,000 a year
    assert by_payer(statement) == {"pool": 5_000_000, "serious": 3_075_000, "aid": 1_000_000}


def test_assistance_takes_the_best_of_several_identities() -> None:
    law = law_from(LAYERS)
    both = {"identities": (IdentityKind("2303"), IdentityKind("2304"))}
    assert by_payer(Member(law).settle(stay_of(law, 1_000, both))) == {
        "pool": 50_000,
        "aid": 50_000,
    }


def test_who_is_no_object_of_assistance_gets_none_and_nothing_is_counted() -> None:
    law = law_from(LAYERS)
    statement = Member(law).settle(stay_of(law, 1_000))
    assert by_payer(statement) == {"pool": 50_000}
    assert {key.name for key, _ in statement.counters} == {"own"}


def test_tilt_aid_works_on_what_assistance_left_above_its_own_deductible() -> None:
    # A03: 20,000 own; of 180,000: 300 deductible, 70 %, 65 % above 8,450.50, 70 %, 70 % above 3,500
    law = law_from(
        """
        counters.visit = { scope = "visit", counts = "deductible" }
        counters.tilt = { scope = "year", counts = "deductible", payers = ["tilt"] }
        counters.line = { scope = "year", counts = "deductible", payers = ["serious"] }
        benefits.stay.deductible.visit = { counter = "visit", amount = 300 }
        benefits.stay.payers.basic = { bands = 0.7 }
        [payers.serious]
        bands = 0.65
        deductible.year = { counter = "line", amount = 8450.50 }
        [payers.aid]
        bands = 0.7
        [payers.tilt]
        bands = 0.7
        deductible.year = { counter = "tilt", amount = 3500 }
        """
    )
    statement = Member(law).settle(stay_of(law, 180_000, own=20_000))
    assert by_payer(statement) == {
        "basic": 12_579_000,
        "serious": 2_974_368,
        "aid": 1_712_642,
        "tilt": 268_793,
    }


def test_a_common_payer_works_on_the_benefits_it_names_alone() -> None:
    law = law_from(
        """
        benefits.stay.payers.pool = { bands = 0.5 }
        benefits.outpatient.payers.pool = { bands = 0.5 }
        payers.serious = { benefits = ["stay"], bands = 0.5 }
        """
    )
    assert Member(law).settle(stay_of(law, 100)).funds == 7_500
    assert Member(law).settle(stay_of(law, 100, care_kind="11")).funds == 5_000


def test_civil_servants_are_helped_by_rank_and_half_of_the_first_pay_counts() -> None:
    # A45's shape: 1,000 in scope at 80 % leave 200; with half of 100 first pay and a quarter of
    # 40 own expense: 260 × 90 % = 234: 200 in scope, 34 of the first pay
    law = law_from(
        """
        [classes.servant]
        fact = "enrolment"
        order = ["servant"]
        servant = ["320"]
        otherwise = "not"
        [benefits.stay.payers.pool]
        bands = 0.8
        [payers.servants]
        bands = { by = ["servant"], value = { servant = 0.9, not = "none" } }
        also = { first_pay = 0.5, own = 0.25 }
        """
    )
    servant = {"enrolments": (Scheme("320"),)}
    member = Member(law, {"current": 100_000})
    statement = member.settle(stay_of(law, 1_000, servant, first_pay=100, own=40))
    assert by_payer(statement) == {"pool": 80_000, "servants": 23_400}
    assert statement.personal == 10_600
    assert Member(law).settle(stay_of(law, 1_000, first_pay=100, own=40)).funds == 80_000


def test_a_top_up_may_pay_nothing_but_what_lies_outside_the_scope() -> None:
    law = law_from(
        """
        benefits.stay.payers.pool = { bands = 0.8 }
        payers.extra = { base = "outside", also = { own = 0.5, over_limit = 1 }, bands = 0.6 }
        payers.last = { bands = 0.5 }
        """
    )
    statement = Member(law).settle(stay_of(law, 1_000, own=100, over_limit=30))
    # 60 % of (50 + 30); the 200 left in scope are untouched by it
    assert by_payer(statement) == {"pool": 80_000, "extra": 4_800, "last": 10_000}


def test_a_fraction_of_a_base_is_not_rounded_before_the_payment_is() -> None:
    law = law_from(
        """
        benefits.stay.payers.pool = { bands = 0 }
        payers.extra = { base = "outside", also = { own = "1/3" }, bands = 0.5 }
        """
    )
    # 0.10 / 3 × 50 % = 1.67 fen → 2; rounded before it would be 3 × 50 % = 1.5 → 2, and of 0.04:
    # 4 / 3 × 0.5 = 0.67 → 1
    assert Member(law).settle(stay_of(law, own="0.10")).funds == 2
    assert Member(law).settle(stay_of(law, own="0.04")).funds == 1


def test_second_aid_pays_what_all_before_left_of_the_deductible_too() -> None:
    law = law_from(
        """
        counters.visit = { scope = "visit", counts = "deductible" }
        benefits.stay.deductible.visit = { counter = "visit", amount = 100 }
        benefits.stay.payers.pool = { bands = 0.5 }
        payers.supplement = { base = "co_pay", bands = 0.5 }
        payers.second_aid = { base = "unpaid", bands = 1 }
        """
    )
    # of 500 without 100 deductible 200; half of the other 200; then all that is left: 100 + 100
    assert by_payer(Member(law).settle(stay_of(law, 500))) == {
        "pool": 20_000,
        "supplement": 10_000,
        "second_aid": 20_000,
    }
