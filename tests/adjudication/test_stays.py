"""Which stays make one chain: referrals, readmissions, emergency care before admission."""

from datetime import date

import pytest

from tests.adjudication.laws import law_from
from yibao.adjudication.stays import Stay, chain_of

LAW = law_from(
    """
    benefits.stay.payers.pool = { bands = 0.5 }
    [stays]
    referral_days = 3
    readmission_days = { by = ["level"], value = { l3 = 10, other = "none" } }
    emergency_days = 7
    """
)
THIRD = {"level": "l3"}

BEFORE = Stay("v1", "H1", date(2026, 1, 1), date(2026, 1, 10))


def chain(stay: Stay, *before: Stay, level: str = "l3") -> tuple[str, str]:
    """The chain of a stay, and why."""
    found = chain_of(stay, before or (BEFORE,), LAW, {"level": level})
    return found.chain, found.reason


@pytest.mark.parametrize(
    ("institution", "begin", "referred", "expected"),
    [
        ("H1", date(2026, 1, 20), False, ("v1", "readmission")),
        ("H1", date(2026, 1, 21), False, ("v2", "own")),
        ("H2", date(2026, 1, 13), True, ("v1", "referral")),
        ("H2", date(2026, 1, 14), True, ("v2", "own")),
        ("H2", date(2026, 1, 11), False, ("v2", "own")),
        ("H1", date(2025, 12, 31), False, ("v2", "own")),
    ],
)
def test_a_stay_continues_the_one_before_within_the_law_s_days(
    institution: str, begin: date, referred: bool, expected: tuple[str, str]
) -> None:
    assert chain(Stay("v2", institution, begin, referred=referred)) == expected


def test_emergency_care_before_an_admission_belongs_to_the_stay() -> None:
    emergency = Stay("e1", "H3", date(2026, 2, 1), emergency=True)
    assert chain(Stay("v2", "H1", date(2026, 2, 8)), emergency) == ("e1", "emergency")
    assert chain(Stay("v2", "H1", date(2026, 2, 9)), emergency) == ("v2", "own")
    assert chain(Stay("e2", "H3", date(2026, 2, 2), emergency=True), emergency) == ("e2", "own")


def test_the_latest_stay_decides_and_its_chain_goes_on() -> None:
    second = Stay("v2", "H1", date(2026, 1, 15), date(2026, 1, 18), chain="v1")
    third = Stay("v3", "H1", date(2026, 1, 19))
    assert chain(third, BEFORE, second) == ("v1", "readmission")
    apart = second._replace(chain="other")
    assert chain(third, BEFORE, apart) == ("other", "readmission")
    assert chain(third, apart, BEFORE) == ("other", "readmission")


def test_a_law_may_know_no_readmission() -> None:
    again = Stay("v2", "H1", date(2026, 1, 11))
    assert chain(again, level="l1") == ("v2", "own")
    without = law_from("benefits.stay.payers.pool = { bands = 0.5 }")
    assert chain_of(again, [BEFORE], without, {}).chain == "v2"


def test_the_rule_that_joined_two_stays_is_named() -> None:
    found = chain_of(Stay("v2", "H1", date(2026, 1, 13)), [BEFORE], LAW, THIRD)
    assert found.days == 3
    assert found.found is not None
    assert found.found.parameter == "990000/310.toml: stays.readmission_days.l3"
