"""Builders of columns, and the scalar engine's answer in the columns' terms."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from yibao.adjudication.bands import rounded
from yibao.adjudication.benefit import decide
from yibao.adjudication.columns.model import BillColumns, Coded, Decided, SumColumns
from yibao.adjudication.model import Bill, CounterKey, Sums
from yibao.kernel.refusals import Refused
from yibao.policy.model import Law


def columns_of(histories: Sequence[Sequence[Bill]]) -> BillColumns:
    """The bills of some persons as one block."""
    bills = [bill for history in histories for bill in history]
    people = [bill.person for bill in bills]
    return BillColumns(
        person=np.repeat(np.arange(len(histories)), [len(history) for history in histories]),
        day=_days([bill.day for bill in bills]),
        care_kind=_coded([bill.care_kind for bill in bills]),
        person_type=_coded([person.person_type for person in people]),
        birth=_days([person.birth_date for person in people]),
        level=_coded([(bill.provider.level, bill.provider.is_pharmacy) for bill in bills]),
        sums={name: _sums(bills, name) for name in {n: 0 for bill in bills for n in bill.sums}},
        optional={
            "gender": _coded([person.gender for person in people]),
            "identities": _coded([person.identities for person in people]),
            "entitlement": _coded([person.entitlement for person in people]),
            "traits": _coded([person.traits for person in people]),
            "enrolments": _coded([person.enrolments for person in people]),
            "place": _coded([bill.place for bill in bills]),
            "filing": _coded([bill.filing for bill in bills]),
            "circumstances": _coded([bill.circumstances for bill in bills]),
            "disease": _coded([bill.disease for bill in bills]),
            "retired_on": _days([person.retired_on for person in people]),
            "begin": _days([bill.begin for bill in bills]),
            "enrolled_years": _numbers([person.enrolled_years for person in people]),
            "claim_free_years": _numbers([person.claim_free_years for person in people]),
            "days": _numbers([bill.days for bill in bills]),
            "months": _numbers([bill.months for bill in bills]),
            "further_diseases": _numbers([bill.further_diseases for bill in bills]),
            "visit": _numbers([bill.visit and int(bill.visit) for bill in bills], np.int64),
            "chain": _numbers([bill.chain and int(bill.chain) for bill in bills], np.int64),
            "fixed_price": np.array([bill.fixed_price for bill in bills], np.bool_),
        },
    )


def _coded(facts: Sequence[Any]) -> Coded:
    words = list(dict.fromkeys(facts))
    return Coded(np.array([words.index(fact) for fact in facts], np.uint16), words)


def _days(days: Sequence[date | None]) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.array([int(f"{day:%Y%m%d}") if day else 0 for day in days], np.int32)


def _numbers(numbers: Sequence[Any], kind: Any = np.int32) -> np.ndarray[Any, Any]:
    return np.array([-1 if number is None else number for number in numbers], kind)


def _sums(bills: Sequence[Bill], bucket: str) -> SumColumns:
    found = [bill.sums.get(bucket, Sums()) for bill in bills]
    names = ("own", "over_limit", "first_pay", "in_scope", "hospital")
    return SumColumns(*(np.array([getattr(s, name) for s in found], np.int64) for name in names))


Figures = dict[str, Any]
"""What was decided of one bill."""


def decided_one_by_one(law: Law, histories: Sequence[Sequence[Bill]]) -> list[Figures]:
    """The scalar engine's figures of every bill, counters carried on from bill to bill."""
    return [figures for history in histories for figures in _person(law, history)]


def _person(law: Law, history: Sequence[Bill]) -> list[Figures]:
    counters: dict[CounterKey, int] = {}
    found = []
    for bill in history:
        try:
            decision = decide(bill, law, counters, ())
        except Refused as refused:
            refusal = refused.refusal
            found.append({"refused": refusal.facts.get("parameter") or refusal.code.name})
            continue
        statement = decision.statement
        for key, moved in statement.counters:
            counters[key] = counters.get(key, 0) + moved
        found.append(
            {
                "deductible": statement.deductible,
                "funds": statement.funds,
                "hospital": statement.hospital_part,
                "personal": statement.personal,
                "in_scope": statement.sums.in_scope,
                **{p.payer: p.amount for p in statement.payments},
                **{
                    f"base of {p.found.path}": rounded(p.base)
                    for p in decision.payers
                    if rounded(p.base)
                },
            }
        )
    return found


def figures_of(decided: Decided) -> list[Figures]:
    """What the columns say of every bill."""
    return [_row(decided, row) for row in range(len(decided.funds))]


def _row(decided: Decided, row: int) -> Figures:
    if row in decided.refused:
        return {"refused": decided.refused[row]}
    return {
        "deductible": int(decided.deductible[row]),
        "funds": int(decided.funds[row]),
        "hospital": int(decided.hospital_part[row]),
        "personal": int(decided.personal[row]),
        "in_scope": int(decided.in_scope[row]),
        **{path: int(paid[row]) for path, paid in decided.payments.items() if paid[row]},
        **{f"base of {path}": int(base[row]) for path, base in decided.bases.items() if base[row]},
    }
