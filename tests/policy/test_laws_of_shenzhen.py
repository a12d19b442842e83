"""Shenzhen's packaged laws on hand-worked bills, in yuan."""

from datetime import date
from typing import Any

from tests.policy.patient import Patient, paid, yuan

DAY = date(2025, 6, 1)


def employee(*traits: str, **person: Any) -> Patient:
    return Patient("440300/310", DAY, traits=list(traits), **person)


def resident(**person: Any) -> Patient:
    return Patient("440300/390", DAY, **person)


def test_the_second_stay_of_a_year_has_half_the_deductible() -> None:
    patient = employee("tier_1")
    first, second = patient.settle(10_600), patient.settle(1100, level="l1")
    # (10600 − 600) × 90 % and (1100 − 200 / 2) × 94 %
    assert (yuan(first.deductible), paid(first)) == (600, {"pool": 9000})
    assert (yuan(second.deductible), paid(second)) == (100, {"pool": 940})


def test_the_tiers_have_ratios_of_their_own_but_for_retired_people() -> None:
    # (1200 − 200) × 94 %, × 92 %, × 95 %
    assert paid(employee("tier_1").settle(1200, level="l1")) == {"pool": 940}
    assert paid(employee("tier_2").settle(1200, level="l1")) == {"pool": 920}
    assert paid(employee("tier_2", type="1201").settle(1200, level="l1")) == {"pool": 950}


def test_a_person_without_a_tier_is_refused() -> None:
    assert employee().lacks(1200) == "benefits.inpatient.payers.pool.bands.unknown.active.l3"


def test_implants_are_paid_at_ratios_of_their_own() -> None:
    bill = employee("tier_1").settle(
        sums={
            "in_scope": 10_600,
            "implant_domestic": {"in_scope": 5000},
            "implant_imported": {"in_scope": 2000},
        }
    )
    # 10000 × 90 % + 5000 × 90 % + 2000 × 60 %
    assert paid(bill) == {"pool": 9000 + 4500 + 1200}


def test_fee_lines_of_implants_are_summed_apart() -> None:
    bill = employee("tier_1").settle(
        lines=[
            {"amount": 10_600, "class": "A"},
            {"amount": 2000, "class": "A", "kind": "implant_imported"},
        ]
    )
    # (10600 − 600) × 90 %; 2000 × 60 %
    assert [yuan(payment.amount) for payment in bill.payments] == [9000, 1200]


def test_class_b_items_have_a_first_pay_of_a_tenth() -> None:
    bill = employee("tier_1").settle(lines=[{"amount": 10_000, "class": "B"}])
    assert (yuan(bill.sums.first_pay), yuan(bill.sums.in_scope)) == (1000, 9000)


def test_stays_and_implants_share_the_pools_cap() -> None:
    patient = employee("tier_1")
    bill = patient.settle(
        sums={"in_scope": 1000, "implant_domestic": {"in_scope": 2000}},
        history={"employee_inpatient_fund": 1_046_800},
    )
    # 1000 are left: 400 × 90 % = 360 of the stay, 640 of the implants' 1800
    assert [yuan(payment.amount) for payment in bill.payments] == [360, 640]


def test_outpatient_care_of_tier_2_has_a_cap_and_that_of_tier_1_lacks_its_ratio() -> None:
    # 4000 × 75 % = 3000 above 2471
    assert paid(employee("tier_2").settle(4000, care_kind="11", level="l1")) == {"pool": 2471}
    lacking = employee("tier_1").lacks(100, care_kind="11")
    assert lacking == "benefits.outpatient.payers.pool.bands.tier_1.l3"


def test_residents_from_60_get_95_percent() -> None:
    # (1600 − 600) × 95 % and (1400 − 400) × 91 %
    assert paid(resident(birth=date(1965, 6, 1)).settle(1600)) == {"pool": 950}
    assert paid(resident(birth=date(1965, 6, 2)).settle(1400, level="l2")) == {"pool": 910}
