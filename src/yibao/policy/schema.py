"""The law language as a JSON Schema (draft 2020-12), for editors: what may be written where.

Built of the vocabularies that the reader uses; a test holds its tables against what the reader
asks for. It says less than the reader checks: bands without gaps, counters that fit, what a city
may leave to its province, and every other thing that hangs together is the reader's.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from yibao.policy import leaves
from yibao.policy.benefits import DATE_BASES
from yibao.policy.classes import CLASS_KEYS
from yibao.policy.dated import Kind
from yibao.policy.model import (
    AcrossYear,
    AdjustmentKind,
    Axis,
    Base,
    Component,
    Counted,
    DateBasis,
    Fact,
    OutOfOrder,
    OverLimit,
    Scope,
)
from yibao.policy.parameters import Confidence
from yibao.policy.payers import ADJUSTMENT_UNITS, GROWING
from yibao.policy.purses import PersonalPart

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
DATE: Schema = {"type": "string", "format": "date"}
TEXTS: Schema = {"type": "array", "items": TEXT, "uniqueItems": True}
_NUMBER_TEXT = r"^-?[0-9]+(\.[0-9]+)?$"
_FRACTION_TEXT = r"^([0-9]+/[0-9]+|-?[0-9]+(\.[0-9]+)?)$"


def law_schema() -> Schema:
    """The schema of a law file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Yibao law",
        "description": "A law of one area and scheme: docs/law/reference.md says what it means.",
        **_table(
            {
                "law": _head(),
                "sources": _named(_table({"title": TEXT, "url": TEXT}, ("title", "url"))),
                "defaults": _table({"from": DATE, "source": TEXTS, "confidence": _of(Confidence)}),
                "classes": _named(_dimension()),
                "counters": _named(_counter()),
                "benefit_year": _parameter(leaves.MONTH_DAY, _text(r"^\d\d?-\d\d?$")),
                "unpaid_care_kinds": _parameter(leaves.WORDS, TEXTS),
                "benefits": _named(_benefit()),
                "payer_order": TEXTS,
                "payers": _named(_payer({"benefits": TEXTS})),
                "account": _account(),
                "family": _family(),
                "lines": _lines(),
                "allowances": _named(_allowance()),
                "entitlement": _entitlement(),
                "stays": _table(
                    {
                        f"{key}_days": _defined("days")
                        for key in ("referral", "readmission", "emergency")
                    }
                ),
            },
            ("law",),
        ),
        "$defs": _definitions(),
    }


def schema_text() -> str:
    """The schema as it is kept in ``docs/law/law.schema.json``."""
    return json.dumps(law_schema(), ensure_ascii=False, indent=1) + "\n"


# ----------------------------------------------------------------------------------- small parts


def _table(properties: Schema, required: Iterable[str] = ()) -> Schema:
    """A table with these keys and no others."""
    table = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**table, "required": list(required)} if required else table


def _named(table: Schema) -> Schema:
    """Tables under names of the law's own choice."""
    return {
        "type": "object",
        "propertyNames": {"pattern": r"^[\w-]+$"},
        "additionalProperties": table,
    }


def _words(words: Iterable[str]) -> Schema:
    return {"enum": [str(word) for word in words]}


def _of(words: type[StrEnum]) -> Schema:
    return _words(words)


def _list_of(words: Iterable[str]) -> Schema:
    return {"type": "array", "items": _words(words), "uniqueItems": True}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


NONE: Schema = {"const": leaves.NONE}
YUAN: Schema = _any({"type": "number", "minimum": 0}, _text(_NUMBER_TEXT))
YUAN_OR_NONE = _any(NONE, YUAN)
WHOLE: Schema = {"type": "integer", "minimum": 0}
WHOLE_OR_NONE = _any(NONE, WHOLE)
SHARE: Schema = _any({"type": "number", "minimum": 0, "maximum": 1}, _text(_FRACTION_TEXT))
NUMBER: Schema = _any({"type": "number", "minimum": 0}, _text(_FRACTION_TEXT))
POINTS: Schema = _any({"type": "number", "minimum": -1, "maximum": 1}, _text(_FRACTION_TEXT))


def _parameter(kind: Kind[Any], leaf: Schema) -> Schema:
    """A parameter in its three ways: a plain value, one entry, a list of dated entries."""
    cases = {"type": "object", "description": "by the classes that 'by' names"}
    entry = {
        "from": DATE,
        **({"unit": _words(kind.units)} if kind.units else {}),
        "by": TEXTS,
        "value": _any(leaf, cases) if kind.by_case else leaf,
        "source": TEXTS,
        "confidence": _of(Confidence),
        "note": TEXT,
    }
    one = _table(entry, ("value",))
    return _any(leaf, one, {"type": "array", "items": one, "minItems": 1})


def _definitions() -> Schema:
    """What stands in many places, once."""
    return {
        "amount": _parameter(leaves.AMOUNT, YUAN_OR_NONE),
        "times": _parameter(leaves.TIMES, WHOLE_OR_NONE),
        "ratio": _parameter(leaves.RATIO, SHARE),
        "number": _parameter(leaves.NUMBER, NUMBER),
        "points": _parameter(leaves.POINTS, POINTS),
        "months": _parameter(leaves.MONTHS, WHOLE_OR_NONE),
        "days": _parameter(leaves.DAYS, WHOLE_OR_NONE),
        "limit": _limit(),
    }


def _defined(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


AMOUNT, RATIO, TABLE_OF_LIMITS = _defined("amount"), _defined("ratio"), _named(_defined("limit"))


# -------------------------------------------------------------------------------------- the parts


def _head() -> Schema:
    area = _text(r"^\d{6}$")
    head = {
        "area": area,
        "scheme": _text(r"^\d{3}$"),
        "title": TEXT,
        "inherits": area,
        "until": DATE,
    }
    return _table(head, ("area", "scheme", "title"))


def _dimension() -> Schema:
    bound = _any(WHOLE, DATE)
    keys = {"fact": _of(Fact), "order": TEXTS, "otherwise": TEXT, "counter": TEXT}
    assert tuple(keys) == CLASS_KEYS, "what a dimension has beside its classes"
    return {
        "type": "object",
        "properties": keys,
        "required": ["fact", "order"],
        "additionalProperties": _any(TEXTS, _table({"from": bound, "below": bound})),
    }


def _counter() -> Schema:
    counter = {
        "title": TEXT,
        "scope": _of(Scope),
        "counts": _of(Counted),
        "by": TEXTS,
        "schemes": TEXTS,
        "benefits": TEXTS,
        "payers": TEXTS,
        "unit": _words(("yuan", "times")),
        "spread": FLAG,
        "moves": FLAG,
    }
    return _table(counter)


def _limit() -> Schema:
    growth = {
        "years": _words(GROWING),
        "after": _parameter(leaves.YEARS, WHOLE),
        "step": AMOUNT,
    }
    limit = {
        "counter": TEXT,
        "amount": _any(AMOUNT, _defined("times")),
        "factor": _named(_defined("number")),
        "growth": _named(_table(growth)),
        "growth_at_most": RATIO,
        "every_days": _parameter(leaves.PERIOD, WHOLE_OR_NONE),
        "further": AMOUNT,
    }
    return _table(limit)


def _adjustment() -> Schema:
    of_kind = {leaves.NUMBER: _defined("number"), leaves.POINTS: _defined("points")}
    return {
        "oneOf": [
            _table({kind.value: of_kind[ADJUSTMENT_UNITS[kind]]}, (kind.value,))
            for kind in AdjustmentKind
        ]
    }


def _payer(more: Schema) -> Schema:
    band = _table({"above": YUAN, "to": YUAN, "ratio": SHARE}, ("above", "ratio"))
    bands = _any(NONE, SHARE, {"type": "array", "items": band, "minItems": 1})
    reported = _table(
        {"fund": TEXT, "amount_field": _words(leaves.AMOUNT_FIELDS)}, ("fund", "amount_field")
    )
    return _table(
        {
            "title": TEXT,
            "english": TEXT,
            "reported_as": _parameter(leaves.REPORTED_AS, reported),
            "base": _of(Base),
            "above_cap_of": TEXT,
            "also": _table({part.value: RATIO for part in Component}),
            "deductible": TABLE_OF_LIMITS,
            "bands": _parameter(leaves.BANDS, bands),
            "measured_on": _of(Axis),
            "counter": TEXT,
            "adjust": _named(_adjustment()),
            "adjust_order": TEXTS,
            "caps": TABLE_OF_LIMITS,
            **more,
        }
    )


def _benefit() -> Schema:
    price = {"amount": AMOUNT, "per_day": FLAG}
    basis = _parameter(leaves.choice_kind(DateBasis, by_case=False), _of(DateBasis))
    benefit = {
        "title": TEXT,
        "english": TEXT,
        "care_kinds": _parameter(leaves.WORDS, TEXTS),
        "buckets": TEXTS,
        "places": _parameter(leaves.PLACE_WORDS, _list_of(leaves.PLACES)),
        "first_pay": RATIO,
        "fixed_price": _table(price),
        "deductible": TABLE_OF_LIMITS,
        "payer_order": TEXTS,
        "payers": _named(_payer({})),
        "date_basis": _table(dict.fromkeys(DATE_BASES, basis)),
        "across_year": _parameter(leaves.choice_kind(AcrossYear), _of(AcrossYear)),
        "out_of_order": _parameter(leaves.choice_kind(OutOfOrder), _of(OutOfOrder)),
    }
    return _table(benefit)


def _account() -> Schema:
    return _table(
        {
            "may_pay": _parameter(leaves.PERSONAL_PARTS, _list_of(PersonalPart)),
            "parts": _parameter(leaves.ORDERED_WORDS, TEXTS),
            "spent_first": _parameter(leaves.ORDERED_WORDS, TEXTS),
            "interest": RATIO,
        }
    )


def _family() -> Schema:
    return _table(
        {
            "relations": _parameter(leaves.WORDS, TEXTS),
            "parts": _parameter(leaves.ORDERED_WORDS, TEXTS),
            "may_pay": _parameter(leaves.PERSONAL_PARTS, _list_of(PersonalPart)),
            "premiums": _parameter(leaves.WORDS, TEXTS),
        }
    )


def _lines() -> Schema:
    return _table(
        {
            "first_pay": RATIO,
            "over_limit": _parameter(leaves.choice_kind(OverLimit), _of(OverLimit)),
            "bucket": _parameter(leaves.WORD, TEXT),
        }
    )


def _allowance() -> Schema:
    return _table(
        {
            "title": TEXT,
            "english": TEXT,
            "rate": _defined("number"),
            "divisor": _parameter(leaves.DIVISOR, NUMBER),
            "units": _defined("number"),
            "lump": AMOUNT,
        }
    )


def _entitlement() -> Schema:
    return _table(
        {
            **{f"{key}_months": _defined("months") for key in ("waiting", "gap", "grace", "repay")},
            "newborn_days": _defined("days"),
            "arrears": _parameter(leaves.ARREARS, _words(leaves.LEFT_IN_ARREARS)),
        }
    )
