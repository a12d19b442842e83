"""A stored settlement decided again from its own facts, and where that differs. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from yibao.adjudication.benefit import Decision
from yibao.adjudication.benefit import decide as adjudicate
from yibao.adjudication.model import Statement
from yibao.kernel.money import Fen
from yibao.policy.model import Law
from yibao.settlement.bills import snapshot
from yibao.settlement.model import SettlementFacts


class Difference(NamedTuple):
    """An amount that does not come out again."""

    name: str
    """The settlement's figure, or ``fund <code>``."""
    settled: Fen
    again: Fen


class Recomputed(NamedTuple):
    """A settlement decided again, with all that decides it."""

    decision: Decision
    differences: tuple[Difference, ...]
    """None, unless the computation itself has changed since."""


def recomputed(facts: SettlementFacts, law: Law) -> Recomputed:
    """A stored settlement decided again by its law, from its snapshot."""
    bill, history, account, family = snapshot.read(facts)
    decision = adjudicate(bill, law, history, account, family)
    settled, again = amounts_of(facts), amounts_of(decision.statement)
    return Recomputed(
        decision,
        tuple(
            Difference(name, settled.get(name, 0), again.get(name, 0))
            for name in dict.fromkeys((*settled, *again))
            if settled.get(name, 0) != again.get(name, 0)
        ),
    )


def amounts_of(bill: SettlementFacts | Statement) -> dict[str, Fen]:
    """Every amount of a settlement by its name; a fund once, however many payers report to it."""
    amounts = dict(_figures(bill))
    for payment in bill.payments:
        name = f"fund {payment.fund}"
        amounts[name] = amounts.get(name, 0) + payment.amount
    return amounts


def _figures(bill: SettlementFacts | Statement) -> Iterator[tuple[str, Fen]]:
    sums = bill.sums
    yield from (
        ("total", sums.total),
        ("own", sums.own),
        ("over_limit", sums.over_limit),
        ("first_pay", sums.first_pay),
        ("in_scope", sums.in_scope),
        ("deductible", bill.deductible),
        ("funds", bill.funds),
        ("personal", bill.personal),
        ("account", bill.account_total if isinstance(bill, Statement) else bill.account),
        ("family", bill.family),
        ("cash", bill.cash),
        ("hospital_part", bill.hospital_part),
    )
