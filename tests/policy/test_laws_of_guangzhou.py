"""Guangzhou's packaged laws on hand-worked bills, in yuan."""

from datetime import date
from typing import Any

import pytest

from tests.policy.patient import Patient, paid, yuan

BEFORE, AFTER = date(2022, 11, 30), date(2022, 12, 1)
DAY = date(2025, 6, 1)


def employee(day: date = DAY, **person: Any) -> Patient:
    return Patient("440100/310", day, **person)


def test_the_deductible_fell_on_the_first_of_december_2022() -> None:
    # (3000 − 1600) × 80 %, a published example, and (3000 − 1000) × 80 %
    assert paid(employee(BEFORE).settle(3000)) == {"pool": 1120}
    assert paid(employee(AFTER).settle(3000)) == {"pool": 1600}


def test_retired_people_paid_seven_tenths_of_the_older_deductible() -> None:
    bill = employee(BEFORE, type="1201").settle(3000)
    # (3000 − 1600 × 0.7) × 86 %
    assert (yuan(bill.deductible), paid(bill)) == (1120, {"pool": 1616.80})


@pytest.mark.parametrize(("level", "pool"), [("l1", 930), ("l2", 895), ("l3", 860)])
def test_retired_people_bear_seven_tenths_of_the_active_own_share(level: str, pool: float) -> None:
    deductible = {"l1": 250, "l2": 500, "l3": 1000}[level]
    assert paid(employee(type="1201").settle(1000 + deductible, level=level)) == {"pool": pool}


def test_every_further_90_days_of_a_stay_have_a_deductible_again() -> None:
    patient = employee()
    assert yuan(patient.settle(30_000, days=90).deductible) == 1000
    assert yuan(patient.settle(30_000, days=91).deductible) == 2000
    assert yuan(patient.settle(30_000, days=181).deductible) == 3000


def test_an_interim_settlement_pays_the_second_deductible_when_it_falls_due() -> None:
    patient = employee()
    assert yuan(patient.settle(20_000, days=60, visit="long").deductible) == 1000
    assert yuan(patient.settle(20_000, days=90, visit="long").deductible) == 0
    assert yuan(patient.settle(20_000, days=120, visit="long").deductible) == 1000


def test_tuberculosis_has_180_days_and_psychiatric_stays_no_deductible() -> None:
    patient = employee()
    assert yuan(patient.settle(30_000, days=180, disease="A15.0").deductible) == 1000
    psychiatric = patient.settle(30_000, days=365, disease="F20.0")
    assert (yuan(psychiatric.deductible), paid(psychiatric)) == (0, {"pool": 24_000})


def test_outpatient_care_away_from_grass_roots_turned_on_referral() -> None:
    patient = employee(date(2023, 6, 1))
    assert paid(patient.settle(1000, care_kind="11", level="grass")) == {"pool": 800}
    assert paid(patient.settle(1000, care_kind="11")) == {"pool": 450}
    referred = patient.settle(1000, care_kind="11", circumstances=["referred"])
    assert paid(referred) == {"pool": 550}
    assert paid(employee().settle(1000, care_kind="11")) == {"pool": 650}


def test_the_outpatient_cap_is_that_of_the_year() -> None:
    bill: dict[str, Any] = {"care_kind": "11", "level": "grass"}
    assert paid(employee(date(2023, 6, 1)).settle(10_000, **bill)) == {"pool": 7214}
    assert paid(employee().settle(10_000, **bill)) == {"pool": 7916}


def test_caps_that_no_page_carries_are_named_as_missing() -> None:
    active, retired = employee(date(2024, 6, 1)), employee(type="1201")
    cap = "benefits.outpatient.payers.pool.caps.year.amount"
    assert active.lacks(100, care_kind="11") == f"{cap}.active"
    assert retired.lacks(100, care_kind="11") == f"{cap}.retired"


def test_a_residents_stay_lacks_its_deductible() -> None:
    lacking = Patient("440100/390", DAY, type="1601").lacks(10_000)
    assert lacking == "benefits.inpatient.deductible.stay.amount"
