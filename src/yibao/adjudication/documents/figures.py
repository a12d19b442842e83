"""The figures that a case may expect of a decided bill, by name, and how they are compared."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from yibao.adjudication.bands import rounded
from yibao.adjudication.documents.history import counter_met
from yibao.adjudication.documents.succession import Settled
from yibao.adjudication.documents.values import fault, fen_of, word_of
from yibao.adjudication.model import Statement
from yibao.adjudication.payers import PayerDecision
from yibao.kernel.money import Fen, yuan
from yibao.policy.document import Node
from yibao.policy.model import Law
from yibao.policy.table import proposal

STATEMENT: Mapping[str, Callable[[Statement], Fen]] = {
    "total": lambda s: s.sums.total,
    "own": lambda s: s.sums.own,
    "over_limit": lambda s: s.sums.over_limit,
    "first_pay": lambda s: s.sums.first_pay,
    "in_scope": lambda s: s.sums.in_scope,
    "deductible": lambda s: s.deductible,
    "funds": lambda s: s.funds,
    "personal": lambda s: s.personal,
    "account": lambda s: s.account_total,
    "family": lambda s: s.family,
    "cash": lambda s: s.cash,
    "hospital_part": lambda s: s.hospital_part,
}
"""Figures of the statement itself."""

AMOUNT_FIELDS = ("hifp", "cvlserv", "hifes", "hifmi", "hifob", "hifdm", "maf", "oth")

REFUSED = "refused"
NOT_REFUSED = "not refused"

KNOWN = (*STATEMENT, "amount", REFUSED, *(f"fields.{field}" for field in AMOUNT_FIELDS))


class Expected(NamedTuple):
    """What a case expects of one figure."""

    where: Node
    value: Decimal | str
    """Yuan or times; the missing parameter or the code of a refusal."""

    def text(self, got: str | None = None) -> str:
        """As results show it: yuan, or times as a whole number if ``got`` is one."""
        return self.value if isinstance(self.value, str) else _text_like(got, self.value)

    def met_by(self, got: str | None) -> bool:
        """Whether this came out; a refusal may be named without the class it is about."""
        if got is None:
            return False
        if isinstance(self.value, str):
            return got == self.value or got.startswith(f"{self.value}.")
        return _number(got) == self.value

    def apart(self, got: str | None) -> str:
        """got − expected; what came instead of an expected refusal, or nothing if it came."""
        number = None if got is None else _number(got)
        if number is None or isinstance(self.value, str):
            return "" if self.met_by(got) else got or ""
        return _text_like(got, number - self.value)


def expectations(node: Node | None) -> dict[str, Expected]:
    """``expected`` by figure; nested tables are the dotted names. Raises LawError."""
    found: dict[str, Expected] = {}
    if node is not None:
        if not node.is_table:
            raise fault(node, "must be a table of figures")
        _collect(node, "", found)
    return found


def figure(name: str, where: Node, settled: Settled) -> str:
    """A figure of a decided bill, as text. Raises LawError for one that there cannot be."""
    statement = settled.statement
    if name == REFUSED:
        return NOT_REFUSED
    if name in STATEMENT:
        return yuan(STATEMENT[name](statement))
    group, _, rest = name.partition(".")
    if group == "payers" and rest:
        return yuan(_of_payer(rest, where, settled))
    if group == "fields" and rest in AMOUNT_FIELDS:
        return yuan(sum(p.amount for p in statement.payments if p.amount_field == rest))
    if group == "counters" and rest:
        return _counter(rest, where, settled)
    near = proposal(name, list(KNOWN))
    known = ", ".join(KNOWN)
    raise fault(where, f"unknown figure{near}; known: {known}, payers.<key>, counters.<name>")


def payer_keys(law: Law) -> list[str]:
    """The payers of all benefits, and the common ones."""
    own = [payer.key for benefit in law.benefits for payer in benefit.payers]
    return sorted({*own, *(payer.key for payer in law.payers)})


def _of_payer(name: str, where: Node, settled: Settled) -> Fen:
    """What a payer paid, its own deductible, or what it paid of one band."""
    key, _, detail = name.partition(".")
    keys = payer_keys(settled.decision.law)
    sign = -1 if settled.cancelled else 1
    if key not in keys:
        raise fault(where, f"the law has no payer{proposal(key, keys)}; it has {', '.join(keys)}")
    if not detail:
        payments = settled.statement.payments
        return sum(p.amount for p in payments if p.payer.rpartition(".")[2] == key)
    decisions = [d for d in settled.decision.payers if d.found.payer.key == key]
    if detail == "deductible":
        return sign * sum(rounded(d.deductible.paid) for d in decisions)
    number = detail.removeprefix("band")
    if not (detail.startswith("band") and number.isdigit() and int(number)):
        raise fault(where, "of a payer there are .deductible, .band1, .band2 …")
    return sign * sum(_of_band(d, int(number)) for d in decisions)


def _of_band(decision: PayerDecision, number: int) -> Fen:
    """What a payer pays of the nth band of its law, rounded for the eye; bands do not round."""
    bands = decision.found.effective or ()
    if number > len(bands):
        return 0
    return sum(rounded(s.fund) for s in decision.slices if s.band == bands[number - 1])


def _counter(name: str, where: Node, settled: Settled) -> str:
    """A counter's value after the bill: yuan, or times as a whole number."""
    name, _, scope = name.partition("@")
    counters = settled.decision.law.counters
    if name not in counters:
        raise fault(where, f"the law has no counter{proposal(name, sorted(counters))}")
    keys = [k for k in counter_met(name, settled.met) if scope in ("", k.scope)]
    if len(keys) != 1:
        met = ", ".join(f"{k.name}@{k.scope}" for k in counter_met(name, settled.met))
        raise fault(where, f"the bill meets no such counter, or several: {met or 'none'}")
    value = settled.after.get(keys[0], 0)
    return str(value) if counters[name].in_times else yuan(value)


def _collect(node: Node, prefix: str, found: dict[str, Expected]) -> None:
    if node.is_table:
        for key, child in node.value.items():
            _collect(child, f"{prefix}.{key}" if prefix else key, found)
    elif prefix == REFUSED:
        found[prefix] = Expected(node, word_of(node))
    else:
        found[prefix] = Expected(node, Decimal(fen_of(node)).scaleb(-2))


def _text_like(got: str | None, number: Decimal) -> str:
    """Yuan with two decimals; a count as a whole number, where that is what came out."""
    counted = got is not None and "." not in got and number == int(number)
    return str(int(number)) if counted else yuan(int(number * 100))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None
