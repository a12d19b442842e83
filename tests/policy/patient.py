"""A patient under a packaged law: bills written as documents (``docs/law/cases.md``), in yuan."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from tests.policy.builders import packaged_laws
from yibao.adjudication.documents.bills import read_bill
from yibao.adjudication.documents.succession import Succession
from yibao.adjudication.documents.values import document_node
from yibao.adjudication.model import Statement
from yibao.kernel.areas import Division
from yibao.kernel.money import Fen
from yibao.kernel.refusals import Refused
from yibao.policy.model import Law
from yibao.policy.terms import Scheme

BOOK = packaged_laws()


class Patient:
    """One person whose bills are settled one after the other under one law."""

    def __init__(self, law: str | Law, day: date, **person: Any) -> None:
        """``law`` is a packaged one, ``310000/310``; ``day`` the bills' unless they say another."""
        self.law = law if isinstance(law, Law) else packaged(law, day)
        self.day = day
        self.person = person
        self.bills = Succession(self.law)

    def settle(self, in_scope: float = 0, **bill: Any) -> Statement:
        """Settle one bill: by default a stay (21) at a level-3 hospital, of a visit of its own."""
        document = {
            "day": self.day,
            "care_kind": "21",
            "person": self.person,
            **({} if "lines" in bill else {"sums": {"in_scope": in_scope}}),
            **bill,
        }
        number = len(self.bills.living) + 1
        read = read_bill(document_node("a test", document), self.law, number)
        return self.bills.settle(read).statement

    def lacks(self, in_scope: float, **bill: Any) -> str:
        """The parameter for whose lack a bill is refused."""
        with pytest.raises(Refused) as raised:
            self.settle(in_scope, **bill)
        return str(raised.value.refusal.facts["parameter"])


def packaged(name: str, day: date) -> Law:
    """The packaged law ``area/scheme`` of a day."""
    area, _, scheme = name.partition("/")
    return BOOK.law_on(Division(area), Scheme(scheme), day)


def paid(statement: Statement) -> Mapping[str, float]:
    """What each payer pays, in yuan (exact: fen / 100), by the payer's key; several parts added."""
    amounts: dict[str, Fen] = {}
    for payment in statement.payments:
        key = payment.payer.rpartition(".")[2]
        amounts[key] = amounts.get(key, 0) + payment.amount
    return {key: amount / 100 for key, amount in amounts.items()}


def yuan(amount: Fen) -> float:
    """Fen as yuan, for comparing with a figure that is written in a test."""
    return amount / 100
