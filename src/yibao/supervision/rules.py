"""The rules on the scope of payment, pure: lines, person and circumstances in, findings out.

A rule that lacks the fact it turns on (an unknown sex, no date of birth) finds nothing: nobody is
accused for what is not known. What was given back in full is not looked at.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from yibao.kernel.periods import age_on
from yibao.policy.terms import Level
from yibao.supervision.model import (
    TITLES,
    Action,
    Care,
    Certainty,
    Evidence,
    Finding,
    Limit,
    OrderLine,
    Patient,
    Rule,
    Stage,
)


@dataclass(frozen=True, slots=True)
class Ages:
    """Ages that the knowledge names in words; an area may cut them otherwise."""

    newborn_days: int = 28
    """新生儿: up to the end of this day of life."""
    infant_until: int = 3
    """婴幼儿: younger than this many years."""
    child_until: int = 18
    """儿童: younger than this. Paediatrics often ends at 14; the later age accuses less."""
    work_from: int = 16
    work_until: Mapping[str, int] | None = None
    """By sex. Without it the highest pension age of the reform of 2025: 63 for men, 58 for women.
    """

    def pension_age(self, sex: str) -> int:
        """The age at which nobody of that sex is of working age any more."""
        return (self.work_until or {MALE: 63, FEMALE: 58}).get(sex, 63)


DEFAULT_AGES = Ages()

MALE, FEMALE = "1", "2"
_SEX_OF = {"男": MALE, "女": FEMALE}
_SEX_WORDS = {MALE: "男", FEMALE: "女"}
_RANKS = {
    Level.GRASS_ROOTS: 1,
    Level.FIRST: 1,
    Level.SECOND: 2,
    Level.THIRD: 3,
    Level.PROVINCIAL: 3,
}
_RANK_OF = {"二级": 2, "三级": 3}
_BASIC_SCHEMES = ("310", "380", "390", "391")
_MATERNITY_SCHEME = "510"
_MATERNITY_CARE = ("51", "52", "53")
_INPATIENT_CARE = ("21", "22", "23", "24", "25", "28", "52", "92")
"""Kinds of care that count as inpatient; provinces extend them by two digits (2101)."""
_EMERGENCY_CARE = ("13",)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that a rule may turn on beside the limit."""

    patient: Patient
    care: Care
    day: date
    ages: Ages


Broken = Callable[[Limit, Circumstances], bool]
"""Whether the limit is broken under the circumstances."""


# ------------------------------------------------------------------------------------------- rules


def _other_sex(limit: Limit, found: Circumstances) -> bool:
    sex = found.patient.sex
    return sex in (MALE, FEMALE) and sex != _SEX_OF.get(limit.bound, sex)


def _other_age(limit: Limit, found: Circumstances) -> bool:
    birth = found.patient.birth
    if birth is None or birth > found.day:
        return False
    if limit.bound == "新生儿":
        return found.day - birth > timedelta(days=found.ages.newborn_days)
    years = age_on(birth, found.day)
    if limit.bound == "婴幼儿":
        return years >= found.ages.infant_until
    return limit.bound == "儿童" and years >= found.ages.child_until


def _not_of_working_age(_: Limit, found: Circumstances) -> bool:
    birth = found.patient.birth
    if birth is None or birth > found.day:
        return False
    years = age_on(birth, found.day)
    ages = found.ages
    return not ages.work_from <= years < ages.pension_age(found.patient.sex)


def _other_insurance(limit: Limit, found: Circumstances) -> bool:
    scheme, kind = found.care.scheme, found.care.kind
    if limit.bound == "生育" and (scheme == _MATERNITY_SCHEME or kind[:2] in _MATERNITY_CARE):
        return False
    return scheme in _BASIC_SCHEMES


def _level_too_low(limit: Limit, found: Circumstances) -> bool:
    return _RANKS[found.care.level] < _RANK_OF.get(limit.bound, 0)


def _other_kind_of_care(limit: Limit, found: Circumstances) -> bool:
    kind = found.care.kind[:2]
    if "急诊" in limit.bound and kind in _EMERGENCY_CARE:
        return False
    return "住院" in limit.bound and kind not in _INPATIENT_CARE


_BROKEN: Mapping[Rule, Broken] = {
    Rule.DRUG_BY_SEX: _other_sex,
    Rule.ITEM_BY_SEX: _other_sex,
    Rule.DRUG_FOR_CHILDREN: _other_age,
    Rule.ITEM_BY_AGE: _other_age,
    Rule.ITEM_BY_WORKING_AGE: _not_of_working_age,
    Rule.DRUG_BY_INSURANCE: _other_insurance,
    Rule.DRUG_BY_HOSPITAL_LEVEL: _level_too_low,
    Rule.DRUG_BY_KIND_OF_CARE: _other_kind_of_care,
}

_OF_PAYMENT_ONLY = frozenset(
    {Rule.DRUG_BY_INSURANCE, Rule.DRUG_BY_HOSPITAL_LEVEL, Rule.DRUG_BY_KIND_OF_CARE}
)
"""Limits of what the funds pay, not of what may be used: own expense does not break them."""


# ------------------------------------------------------------------------------------------- check


def check(
    lines: Sequence[OrderLine],
    patient: Patient,
    care: Care,
    stage: Stage,
    knowledge: Mapping[str, Sequence[Limit]],
    version: str,
    *,
    rules: Collection[Rule] = tuple(Rule),
    ages: Ages = DEFAULT_AGES,
) -> list[Finding]:
    """Every rule that the lines of one visit break, in the order of the rules.

    ``knowledge`` are the limits by item code, ``version`` says of when they are.
    """
    broken: dict[Rule, list[Evidence]] = defaultdict(list)
    for line in _standing(lines):
        found = Circumstances(patient, care, line.day, ages)
        for limit in knowledge.get(line.item, ()):
            payable = max(0, line.amount - line.own)
            if limit.rule not in rules or (limit.rule in _OF_PAYMENT_ONLY and not payable):
                continue
            if _BROKEN[limit.rule](limit, found):
                broken[limit.rule].append(_evidence(line, limit, payable))
    return [
        Finding(
            rule=rule,
            certainty=Certainty.CLEAR,
            stage=stage,
            action=_action(Certainty.CLEAR, stage),
            text=_text(rule, rows, patient),
            evidence=tuple(rows),
            version=version,
        )
        for rule, rows in sorted(broken.items())
    ]


def _standing(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Lines whose item was not given back in full (退费)."""
    left: dict[str, int] = defaultdict(int)
    for line in lines:
        left[line.item] += line.quantity
    return [line for line in lines if line.quantity > 0 and left[line.item] > 0]


def _evidence(line: OrderLine, limit: Limit, payable: int) -> Evidence:
    return Evidence(
        line.reference,
        line.item,
        line.name or limit.name,
        line.quantity,
        payable,
        line.day,
        limit.bound,
        limit.basis,
    )


def _action(certainty: Certainty, stage: Stage) -> Action:
    if stage is not Stage.AFTER:
        return Action.REMIND
    return Action.DEDUCT if certainty is Certainty.CLEAR else Action.CLUE


def _text(rule: Rule, rows: Sequence[Evidence], patient: Patient) -> str:
    """What the doctor reads: the rule, each item with its bound, and the person's side of it."""
    items = "；".join(dict.fromkeys(f"{row.name}限{row.bound}" for row in rows))
    return f"{TITLES[rule]}：{items}{_person_side(rule, rows[0].day, patient)}"


def _person_side(rule: Rule, day: date, patient: Patient) -> str:
    if rule in (Rule.DRUG_BY_SEX, Rule.ITEM_BY_SEX):
        return f"，患者性别为{_SEX_WORDS[patient.sex]}"
    of_age = (Rule.DRUG_FOR_CHILDREN, Rule.ITEM_BY_AGE, Rule.ITEM_BY_WORKING_AGE)
    if rule in of_age and patient.birth is not None:
        return f"，患者{age_on(patient.birth, day)}周岁"
    return ""
