"""Chongqing's packaged law: what published worked examples show, and what it says it lacks."""

from datetime import date

from tests.policy.insured import Insured, lacking, paid, yuan
from yibao.policy.terms import RESIDENT, Level

DAY = date(2023, 10, 15)


def resident(
    division: str = "500000", *identities: str, tiers: tuple[str, ...] = ("tier1",)
) -> Insured:
    return Insured(division, RESIDENT, "1501", identities=identities, traits=tiers)


def test_four_layers_of_a_published_bill_come_out_to_the_cent() -> None:
    bill = resident("500000", "2303").settle(DAY, 180_000, own=20_000, level=Level.SECOND)
    assert paid(bill) == {
        "pool": "125790",
        "critical_illness": "29743.68",
        "assistance": "17126.42",
        "tilt_aid": "2687.93",
    }
    # 7339.90 − 2687.93 in scope, and what is not
    assert yuan(bill.personal) == "24651.97"


def test_those_on_no_list_get_the_whole_deductible_and_no_assistance() -> None:
    # 54210 − 16901 = 37309 × 60 %
    bill = resident().settle(DAY, 180_000, level=Level.SECOND)
    assert paid(bill) == {"pool": "125790", "critical_illness": "22385.40"}


def test_yubei_has_an_aid_for_large_amounts_and_a_tilt_aid_of_its_own() -> None:
    bill = resident("500112", "2303").settle(DAY, 180_000, level=Level.SECOND)
    # (7339.90 − 3000) × 60 %
    assert paid(bill) == {
        "pool": "125790",
        "critical_illness": "29743.68",
        "large_amount_aid": "17126.42",
        "tilt_aid": "2603.94",
    }


def test_other_districts_have_the_law_of_the_city() -> None:
    bill = resident("500103", "2303").settle(DAY, 180_000, level=Level.SECOND)
    assert paid(bill)["tilt_aid"] == "2687.93"


def test_the_tilt_aid_has_a_yearly_cap() -> None:
    member = resident("500000", "2303")
    member.had(DAY, resident_tilt_aid=19_000)
    assert paid(member.settle(DAY, 180_000, level=Level.SECOND))["tilt_aid"] == "1000"


def test_what_no_example_shows_is_named() -> None:
    assert (
        lacking(lambda: resident().settle(DAY, 10_000))
        == "benefits.inpatient.deductible.visit.amount.tier1.l3"
    )
    assert (
        lacking(lambda: resident(tiers=("tier2",)).settle(DAY, 10_000, level=Level.SECOND))
        == "benefits.inpatient.deductible.visit.amount.tier2.l2"
    )
    assert (
        lacking(lambda: resident("500000", "2304").settle(DAY, 10_000, level=Level.SECOND))
        == "payers.assistance.bands.destitute"
    )
    assert (
        lacking(lambda: resident().settle(DAY, 100, care_kind="11")) == "benefits.*.care_kinds.11"
    )
