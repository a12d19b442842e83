"""The packaged laws load and answer on every day, and carry what their sources say."""

from datetime import date, timedelta

import pytest

from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import Bill, Person, Provider, Statement, Sums
from yibao.kernel.refusals import Refused
from yibao.policy.load import load_law_book
from yibao.policy.terms import (
    EMPLOYEE,
    GENERAL_OUTPATIENT,
    RESIDENT,
    Level,
    PersonType,
    Scheme,
)

BOOK = load_law_book()
FIRST, LAST = date(2023, 1, 1), date(2027, 12, 31)
DAYS = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
PERSONS = {EMPLOYEE: ("1101", "1201"), RESIDENT: ("1403", "1501", "1601")}

COMPLETE = sorted(key for key in BOOK.laws if key != ("430000", RESIDENT))
"""Laws that decide bills of today: Hunan leaves the residents' cap to its cities."""

ABSENT_BEFORE = {
    ("430000", RESIDENT): (date.max, "benefits.outpatient.payers.pool.caps.year.amount"),
    ("430100", RESIDENT): (
        date(2025, 1, 1),
        "benefits.outpatient.payers.pool.caps.year.amount",
    ),
}
"""What the sources do not carry: the province leaves the residents' cap to its cities."""


def settled(
    area: str,
    scheme: Scheme,
    day: date,
    person: str,
    level: Level = Level.GRASS_ROOTS,
    in_scope: int = 100_000,
) -> Statement:
    """A first bill of the year by a packaged law."""
    bill = Bill(
        scheme,
        GENERAL_OUTPATIENT,
        day,
        Person(PersonType(person), date(1960, 1, 1)),
        Provider(level),
        {"general": Sums(total=in_scope, in_scope=in_scope)},
        visit="v",
    )
    return benefit(bill, BOOK.law_on(area, scheme, day), {}, [])


def test_beijing_hunan_and_changsha_are_packaged_for_employees_and_residents() -> None:
    assert sorted(BOOK.laws) == [
        (area, scheme) for area in ("110000", "430000", "430100") for scheme in (EMPLOYEE, RESIDENT)
    ]


@pytest.mark.parametrize("key", sorted(BOOK.laws), ids="/".join)
def test_a_packaged_law_decides_on_every_day_or_names_what_it_lacks(
    key: tuple[str, Scheme],
) -> None:
    area, scheme = key
    absent_before, parameter = ABSENT_BEFORE.get(key, (date.min, ""))
    for day in DAYS:
        for person in PERSONS[scheme]:
            if day < absent_before:
                with pytest.raises(Refused) as raised:
                    settled(area, scheme, day, person)
                assert raised.value.refusal.facts["parameter"] == parameter
            else:
                settled(area, scheme, day, person)


@pytest.mark.parametrize("key", COMPLETE, ids="/".join)
def test_every_level_is_either_covered_or_settles_without_funds(key: tuple[str, Scheme]) -> None:
    area, scheme = key
    for level in Level:
        statement = settled(area, scheme, date(2026, 3, 1), PERSONS[scheme][0], level, 300_000)
        covered = (area[:2], scheme) != ("43", RESIDENT) or level is Level.GRASS_ROOTS
        assert (statement.funds > 0) == covered


@pytest.mark.parametrize("key", COMPLETE, ids="/".join)
def test_every_counter_of_a_law_is_one_that_some_bill_needs(key: tuple[str, Scheme]) -> None:
    law = BOOK.laws[key]
    bill = Bill(
        law.scheme,
        GENERAL_OUTPATIENT,
        date(2026, 3, 1),
        Person(PersonType(PERSONS[law.scheme][0]), date(1960, 1, 1)),
        Provider(Level.GRASS_ROOTS),
        {},
        visit="v",
    )
    assert {counter.name for counter in needed_counters(bill, law)} == set(law.counters)


def test_beijing_residents_get_the_higher_cap_from_its_first_day() -> None:
    change = date(2025, 1, 1)
    before = settled("110000", RESIDENT, change - timedelta(1), "1501", in_scope=2_000_000)
    after = settled("110000", RESIDENT, change, "1501", in_scope=2_000_000)
    assert (before.funds, after.funds) == (450_000, 500_000)


def test_hunan_employees_pay_the_deductible_by_visit_from_its_first_day() -> None:
    change = date(2024, 1, 1)
    before = settled("430100", EMPLOYEE, change - timedelta(1), "1101", Level.THIRD)
    after = settled("430100", EMPLOYEE, change, "1101", Level.THIRD)
    assert (before.deductible, before.funds) == (30_000, 42_000)
    assert (after.deductible, after.funds) == (10_000, 54_000)


def test_no_law_before_its_first_day() -> None:
    with pytest.raises(Refused) as raised:
        settled("110000", EMPLOYEE, date(2020, 12, 31), "1101")
    assert raised.value.refusal.facts["day"] == "2020-12-31"
