"""Small laws for tests, written as a law file is; what a test does not care about is filled in."""

import tomllib
from decimal import Decimal
from typing import Any

from tests.policy.builders import AREA, BEGIN, SOURCES, toml_text
from yibao.policy.load import law_book_of
from yibao.policy.model import Law
from yibao.policy.terms import Scheme

DEFAULTS: dict[str, Any] = {
    "benefit_year": "01-01",
    "unpaid_care_kinds": ["41"],
    "account": {
        "may_pay": ["deductible", "co_pay", "first_pay", "over_limit", "own"],
        "parts": ["current", "carried"],
    },
}

PLACES = ["grass", "l1", "l2", "l3", "prov"]


def law_from(body: str, *, scheme: str = "310", area: str = AREA) -> Law:
    """The law of a body in the law language, read by the real loader.

    Filled in: the head, ``[defaults]``, the account, the benefit year; of a benefit its title, its
    kinds of care (21, or 11 if it is called outpatient) and places; of a payer its fund; the orders
    of payers as they are written.
    """
    content = tomllib.loads(body, parse_float=Decimal)
    for key, value in DEFAULTS.items():
        content.setdefault(key, value)
    for name, benefit in content["benefits"].items():
        benefit.setdefault("title", name)
        benefit.setdefault("care_kinds", ["11"] if name == "outpatient" else ["21"])
        benefit.setdefault("places", PLACES)
        benefit.setdefault("payers", {})
        _payers(benefit)
    if "payers" in content:
        _payers(content)
    head = {
        "law": {"area": area, "scheme": scheme, "title": "试验统筹区"},
        "sources": SOURCES,
        "defaults": {"from": BEGIN, "source": ["T"], "confidence": "general"},
    }
    book = law_book_of({f"{area}/{scheme}.toml": toml_text({**head, **content})})
    return book.law_on(area, Scheme(scheme), BEGIN)


def _payers(of: dict[str, Any]) -> None:
    of.setdefault("payer_order", list(of["payers"]))
    for key, payer in of["payers"].items():
        payer.setdefault("title", key)
        payer.setdefault("reported_as", {"value": {"fund": "310100", "amount_field": "hifp"}})
