"""Each rule hits what it is for, and nothing else."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.policy.terms import Level
from yibao.supervision.model import (
    Action,
    Care,
    Certainty,
    Finding,
    Limit,
    OrderLine,
    Patient,
    Rule,
    Stage,
)
from yibao.supervision.rules import Ages, check

DAY = date(2026, 7, 15)
MAN = Patient("1", date(1980, 1, 1))
WOMAN = Patient("2", date(1980, 1, 1))
OUTPATIENT = Care("11", "310", Level.SECOND)


def line(**changes: Any) -> OrderLine:
    """A line of item X for 10 yuan."""
    values: dict[str, Any] = {
        "reference": "R1",
        "item": "X",
        "name": "某药",
        "quantity": 10_000,
        "amount": 1000,
        "own": 0,
        "day": DAY,
    }
    return OrderLine(**values | changes)


def checked(
    rule: Rule,
    bound: str,
    *lines: OrderLine,
    patient: Patient = MAN,
    care: Care = OUTPATIENT,
    stage: Stage = Stage.DURING,
    **rest: Any,
) -> list[Finding]:
    """What is found in the lines (or one line) when item X has one limit."""
    knowledge = {"X": (Limit(rule, "某药", bound, "说明书"),)}
    return check(lines or (line(),), patient, care, stage, knowledge, "v1", **rest)


def born(years: int, days: int = 0) -> Patient:
    """A person of an age in completed years, so many days after (or before) the birthday."""
    return Patient("1", date(DAY.year - years, DAY.month, DAY.day - days))


@pytest.mark.parametrize("rule", [Rule.DRUG_BY_SEX, Rule.ITEM_BY_SEX])
def test_the_other_sex_is_found_and_the_right_or_unknown_one_is_not(rule: Rule) -> None:
    (finding,) = checked(rule, "女")
    assert finding.rule is rule
    assert "男" in finding.text
    assert checked(rule, "男", patient=WOMAN)
    assert not checked(rule, "女", patient=WOMAN)
    assert not checked(rule, "女", patient=Patient("9", None))
    assert not checked(rule, "女", patient=Patient("0", None))


@pytest.mark.parametrize("rule", [Rule.DRUG_FOR_CHILDREN, Rule.ITEM_BY_AGE])
def test_a_child_is_one_until_the_day_it_turns_eighteen(rule: Rule) -> None:
    assert not checked(rule, "儿童", patient=born(18, days=-1))
    assert checked(rule, "儿童", patient=born(18))
    assert not checked(rule, "儿童", patient=Patient("1", None))
    assert checked(rule, "儿童", patient=born(14), ages=Ages(child_until=14))
    assert not checked(rule, "儿童", patient=born(14, days=-1), ages=Ages(child_until=14))


def test_an_infant_is_one_until_the_third_birthday() -> None:
    assert not checked(Rule.ITEM_BY_AGE, "婴幼儿", patient=born(3, days=-1))
    assert checked(Rule.ITEM_BY_AGE, "婴幼儿", patient=born(3))


def test_a_newborn_is_one_for_twenty_eight_days() -> None:
    on_the_28th_day, on_the_29th = date(2026, 6, 17), date(2026, 6, 16)
    assert not checked(Rule.ITEM_BY_AGE, "新生儿", patient=Patient("2", on_the_28th_day))
    assert checked(Rule.ITEM_BY_AGE, "新生儿", patient=Patient("2", on_the_29th))
    assert not checked(Rule.ITEM_BY_AGE, "新生儿", patient=Patient("2", DAY))


def test_age_counts_on_the_day_of_the_line_not_of_the_message() -> None:
    lines = (line(day=date(2026, 7, 14)), line(day=DAY))
    (finding,) = checked(Rule.DRUG_FOR_CHILDREN, "儿童", *lines, patient=born(18))
    assert [row.day for row in finding.evidence] == [DAY]


@pytest.mark.parametrize(
    ("sex", "years", "found"),
    [
        ("1", 15, True),
        ("1", 16, False),
        ("1", 62, False),
        ("1", 63, True),
        ("2", 57, False),
        ("2", 58, True),
        ("9", 62, False),
    ],
)
def test_training_for_work_is_for_those_of_working_age(sex: str, years: int, found: bool) -> None:
    patient = Patient(sex, born(years).birth)
    assert bool(checked(Rule.ITEM_BY_WORKING_AGE, "就业年龄", patient=patient)) is found


@pytest.mark.parametrize(
    ("bound", "scheme", "kind", "found"),
    [
        ("工伤", "310", "11", True),
        ("工伤", "390", "21", True),
        ("工伤", "410", "11", False),
        ("生育", "390", "11", True),
        ("生育", "310", "52", False),
        ("生育", "310", "5201", False),
        ("生育", "510", "21", False),
    ],
)
def test_a_drug_of_another_insurance_is_not_paid_by_the_basic_one(
    bound: str, scheme: str, kind: str, found: bool
) -> None:
    care = Care(kind, scheme, Level.THIRD)
    assert bool(checked(Rule.DRUG_BY_INSURANCE, bound, care=care)) is found


@pytest.mark.parametrize(
    ("bound", "level", "found"),
    [
        ("二级", Level.GRASS_ROOTS, True),
        ("二级", Level.FIRST, True),
        ("二级", Level.SECOND, False),
        ("二级", Level.THIRD, False),
        ("三级", Level.SECOND, True),
        ("三级", Level.PROVINCIAL, False),
    ],
)
def test_a_drug_of_higher_hospitals_is_found_below_them(
    bound: str, level: Level, found: bool
) -> None:
    care = Care("11", "310", level)
    assert bool(checked(Rule.DRUG_BY_HOSPITAL_LEVEL, bound, care=care)) is found


@pytest.mark.parametrize(
    ("bound", "kind", "found"),
    [
        ("住院", "11", True),
        ("住院", "21", False),
        ("住院", "2101", False),
        ("住院", "52", False),
        ("住院", "13", True),
        ("住院", "41", True),
        ("住院、急诊", "13", False),
        ("住院、急诊", "11", True),
    ],
)
def test_a_drug_for_inpatients_is_found_elsewhere(bound: str, kind: str, found: bool) -> None:
    care = Care(kind, "310", Level.THIRD)
    assert bool(checked(Rule.DRUG_BY_KIND_OF_CARE, bound, care=care)) is found


def test_own_expense_breaks_no_limit_of_payment_but_does_break_one_of_use() -> None:
    own = line(own=1000)
    assert not checked(Rule.DRUG_BY_KIND_OF_CARE, "住院", own)
    assert checked(Rule.DRUG_BY_KIND_OF_CARE, "住院", line(own=999))
    (finding,) = checked(Rule.DRUG_BY_SEX, "女", own)
    assert finding.amount == 0


def test_a_finding_says_what_where_how_much_and_by_which_knowledge() -> None:
    lines = (line(), line(reference="R2", amount=500, own=100, quantity=5000))
    (finding,) = checked(Rule.DRUG_BY_SEX, "女", *lines, stage=Stage.BEFORE)
    assert finding.certainty is Certainty.CLEAR
    assert finding.action is Action.REMIND
    assert finding.version == "v1"
    assert (finding.amount, finding.quantity) == (1400, 15_000)
    assert [row.reference for row in finding.evidence] == ["R1", "R2"]
    assert finding.evidence[0].basis == "说明书"
    (afterwards,) = checked(Rule.DRUG_BY_SEX, "女", stage=Stage.AFTER)
    assert afterwards.action is Action.DEDUCT


def test_what_was_given_back_in_full_is_no_violation() -> None:
    assert not checked(Rule.DRUG_BY_SEX, "女", line(), line(quantity=-10_000, amount=-1000))
    assert checked(Rule.DRUG_BY_SEX, "女", line(), line(quantity=-9_000, amount=-900))


def test_only_the_rules_that_are_asked_for_are_checked() -> None:
    assert not checked(Rule.DRUG_BY_SEX, "女", rules={Rule.ITEM_BY_SEX})
    assert checked(Rule.DRUG_BY_SEX, "女", rules={Rule.DRUG_BY_SEX})


def test_an_item_without_knowledge_is_let_pass() -> None:
    assert not checked(Rule.DRUG_BY_SEX, "女", line(item="Y"))


@given(
    births=st.dates(date(1900, 1, 1), date(2030, 1, 1)),
    sex=st.sampled_from("0129"),
    kind=st.sampled_from(["11", "13", "14", "2101", "41", "52", ""]),
    level=st.sampled_from(Level),
    amounts=st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 2000)), min_size=1, max_size=6),
    bound=st.sampled_from(["男", "女", "儿童", "新生儿", "婴幼儿", "二级", "住院", "工伤", "?"]),
    rule=st.sampled_from(Rule),
)
def test_no_finding_ever_asks_for_more_than_the_lines_cost(
    births: date,
    sex: str,
    kind: str,
    level: Level,
    amounts: list[tuple[int, int]],
    bound: str,
    rule: Rule,
) -> None:
    lines = [
        line(reference=str(i), quantity=count * 10_000, amount=count * 100, own=own)
        for i, (count, own) in enumerate(amounts)
    ]
    care = Care(kind, "310", level)
    for finding in checked(rule, bound, *lines, patient=Patient(sex, births), care=care):
        assert finding.evidence
        billed = sum(one.amount for one in lines if one.quantity > 0)
        assert 0 <= finding.amount <= billed
