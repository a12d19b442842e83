"""Shanghai's packaged laws on hand-worked bills, in yuan."""

from datetime import date
from typing import Any

from tests.policy.patient import Patient, paid, yuan

AUTUMN = date(2024, 9, 1)


def employee(day: date = AUTUMN, **person: Any) -> Patient:
    return Patient("310000/310", day, **person)


def resident(**person: Any) -> Patient:
    return Patient("310000/390", AUTUMN, **person)


# -------------------------------------------------------------------------- employees, outpatients


def test_outpatient_care_has_a_yearly_deductible_and_a_ratio_by_level() -> None:
    # (2000 − 500) × 75 %
    bill = employee().settle(2000, care_kind="11", level="l2")
    assert (yuan(bill.deductible), paid(bill)) == (500, {"pool": 1125})


def test_who_retired_before_2001_has_the_lowest_deductible_and_the_highest_ratio() -> None:
    last = employee(type="1201", retired_on=date(2000, 12, 31))
    first = employee(type="1201", retired_on=date(2001, 1, 1))
    # (1200 − 200) × 90 % and (1200 − 300) × 85 %
    assert paid(last.settle(1200, care_kind="11", level="l1")) == {"pool": 900}
    assert paid(first.settle(1200, care_kind="11", level="l1")) == {"pool": 765}


def test_a_retired_person_without_a_day_of_retirement_is_refused_not_guessed() -> None:
    lacking = employee(type="1201").lacks(1200, care_kind="11")
    assert lacking == "benefits.outpatient.deductible.year.amount.retired.no_day"


def test_the_benefit_year_begins_on_the_first_of_july() -> None:
    patient = employee()
    june, july = date(2025, 6, 30), date(2025, 7, 1)
    assert yuan(patient.settle(600, care_kind="11", day=june).deductible) == 500
    assert yuan(patient.settle(600, care_kind="11", day=july).deductible) == 500
    assert yuan(patient.settle(600, care_kind="11", day=july).deductible) == 0


def test_until_june_2023_the_account_of_the_year_was_spent_before_the_deductible() -> None:
    patient = employee(date(2023, 3, 1), birth=date(1973, 1, 1))
    # 800 of the year's account, then 1500, then (3000 − 800 − 1500) × 60 % from 45 years on
    bill = patient.settle(3000, care_kind="11", account={"current": 800, "carried": 300})
    assert (yuan(bill.deductible), paid(bill)) == (1500, {"pool": 420})
    assert dict(bill.account) == {"current": 80_000, "carried": 30_000}
    assert yuan(bill.cash) == 1480


def test_until_june_2023_the_ratio_turned_on_age_and_retirement() -> None:
    spring = date(2023, 3, 1)
    of_44 = employee(spring, birth=date(1978, 3, 2))
    of_70 = employee(spring, type="1201", birth=date(1953, 3, 1), retired_on=date(2010, 1, 1))
    # (2500 − 1500) × 50 % and (2500 − 700) × 75 %
    assert paid(of_44.settle(2500, care_kind="11")) == {"pool": 500}
    assert paid(of_70.settle(2500, care_kind="11")) == {"pool": 1350}


def test_from_july_2023_the_account_comes_after_the_fund() -> None:
    bill = employee(date(2023, 7, 1)).settle(1500, care_kind="11", account={"current": 800})
    # (1500 − 500) × 70 %, then 800 of the person's 800
    assert (paid(bill), yuan(bill.account_total), yuan(bill.cash)) == ({"pool": 700}, 800, 0)


# -------------------------------------------------------------------------------- employees' stays


def test_a_stay_has_a_yearly_deductible_of_its_own() -> None:
    patient = employee()
    patient.settle(5000, care_kind="11")
    # (11500 − 1500) × 85 %, then 10000 × 85 %
    assert paid(patient.settle(11_500)) == {"pool": 8500}
    assert paid(patient.settle(10_000)) == {"pool": 8500}


def test_a_home_bed_is_paid_at_its_own_ratio() -> None:
    patient = employee(type="1201", retired_on=date(2005, 1, 1))
    # (5000 − 1200) × 80 %, not 92 %
    assert paid(patient.settle(5000, care_kind="25")) == {"pool": 3040}


def test_above_the_line_the_supplementary_fund_pays_80_percent() -> None:
    # 1000 are left below 630000: they take 1000 / 0.85 = 1176.4706 of the 8500 above the
    # deductible; 7323.5294 × 80 % = 5858.8235
    bill = employee().settle(10_000, history={"pool_paid": 629_000})
    assert paid(bill) == {"pool": 1000, "supplement": 5858.82}


def test_outpatient_care_counts_towards_the_line_too() -> None:
    patient = employee()
    patient.settle(1000, care_kind="11", history={"pool_paid": 629_700})
    # 630000 − 629700 − 300 of the outpatient bill's 350 above its deductible
    assert paid(patient.settle(2500)) == {"supplement": 800}


def test_a_stay_before_the_line_is_known_is_refused() -> None:
    lacking = employee(date(2024, 6, 30)).lacks(10_000)
    assert lacking == "benefits.inpatient.payers.pool.caps.line.amount"


def test_care_elsewhere_is_known_for_who_is_filed_as_long_term_alone() -> None:
    filed = employee().settle(11_500, place="outside", filing="long_term")
    assert paid(filed) == {"pool": 8500}
    unfiled = employee().lacks(11_500, place="outside", filing="temporary")
    assert unfiled == "benefits.inpatient.payers.pool.adjust.away.points.outside.temporary"


# -------------------------------------------------------------------------------------- assistance


def test_assistance_pays_of_what_the_pool_leaves() -> None:
    # pool (10000 − 1500) × 85 % = 7225; 2775 × 90 % and × 80 %
    allowance = employee(identities=["2303"]).settle(10_000)
    low_income = employee(identities=["2305"]).settle(10_000)
    both = employee(identities=["2305", "2303"]).settle(10_000)
    assert paid(allowance) == {"pool": 7225, "assistance": 2497.50}
    assert paid(low_income) == {"pool": 7225, "assistance": 2220}
    assert paid(both) == paid(allowance)


def test_aid_for_people_poor_through_expenses_is_named_as_missing() -> None:
    lacking = employee(identities=["2306"]).lacks(10_000)
    assert lacking == "payers.assistance.bands.poor_by_expenses"


# --------------------------------------------------------------------------------------- residents


def test_residents_from_60_have_a_lower_deductible_and_higher_ratios() -> None:
    adult, elder = resident(birth=date(1990, 1, 1)), resident(birth=date(1960, 1, 1))
    # (1500 − 500) × 70 % and (1500 − 300) × 70 %; stays (10300 − 300) × 60 % and × 70 %
    assert paid(adult.settle(1500, care_kind="11", level="l1")) == {"pool": 700}
    assert paid(elder.settle(1500, care_kind="11", level="l1")) == {"pool": 840}
    assert paid(adult.settle(10_300)) == {"pool": 6000}
    assert paid(elder.settle(10_300)) == {"pool": 7000}


def test_the_deductible_of_children_is_named_as_missing() -> None:
    lacking = resident(type="1403", birth=date(2015, 1, 1)).lacks(1500, care_kind="11")
    assert lacking == "benefits.outpatient.deductible.year.amount.minor"
