"""Nanchang's packaged laws on hand-worked bills, in yuan."""

from datetime import date
from typing import Any

import pytest

from tests.policy.patient import Patient, packaged, paid, yuan
from yibao.adjudication.allowance import allowance
from yibao.adjudication.model import Person
from yibao.kernel.frozen import replace
from yibao.kernel.refusals import Refused
from yibao.policy.terms import PersonType

DAY = date(2025, 6, 1)


def employee(*traits: str, **person: Any) -> Patient:
    return Patient("360100/310", DAY, traits=list(traits), **person)


def resident(**person: Any) -> Patient:
    years = {"enrolled_years": 1, "claim_free_years": 0}
    return Patient("360100/390", DAY, **{**years, **person})


# ----------------------------------------------------------------------------- out of the province


@pytest.mark.parametrize(
    ("place", "filing", "first_pay", "pool"),
    [
        ("outside", "temporary", 2400, 7480),  # (12000 − 2400 − 800) × 85 %
        ("outside", "none", 2400, 7480),
        ("outside", "transfer", 1200, 8500),  # (12000 − 1200 − 800) × 85 %
        ("outside", "emergency", 1200, 8500),
        ("outside", "long_term", 0, 9520),  # (12000 − 800) × 85 %
        ("province", "none", 0, 9520),
    ],
)
def test_a_first_own_share_comes_before_the_deductible(
    place: str, filing: str, first_pay: float, pool: float
) -> None:
    bill = employee().settle(12_000, place=place, filing=filing)
    assert (yuan(bill.sums.first_pay), paid(bill)) == (first_pay, {"pool": pool})


# ------------------------------------------------------------------------------------- employees


def test_civil_servants_get_most_of_the_rest_by_rank() -> None:
    # (200000 − 800) × 85 % = 169320; the 30680 left stay below the 100000 of critical illness;
    # × 96 %, × 98 %, all
    section, county = employee("section_rank"), employee("county_rank")
    department = employee("department_rank")
    assert paid(section.settle(200_000)) == {"pool": 169_320, "civil_servants": 29_452.80}
    assert paid(county.settle(200_000)) == {"pool": 169_320, "civil_servants": 30_066.40}
    assert paid(department.settle(200_000)) == {"pool": 169_320, "civil_servants": 30_680}
    assert paid(employee().settle(200_000)) == {"pool": 169_320}


def test_critical_illness_comes_before_the_civil_servants_supplement() -> None:
    bill = employee("section_rank", type="1201").settle(1_000_000)
    # 999200 × 85 % = 849320; (150680 − 100000) × 90 %; (150680 − 45612) × 98 %
    assert paid(bill) == {
        "pool": 849_320,
        "critical_illness": 45_612,
        "civil_servants": 102_966.64,
    }


def test_a_delivery_is_paid_whole_up_to_level_2() -> None:
    patient = employee()
    assert paid(patient.settle(5000, care_kind="52", level="l2")) == {"pool": 5000}
    assert paid(patient.settle(5000, care_kind="52", day=date(2024, 1, 1))) == {"pool": 4500}


def test_dual_channel_drugs_have_no_deductible_in_either_scheme() -> None:
    drugs = {"dual_channel": {"in_scope": 1000}}
    assert paid(employee().settle(care_kind="11", sums=drugs)) == {"pool": 700}
    assert paid(resident().settle(care_kind="11", sums=drugs)) == {"pool": 600}


def test_dual_channel_drugs_of_list_b_have_a_first_pay_of_a_tenth() -> None:
    def drug(kind: str) -> list[dict[str, Any]]:
        return [{"amount": 1000, "class": "B", "kind": kind}]

    # 1000 × 70 %; (1000 − 100) × 70 %
    list_a = employee().settle(care_kind="11", lines=drug("dual_channel_a"))
    list_b = employee().settle(care_kind="11", lines=drug("dual_channel_b"))
    assert (paid(list_a), paid(list_b)) == ({"pool": 700}, {"pool": 630})


def test_an_active_persons_account_is_credited_and_a_retired_ones_sum_is_named_as_missing() -> None:
    law = packaged("360100/310", DAY)
    active = Person(PersonType("1101"), date(1985, 1, 1))
    # 8000 × 2 % × 12 months
    credited = allowance(law, "account_credit", 800_000, DAY, active, 12)
    assert yuan(credited.amount) == 1920
    retired = replace(active, person_type=PersonType("1201"))
    with pytest.raises(Refused) as raised:
        allowance(law, "account_credit", 800_000, DAY, retired, 12)
    assert raised.value.refusal.facts["parameter"] == "allowances.account_credit.lump.retired"


# ------------------------------------------------------------------------------------- residents


def test_critical_illness_takes_half_the_deductible_of_poor_people_and_adds_five_points() -> None:
    # (60000 − 600) × 60 % = 35640 leave 24360: (24360 − 17000) × 60 %, (24360 − 8500) × 65 %
    poor = resident(identities=["2303"])
    assert paid(resident().settle(60_000)) == {"pool": 35_640, "critical_illness": 4416}
    assert paid(poor.settle(60_000)) == {"pool": 35_640, "critical_illness": 10_309}


@pytest.mark.parametrize(
    ("enrolled", "claim_free", "cap"),
    [
        (4, 0, 300_000),
        (5, 0, 303_000),
        (10, 3, 327_000),  # 6 × 3000 + 3 × 3000
        (30, 20, 360_000),  # a fifth at most
    ],
)
def test_the_cap_grows_with_years_enrolled_and_years_without_a_claim(
    enrolled: int, claim_free: int, cap: float
) -> None:
    loyal = resident(enrolled_years=enrolled, claim_free_years=claim_free)
    history = {
        "resident_critical_illness_deductible": 17_000,
        "resident_critical_illness_fund": cap - 1000,
    }
    # 24360 × 60 % would be 14616: 1000 are left below the cap
    assert paid(loyal.settle(60_000, history=history))["critical_illness"] == 1000


def test_poor_people_have_no_cap() -> None:
    history = {
        "resident_critical_illness_deductible": 8500,
        "resident_critical_illness_fund": 900_000,
    }
    bill = resident(identities=["2304"]).settle(60_000, history=history)
    # 24360 × 65 %
    assert paid(bill)["critical_illness"] == 15_834


def test_a_stay_of_a_person_whose_years_are_not_on_file_is_refused() -> None:
    unknown = Patient("360100/390", DAY, claim_free_years=0)
    with pytest.raises(Refused) as raised:
        unknown.settle(1000)
    assert raised.value.refusal.field == "enrolled_years"


def test_old_and_small_people_have_no_deductible_from_the_fourth_stay_on() -> None:
    history = {"resident_stays": 3}
    births = {75: date(1950, 1, 1), 40: date(1985, 1, 1), 6: date(2019, 1, 1)}
    deductibles = {
        age: yuan(resident(birth=birth).settle(10_000, history=history).deductible)
        for age, birth in births.items()
    }
    assert deductibles == {75: 0, 40: 600, 6: 0}
    third = resident(birth=births[75]).settle(10_000, history={"resident_stays": 2})
    assert yuan(third.deductible) == 600
