"""Which columns of a population a law asks for, found by walking through its parameters."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from yibao.policy.model import Counted, Counter, Fact, FixedPrice, Law, Limit, Scope
from yibao.policy.parameters import Parameter

_FACT_COLUMNS = {
    Fact.GENDER: "gender",
    Fact.IDENTITY: "identities",
    Fact.TRAIT: "traits",
    Fact.ENROLMENT: "enrolments",
    Fact.RETIRED_ON: "retired_on",
    Fact.ENROLLED_YEARS: "enrolled_years",
    Fact.CLAIM_FREE_YEARS: "claim_free_years",
    Fact.PLACE: "place",
    Fact.FILING: "filing",
    Fact.DISEASE: "disease",
    Fact.CIRCUMSTANCE: "circumstances",
}
_ALWAYS = ("entitlement", "pharmacy", "hospital")


def columns_needed(law: Law) -> dict[str, str]:
    """The optional columns that can change what the law gives, each with what asks for it."""
    needed = dict.fromkeys(_ALWAYS, "every law")
    for part in _parts(_deciding(law)):
        for column, because in _needs_of(part, law):
            needed.setdefault(column, because)
    for fact in sorted(law.numbers):
        if fact in _FACT_COLUMNS:
            needed.setdefault(_FACT_COLUMNS[fact], "an amount that grows with it")
    return needed


def same_line_rules(one: Law, other: Law) -> bool:
    """Whether two laws split every fee line alike, so that the sums of a bill serve both."""
    return _line_rules(one) == _line_rules(other)


def _deciding(law: Law) -> tuple[Any, ...]:
    """The parts of a law that decide the funds' share; the account moves no fund."""
    counters = tuple(law.counters.values())
    return (law.benefits, law.payers, counters, law.lines, law.unpaid_care_kinds)


def _needs_of(part: object, law: Law) -> Iterator[tuple[str, str]]:
    match part:
        case Parameter(path=path, versions=versions):
            for dimension in {name for version in versions for name in version.by}:
                yield from _of_dimension(dimension, path, law)
        case Counter(name=name, by=by):
            for dimension in by:
                yield from _of_dimension(dimension, f"counters.{name}", law)
            for column in _of_counter(part):
                yield column, f"counters.{name}"
        case Limit(every_days=Parameter(path=path)):
            yield "days", path
        case FixedPrice(amount=amount, per_day=per_day):
            yield "fixed_price", amount.path
            if per_day:
                yield "days", amount.path
    if isinstance(part, Limit) and part.further is not None:
        yield "further_diseases", part.further.path


def _of_counter(counter: Counter) -> Iterator[str]:
    """Facts that say which instance of a counter a bill meets."""
    if counter.scope in (Scope.VISIT, Scope.VISIT_YEAR) or counter.counts is Counted.STAYS:
        yield "visit"
    if counter.scope is Scope.VISIT_YEAR:
        yield "begin"
    if counter.scope is Scope.CHAIN:
        yield "chain"
    if counter.spread:
        yield "months"


def _of_dimension(dimension: str, path: str, law: Law) -> Iterator[tuple[str, str]]:
    column = _FACT_COLUMNS.get(law.classes[dimension].fact)
    if column is not None:
        yield column, path


def _parts(node: object) -> Iterator[object]:
    """Every dataclass of a law below a node, parameters included, but not their values."""
    if isinstance(node, Mapping):
        for child in node.values():
            yield from _parts(child)
    elif isinstance(node, tuple):
        for child in node:
            yield from _parts(child)
    elif dataclasses.is_dataclass(node):
        yield node
        if not isinstance(node, Parameter):
            for field in dataclasses.fields(node):
                yield from _parts(getattr(node, field.name))


def _line_rules(law: Law) -> object:
    """The line rules without what does not matter to a line: files, sources, notes."""
    rules = (law.lines.first_pay, law.lines.over_limit, law.lines.bucket)
    return tuple(
        [
            (v.start, v.by, dict(v.cases), [law.classes[dimension] for dimension in v.by])
            for v in rule.versions
        ]
        if rule is not None
        else None
        for rule in rules
    )
