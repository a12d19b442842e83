"""``yibao law explain``: the bills of a file settled one after the other, every step told."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from yibao.adjudication.documents.bills import read_bills
from yibao.adjudication.documents.figures import STATEMENT
from yibao.adjudication.documents.succession import Settled, Succession, refuse_unmet
from yibao.adjudication.documents.values import document_node, fault
from yibao.adjudication.explanation.explain import explain, explain_line
from yibao.adjudication.explanation.trace import steps
from yibao.adjudication.instances import VISIT_MARK
from yibao.adjudication.model import Payment, Step
from yibao.cli.law import refusal_json
from yibao.cli.law_files import Shelf, document
from yibao.kernel.money import yuan
from yibao.kernel.refusals import Refused
from yibao.policy.document import Node
from yibao.policy.model import Law, Payer
from yibao.policy.parameters import LawError


@dataclass(frozen=True, slots=True)
class Explained:
    """The settled bills of a file, and the refusal that ended them, if any."""

    law: Law
    settled: tuple[Settled, ...]
    refused: Refused | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs: amounts as yuan text."""
        answer: dict[str, Any] = {
            "law": {
                "area": self.law.area,
                "scheme": self.law.scheme,
                "title": self.law.title,
                "fingerprint": self.law.fingerprint,
            },
            "bills": [_bill_json(one) for one in self.settled],
        }
        if self.refused is not None:
            answer["refused"] = refusal_json(self.refused)
        return answer

    def print(self, console: Console, language: str, *, auditor: bool) -> None:
        """For people: figures and steps of each bill."""
        for one in self.settled:
            print_bill(console, one, language, auditor=auditor)


def explained(name: str, bill: Path, history: Path | None, folder: Path | None) -> Explained:
    """Settle the bills of a file; a refused one is part of the answer. Raises LawError, OSError."""
    read = document(bill)
    law = Shelf(folder).law(name, _scheme(str(bill), read))
    counters = None if history is None else _history(history)
    documents = read_bills(str(bill), read, law, counters)
    succession = Succession(law)
    settled: list[Settled] = []
    try:
        settled.extend(succession.settle(one) for one in documents)  # one read, one settled
    except Refused as refused:
        return Explained(law, tuple(settled), refused)
    refuse_unmet(succession)
    return Explained(law, tuple(settled))


def _scheme(file: str, read: Mapping[str, Any]) -> str | None:
    """The scheme that the bills say, for a law that is named by its area alone."""
    bills = read.get("bill")
    first = bills[0] if isinstance(bills, list) and bills else read
    scheme = read.get("scheme") or (first.get("scheme") if isinstance(first, Mapping) else None)
    if scheme is not None and not isinstance(scheme, str):
        raise LawError(file, "scheme", f'must be a text in quotes, such as "{scheme}"')
    return scheme


def _history(path: Path) -> Node:
    """The counters of a file, in ``[history]`` or at its top."""
    root = document_node(str(path), document(path))
    node: Node = root.value.get("history", root)
    if not node.is_table:
        raise fault(node, "must be a table of counters")
    return node


# ------------------------------------------------------------------------------------------ JSON


def _bill_json(one: Settled) -> dict[str, Any]:
    bill, statement = one.decision.bill, one.statement
    return {
        "visit": bill.visit,
        "day": bill.day.isoformat(),
        "care_kind": bill.care_kind,
        "figures": {name: yuan(read(statement)) for name, read in STATEMENT.items()},
        "payments": [_payment_json(payment, one.decision.law) for payment in statement.payments],
        "account_parts": {part: yuan(amount) for part, amount in statement.account},
        "counters": {
            f"{key.name}@{key.scope}": {
                "before": _counted(one, key.name, one.before.get(key, 0)),
                "after": _counted(one, key.name, one.after.get(key, 0)),
            }
            for key in one.met
            if not key.scope.startswith(VISIT_MARK)
        },
        "steps": [_step_json(step) for step in steps(one.decision)],
    }


def _counted(one: Settled, name: str, value: int) -> str:
    return str(value) if one.decision.law.counters[name].in_times else yuan(value)


def _payment_json(payment: Payment, law: Law) -> dict[str, Any]:
    payer = _payer(payment.payer, law)
    return {
        "payer": payment.payer,
        "title": payer.title,
        "english": payer.english,
        "fund": payment.fund,
        "amount_field": payment.amount_field,
        "base": yuan(payment.base),
        "amount": yuan(payment.amount),
        "available": None if payment.available is None else yuan(payment.available),
        "rate": None if payment.rate is None else payment.rate.text(),
    }


def _payer(path: str, law: Law) -> Payer:
    """The payer behind ``benefits.<benefit>.payers.<payer>`` or ``payers.<payer>``."""
    *owner, key = path.split(".")
    payers = law.payers
    if owner[0] == "benefits":
        payers = next(b.payers for b in law.benefits if b.key == owner[1])
    return next(payer for payer in payers if payer.key == key)


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "text": step.text,
        "english": step.english,
        "base": None if step.base is None else yuan(step.base),
        "rate": step.rate,
        "result": None if step.result is None else yuan(step.result),
        "parameter": step.parameter,
        "reference": step.reference,
    }


# ---------------------------------------------------------------------------------------- people


def print_bill(console: Console, one: Settled, language: str, *, auditor: bool) -> None:
    """Figures, fee lines and steps of a decided bill; of a cancellation the figures alone."""
    bill, chinese = one.decision.bill, language == "zh"
    head = f"{bill.visit} · {bill.day} · {bill.care_kind}"
    console.rule(escape(head), align="left")
    console.print(_figures(one, chinese=chinese))
    for line in one.lines:
        told = explain_line(line.line.charged, line.terms, line.split, "zh" if chinese else "en")
        name = f"{line.line.name}: " if line.line.name else ""
        console.print(escape(f"· {name}{told}"), highlight=False, soft_wrap=True)
    if one.cancelled:
        return
    text = explain(one.decision, "zh" if chinese else "en", auditor=auditor)
    console.print(escape(text), highlight=False, soft_wrap=True)


_FIGURES = {
    "total": ("总额", "total"),
    "own": ("自费", "own expense"),
    "over_limit": ("超限价", "over the ceiling"),
    "first_pay": ("先行自付", "first pay"),
    "in_scope": ("政策范围内", "in scope"),
    "deductible": ("其中起付线", "of it deductible"),
    "funds": ("基金支付", "funds"),
    "hospital_part": ("医院负担", "hospital's part"),
    "personal": ("个人负担", "personal"),
    "account": ("其中个人账户", "of it account"),
    "cash": ("现金", "cash"),
}


def _figures(one: Settled, *, chinese: bool) -> Table:
    """The figures that are not zero, and who pays."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, (zh, en) in _FIGURES.items():
        amount = STATEMENT[name](one.statement)
        if amount or name in ("total", "funds", "personal"):
            table.add_row(zh if chinese else en, yuan(amount))
        if name == "funds":
            for payment in one.statement.payments:
                payer = _payer(payment.payer, one.decision.law)
                title = payer.title if chinese else payer.english
                table.add_row(f"  {escape(title)}", yuan(payment.amount))
    return table
