"""What a law says, as rows to be read by people: in force on a day, or differing between two laws.

Cases that have one value stand together: ``by`` level and person, five levels times two classes,
reads as two rows when only the third level is treated apart.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple, TypeVar

from yibao.kernel.money import Fen, Rate, yuan
from yibao.policy.model import Band, Classes, Law, ReportedAs
from yibao.policy.parameters import Dimension, Parameter, Source, Version

V = TypeVar("V")

ANY = "any"
"""Every class of a dimension."""

NONE = "none"
"""No limit, or a payer that does not pay: said by the law, unlike a value that is not known."""


class Row(NamedTuple):
    """One value in force, or a parameter whose value on the day is not known."""

    path: str
    case: str
    """Its classes, in the order of the parameter's dimensions: ``l1/l2 retired``; empty: all."""
    value: str | None
    """None: not known on the day. A bill that needs it is refused."""
    unit: str
    start: date | None
    sources: tuple[Source, ...]
    confidence: str
    file: str
    note: str
    relation: str
    """The case that the law tells it by, and how: ``active × 0.7``; empty: written itself."""


class Difference(NamedTuple):
    """One value that two laws have differently from a day on, or on the day asked for."""

    path: str
    case: str
    start: date | None
    """The day on which the difference begins; None where a law is built differently, undated."""
    before: str | None
    """None: the law does not have it, or not yet."""
    after: str | None


def rows(law: Law, day: date) -> list[Row]:
    """Every parameter of a law as it stands on a day, in the law's own order."""
    return [row for parameter in parameters_of(law) for row in _rows(law, parameter, day)]


def differences(before: Law, after: Law, day: date | None = None) -> list[Difference]:
    """What changes from one law to another: on ``day``, or on every day that either law names."""
    known = {p.path: p for p in parameters_of(before)}, {p.path: p for p in parameters_of(after)}
    found = _structure_differences(before, after, {*known[0], *known[1]})
    for path in dict.fromkeys((*known[0], *known[1])):
        absent: Parameter[Any] = Parameter(path)
        pair = tuple(side.get(path, absent) for side in known)
        days = {version.start for parameter in pair for version in parameter.versions}
        for start in [day] if day else sorted(days):
            versions = tuple(parameter.in_force(start) for parameter in pair)
            for case, texts in _value_differences((before, after), versions):
                found.append(Difference(path, case, start, *texts))
    return found


def parameters_of(law: Law) -> list[Parameter[Any]]:
    """Every parameter of a law, those without a value too, in the order they are written about."""
    parts = (
        law.year_start,
        law.unpaid_care_kinds,
        law.benefits,
        law.payers,
        law.account,
        law.family,
        law.lines,
        law.allowances,
        law.entitlement,
        law.stays,
    )
    return list({parameter.path: parameter for parameter in _within(parts)}.values())


def _within(part: Any) -> Iterator[Parameter[Any]]:
    """The parameters that something is built of."""
    if isinstance(part, Parameter):
        yield part
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from _within(getattr(part, field.name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _within(value)
    elif isinstance(part, tuple):
        for value in part:
            yield from _within(value)


# ------------------------------------------------------------------------------- values in force


def _rows(law: Law, parameter: Parameter[Any], day: date) -> Iterator[Row]:
    version = parameter.in_force(day)
    if version is None:
        later = [f"from {known.start}" for known in parameter.versions[-1:]]
        yield Row(parameter.path, "", None, "", None, (), "", law.file, "".join(later), "")
        return
    told: dict[tuple[str | None, ...], tuple[str | None, str]] = {
        key: (value_text(value, version.unit), version.relations.get(key, ""))
        for key, value in version.cases.items()
    }
    for classes in product(*(law.classes[dimension].names for dimension in version.by)):
        told.setdefault(classes, (None, ""))  # the value does not name them
    for case, (text, relation) in _together(told, version.by, law.classes):
        if text is None:
            yield Row(parameter.path, case, None, "", None, (), "", version.file, version.note, "")
            continue
        yield Row(
            parameter.path,
            case,
            text,
            version.unit,
            version.start,
            version.sources,
            version.confidence,
            version.file,
            version.note,
            relation,
        )


def _together(
    told: Mapping[tuple[str | None, ...], V],
    by: tuple[Dimension, ...],
    classes: Mapping[Dimension, Classes],
) -> Iterator[tuple[str, V]]:
    """Cases of one value as one, with their text: each dimension's classes joined in turn."""
    joined: list[tuple[tuple[tuple[str, ...], ...], V]] = [
        (tuple((str(word),) for word in key), value) for key, value in told.items()
    ]
    for i in reversed(range(len(by))):
        words: dict[tuple[Any, V], tuple[str, ...]] = {}
        for key, value in joined:
            rest = (key[:i], key[i + 1 :]), value
            words[rest] = words.get(rest, ()) + key[i]
        joined = [
            ((*before, together, *after), value)
            for ((before, after), value), together in words.items()
        ]
    for key, value in joined:
        named = [
            ANY if len(part) == len(classes[dimension].names) else "/".join(part)
            for part, dimension in zip(key, by, strict=True)
        ]
        yield "" if all(word == ANY for word in named) else " ".join(named), value


# ------------------------------------------------------------------------------------ differences


def _value_differences(
    laws: tuple[Law, Law], versions: tuple[Version[Any] | None, ...]
) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    """Cases in which two versions differ, each side's value; over the dimensions of both."""
    by = tuple(dict.fromkeys(d for version in versions if version for d in version.by))
    classes: dict[Dimension, Classes] = {**laws[0].classes, **laws[1].classes}
    words = [
        tuple(
            dict.fromkeys(word for law in laws if d in law.classes for word in law.classes[d].names)
        )
        for d in by
    ]
    told: dict[tuple[str | None, ...], tuple[str | None, str | None]] = {}
    for case in product(*words):
        known = dict(zip(by, case, strict=True))
        before, after = (_text_for(version, known) for version in versions)
        if before != after:
            told[case] = (before, after)
    yield from _together(told, by, classes)


def _text_for(version: Version[Any] | None, case: Mapping[Dimension, str]) -> str | None:
    if version is None:
        return None
    key = tuple(case[dimension] for dimension in version.by)
    return value_text(version.cases[key], version.unit) if key in version.cases else None


def _structure_differences(before: Law, after: Law, parameters: set[str]) -> list[Difference]:
    """What a law is built of and is not dated: dimensions, counters, payers and their order."""
    old, new = (dict(_structure(law, parameters)) for law in (before, after))
    return [
        Difference(path, "", None, old.get(path), new.get(path))
        for path in dict.fromkeys((*old, *new))
        if old.get(path) != new.get(path)
    ]


def _structure(law: Law, parameters: set[str]) -> Iterator[tuple[str, str]]:
    def walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
        if path in parameters or path == "defaults":
            return
        if isinstance(value, dict):
            for key, child in value.items():
                yield from walk(f"{path}.{key}" if path else key, child)
        else:
            yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    return walk("", json.loads(law.canonical)["law"])


# ------------------------------------------------------------------------------------- as text


def value_text(value: Any, unit: str) -> str:
    """A parameter's value as people read it: yuan with commas, shares in per cent."""
    if value is None:
        return NONE
    if isinstance(value, Fraction):
        return _fraction_text(value, unit)
    if isinstance(value, ReportedAs):
        return f"{value.fund} ({value.amount_field})"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or NONE
    if isinstance(value, tuple):
        return _tuple_text(value)
    if isinstance(value, StrEnum | str):
        return str(value)
    return _yuan_text(value) if unit == "yuan" else str(value)


def _yuan_text(amount: Fen) -> str:
    return f"{Decimal(yuan(amount)):,}".removesuffix(".00")


def _tuple_text(value: tuple[Any, ...]) -> str:
    if value and isinstance(value[0], Band):
        return "; ".join(_band_text(band, len(value) == 1) for band in value)
    if value and isinstance(value[0], int):  # month and day
        return "-".join(f"{part:02}" for part in value)
    return ", ".join(value) or NONE


def _band_text(band: Band, alone: bool) -> str:
    share = _fraction_text(Fraction(*band.rate), "share")
    if alone:
        return share
    if band.to is None:
        return f"above {_yuan_text(band.above)}: {share}"
    return f"{_yuan_text(band.above)}–{_yuan_text(band.to)}: {share}"


def _fraction_text(value: Fraction, unit: str) -> str:
    per_cent = unit in ("share", "points")
    number = _decimal_text(value * 100 if per_cent else value)
    if number is None:  # no decimal ends
        return str(value)
    if unit == "points":
        return f"{'+' if value > 0 else ''}{number} points"
    return f"{number}%" if unit == "share" else number


def _decimal_text(value: Fraction) -> str | None:
    """Decimal text when it is exact, else None."""
    rate = Rate(value.numerator, value.denominator).text()
    return None if "/" in rate else rate
