"""Builders of laws for tests: a small law as TOML text, read by the real loader."""

import copy
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from yibao.policy.law_book import LawBook
from yibao.policy.load import law_book_of, load_law_book
from yibao.policy.model import Law
from yibao.policy.terms import Scheme

AREA = "990000"
"""No real area."""

BEGIN = date(2000, 1, 1)

SOURCES = {"T": {"title": "a test", "url": "none"}}


@cache
def packaged_laws() -> LawBook:
    """The laws packaged with Yibao: nobody can change them, so they are read once."""
    return load_law_book()


def dated(value: Any, start: date = BEGIN, **more: Any) -> dict[str, Any]:
    """One dated entry."""
    return {"from": start, "value": value, "source": ["T"], "confidence": "general", **more}


def yuan_from(value: Any, start: date = BEGIN, **more: Any) -> dict[str, Any]:
    """One dated amount."""
    return dated(value, start, unit="yuan", **more)


def counter(scope: str, counts: str, *payers: str, **more: Any) -> dict[str, Any]:
    """A counter of the benefit ``outpatient``."""
    return {
        "title": f"{scope} {counts}",
        "scope": scope,
        "counts": counts,
        "schemes": ["310"],
        "benefits": ["outpatient"],
        "unit": "times" if counts in ("stays", "payments") else "yuan",
        **({"payers": list(payers)} if payers else {}),
        **more,
    }


def payer(bands: Any, unit: str = "fund_share", **more: Any) -> dict[str, Any]:
    """A payer; ``bands`` is a ratio or a list of bands."""
    return {
        "title": "基金",
        "english": "The fund",
        "base": "in_scope",
        "measured_on": "after_deductible",
        "reported_as": [dated({"fund": "310100", "amount_field": "hifp"})],
        "bands": [dated(bands, unit=unit)],
        **more,
    }


def limit(counter_name: str, amount: Any, **more: Any) -> dict[str, Any]:
    """A deductible's or a cap's limit."""
    return {"counter": counter_name, "amount": [dated(amount)], **more}


PERSON = {
    "fact": "person_type",
    "order": ["active", "retired", "resident"],
    "active": ["11"],
    "retired": ["12"],
    "resident": ["14", "15", "16"],
}
"""The classes of persons that tests tell apart."""


def benefit(
    payers: Mapping[str, Any], care_kinds: Sequence[str] = ("11",), **more: Any
) -> dict[str, Any]:
    """A benefit given at hospitals of every level."""
    return {
        "title": "普通门诊",
        "english": "Outpatient care",
        "payer_order": list(payers),
        "care_kinds": [dated(list(care_kinds))],
        "places": [dated(["grass", "l1", "l2", "l3", "prov"])],
        "payers": dict(payers),
        **more,
    }


def document(
    payers: Mapping[str, Any] | None = None,
    counters: Mapping[str, Any] | None = None,
    deductible: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of a small law; by default one fund that pays 70 %."""
    payers = payers or {"pool": payer(Decimal("0.7"))}
    return copy.deepcopy(
        {
            "law": {"area": AREA, "scheme": "310", "title": "试验统筹区"},
            "sources": SOURCES,
            "classes": {"person": PERSON},
            "benefit_year": [dated("01-01")],
            "unpaid_care_kinds": [dated(["41"])],
            "account": {
                "may_pay": [dated(["deductible", "co_pay", "first_pay", "over_limit", "own"])],
                "parts": [dated(["current", "carried"])],
            },
            "counters": dict(counters or {}),
            "benefits": {"outpatient": benefit(payers, deductible=dict(deductible or {}))},
        }
    )


def law_of(content: Mapping[str, Any]) -> Law:
    """The law of a document, through TOML text and the real loader."""
    book = law_book_of({f"{AREA}/employee.toml": toml_text(content)})
    return book.law_on(AREA, Scheme("310"), BEGIN)


def toml_text(content: Mapping[str, Any]) -> str:
    """A document as TOML text, every value inline."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in content.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(child)}" for key, child in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else f"{text}.0"
    return str(value)


def _key(key: str) -> str:
    return f'"{key}"'
