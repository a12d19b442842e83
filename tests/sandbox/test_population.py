"""The invented people: the same each time, plausible, and nobody real."""

from datetime import date

import pytest

from yibao.kernel.identifiers import id_card_check_digit
from yibao.kernel.periods import age_on
from yibao.policy.terms import EMPLOYEE, RESIDENT, EntitlementExtent
from yibao.sandbox.places import BEIJING, CHANGSHA
from yibao.sandbox.population import Settler, artificial_name, card_of, population

TODAY = date(2026, 8, 15)
AGES = {"11": (22, 60), "12": (60, 93), "14": (3, 23), "15": (23, 60), "16": (60, 96)}


@pytest.fixture(scope="module")
def people() -> list[Settler]:
    return list(population(7, TODAY, 500))


def named(people: list[Settler], part: str) -> list[Settler]:
    return [settler for settler in people if settler.part == part]


def test_the_same_seed_and_day_give_the_same_people(people: list[Settler]) -> None:
    assert list(population(7, TODAY, 500)) == people


def test_another_seed_gives_other_people(people: list[Settler]) -> None:
    assert list(population(8, TODAY, 500)) != people


def test_each_area_has_a_family_whose_owner_can_pay(people: list[Settler]) -> None:
    for place, owner in zip((BEIJING, CHANGSHA), named(people, "family_owner"), strict=True):
        assert owner.person.memberships[0].pool == place.pool
        assert all(credit.amount > 0 for credit in owner.credits[0])
    for part in ("family_child", "family_parent"):
        assert [settler.credits for settler in named(people, part)] == [((),), ((),)]


def test_identity_numbers_are_impossible_but_have_the_right_check_digit(
    people: list[Settler],
) -> None:
    for settler in people:
        number = settler.person.document_number
        assert len(number) == 18
        assert number.startswith("99"), "no division of China begins with 99"
        assert number[6:14] == f"{settler.person.birth_date:%Y%m%d}"
        assert int(number[16]) % 2 == int(settler.person.gender) % 2
        assert number[17] == id_card_check_digit(number[:17])


def test_nobody_shares_a_number_a_name_or_a_membership(people: list[Settler]) -> None:
    assert len({s.person.document_number for s in people}) == len(people)
    assert len({s.person.name for s in people}) == len(people)
    assert len({card_of(s.person.document_number) for s in people}) == len(people)
    memberships = [m.number for s in people for m in s.person.memberships]
    assert len(set(memberships)) == len(memberships)


def test_names_say_that_they_are_artificial(people: list[Settler]) -> None:
    assert artificial_name(0) == "测试甲〇〇〇〇"
    assert artificial_name(20_099) == "测试子〇〇九九"
    assert all(settler.person.name.startswith("测试") for settler in people)


def test_ages_fit_the_person_type(people: list[Settler]) -> None:
    for settler in people:
        age = age_on(settler.person.birth_date, TODAY)
        for membership in settler.person.memberships:
            youngest, oldest = AGES[membership.enrolments[0].person_type[:2]]
            assert youngest <= age <= oldest


def test_nobody_is_insured_before_birth(people: list[Settler]) -> None:
    assert all(
        membership.period.start > settler.person.birth_date
        for settler in people
        for membership in settler.person.memberships
    )


def test_enrolments_and_entitlements_lie_in_their_membership(people: list[Settler]) -> None:
    for settler in people:
        for membership in settler.person.memberships:
            assert membership.number is not None
            assert membership.number.startswith(membership.pool)
            for row in (*membership.enrolments, *(membership.entitlements or ())):
                assert row.period == membership.period


def test_one_person_moved_from_one_pool_to_the_other_within_the_year(
    people: list[Settler],
) -> None:
    (settler,) = named(people, "moved")
    left, arrived = settler.person.memberships
    assert (left.pool, arrived.pool) == (BEIJING.pool, CHANGSHA.pool)
    assert left.period.end == arrived.period.start
    assert arrived.period.start.year == TODAY.year
    assert arrived.period.start <= TODAY


@pytest.mark.parametrize("today", [date(2027, 1, 1), date(2027, 1, 2), date(2028, 2, 29)])
def test_the_world_can_be_made_on_any_day(today: date) -> None:
    assert len(list(population(7, today, 50))) == len(list(population(7, TODAY, 50)))


def test_one_person_is_enrolled_in_two_schemes(people: list[Settler]) -> None:
    (settler,) = named(people, "two_schemes")
    (membership,) = settler.person.memberships
    assert {enrolment.scheme for enrolment in membership.enrolments} == {EMPLOYEE, RESIDENT}


def test_civil_servants_are_enrolled_in_their_supplement_too(people: list[Settler]) -> None:
    servants = [
        membership
        for settler in people
        for membership in settler.person.memberships
        if any(enrolment.civil_servant for enrolment in membership.enrolments)
    ]
    assert servants
    assert all({"310", "320"} == {e.scheme for e in m.enrolments} for m in servants)


def test_some_may_not_use_their_scheme(people: list[Settler]) -> None:
    extents = {
        entitlement.extent
        for settler in people
        for membership in settler.person.memberships
        for entitlement in membership.entitlements or ()
    }
    assert extents == set(EntitlementExtent)


def test_only_employees_have_personal_accounts(people: list[Settler]) -> None:
    for settler in people:
        for membership, credited in zip(settler.person.memberships, settler.credits, strict=True):
            employee = any(enrolment.scheme == EMPLOYEE for enrolment in membership.enrolments)
            assert {credit.origin for credit in credited} == (
                {"current", "carried"} if employee else set()
            )
            assert all(credit.amount >= 0 for credit in credited)


def test_a_county_lies_in_the_pool_of_its_city(people: list[Settler]) -> None:
    divisions = {
        (membership.pool, enrolment.division)
        for settler in people
        for membership in settler.person.memberships
        for enrolment in membership.enrolments
    }
    assert divisions == {("110000", "110000"), ("430100", "430100"), ("430100", "430181")}
