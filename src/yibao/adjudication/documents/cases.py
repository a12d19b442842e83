"""Published cases: what a source printed, and what the law gives. Pure: documents in, results out.

``run_cases`` puts every case of case documents (``docs/law/cases.md``) to the law it names, by the
same functions that settle a bill, and compares the figures that the case expects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from yibao.adjudication.documents.bills import SHARED, read_bill, with_shared
from yibao.adjudication.documents.case_allowances import allowance_figures
from yibao.adjudication.documents.case_laws import case_law
from yibao.adjudication.documents.figures import REFUSED, Expected, expectations, figure
from yibao.adjudication.documents.succession import Settled, Succession, refuse_unmet
from yibao.adjudication.documents.values import (
    document_node,
    fault,
    fen_of,
    tables_of,
    word,
    word_of,
)
from yibao.kernel.money import yuan
from yibao.kernel.refusals import Refused
from yibao.policy.document import Node
from yibao.policy.model import Law
from yibao.policy.parameters import LawError
from yibao.policy.table import Table
from yibao.policy.terms import GENERAL_OUTPATIENT

FindLaw = Callable[[str, str], Law]
"""The law that a case names: (case file, name). Raises LawError when there is none."""


class Slip(NamedTuple):
    """Where a source printed something else than the law gives."""

    figure: str
    printed: str
    reason: str
    size: str
    """How far the printed figure is from the law's, in yuan."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case, what it expects and what came out."""

    id: str
    title: str = ""
    source: str = ""
    note: str = ""
    ok: bool = False
    expected: Mapping[str, str] = field(default_factory=dict)
    got: Mapping[str, str] = field(default_factory=dict)
    """By the expected names; ``error`` where the case could not be put to the law."""
    difference: Mapping[str, str] = field(default_factory=dict)
    """got − expected; empty text where a refusal came as expected."""
    slips: tuple[Slip, ...] = ()
    settled: tuple[Settled, ...] = field(default=(), repr=False, compare=False)
    """The bills that were decided, for whoever wants to see the steps."""

    def as_json(self) -> dict[str, Any]:
        """The case as ``yibao law cases --json`` prints it; several slips as one."""
        slip = None
        if self.slips:
            several = len(self.slips) > 1
            printed = [f"{s.figure} {s.printed}" if several else s.printed for s in self.slips]
            slip = {
                "printed": "; ".join(printed),
                "reason": "; ".join(dict.fromkeys(s.reason for s in self.slips)),
                "size": max((s.size for s in self.slips), key=lambda size: (len(size), size)),
            }
        return {
            "id": self.id,
            "ok": self.ok,
            "expected": dict(self.expected),
            "got": dict(self.got),
            "difference": dict(self.difference),
            "slip": slip,
        }


def run_cases(files: Mapping[str, Mapping[str, Any]], find_law: FindLaw) -> list[CaseResult]:
    """All cases of the documents, in their order. A case that cannot be run is a result too.

    Raises LawError for a file that is no case file, and for an id that is there twice.
    """
    seen: dict[str, str] = {}
    results = []
    for file, document in files.items():
        for node in _case_nodes(file, document):
            result = run_case(node, find_law)
            if result.id in seen:
                raise fault(node, f"case {result.id!r} is in {seen[result.id]} already")
            seen[result.id] = file
            results.append(result)
    return results


def run_case(node: Node, find_law: FindLaw) -> CaseResult:
    """One case. Raises LawError only when it has no id."""
    table = Table(node)
    case_id = table.text("id")
    try:
        case = _Case(case_id, table)
        return case.result(find_law)
    except LawError as error:
        return CaseResult(case_id, got={"error": str(error)})
    except Refused as refused:  # outside any bill: the law does not hold at all
        return CaseResult(case_id, got={REFUSED: _refusal_text(refused)})


def _case_nodes(file: str, document: Mapping[str, Any]) -> list[Node]:
    root = Table(document_node(file, document))
    nodes = [table.node for table in tables_of(root.must("case"))]
    root.done()
    return nodes


class _Case:
    """A case being read and run."""

    def __init__(self, case_id: str, table: Table) -> None:
        self.id = case_id
        self.table = table
        self.title = word(table, "title") or ""
        self.source = word(table, "source") or ""
        self.note = word(table, "note") or ""
        self.law = table.must("law")
        self.expected = expectations(table.node_of("expected"))
        self.slips = table.tables("slips")
        self.allowance = _allowance(table)
        self.bills = [] if self.allowance else _bills(table)
        table.done()

    def result(self, find_law: FindLaw) -> CaseResult:
        law = self._law(find_law)
        if self.allowance is not None:
            return self._compared(self.expected, allowance_figures(self.allowance, law))
        expected: dict[str, Expected] = {}
        got = {}
        succession = Succession(law)
        for i, node in enumerate(self.bills, 1):
            wanted, body = _split_expected(node)
            last = i == len(self.bills)
            prefix = "" if last else f"bills[{i}]."
            wanted = {**wanted, **self.expected} if last else wanted
            found = _figures(body, law, succession, wanted, i)
            expected.update({f"{prefix}{name}": value for name, value in wanted.items()})
            got.update({f"{prefix}{name}": value for name, value in found.items()})
        refuse_unmet(succession)
        if not expected:
            raise fault(self.table.node, "expects nothing")
        return replace(self._compared(expected, got), settled=tuple(succession.decided))

    def _law(self, find_law: FindLaw) -> Law:
        if not self.law.is_table:
            return find_law(self.table.file, word_of(self.law))
        kinds = [_care_kind(bill) for bill in self.bills]
        try:
            return case_law(self.id, _plain(self.law), self.source or "not told", kinds)
        except LawError as error:
            raise LawError(self.table.file, f"{self.law.path}.{error.key}", error.reason) from None

    def _compared(self, expected: Mapping[str, Expected], got: Mapping[str, str]) -> CaseResult:
        said = {name: value.text(got.get(name)) for name, value in expected.items()}
        apart = {name: value.apart(got.get(name)) for name, value in expected.items()}
        ok = set(got) <= set(expected) and all(
            value.met_by(got.get(name)) for name, value in expected.items()
        )
        slips = tuple(_slip(name, table, expected) for name, table in self.slips.items())
        return CaseResult(
            self.id, self.title, self.source, self.note, ok, said, dict(got), apart, slips
        )


def _allowance(table: Table) -> Table | None:
    """The claim of an allowance, with the person that the case says."""
    claim = table.table("allowance")
    if claim is None:
        return None
    person = table.node_of("person")
    shared = {} if person is None else {"person": person}
    return Table(with_shared(claim.node, shared, first=True))


def _bills(table: Table) -> list[Node]:
    """The bills of a case, each with what the case says for all of them."""
    one, many = table.node_of("bill"), table.node_of("bills")
    if (one is None) == (many is None):
        raise fault(table.node, "give one bill, bills = [ … ] or an allowance")
    shared = {key: node for key in SHARED if (node := table.node_of(key)) is not None}
    if one is not None:
        return [with_shared(Table(one).node, shared, first=True)]
    assert many is not None
    nodes = [entry.node for entry in tables_of(many)]
    if not nodes:
        raise fault(many, "has no bill")
    return [
        node if "cancels" in node.value else with_shared(node, shared, first=i == 0)
        for i, node in enumerate(nodes)
    ]


def _split_expected(node: Node) -> tuple[dict[str, Expected], Node]:
    """A bill's own expectations, and the bill without them."""
    body = {key: value for key, value in node.value.items() if key != "expected"}
    return expectations(node.value.get("expected")), Node(node.file, node.path, body)


def _figures(
    node: Node, law: Law, succession: Succession, wanted: Mapping[str, Expected], number: int
) -> dict[str, str]:
    """What became of a bill, by the names wanted; only the refusal if it was refused."""
    try:
        settled = _settle(node, law, succession, number)
    except Refused as refused:
        return {REFUSED: _refusal_text(refused)}
    return {name: figure(name, value.where, settled) for name, value in wanted.items()}


def _settle(node: Node, law: Law, succession: Succession, number: int) -> Settled:
    if "cancels" in node.value:
        table = Table(node)
        visit = table.text("cancels")
        table.done()
        return succession.cancel(visit)
    return succession.settle(read_bill(node, law, number))


def _refusal_text(refused: Refused) -> str:
    """The missing parameter, else the code of the refusal with what it is about."""
    refusal = refused.refusal
    return refusal.facts.get("parameter") or refusal.code.name


def _slip(name: str, table: Table, expected: Mapping[str, Expected]) -> Slip:
    if name not in expected:
        raise fault(table.node, "is no figure that the case expects")
    printed, reason = table.must("printed"), table.text("reason")
    table.done()
    value = expected[name].value
    if isinstance(value, str):
        raise fault(table.node, "a refusal is nothing that a source prints")
    amount = yuan(fen_of(printed))
    size = abs(Decimal(amount) - value)
    if size == 0:
        raise fault(printed, "is what the case expects: no slip")
    return Slip(name, amount, reason, yuan(int(size * 100)))


def _care_kind(bill: Node) -> str:
    node = bill.value.get("care_kind")
    return GENERAL_OUTPATIENT if node is None else word_of(node)


def _plain(node: Node) -> Any:
    """A node's value as it was read."""
    if node.is_table:
        return {key: _plain(child) for key, child in node.value.items()}
    return node.value
