"""What holds for every packaged law: it is sourced, and decides a bill or names what it lacks.

What the single areas' laws say is worked by hand in ``test_laws_of_<area>.py``.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tests.policy.builders import packaged_laws
from yibao.adjudication.benefit import benefit
from yibao.adjudication.model import Bill, Person, Provider, Statement, Sums
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.effective import parameters_of
from yibao.policy.law_book import law_from_canonical
from yibao.policy.model import BUILT_IN, Fact, Law, Limit, Payer
from yibao.policy.terms import (
    EMPLOYEE,
    GENERAL_OUTPATIENT,
    RESIDENT,
    CareKind,
    Level,
    PersonType,
    Scheme,
)

BOOK = packaged_laws()
LAWS = [pytest.param(law, id=law.file) for law in BOOK.laws.values()]
TODAY = date(2026, 3, 1)
PERSON_TYPES = {EMPLOYEE: ("1101", "1201")}
RESIDENTS = ("1403", "1501", "1601")

AREAS = {
    "110000": "北京",
    "310000": "上海",
    "330100": "杭州",
    "360100": "南昌",
    "420100": "武汉",
    "430000": "湖南",
    "430100": "长沙",
    "431000": "郴州",
    "431100": "永州",
    "440100": "广州",
    "440300": "深圳",
    "500000": "重庆",
    "510100": "成都",
}


NOT_YET = {"440100/resident.toml"}
"""Laws that decide no bill yet: no page says the deductible of Guangzhou's residents."""


def person(code: str, law: Law) -> Person:
    """A person of whom the registry knows everything that a law may ask for."""
    traits = [rules.rules[0] for rules in law.classes.values() if rules.fact is Fact.TRAIT]
    return Person(
        PersonType(code),
        date(1960, 1, 1),
        gender="1",
        retired_on=date(2020, 1, 1),
        enrolled_years=6,
        claim_free_years=2,
        traits=tuple(rule.words[0] for rule in traits),
    )


def settled(law: Law, day: date, who: str, care_kind: str, level: Level, yuan: int) -> Statement:
    """A first bill of the year."""
    bill = Bill(
        law.scheme,
        CareKind(care_kind),
        day,
        person(who, law),
        Provider(level),
        {"general": Sums(total=yuan * 100, in_scope=yuan * 100)},
        visit="v",
    )
    return benefit(bill, law, {}, [])


def days_of_change(law: Law) -> list[date]:
    """The days on which any value begins, the days before them, and today."""
    starts = {v.start for parameter in parameters_of(law) for v in parameter.versions}
    return sorted(starts | {start - timedelta(1) for start in starts} | {TODAY})


def bills(law: Law) -> Iterator[tuple[date, str, str, Level]]:
    """A bill of each benefit's first kind of care for every person type, level and day."""
    for day in days_of_change(law):
        for rules in law.benefits:
            for version in rules.care_kinds.versions[:1]:
                for who in PERSON_TYPES.get(law.scheme, RESIDENTS):
                    for level in Level:
                        yield day, who, min(version.cases[()]), level


def outcomes(law: Law) -> list[Statement | Refused]:
    """What becomes of these bills."""
    found: list[Statement | Refused] = []
    for day, who, care_kind, level in bills(law):
        try:
            found.append(settled(law, day, who, care_kind, level, 20_000))
        except Refused as refused:
            found.append(refused)
    return found


def limits(law: Law) -> Iterator[Limit]:
    """Every limit of a law."""
    for rules in law.benefits:
        yield from rules.deductible
    for payer in payers(law):
        yield from (*payer.caps, *payer.deductible)


def payers(law: Law) -> Iterator[Payer]:
    """Every payer of a law."""
    for rules in law.benefits:
        yield from rules.payers
    yield from law.payers


def test_the_areas_whose_pages_were_read_are_packaged() -> None:
    assert AREAS.keys() <= {area for area, _ in BOOK.laws}
    for area, name in AREAS.items():
        assert all(name in law.title for key, law in BOOK.laws.items() if key[0] == area)


@pytest.mark.thorough
@pytest.mark.parametrize("law", LAWS)
def test_a_packaged_law_decides_or_names_the_parameter_it_lacks(law: Law) -> None:
    decided = outcomes(law)
    refusals = [outcome.refusal for outcome in decided if isinstance(outcome, Refused)]
    assert {refusal.code for refusal in refusals} <= {RefusalCode.PARAMETER_MISSING}
    known = {parameter.path for parameter in parameters_of(law)} | {"law.until"}
    for refusal in refusals:
        named = refusal.facts["parameter"]
        assert any(named.startswith(path) for path in known) or "*" in named, named


@pytest.mark.thorough
@pytest.mark.parametrize("law", LAWS)
def test_a_packaged_law_pays_for_something(law: Law) -> None:
    pays = any(isinstance(outcome, Statement) and outcome.funds > 0 for outcome in outcomes(law))
    assert pays == (law.file not in NOT_YET)


@pytest.mark.parametrize("law", LAWS)
def test_a_packaged_law_comes_back_from_its_stored_text(law: Law) -> None:
    again = law_from_canonical(law.canonical)
    assert again.fingerprint == law.fingerprint
    for part in ("classes", "counters", "benefits", "payers", "lines", "account", "allowances"):
        assert getattr(again, part) == getattr(law, part), part


@pytest.mark.parametrize("law", LAWS)
def test_every_counter_of_a_law_is_one_that_it_reads(law: Law) -> None:
    read = {limit.counter.name for limit in limits(law)}
    read |= {payer.counter.name for payer in payers(law) if payer.counter}
    read |= {rules.counter for rules in law.classes.values() if rules.counter}
    assert read == law.counters.keys()


@pytest.mark.parametrize("law", LAWS)
def test_every_dimension_of_a_law_is_one_that_it_turns_on(law: Law) -> None:
    used = {d for p in parameters_of(law) for version in p.versions for d in version.by}
    used |= {dimension for counter in law.counters.values() for dimension in counter.by}
    declared = law.classes.keys() - BUILT_IN.keys()
    assert declared - used <= {"person"}  # every law says whom it knows


# ------------------------------------------------------------------- a changed date, a changed bill


def outpatient(
    area: str, scheme: Scheme, day: date, who: str, level: Level, yuan: int
) -> Statement:
    """An outpatient bill by a packaged law."""
    law = BOOK.law_on(area, scheme, day)
    return settled(law, day, who, GENERAL_OUTPATIENT, level, yuan)


def test_beijing_residents_get_the_higher_cap_from_its_first_day() -> None:
    change = date(2025, 1, 1)
    before, after = (
        outpatient("110000", RESIDENT, day, "1501", Level.FIRST, 20_000)
        for day in (change - timedelta(1), change)
    )
    basic = [statement.payments[0].amount for statement in (before, after)]
    assert basic == [450_000, 500_000]


def test_hunan_employees_pay_the_deductible_by_visit_from_its_first_day() -> None:
    change = date(2024, 1, 1)
    before, after = (
        outpatient("430100", EMPLOYEE, day, "1101", Level.THIRD, 1_000)
        for day in (change - timedelta(1), change)
    )
    assert (before.deductible, before.funds) == (30_000, 42_000)
    assert (after.deductible, after.funds) == (10_000, 54_000)


def test_no_law_before_its_first_day() -> None:
    with pytest.raises(Refused) as raised:
        outpatient("110000", EMPLOYEE, date(1999, 12, 31), "1101", Level.FIRST, 100)
    assert raised.value.refusal.facts["day"] == "1999-12-31"
