"""Hangzhou's packaged laws on hand-worked bills, in yuan."""

from datetime import date
from typing import Any

from tests.policy.patient import Patient, paid, yuan

DAY = date(2025, 6, 1)


def employee(*traits: str, **person: Any) -> Patient:
    return Patient("330100/310", DAY, traits=list(traits), **person)


def test_the_inpatient_deductible_is_due_once_a_year_at_the_highest_level() -> None:
    patient = employee()
    grass, third, again = (
        patient.settle(1300, level="grass"),
        patient.settle(10_500),
        patient.settle(1000),
    )
    # 300; 800 − 300; nothing more
    assert [yuan(bill.deductible) for bill in (grass, third, again)] == [300, 500, 0]
    # 1000 × 88 %, 10000 × 82 %, 1000 × 82 %
    assert [paid(bill)["pool"] for bill in (grass, third, again)] == [880, 8200, 820]


def test_the_bands_cut_the_cost_with_the_deductible_in_the_first() -> None:
    patient = employee()
    # (40000 − 800) × 82 % + 10000 × 88 %
    assert paid(patient.settle(50_000)) == {"pool": 40_944}
    # the year's cost stands at 50000: the second band
    assert paid(patient.settle(1000)) == {"pool": 880}


def test_retired_people_get_four_points_more_below_the_second_bound() -> None:
    # (40000 − 800) × 86 % + 320000 × 92 % + 40000 × 90 %
    assert paid(employee(type="1201").settle(400_000)) == {"pool": 364_112}


def test_who_signed_with_a_community_doctor_pays_300_less_and_gets_more_there() -> None:
    active, retired = employee("signed"), employee("signed", type="1201")
    # (1700 − 700) × 89 %, the second at level 3 without a deductible: 1000 × 76 %
    assert paid(active.settle(1700, care_kind="11", level="grass")) == {"pool": 890}
    assert paid(active.settle(1000, care_kind="11")) == {"pool": 760}
    # no deductible at all, 1000 × 95 %
    assert paid(retired.settle(1000, care_kind="11", level="grass")) == {"pool": 950}
    # (1700 − 1000) × 86 %
    assert paid(employee().settle(1700, care_kind="11", level="grass")) == {"pool": 602}


def test_the_residents_tiers_differ_in_outpatient_care() -> None:
    first = Patient("330100/390", DAY, traits=["tier_1"])
    second = Patient("330100/390", DAY, traits=["tier_2"])
    # (1300 − 300) × 70 % and × 60 %
    assert paid(first.settle(1300, care_kind="11", level="grass")) == {"pool": 700}
    assert paid(second.settle(1300, care_kind="11", level="grass")) == {"pool": 600}


def test_residents_get_70_percent_above_250000() -> None:
    patient = Patient("330100/390", DAY)
    # (250000 − 300) × 80 % + 50000 × 70 %
    assert paid(patient.settle(300_000, level="grass")) == {"pool": 234_760}
