"""Beijing's packaged laws on hand-worked bills, in yuan."""

from datetime import date

import pytest

from tests.policy.insured import Insured, credit, lacking, paid, yuan
from yibao.policy.terms import EMPLOYEE, RESIDENT, Filing, Level, Place

DAY = date(2025, 6, 1)


def employee(kind: str = "1101") -> Insured:
    return Insured("110105", EMPLOYEE, kind)


def resident(kind: str = "1501", *, identities: tuple[str, ...] = ()) -> Insured:
    return Insured("110105", RESIDENT, kind, identities=identities)


# -------------------------------------------------------------------------------- employees' stays


def test_a_stay_is_paid_by_bands_on_the_cost_with_the_deductible_in_the_first() -> None:
    # (30000 − 1300) × 85 % + 10000 × 90 % + 10000 × 95 %
    stay = employee().settle(DAY, 50_000)
    assert (yuan(stay.deductible), paid(stay)) == ("1300", {"pool": "42895"})


def test_the_second_stay_of_a_year_pays_half_the_deductible_at_any_level() -> None:
    member = employee()
    member.settle(DAY, 50_000)
    # (20000 − 650) × 90 %
    second = member.settle(DAY, 20_000, level=Level.FIRST)
    assert (yuan(second.deductible), paid(second)) == ("650", {"pool": "17415"})
    next_year = member.settle(date(2026, 1, 2), 20_000)
    assert yuan(next_year.deductible) == "1300"


def test_a_record_of_2025_comes_out_where_the_pool_meets_its_cap_inside_a_stay() -> None:
    member = employee("1201")
    member.had(DAY, employee_inpatient_stays=1, employee_inpatient_pool="8240.49")
    stay = member.settle(DAY, "164411.81", own="24674.04")
    # The supplement takes half of what the two funds leave above the deductible:
    # (164411.81 − 650 − 91759.51 − 53631.71) / 2 = 9185.295
    assert yuan(stay.deductible) == "650"
    assert paid(stay) == {
        "pool": "91759.51",
        "large_amount": "53631.71",
        "retiree_supplement": "9185.30",
    }


def test_pool_and_large_amount_fund_together_pay_half_a_million_a_year() -> None:
    # Then critical illness: 200000 − 30404 = 169596; 50000 × 60 % + 119596 × 70 % = 113717.20
    stay = employee().settle(DAY, 700_000)
    assert paid(stay) == {
        "pool": "100000",
        "large_amount": "400000",
        "critical_illness": "113717.20",
    }


def test_outpatient_and_inpatient_care_share_the_deductible_of_critical_illness() -> None:
    member = employee()
    # 1800 + (31800 − 1800) × 30 % = 10800 of own cost at a hospital: under 20,000 paid by the fund,
    # 30000 × 70 % = 21000 is over it: 20000 / 0.7 = 28571.43 at 70 %, the rest at 60 %
    clinic = member.settle(DAY, 31_800, care_kind="11")
    assert paid(clinic) == {"mutual_aid": "20857.14"}
    # 31800 − 20857.14 = 10942.86 stand on the deductible of 30404: 19461.14 are left of it.
    # The stay leaves 700000 − 500000 = 200000: 180538.86; 50000 × 60 % + 130538.86 × 70 %
    stay = member.settle(DAY, 700_000)
    assert paid(stay)["critical_illness"] == "121377.20"


def test_filed_care_elsewhere_is_paid_as_at_home_and_the_rest_is_not_carried() -> None:
    filed = employee().settle(DAY, 50_000, place=Place.OUTSIDE, filing=Filing.TRANSFER)
    assert paid(filed) == {"pool": "42895"}
    assert (
        lacking(lambda: employee().settle(DAY, 50_000, place=Place.OUTSIDE))
        == "benefits.inpatient.payers.pool.adjust.out_of_area.points.outside.none"
    )
    assert (
        lacking(lambda: employee().settle(DAY, 50_000, place=Place.OUTSIDE, care_kind="11"))
        == "benefits.outpatient.payers.mutual_aid.adjust.out_of_area.points.outside.none"
    )


def test_stays_before_the_page_are_refused_by_the_missing_parameter() -> None:
    assert (
        lacking(lambda: employee().settle(date(2024, 12, 31), 50_000))
        == "benefits.inpatient.deductible.visit.amount"
    )


@pytest.mark.parametrize("kind", ["14", "52"])
def test_kinds_of_care_that_no_source_tells_of_are_named(kind: str) -> None:
    assert (
        lacking(lambda: employee().settle(DAY, 1_000, care_kind=kind))
        == f"benefits.*.care_kinds.{kind}"
    )


# -------------------------------------------------------------------------------- residents' stays


def test_adults_pay_half_the_deductible_from_the_second_stay_and_pupils_always() -> None:
    adult, pupil = resident("1501"), resident("1403")
    assert [yuan(adult.settle(DAY, 10_000).deductible) for _ in range(3)] == ["1300", "650", "650"]
    assert [yuan(pupil.settle(DAY, 10_000).deductible) for _ in range(2)] == ["650", "650"]
    assert yuan(pupil.settle(DAY, 10_000, level=Level.FIRST).deductible) == "150"


def test_a_district_hospital_of_level_three_pays_as_level_two() -> None:
    # (10000 − 1300) × 75 % and × 78 %
    assert paid(resident().settle(DAY, 10_000)) == {"pool": "6525"}
    assert paid(resident().settle(DAY, 10_000, circumstances=("district_hospital",))) == {
        "pool": "6786"
    }


def test_the_residents_fund_pays_a_quarter_of_a_million_a_year() -> None:
    member = resident()
    member.had(DAY, resident_inpatient_pool=249_000)
    # 1000 are left of the cap; 10000 − 1000 = 9000 is below critical illness's deductible
    assert paid(member.settle(DAY, 10_000)) == {"pool": "1000"}


def test_critical_illness_starts_at_half_and_pays_five_points_more_for_the_poor() -> None:
    # 98700 × 75 % = 74025, 25975 are left: less than 30404, more than half of it
    assert paid(resident().settle(DAY, 100_000)) == {"pool": "74025"}
    poor = resident(identities=("2303",)).settle(DAY, 100_000)
    # (25975 − 15202) × 65 % = 7002.45; (25975 − 7002.45) × 85 % = 16126.6675
    assert paid(poor) == {
        "pool": "74025",
        "critical_illness": "7002.45",
        "inpatient_assistance": "16126.67",
    }


def test_critical_illness_bands_run_on_over_the_year_without_a_cap() -> None:
    member = resident()
    member.had(DAY, resident_inpatient_pool=250_000)
    # 80404 − 30404 = 50000 × 60 %; then everything × 70 %
    assert paid(member.settle(DAY, 80_404)) == {"critical_illness": "30000"}
    assert paid(member.settle(DAY, 1_000_000)) == {"critical_illness": "700000"}


def test_only_those_who_live_elsewhere_are_known_to_lose_nothing() -> None:
    settled = resident().settle(DAY, 10_000, place=Place.OUTSIDE, filing=Filing.LONG_TERM)
    assert paid(settled) == {"pool": "6525"}
    assert (
        lacking(lambda: resident().settle(DAY, 10_000, place=Place.OUTSIDE, filing=Filing.TRANSFER))
        == "benefits.inpatient.payers.pool.adjust.out_of_area.points.outside.transfer"
    )


# -------------------------------------------------------------------------------------- assistance


def test_the_destitute_pay_nothing_of_what_is_in_scope() -> None:
    bill = resident(identities=("2304", "2303")).settle(
        DAY, 1_000, level=Level.FIRST, care_kind="11"
    )
    # (1000 − 100) × 55 %, then the rest with the deductible
    assert paid(bill) == {"pool": "495", "outpatient_assistance": "505"}
    assert bill.personal == 0


def test_outpatient_assistance_pays_eight_thousand_a_year() -> None:
    member = resident(identities=("2303",))
    member.had(DAY, resident_outpatient_assistance=7_900)
    bill = member.settle(DAY, 1_000, level=Level.FIRST, care_kind="11")
    assert paid(bill) == {"pool": "495", "outpatient_assistance": "100"}


def test_assistance_before_its_page_is_refused_to_the_poor_and_known_to_be_nothing_else() -> None:
    day = date(2023, 3, 1)
    known = resident().settle(day, 1_000, level=Level.FIRST, care_kind="11")
    assert paid(known) == {"pool": "495"}
    poor = resident(identities=("2303",))
    assert (
        lacking(lambda: poor.settle(day, 1_000, level=Level.FIRST, care_kind="11"))
        == "payers.outpatient_assistance.bands.allowance"
    )


def test_a_family_that_illness_made_poor_is_aided_once_a_year_on_application() -> None:
    member = resident(identities=("2306",))
    asked = ("yearly_aid",)
    assert paid(member.settle(DAY, 40_000)) == {"pool": "29025"}
    # 650 deductible, 99350 × 75 % = 74512.50; 25487.50 are left and stand with 10975 before on
    # critical illness's 30404: 6058.50 × 60 % = 3635.10; (25487.50 − 3635.10) × 30 %
    assert paid(member.settle(DAY, 100_000, circumstances=asked)) == {
        "pool": "74512.50",
        "critical_illness": "3635.10",
        "illness_poverty_aid": "6555.72",
    }
    again = member.settle(DAY, 10_000, circumstances=asked)
    assert "illness_poverty_aid" not in paid(again)


# ----------------------------------------------------------------------------------------- account


def test_the_account_is_credited_two_percent_and_a_sum_for_the_retired_that_is_not_carried() -> (
    None
):
    assert credit(employee(), DAY, "12345.67") == "246.91"
    assert lacking(lambda: credit(employee("1201"), DAY, 0)) == (
        "allowances.account_credit.lump.retired"
    )
