"""Other cities' assistance and care elsewhere, in small laws of their shapes: bills in yuan."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.policy.patient import Patient, paid, yuan
from yibao.policy.load import law_book_of
from yibao.policy.model import Law

SAMPLES = Path(__file__).parent / "samples"
DAY = date(2025, 12, 1)
AREAS = {
    "zibo": "370300/resident",
    "suqian": "321300/resident",
    "yichang": "420500/resident",
    "linyi": "371300/employee",
    "yantai": "370600/employee",
    "datong_employee": "140200/employee",
    "datong_resident": "140200/resident",
    "inner_mongolia": "150000/employee",
}


def law_of(name: str) -> Law:
    text = (SAMPLES / f"{name}.toml").read_text(encoding="utf-8")
    (law,) = law_book_of({f"{AREAS[name]}.toml": text}).laws.values()
    return law


def patient(name: str, **person: Any) -> Patient:
    return Patient(law_of(name), DAY, **person)


def poor(name: str, *identities: str) -> Patient:
    return patient(name, identities=list(identities))


# -------------------------------------------------------------------------------------- assistance


def test_zibo_gives_a_second_aid_on_what_the_first_leaves() -> None:
    # 60000 × 75 % = 45000, at most 30000; (30000 − 5000) × 70 %
    assert paid(poor("zibo", "2303").settle(60_000)) == {"assistance": 30_000, "second_aid": 17_500}
    # (30000 − 3000) × 50 %; (16500 − 10000) × 70 %
    assert paid(poor("zibo", "2305").settle(30_000)) == {"assistance": 13_500, "second_aid": 4550}
    assert paid(poor("zibo").settle(60_000)) == {}


def test_zibo_takes_each_deductible_once_a_year() -> None:
    edge = poor("zibo", "2305")
    edge.settle(30_000)
    # 1000 × 50 %, then 500 × 70 %
    assert paid(edge.settle(1000)) == {"assistance": 500, "second_aid": 350}


def test_zibo_names_the_deductible_that_hangs_on_an_unknown_average_income() -> None:
    lacking = poor("zibo", "2306").lacks(60_000)
    assert lacking == "payers.assistance.deductible.year.amount.hard_expenses"


def test_suqian_splits_one_yearly_limit_into_two_pots() -> None:
    allowance = poor("suqian", "2303")
    # 20000 × 80 % = 16000, at most 10000; 120000 × 80 % = 96000, at most 90000
    assert paid(allowance.settle(20_000, care_kind="11")) == {"outpatient_aid": 10_000}
    assert paid(allowance.settle(120_000)) == {"inpatient_aid": 90_000}
    assert paid(allowance.settle(1000, care_kind="11")) == {}


def test_suqian_counts_chronic_care_in_the_pot_of_stays_and_one_deductible_for_both() -> None:
    edge = poor("suqian", "2305")
    # (5000 − 3000) × 70 %, then 2000 × 70 %
    assert paid(edge.settle(5000, care_kind="11")) == {"outpatient_aid": 1400}
    assert paid(edge.settle(2000, care_kind="14")) == {"inpatient_aid": 1400}


@pytest.mark.parametrize(
    ("identity", "aid"),
    [
        ("2304", 15_000),  # 20000 − 5000
        ("2303", 13_500),  # × 90 %
        ("2360", 10_500),  # × 70 %
        ("2305", 9100),  # (20000 − 7000) × 70 %
        ("2306", 6500),  # × 50 %
    ],
)
def test_yichang_tilts_its_aid_by_category(identity: str, aid: float) -> None:
    assert paid(poor("yichang", identity).settle(20_000)) == {"tilt_aid": aid}


def test_yichang_aid_ends_at_50000_a_year() -> None:
    assert paid(poor("yichang", "2304").settle(90_000)) == {"tilt_aid": 50_000}


def test_the_best_of_several_identities_counts_never_their_sum() -> None:
    assert paid(poor("yichang", "2306", "2304").settle(20_000)) == {"tilt_aid": 15_000}


# ---------------------------------------------------------------------------------- care elsewhere


def test_linyi_takes_a_tenth_first_and_then_the_level_3_rule() -> None:
    home = patient("linyi").settle(10_000, level="l1")
    away = patient("linyi").settle(10_000, level="l1", place="outside", filing="temporary")
    # (10000 − 300) × 90 %; (10000 − 1000 − 900) × 84 %
    assert (yuan(home.sums.first_pay), paid(home)) == (0, {"pool": 8730})
    assert (yuan(away.sums.first_pay), paid(away)) == (1000, {"pool": 6804})


def test_a_city_like_yantai_takes_four_tenths_first_where_nothing_is_filed() -> None:
    transfer = patient("yantai").settle(10_000, place="province", filing="transfer")
    unfiled = patient("yantai").settle(10_000, place="outside")
    # (10000 − 1000 − 900) × 84 %; (10000 − 4000 − 900) × 84 %
    assert paid(transfer) == {"pool": 6804}
    assert paid(unfiled) == {"pool": 4284}


@pytest.mark.parametrize(
    ("law", "filing", "level", "pool"),
    [
        ("datong_employee", "transfer", "l3", 7000),
        ("datong_employee", "transfer", "l1", 8000),
        ("datong_employee", "none", "l2", 6500),
        ("datong_employee", "emergency", "l3", 8000),
        ("datong_resident", "transfer", "l2", 6000),
        ("datong_resident", "none", "l3", 4000),
    ],
)
def test_datong_has_a_ratio_table_of_its_own_for_care_elsewhere(
    law: str, filing: str, level: str, pool: float
) -> None:
    # (11000 − 1000) × the ratio
    bill = patient(law).settle(11_000, place="outside", filing=filing, level=level)
    assert paid(bill) == {"pool": pool}


def test_datong_names_the_case_its_table_does_not_have() -> None:
    lacking = patient("datong_resident").lacks(11_000, place="outside", filing="emergency")
    assert lacking == "benefits.inpatient.payers.pool.bands.outside.emergency.l3"


def test_inner_mongolia_takes_ten_points_off_where_nothing_is_filed() -> None:
    member = patient("inner_mongolia")
    filed = member.settle(11_200, place="outside", filing="emergency")
    unfiled = member.settle(10_600, place="outside")
    # (11200 − 1200) × 80 %; (10600 − 600) × 70 %
    assert paid(filed) == {"pool": 8000}
    assert paid(unfiled) == {"pool": 7000}
