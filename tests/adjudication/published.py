"""Published cases as data (``cases/*.toml``), decided by the real loader and kernel.

A case has an ``id``, its ``source``, facts, and what was published (``expected``, yuan as text).
Its law is a packaged one (``law = "110000/310"`` with a ``day``) or ``rules``, a short form that
``rules_document`` spells out as a law file:

* ``deductible = { year = "800" }``: limits by the scope of their counter;
* ``payers``: in order, each ``key`` with ``ratio`` or ``bands``, and, where they differ from the
  first payer's, ``base``, ``measured_on``, ``unit``, ``cap = { on = "fund", scope = "year",
  amount = "100000" }``.

Facts: ``lines`` (classified one by one) or sums; ``history`` by counter, the counters being
``deductible_<scope>``, ``fund_<payer>_<scope>`` and ``cost_<scope>``; ``account``, its balance.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.policy.builders import counter, document, law_of, limit, payer
from yibao.adjudication.benefit import Decision, decide
from yibao.adjudication.classify import classify
from yibao.adjudication.model import (
    AccountPart,
    Bill,
    ChargedLine,
    CounterKey,
    ItemTerms,
    Person,
    Provider,
    Sums,
)
from yibao.kernel.money import (
    NO_CEILING,
    PRICE_SCALE,
    QUANTITY_SCALE,
    Fen,
    fen_from_yuan,
    rate_from_text,
    scaled,
)
from yibao.policy.load import load_law_book
from yibao.policy.model import Law
from yibao.policy.terms import GENERAL_OUTPATIENT, ItemClass, Level, PersonType, Scheme

BOOK = load_law_book()
CLASSES = {"A": ItemClass.A, "B": ItemClass.B, "C": ItemClass.C}
DAY = date(2025, 6, 1)


@dataclass(frozen=True)
class Case:
    """One published case."""

    id: str
    data: Mapping[str, Any]

    def law(self) -> Law:
        """The packaged law it names, or its own rules."""
        if "law" in self.data:
            division, scheme = self.data["law"].split("/")
            return BOOK.law_on(division, Scheme(scheme), self.day())
        return law_of(rules_document(self.data["rules"]))

    def day(self) -> date:
        """The day of care."""
        return self.data.get("day", DAY)

    def decided(self) -> Decision:
        """The case put to the kernel."""
        law = self.law()
        bill = Bill(
            scheme=law.scheme,
            care_kind=GENERAL_OUTPATIENT,
            day=self.day(),
            person=Person(PersonType(self.data.get("person_type", "1101")), date(1970, 1, 1)),
            provider=Provider(Level(self.data.get("level", "l3"))),
            sums={"general": self.sums()},
            visit="visit",
        )
        history = {
            self._key(name, law): fen_from_yuan(amount)
            for name, amount in self.data.get("history", {}).items()
        }
        account = fen_from_yuan(self.data.get("account", 0))
        parts = [AccountPart("account", "current", account)] if account else []
        return decide(bill, law, history, parts)

    def sums(self) -> Sums:
        """The sums given, or those of the lines."""
        lines = self.data.get("lines")
        if lines is not None:
            return sum((line_sums(line) for line in lines), Sums())
        given = {
            name: fen_from_yuan(self.data.get(name, 0))
            for name in ("own", "over_limit", "first_pay", "in_scope")
        }
        return Sums(total=sum(given.values()), **given)

    def _key(self, name: str, law: Law) -> CounterKey:
        scopes = {"year": law.benefit_year(self.day()), "visit": "visit"}
        scopes["month"] = f"{self.day():%Y-%m}"
        return CounterKey(name, scopes[law.counters[name].scope.value])


def line_sums(line: Mapping[str, Any]) -> Sums:
    """One line through ``classify``; without a price it is one unit of its amount."""
    amount = fen_from_yuan(line["amount"])
    ceiling = line.get("ceiling")
    charged = ChargedLine(
        amount,
        scaled(line.get("price", line["amount"]), PRICE_SCALE),
        scaled(line.get("count", 1), QUANTITY_SCALE),
        line.get("approved"),
    )
    terms = ItemTerms(
        CLASSES[line["class"]],
        rate_from_text(line.get("first_pay", "0")),
        NO_CEILING if ceiling is None else scaled(ceiling, PRICE_SCALE),
        line.get("restricted", False),
    )
    return Sums(amount, *classify(charged, terms))


def rules_document(rules: Mapping[str, Any]) -> dict[str, Any]:
    """The short form of a law spelled out."""
    counters: dict[str, Any] = {}
    limits = {}
    for scope, amount in rules.get("deductible", {}).items():
        counters[f"deductible_{scope}"] = counter(scope, "deductible")
        limits[scope] = limit(f"deductible_{scope}", Decimal(amount))
    payers = {}
    for i, short in enumerate(rules["payers"]):
        payers[short["key"]] = _payer(short, first=i == 0, counters=counters)
    return document(payers, counters, limits)


def _payer(short: Mapping[str, Any], *, first: bool, counters: dict[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {
        "base": short.get("base", "in_scope" if first else "unpaid"),
        "measured_on": short.get("measured_on", "after_deductible"),
    }
    bands = short.get("bands", short.get("ratio"))
    cap = short.get("cap")
    if cap is not None:
        scope, on = cap["scope"], cap["on"]
        name = f"fund_{short['key']}_{scope}" if on == "fund" else f"cost_{scope}"
        counters[name] = (
            counter(scope, "fund", short["key"]) if on == "fund" else counter(scope, "in_scope")
        )
        more["caps"] = {scope: limit(name, Decimal(cap["amount"]))}
    return payer(bands, short.get("unit", "fund_share"), **more)


def got(decision: Decision) -> dict[str, Fen]:
    """Every figure that a case may expect, by name; payers as ``payers.<key>``."""
    statement = decision.statement
    figures = {
        "total": statement.sums.total,
        "own": statement.sums.own,
        "over_limit": statement.sums.over_limit,
        "first_pay": statement.sums.first_pay,
        "in_scope": statement.sums.in_scope,
        "deductible": statement.deductible,
        "funds": statement.funds,
        "personal": statement.personal,
        "account": statement.account_total,
        "cash": statement.cash,
    }
    for payer_decision in decision.care.payers:
        key = f"payers.{payer_decision.found.payer.key}"
        figures[key] = payer_decision.amount
        for i, piece in enumerate(payer_decision.slices, 1):
            if isinstance(piece.fund, int) or piece.fund.denominator == 1:
                figures[f"{key}.band{i}"] = int(piece.fund)
    return figures


def published_cases() -> list[Case]:
    """All cases, in file order."""
    folder = Path(__file__).parent / "cases"
    return [
        Case(f"{path.stem}/{data['id']}", data)
        for path in sorted(folder.glob("*.toml"))
        for data in tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)["case"]
    ]
