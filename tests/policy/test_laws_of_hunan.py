"""Hunan's packaged laws, as its cities inherit them, on hand-worked bills in yuan."""

from datetime import date
from fractions import Fraction

import pytest

from tests.policy.insured import BOOK, Insured, lacking, paid, yuan
from yibao.adjudication.lines import RawTerms, terms_under
from yibao.adjudication.model import Bill, Provider
from yibao.kernel.areas import Division
from yibao.kernel.money import ZERO_RATE, Rate
from yibao.policy.terms import (
    EMPLOYEE,
    GENERAL_OUTPATIENT,
    RESIDENT,
    Filing,
    ItemClass,
    Level,
    Place,
    Scheme,
)

DAY = date(2025, 6, 1)
CHANGSHA, CHENZHOU, YONGZHOU = "430100", "431000", "431100"


def employee(
    kind: str = "1101", city: str = CHANGSHA, *, identities: tuple[str, ...] = ()
) -> Insured:
    return Insured(city, EMPLOYEE, kind, identities=identities)


def resident(city: str = CHANGSHA, *, identities: tuple[str, ...] = ()) -> Insured:
    return Insured(city, RESIDENT, "1501", identities=identities)


# -------------------------------------------------------------------------------- employees' stays


def test_a_second_stay_at_the_same_level_pays_half_and_the_year_two_thousand_at_most() -> None:
    member = employee()
    levels = [Level.THIRD, Level.THIRD, Level.SECOND, Level.THIRD]
    stays = [member.settle(DAY, 20_000, level=level) for level in levels]
    # 1100 + 550 leave 350 of 2000, level 2 would be 800
    assert [yuan(stay.deductible) for stay in stays] == ["1100", "550", "350", "0"]
    # (20000 − 1100) × 85 %, (20000 − 350) × 90 %
    assert [paid(stays[n])["pool"] for n in (0, 2)] == ["16065", "17685"]


@pytest.mark.parametrize(
    ("level", "active", "retired"),
    [
        # (10000 − 200) × 93 % …, the retired 2 points more
        (Level.GRASS_ROOTS, "9114", "9310"),
        (Level.FIRST, "8740", "8930"),
        (Level.SECOND, "8280", "8464"),
        (Level.THIRD, "7565", "7743"),
        (Level.PROVINCIAL, "6720", "6888"),
    ],
)
def test_the_retired_get_two_points_more_at_every_level(
    level: Level, active: str, retired: str
) -> None:
    assert paid(employee("1101").settle(DAY, 10_000, level=level)) == {"pool": active}
    assert paid(employee("1201").settle(DAY, 10_000, level=level)) == {"pool": retired}


def test_dual_channel_drugs_count_to_the_inpatient_cap_and_the_rest_to_critical_illness() -> None:
    member = employee()
    member.had(DAY, employee_inpatient_fund=140_000)
    # 30000 × 60 % = 18000, of which 10000 are left; (20000 − 16000) × 90 %
    drugs = member.settle(DAY, 0, care_kind="11", buckets={"dual_channel": 30_000})
    assert paid(drugs) == {"pool": "10000", "critical_illness": "3600"}
    assert drugs.deductible == 0


def test_a_stay_with_dual_channel_drugs_is_paid_in_two_parts() -> None:
    stay = employee().settle(DAY, 10_000, buckets={"dual_channel": 5_000})
    # (10000 − 1100) × 85 % and 5000 × 60 %
    assert [yuan(payment.amount) for payment in stay.payments] == ["7565", "3000"]


def test_critical_illness_and_assistance_of_an_employee_on_the_allowance() -> None:
    # (100000 − 1100) × 85 % = 84065; (15935 − 8000) × 95 % = 7538.25; 8396.75 × 70 % = 5877.725
    poor = employee(identities=("2303",)).settle(DAY, 100_000)
    assert paid(poor) == {
        "pool": "84065",
        "critical_illness": "7538.25",
        "assistance": "5877.73",
    }
    assert paid(employee().settle(DAY, 100_000)) == {"pool": "84065"}


def test_critical_illness_of_employees_is_not_known_before_2025() -> None:
    day = date(2024, 12, 31)
    assert lacking(lambda: employee().settle(day, 10_000)) == "payers.critical_illness.bands"


@pytest.mark.parametrize("place", [Place.PROVINCE, Place.OUTSIDE])
@pytest.mark.parametrize(
    ("filing", "pool"),
    [
        # 8900 × 85, 80, 80, 75 %
        (Filing.LONG_TERM, "7565"),
        (Filing.TRANSFER, "7120"),
        (Filing.EMERGENCY, "7120"),
        (Filing.TEMPORARY, "6675"),
    ],
)
def test_a_stay_away_from_home_loses_points_by_its_filing(
    place: Place, filing: Filing, pool: str
) -> None:
    assert paid(employee().settle(DAY, 10_000, place=place, filing=filing)) == {"pool": pool}


def test_care_away_from_home_without_a_filing_is_free_to_outpatients_and_unknown_for_stays() -> (
    None
):
    clinic = employee().settle(DAY, 1_000, care_kind="11", place=Place.OUTSIDE)
    assert paid(clinic) == {"pool": "540"}
    assert (
        lacking(lambda: employee().settle(DAY, 10_000, place=Place.OUTSIDE))
        == "benefits.inpatient.payers.pool.adjust.out_of_area.points.outside.none"
    )


@pytest.mark.parametrize("person", [employee(), resident()], ids=["employee", "resident"])
def test_chronic_diseases_lack_the_monthly_limit(person: Insured) -> None:
    assert (
        lacking(lambda: person.settle(DAY, 500, care_kind="14"))
        == "benefits.chronic.payers.pool.caps.month.amount"
    )


# -------------------------------------------------------------------------------- residents' stays


def test_residents_pay_three_thousand_of_deductibles_a_year_at_most() -> None:
    member = resident()
    levels = [Level.PROVINCIAL, Level.THIRD]
    assert [yuan(member.settle(DAY, 20_000, level=level).deductible) for level in levels] == [
        "2000",
        "1000",
    ]


def test_critical_illness_of_residents_runs_in_bands_above_its_deductible_over_the_year() -> None:
    member = resident()
    # 198800 × 65 % = 129220; 70780 − 18000 = 52780: 30000 × 60 % + 22780 × 65 %
    assert paid(member.settle(DAY, 200_000)) == {"pool": "129220", "critical_illness": "32807"}
    # 99400 × 65 % = 64610, of which 20780 are left; 79220 from 52780 on:
    # 27220 × 65 % + 52000 × 75 %
    assert paid(member.settle(DAY, 100_000)) == {"pool": "20780", "critical_illness": "56693"}


def test_the_cap_of_critical_illness_does_not_hold_for_the_poor() -> None:
    rich, poor = resident(), resident(identities=("2303",))
    for member in (rich, poor):
        member.had(DAY, resident_inpatient_fund=150_000)
    assert paid(rich.settle(DAY, 1_000_000)) == {"critical_illness": "400000"}
    # 991000: 30000 × 65 % + 50000 × 70 % + 70000 × 80 % + 841000 × 90 %; 132600 × 70 %
    assert paid(poor.settle(DAY, 1_000_000)) == {
        "critical_illness": "867400",
        "assistance": "92820",
    }


def test_the_deductible_of_critical_illness_rose_in_2025() -> None:
    before, after = date(2024, 12, 31), date(2025, 1, 1)
    # 100000: 98800 × 65 % = 64220 leave 35780; 19780 and 17780 × 60 %
    assert paid(resident().settle(before, 100_000))["critical_illness"] == "11868"
    assert paid(resident().settle(after, 100_000))["critical_illness"] == "10668"
    assert (
        lacking(lambda: resident().settle(date(2023, 12, 31), 100_000))
        == "benefits.inpatient.deductible.visit.amount"
    )


def test_two_diseases_have_a_pot_each_that_make_960_together() -> None:
    member = resident()
    bills = [
        member.settle(
            DAY,
            care_kind="11",
            level=Level.GRASS_ROOTS,
            disease=disease,
            buckets={"two_diseases": 1_000},
        )
        for disease in ("M03900", "M01600", "M03900")
    ]
    assert [yuan(bill.funds) for bill in bills] == ["360", "600", "0"]
    assert (
        lacking(
            lambda: member.settle(
                DAY,
                care_kind="11",
                level=Level.GRASS_ROOTS,
                disease="M00100",
                buckets={"two_diseases": 100},
            )
        )
        == "benefits.two_diseases.payers.pool.caps.year.amount.unknown"
    )


# ------------------------------------------------------------------------------------- fee lines


@pytest.mark.parametrize(
    ("item_class", "share"), [(ItemClass.A, ZERO_RATE), (ItemClass.B, Rate(1_000))]
)
def test_class_b_has_a_first_share_of_a_tenth_where_the_catalogue_names_none(
    item_class: ItemClass, share: Rate
) -> None:
    law = BOOK.law_on(Division(CHANGSHA), EMPLOYEE, DAY)
    bill = Bill(
        EMPLOYEE, GENERAL_OUTPATIENT, DAY, employee().person, Provider(Level.THIRD), sums={}
    )
    unnamed = terms_under(law, bill, RawTerms(item_class)).first_pay
    named = terms_under(law, bill, RawTerms(item_class, first_pay=Rate(500))).first_pay
    assert Fraction(*unnamed) == Fraction(*share)
    assert named == Rate(500)


# ------------------------------------------------------------------------------------------ cities


@pytest.mark.parametrize(
    ("city", "cap"), [(CHANGSHA, "560"), ("430181", "560"), (CHENZHOU, "420"), (YONGZHOU, "400")]
)
def test_each_city_has_its_cap_of_residents_outpatient_care(city: str, cap: str) -> None:
    bill = resident(city).settle(DAY, 10_000, care_kind="11", level=Level.GRASS_ROOTS)
    assert paid(bill) == {"pool": cap}


def test_chenzhou_has_a_large_amount_fund_above_the_cap_of_the_pool() -> None:
    member = employee(city=CHENZHOU)
    member.had(DAY, employee_inpatient_fund=150_000)
    # 10000 above the cap × 90 %
    assert paid(member.settle(DAY, 11_100)) == {"large_amount": "9000"}
    # then to 500000 in all; (700000 − 491000 − 13900) × 90 %: 2100 of the stay before stand on the
    # 16000 of critical illness
    assert paid(member.settle(DAY, 700_000)) == {
        "large_amount": "491000",
        "critical_illness": "175590",
    }


def test_changsha_had_deductibles_of_its_own_until_2023_and_no_known_ratio() -> None:
    law = BOOK.law_on(Division(CHANGSHA), EMPLOYEE, DAY)
    amount = next(b for b in law.benefits if b.key == "inpatient").deductible[0].amount
    before, after = date(2023, 12, 31), date(2024, 1, 1)
    assert amount.find(before, {"level": "l3"}).value == 90_000
    assert amount.find(after, {"level": "l3"}).value == 110_000
    assert lacking(lambda: employee().settle(before, 10_000)).startswith("benefits.inpatient.")


def test_yongzhou_keeps_what_its_urban_residents_were_paid_before_the_merger() -> None:
    day = date(2016, 5, 1)
    urban = Scheme("391")
    pupil = Insured(YONGZHOU, urban, "1403", born=date(2006, 1, 1))
    old = Insured(YONGZHOU, urban, "1601", born=date(1940, 1, 1))
    adult = Insured(YONGZHOU, urban, "1501", born=date(1980, 1, 1))
    # 9700 × 60, 60, 55 %
    stays = [m.settle(day, 10_000, level=Level.SECOND) for m in (pupil, old, adult)]
    assert [yuan(stay.funds) for stay in stays] == ["5820", "5820", "5335"]
    assert lacking(lambda: adult.settle(date(2017, 1, 1), 10_000)) == "law.until"
