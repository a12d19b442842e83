"""From a bill's facts to the law's classes: the case (适用情形) that values are looked up for.

Only the facts that a law asks for are taken, so that bills of one case have equal ``Facts`` and
what is found for one of them is found for all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from yibao.adjudication.model import GENERAL_BUCKET, Bill, Person
from yibao.kernel.periods import age_on
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import RANGED, Classes, ClassRule, Fact, Law
from yibao.policy.parameters import Parameter
from yibao.policy.terms import CareKind, EntitlementExtent, Filing, Level, PersonType, Place, Scheme

Class = str | None
"""A class of a dimension; None when the law places the fact in none."""

OF_LINES = frozenset({Fact.ITEM_CLASS, Fact.ITEM_KIND})
"""Facts of a fee line, not of a bill."""

LATER = OF_LINES | {Fact.PART, Fact.TIMES, Fact.BUCKET}
"""Facts that are not the whole bill's, or not known before its counters are read."""


class Facts(NamedTuple):
    """What the law may ask of a bill, amounts and counters apart; what it does not is left out."""

    day: date
    care_kind: CareKind
    person_type: PersonType
    level: Level
    is_pharmacy: bool = False
    place: Place = Place.LOCAL
    filing: Filing = Filing.NONE
    entitlement: EntitlementExtent = EntitlementExtent.FULL
    buckets: tuple[str, ...] = (GENERAL_BUCKET,)
    fixed_price: bool = False
    age: int | None = None
    gender: str | None = None
    identities: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    enrolments: tuple[Scheme, ...] = ()
    retired_on: date | None = None
    enrolled_years: int | None = None
    claim_free_years: int | None = None
    disease: str | None = None
    circumstances: tuple[str, ...] = ()


def facts_of(bill: Bill, law: Law) -> Facts:
    """The facts of a bill that its law asks for.

    Refused: DATE_NOT_ALLOWED for a person born after the bill's day.
    """
    person, provider = bill.person, bill.provider
    if person.birth_date > bill.day:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"出生日期 {person.birth_date} 晚于费用日期 {bill.day}",
            field="birth_date",
            day=bill.day.isoformat(),
        )
    asked = facts_asked(law)
    return Facts(
        bill.day,
        bill.care_kind,
        person.person_type,
        provider.level,
        provider.is_pharmacy,
        bill.place,
        bill.filing,
        person.entitlement,
        tuple(bill.sums) or (GENERAL_BUCKET,),
        bill.fixed_price,
        **(_asked(bill, asked) if asked else {}),
    )


def _asked(bill: Bill, asked: frozenset[Fact]) -> dict[str, Any]:
    values = facts_of_person(bill.person, bill.day, asked)
    for fact, name in _OF_BILL:
        if fact in asked:
            values[name] = getattr(bill, name)
    return values


def facts_of_person(person: Person, day: date, asked: frozenset[Fact]) -> dict[str, Any]:
    """Those of the person's facts that are asked for, by their name in ``Facts``."""
    values: dict[str, Any] = {}
    if _AGE in asked:
        values["age"] = age_on(person.birth_date, day)
    for fact, name in _OF_PERSON:
        if fact in asked:
            values[name] = getattr(person, name)
    return values


_AGE = Fact.AGE
_OF_BILL = ((Fact.DISEASE, "disease"), (Fact.CIRCUMSTANCE, "circumstances"))
_OF_PERSON = (
    (Fact.GENDER, "gender"),
    (Fact.IDENTITY, "identities"),
    (Fact.TRAIT, "traits"),
    (Fact.ENROLMENT, "enrolments"),
    (Fact.RETIRED_ON, "retired_on"),
    (Fact.ENROLLED_YEARS, "enrolled_years"),
    (Fact.CLAIM_FREE_YEARS, "claim_free_years"),
)
"""Facts that a law may ask for, by the field of bill, person and ``Facts`` they stand in."""


@lru_cache(maxsize=4_096)
def facts_asked(law: Law) -> frozenset[Fact]:
    """The facts beside those of every bill that a law's classes or numbers stand on."""
    always = {Fact.PERSON_TYPE, Fact.LEVEL, Fact.PLACE, Fact.FILING, Fact.CARE_KIND}
    return frozenset({c.fact for c in law.classes.values()} | law.numbers) - always - LATER


def case_of(facts: Facts, law: Law) -> dict[str, Class]:
    """The classes of a bill, without those of counters, buckets, lines and parts of the account."""
    return {
        name: class_of(classes, facts)
        for name, classes in law.classes.items()
        if classes.fact not in LATER
    }


@lru_cache(maxsize=4_096)
def times_of(law: Law, benefits: tuple[str, ...], payers: tuple[str, ...]) -> tuple[Classes, ...]:
    """The dimensions whose class a counter of stays decides, and on which the rules of these
    benefits, of these common payers and of the account turn."""
    rules = [rule for rule in law.benefits if rule.key in benefits]
    common = [payer for payer in law.payers if payer.key in payers]
    used = frozenset().union(*map(dimensions_of, [*rules, *common, law.account]))
    return tuple(c for name, c in law.classes.items() if c.fact is Fact.TIMES and name in used)


def dimensions_of(rule: Any) -> frozenset[str]:
    """The dimensions by which any value within a rule differs."""
    if isinstance(rule, Parameter):
        return frozenset(name for version in rule.versions for name in version.by)
    if is_dataclass(rule) and not isinstance(rule, type):
        inner: Iterable[Any] = [getattr(rule, field.name) for field in fields(rule)]
    elif isinstance(rule, Mapping):
        inner = rule.values()
    elif isinstance(rule, tuple):
        inner = rule
    else:
        return frozenset()
    return frozenset().union(*[dimensions_of(part) for part in inner])


def with_bucket(case: dict[str, Class], law: Law, bucket: str) -> dict[str, Class]:
    """A case with the classes of a bucket of fee lines."""
    of_bucket = {
        name: class_of_words(classes, (bucket,))
        for name, classes in law.classes.items()
        if classes.fact is Fact.BUCKET
    }
    return case | of_bucket if of_bucket else case


def class_of(classes: Classes, facts: Facts) -> Class:
    """The class of a bill in one dimension."""
    fact = classes.fact
    value = getattr(facts, _FIELDS[fact])
    if fact in _BY_PREFIX:
        return class_of_prefix(classes, value)
    if fact is Fact.RETIRED_ON:
        return _class_of_day(classes, value)
    if fact in RANGED:
        return class_of_number(classes, value)
    return class_of_words(classes, value if isinstance(value, tuple) else (value,))


_FIELDS = {
    Fact.PERSON_TYPE: "person_type",
    Fact.AGE: "age",
    Fact.GENDER: "gender",
    Fact.IDENTITY: "identities",
    Fact.TRAIT: "traits",
    Fact.ENROLMENT: "enrolments",
    Fact.RETIRED_ON: "retired_on",
    Fact.ENROLLED_YEARS: "enrolled_years",
    Fact.CLAIM_FREE_YEARS: "claim_free_years",
    Fact.LEVEL: "level",
    Fact.PLACE: "place",
    Fact.FILING: "filing",
    Fact.CARE_KIND: "care_kind",
    Fact.DISEASE: "disease",
    Fact.CIRCUMSTANCE: "circumstances",
}
"""The field of ``Facts`` that each fact of a whole bill stands in."""

_BY_PREFIX = frozenset({Fact.PERSON_TYPE, Fact.DISEASE})


def class_of_words(classes: Classes, words: tuple[str, ...]) -> Class:
    """The first class of the order that names one of the words."""
    for rule in classes.rules:
        for word in words:
            if word in rule.words:
                return rule.name
    return classes.otherwise


def class_of_prefix(classes: Classes, code: str | None) -> Class:
    """The class with the longest prefix of a code."""
    best, longest = classes.otherwise, -1
    if code is not None:
        for rule in classes.rules:
            for prefix in rule.words:
                if len(prefix) > longest and code.startswith(prefix):
                    best, longest = rule.name, len(prefix)
    return best


def class_of_number(classes: Classes, number: int | None) -> Class:
    """The class whose range holds a number; an unknown number is in no class, not in any other."""
    if number is None:
        return None
    return next((r.name for r in classes.rules if _holds(r, number)), classes.otherwise)


def _class_of_day(classes: Classes, day: date | None) -> Class:
    """Who never retired is in the class of everyone else."""
    if day is None:
        return classes.otherwise
    return next((r.name for r in classes.rules if _holds(r, day)), classes.otherwise)


def _holds(rule: ClassRule, value: Any) -> bool:
    """Whether a half-open range holds a number or a date."""
    return (rule.start is None or rule.start <= value) and (
        rule.below is None or value < rule.below
    )
