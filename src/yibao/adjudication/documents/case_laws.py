"""The law within a case: a law document that may leave out what the case does not turn on.

What is filled in is in ``docs/law/cases.md``. Everything else is read as any law, by the same
reader, so that a case's law refuses what a law file would refuse.
"""

import copy
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from yibao.policy.document import document_tree
from yibao.policy.law_book import LawBook
from yibao.policy.model import PHARMACY, Law, Scope
from yibao.policy.parameters import LawError
from yibao.policy.purses import PersonalPart
from yibao.policy.terms import RESIDENT, Level

AREA = "990000"
"""No real area."""

FROM = date(1900, 1, 1)
"""From when the values hold if the case's law does not say it: a case has one day."""

EVERYWHERE = [*(level.value for level in Level), PHARMACY]


def case_law(case: str, document: Mapping[str, Any], source: str, care_kinds: Iterable[str]) -> Law:
    """The law of a case; ``care_kinds`` are those of its bills. Raises LawError."""
    law = copy.deepcopy(dict(document))
    head = _table(law, "law")
    head.setdefault("area", AREA)
    head.setdefault("scheme", "310")
    head.setdefault("title", case)
    _table(law, "sources").setdefault("case", {"title": source, "url": source})
    defaults = _table(law, "defaults")
    defaults.setdefault("from", FROM)
    defaults.setdefault("source", ["case"])
    defaults.setdefault("confidence", "page")
    law.setdefault("benefit_year", "01-01")
    law.setdefault("unpaid_care_kinds", [])
    account = _table(law, "account")
    account.setdefault("may_pay", [part.value for part in PersonalPart])
    account.setdefault("parts", ["current", "carried"])
    counters = _table(law, "counters")
    benefits = _table(law, "benefits")
    for key, benefit in benefits.items():
        if isinstance(benefit, dict):
            benefit.setdefault("title", key)
            _complete_benefit(benefit, care_kinds, counters, _fund(head["scheme"]))
    if "payers" in law:
        _complete_payers(law, counters, _fund(head["scheme"]))
    name = f"{head['area']}/{case}"
    return _read(name, law)


def _read(name: str, document: Mapping[str, Any]) -> Law:
    book = LawBook.of_trees({name: document_tree(name, document)})
    return next(iter(book.laws.values()))


def _complete_benefit(
    benefit: dict[str, Any],
    care_kinds: Iterable[str],
    counters: dict[str, Any],
    fund: Mapping[str, str],
) -> None:
    benefit.setdefault("care_kinds", sorted(set(care_kinds)))
    benefit.setdefault("places", EVERYWHERE)
    _complete_limits(benefit.get("deductible"), "deductible", counters, {"counts": "deductible"})
    _complete_payers(benefit, counters, fund)


def _complete_payers(
    owner: dict[str, Any], counters: dict[str, Any], fund: Mapping[str, str]
) -> None:
    payers = owner.get("payers")
    if not isinstance(payers, dict):
        return
    owner.setdefault("payer_order", list(payers))
    for key, payer in payers.items():
        if not isinstance(payer, dict):
            continue
        payer.setdefault("title", key)
        payer.setdefault("reported_as", {"value": dict(fund)})
        paid = {"counts": "fund", "payers": [key]}
        _complete_limits(payer.get("caps"), f"{key}_paid", counters, paid)
        own = {"counts": "deductible", "payers": [key]}
        _complete_limits(payer.get("deductible"), f"{key}_deductible", counters, own)


def _complete_limits(
    limits: Any, prefix: str, counters: dict[str, Any], counter: Mapping[str, Any]
) -> None:
    """A limit that is named like a scope and has no counter is measured on one of its own."""
    for key, limit in limits.items() if isinstance(limits, dict) else ():
        if isinstance(limit, dict) and "counter" not in limit and key in list(Scope):
            name = limit["counter"] = f"{prefix}_{key}"
            counters.setdefault(name, {"scope": key, **counter})


def _fund(scheme: Any) -> Mapping[str, str]:
    code = "390100" if scheme == RESIDENT else "310100"
    return {"fund": code, "amount_field": "hifp"}


def _table(owner: dict[str, Any], key: str) -> dict[str, Any]:
    table = owner.setdefault(key, {})
    if not isinstance(table, dict):
        raise LawError("law of the case", key, "must be a table")
    return table
