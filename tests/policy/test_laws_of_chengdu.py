"""Chengdu's packaged laws on hand-worked bills, in yuan."""

from datetime import date
from typing import Any

import pytest

from tests.policy.patient import Patient, paid, yuan

DAY = date(2025, 6, 1)


def employee(**person: Any) -> Patient:
    return Patient("510100/310", DAY, birth=person.pop("birth", date(1985, 1, 1)), **person)


def test_mutual_aid_pays_of_what_the_pool_leaves() -> None:
    # 10000 × 85 %; (10800 − 8500) × 77 %
    assert paid(employee().settle(10_800)) == {"pool": 8500, "mutual_aid": 1771}


def test_mutual_aid_pays_more_of_a_larger_rest() -> None:
    # 200000 × 85 %; of 30800: 10000 × 77 % + 20000 × 80 % + 800 × 85 %
    assert paid(employee().settle(200_800)) == {"pool": 170_000, "mutual_aid": 24_380}


@pytest.mark.parametrize(
    ("birth", "pool"),
    [
        (date(1975, 6, 2), 8500),
        (date(1975, 6, 1), 8700),
        (date(1963, 1, 1), 8900),
        (date(1930, 1, 1), 9500),
        (date(1925, 6, 1), 10_000),
    ],
    ids=["49", "50", "62", "95", "100"],
)
def test_every_decade_of_age_adds_two_points_and_a_hundred_years_all(
    birth: date, pool: float
) -> None:
    assert paid(employee(type="1201", birth=birth).settle(10_800))["pool"] == pool


def test_a_transfer_out_of_the_city_has_a_deductible_of_2000() -> None:
    bill = employee().settle(12_000, place="outside", filing="transfer")
    # 10000 × 85 %
    assert (yuan(bill.deductible), paid(bill)["pool"]) == (2000, 8500)


def test_unfiled_care_elsewhere_drops_by_ten_points() -> None:
    # 10000 × 75 %
    bill = employee().settle(10_800, place="outside")
    assert (yuan(bill.deductible), paid(bill)["pool"]) == (800, 7500)


def test_outpatient_care_turns_on_level_and_retirement() -> None:
    active, retired = employee(), employee(type="1201")
    # (1200 − 200) × 50 % and (1150 − 150) × (60 % + 10 %)
    assert paid(active.settle(1200, care_kind="11")) == {"pool": 500}
    assert paid(retired.settle(1150, care_kind="11", level="l2")) == {"pool": 700}


def test_a_pharmacy_counts_as_level_3() -> None:
    bill = employee().settle(1200, care_kind="41", pharmacy=True)
    assert paid(bill) == {"pool": 500}


def test_who_is_insured_with_the_pool_alone_has_the_lower_cap() -> None:
    # (3000 − 200) × 50 % = 1400, and 5000 × 50 % on top
    both, alone = employee(), employee(traits=["pool_only"])
    assert paid(alone.settle(3000, care_kind="11")) == {"pool": 880}
    assert paid(both.settle(3000, care_kind="11")) == {"pool": 1400}
    assert paid(both.settle(5000, care_kind="11")) == {"pool": 600}


def test_special_drugs_have_a_ratio_and_a_limit_of_their_own() -> None:
    patient = employee()
    assert paid(patient.settle(100_000, care_kind="15")) == {"pool": 75_000}
    assert paid(patient.settle(200_000, care_kind="15")) == {"pool": 75_000}


def test_residents_outpatient_care_has_a_cap_by_person() -> None:
    adult, student = Patient("510100/390", DAY), Patient("510100/390", DAY, type="1403")
    # 1000 × 60 % = 600
    assert paid(adult.settle(1000, care_kind="11", level="grass")) == {"pool": 200}
    assert paid(student.settle(1000, care_kind="11", level="grass")) == {"pool": 500}


def test_a_residents_stay_lacks_its_deductible() -> None:
    lacking = Patient("510100/390", DAY, traits=["tier_high"]).lacks(10_000)
    assert lacking == "benefits.inpatient.deductible.stay.amount"
