"""Counters before a bill, as documents give them: by name, or ``name@scope`` for one instance."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from yibao.adjudication.documents.values import fault, fen_of
from yibao.adjudication.instances import VISIT_MARK
from yibao.adjudication.model import CounterKey
from yibao.policy.document import Node
from yibao.policy.model import Law
from yibao.policy.table import Table, decimal_of, proposal


class HistoryEntry(NamedTuple):
    """One counter's value before the bill."""

    name: str
    scope: str | None
    """None: of the instance that the bill meets."""
    value: int
    """Fen, or times."""
    where: Node


def read_history(table: Table, law: Law) -> tuple[HistoryEntry, ...]:
    """``[history]`` of a bill. Raises LawError for a counter that the law does not declare."""
    history = table.table("history")
    if history is None:
        return ()
    return tuple(_entry(key, history.must(key), law) for key in history.names())


def counter_met(name: str, met: Iterable[CounterKey]) -> list[CounterKey]:
    """The instances of a counter among those that a bill meets."""
    return [key for key in met if key.name == name and not key.scope.startswith(VISIT_MARK)]


def entry_key(entry: HistoryEntry, met: Collection[CounterKey]) -> CounterKey | None:
    """The counter that an entry is about; None when this bill does not meet that instance.

    Raises LawError when the bill meets several of its instances.
    """
    if entry.scope is not None:
        named = CounterKey(entry.name, entry.scope)
        return named if named in met else None
    keys = counter_met(entry.name, met)
    if len(keys) > 1:
        names = ", ".join(f'"{key.name}@{key.scope}"' for key in keys)
        raise fault(entry.where, f"the bill meets several of it: name one ({names})")
    return keys[0] if keys else None


def _entry(key: str, node: Node, law: Law) -> HistoryEntry:
    name, _, scope = key.partition("@")
    counter = law.counters.get(name)
    if counter is None:
        raise fault(node, f"the law has no counter{proposal(name, sorted(law.counters))}")
    if not counter.in_times:
        return HistoryEntry(name, scope or None, fen_of(node), node)
    number = decimal_of(node)
    if number != int(number):
        raise fault(node, f"counts times: must be a whole number, not {number}")
    return HistoryEntry(name, scope or None, int(number), node)
