"""Wuhan's packaged laws on hand-worked bills, in yuan."""

from datetime import date
from typing import Any

from tests.policy.patient import Patient, paid, yuan

DAY = date(2025, 6, 1)


def employee(**person: Any) -> Patient:
    return Patient("420100/310", DAY, **person)


def test_retired_people_bear_eight_tenths_of_the_own_share() -> None:
    # 10000 × (1 − 14 % × 0.8)
    assert paid(employee(type="1201").settle(10_800)) == {"pool": 8880}


def test_later_stays_have_half_the_deductible_but_not_at_grass_roots() -> None:
    patient = employee()
    patient.settle(10_800)
    third, grass = patient.settle(1400), patient.settle(1200, level="grass")
    # 800 / 2 and 200; 1000 × 86 % and × 92 %
    assert (yuan(third.deductible), paid(third)) == (400, {"pool": 860})
    assert (yuan(grass.deductible), paid(grass)) == (200, {"pool": 920})


def test_the_cap_is_one_of_cost_not_of_what_the_fund_paid() -> None:
    # 10000 of cost are left, the deductible in them: 9200 × 86 %
    bill = employee().settle(20_000, history={"employee_inpatient_in_scope": 230_000})
    assert paid(bill) == {"pool": 7912}


def test_outpatient_care_has_no_deductible_and_a_cap() -> None:
    patient = employee(type="1201")
    assert paid(patient.settle(1000, care_kind="11", level="l2")) == {"pool": 750}
    # 4500 − 750
    assert paid(patient.settle(10_000, care_kind="11", level="l2")) == {"pool": 3750}


def test_the_bill_says_on_which_list_a_chronic_disease_stands() -> None:
    patient = employee(type="1201")
    severe = patient.settle(1000, care_kind="14", circumstances=["severe_disease"])
    chronic = patient.settle(1000, care_kind="14", circumstances=["chronic_disease"])
    assert (paid(severe), paid(chronic)) == ({"pool": 850}, {"pool": 650})
    assert (
        patient.lacks(1000, care_kind="14") == "benefits.chronic.payers.pool.bands.unknown.retired"
    )


def test_critical_illness_measures_its_bands_on_the_absolute_base() -> None:
    patient = Patient("420100/390", DAY)
    # The pool meets its cap and leaves 150000, as in a published example:
    # (30000 − 12000) × 60 % + 70000 × 65 % + 50000 × 75 %
    assert paid(patient.settle(300_000)) == {"pool": 150_000, "critical_illness": 93_800}
    # The year's base is in the last band: 10000 × 75 %
    assert paid(patient.settle(10_000)) == {"critical_illness": 7500}


def test_the_critical_illness_base_adds_up_to_its_deductible_over_the_year() -> None:
    patient = Patient("420100/390", DAY)
    # 800 + 20000 × 40 % = 8800, all of it deductible; then 400 + 20000 × 40 % = 8400:
    # 3200 of deductible, 5200 × 60 %
    assert paid(patient.settle(20_800)) == {"pool": 12_000}
    assert paid(patient.settle(20_400)) == {"pool": 12_000, "critical_illness": 3120}


def test_residents_stays_at_level_2_are_named_as_missing() -> None:
    lacking = Patient("420100/390", DAY).lacks(10_000, level="l2")
    assert lacking == "benefits.inpatient.deductible.stay.amount.l2"
