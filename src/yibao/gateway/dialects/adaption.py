"""From a province's spelling of ``input`` to that of the field tables.

What has to be looked for is compiled once for each dialect and transaction; in the general dialect
that is a handful of other names of the same amount. Two names of one field with different values
are refused: which of them is meant is not ours to choose.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from yibao.gateway.dialects.model import Casing, Dialect
from yibao.gateway.reading import ABSENT, decode_input
from yibao.gateway.tables import Node, tables
from yibao.kernel.refusals import RefusalCode, Refused

_FUNDS, _ACCOUNT = "fund_pay_sumamt", "acct_pay"
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


@dataclass(frozen=True, slots=True)
class _NodeSpelling:
    """Other spellings in one node: (other name, table's name), and the nodes inside it."""

    names: tuple[tuple[str, str], ...]
    inner: tuple[tuple[str, "_NodeSpelling"], ...]


class Adaption:
    """Turns one transaction's ``input`` into the tables' spelling, in place."""

    def __init__(self, dialect: Dialect, number: str) -> None:
        table = tables().find(number)
        nodes = () if table is None else table.input
        tops = {node.name for node in nodes if "." not in node.name}
        roots = dialect.requests.roots.get(number[:4], {})
        self._roots = tuple(
            (other, name) for other, name in roots.items() if name in tops and other not in tops
        )
        spellings = ((name, _spelling(dialect, nodes, name)) for name in sorted(tops))
        self._nodes = tuple((name, found) for name, found in spellings if found is not None)
        self._account_in_funds = dialect.answers.account_in_funds

    def adapt(self, sent: Any) -> Any:
        """``input`` in the tables' spelling; what is not an object is left to the reader."""
        sent = decode_input(sent)
        if type(sent) is not dict:
            return sent
        if self._roots:
            _rename(sent, self._roots, "input")
        for name, spelling in self._nodes:
            if name in sent:
                sent[name] = _adapt(sent[name], spelling, name)
        return sent

    def settle_amounts(self, read: Mapping[str, Any]) -> None:
        """Where funds are told with the account in them, take it out again: inside they are apart.

        ``read`` is the typed input, amounts in fen.
        """
        if self._account_in_funds:
            for node in read.values():
                for row in node if type(node) is list else (node,):
                    if type(row.get(_FUNDS)) is int and type(row.get(_ACCOUNT)) is int:
                        row[_FUNDS] -= row[_ACCOUNT]


_adaptions: dict[tuple[str, str], Adaption] = {}


def adaption_of(dialect: Dialect, number: str) -> Adaption:
    """The adaption of a dialect's transaction, compiled at its first call."""
    key = (dialect.name, number)
    found = _adaptions.get(key)
    if found is None:
        found = _adaptions[key] = Adaption(dialect, number)
    return found


def camel(name: str) -> str:
    """``mdtrt_cert_type`` → ``mdtrtCertType``."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def snake(name: str) -> str:
    """``mdtrtCertType`` → ``mdtrt_cert_type``."""
    return _HUMP.sub(r"_\1", name).lower()


# ----------------------------------------------------------------------------------------- private


def _spelling(dialect: Dialect, nodes: Sequence[Node], path: str) -> _NodeSpelling | None:
    """What is spelled otherwise in the node of a path; None when nothing is."""
    fields = [field.name for node in nodes if node.name == path for field in node.fields]
    below = [node.name for node in nodes if node.name.rpartition(".")[0] == path]
    inner = ((name.rpartition(".")[2], _spelling(dialect, nodes, name)) for name in below)
    inner_spellings = tuple((name, found) for name, found in inner if found is not None)
    members = [*fields, *(name.rpartition(".")[2] for name in below)]
    names = tuple(_names(dialect, members))
    return _NodeSpelling(names, inner_spellings) if names or inner_spellings else None


def _names(dialect: Dialect, members: Sequence[str]) -> list[tuple[str, str]]:
    known = set(members)
    found: dict[str, str] = {}
    for group in dialect.requests.synonyms:
        meant = group & known
        if len(meant) == 1:  # a table with two of the names means two things by them
            (name,) = meant
            found |= dict.fromkeys(sorted(group - known), name)
    for name in members:
        others = {snake(name)} if name != name.lower() else set()
        if dialect.requests.casing is Casing.CAMEL:
            others.add(camel(name))
        found |= dict.fromkeys(sorted(others - known), name)
    return list(found.items())


def _adapt(sent: Any, spelling: _NodeSpelling, place: str) -> Any:
    if type(sent) is str and sent.lstrip()[:1] in ("{", "["):
        sent = decode_input(sent)
    if type(sent) is list:
        for row in sent:
            _adapt(row, spelling, place)
    elif type(sent) is dict:
        _rename(sent, spelling.names, place)
        for name, inner in spelling.inner:
            if name in sent:
                sent[name] = _adapt(sent[name], inner, f"{place}.{name}")
    return sent


def _rename(row: dict[str, Any], names: Sequence[tuple[str, str]], place: str) -> None:
    for other, name in names:
        if other not in row:
            continue
        value = row.pop(other)
        if _is_absent(value):
            continue
        held = row.get(name)
        if not _is_absent(held) and not _same(held, value):
            raise Refused(
                RefusalCode.FIELD_CONTRADICTS,
                f"{place}.{other} 与 {place}.{name} 是同一字段，但取值不同",
                f"{place}.{name}",
            )
        if _is_absent(held):
            row[name] = value


def _is_absent(value: Any) -> bool:
    return value is None or (type(value) is str and value.strip() in ABSENT)


def _same(one: Any, other: Any) -> bool:
    if one == other:
        return True
    try:
        return Decimal(str(one).strip()) == Decimal(str(other).strip())
    except InvalidOperation:
        return False
