"""Dated parameters: entries with ``from``, values by case, relations between cases.

The same three steps read every parameter: the entry (its date and sources), the cases (``by``),
and the leaf, for which the caller hands in a ``Kind`` (``leaves.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from yibao.policy.document import Node
from yibao.policy.model import Classes, Fact
from yibao.policy.parameters import (
    Confidence,
    Dimension,
    LawError,
    Parameter,
    Source,
    Version,
)
from yibao.policy.table import (
    Table,
    choice_of,
    date_of,
    decimal_of,
    known_word,
    nested,
    proposal,
    texts_of,
)

T = TypeVar("T")

OTHER = "other"
"""The case that stands for every class the table does not name."""

OF = "of"
"""The key by which a table is a relation: ``{ of = "active", times = "0.6" }``."""

ENTRY_KEYS = ("from", "unit", "by", "value", "source", "confidence", "note")
"""What an entry may have."""

_ENTRY_MARKS = frozenset({"value", "from", "source", "confidence"})
"""A table with one of these is an entry, not a plain value; only ``value`` must be there."""

RESTRICTED = {
    Fact.ITEM_CLASS: "[lines]",
    Fact.ITEM_KIND: "[lines]",
    Fact.PART: "account.may_pay",
}
"""Facts that are not a bill's, and where alone a value may differ by them."""


class Relation(NamedTuple):
    """One case told by another: ``{ of = "active", times = "0.6" }``."""

    of: str
    times: Fraction = Fraction(1)
    plus: Fraction = Fraction(0)
    text: str = ""
    """As it is read out: ``active × 0.6 + 100``."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How a parameter's leaves are read."""

    units: tuple[str, ...]
    """Units the entry may name, the first when it names none; none for words and lists."""
    read: Callable[[Node, str], T]
    """The leaf of a node in a unit. Raises LawError."""
    related: Callable[[T, Relation, Node, str], T] | None = None
    """A leaf from another by a relation; None where only copying makes sense."""
    by_case: bool = True
    """Whether it may differ by a bill's facts."""
    is_table: bool = False
    """Whether a leaf is written as a table."""


class Defaults(NamedTuple):
    """What ``[defaults]`` of one file say for its values that do not say it themselves."""

    start: Node | None = None
    source: Node | None = None
    confidence: Node | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a law's values are read with: its dimensions and its files' defaults."""

    classes: Mapping[Dimension, Classes]
    defaults: Mapping[str, Defaults]
    """By file."""
    admitted: frozenset[Fact] = frozenset()
    """Of the ``RESTRICTED`` facts, those that values may differ by here."""

    def admitting(self, *facts: Fact) -> "Vocabulary":
        """The same where values may differ by these facts too."""
        return replace(self, admitted=frozenset(facts))

    def dimensions(self) -> list[Dimension]:
        """The dimensions that a value may differ by here."""
        return [name for name in self.classes if self.restriction(name) is None]

    def restriction(self, dimension: Dimension) -> str | None:
        """Where alone a value may differ by a dimension, if that is not here."""
        fact = self.classes[dimension].fact
        return None if fact in self.admitted else RESTRICTED.get(fact)


def read_defaults(tree: Node) -> Mapping[str, Defaults]:
    """The ``[defaults]`` of each file that an effective tree is made of. Raises LawError."""
    node = tree.value.get("defaults")
    if node is None:
        return {}
    return {file: _read_defaults(file, child) for file, child in node.value.items()}


def _read_defaults(file: str, node: Node) -> Defaults:
    content = node.value
    if node.is_table:  # errors name the key as it stands in the file
        content = {
            key: Node(file, f"defaults.{key}", child.value) for key, child in content.items()
        }
    table = Table(Node(file, "defaults", content))
    defaults = Defaults(*(table.node_of(key) for key in ("from", "source", "confidence")))
    table.done()
    return defaults


# ------------------------------------------------------------------------------ dates and sources


def read_parameter(table: Table, key: str, kind: Kind[T], vocabulary: Vocabulary) -> Parameter[T]:
    """The dated parameter at ``key``; without versions when absent. Raises LawError."""
    node = table.node_of(key)
    path = table.where(key)
    if node is None:
        return Parameter(path)
    versions = [_read_version(entry, kind, vocabulary) for entry in _entries(node)]
    starts = [version.start for version in versions]
    for start in starts:
        if starts.count(start) > 1:
            raise LawError(node.file, path, f"two values begin on {start}")
    return Parameter(path, tuple(sorted(versions, key=lambda v: v.start, reverse=True)))


def read_optional(
    table: Table, key: str, kind: Kind[T], vocabulary: Vocabulary
) -> Parameter[T] | None:
    """The same where a law without the parameter says that there is no such rule."""
    parameter = read_parameter(table, key, kind, vocabulary)
    return parameter if parameter.versions else None


def read_parameters(
    table: Table, key: str, kind: Kind[T], vocabulary: Vocabulary, names: Sequence[str]
) -> dict[str, Parameter[T]]:
    """A table of parameters, each optional, under names that are known."""
    within = table.table(key)
    if within is None:
        return {}
    read = {name: read_optional(within, name, kind, vocabulary) for name in names}
    within.done()
    return {name: parameter for name, parameter in read.items() if parameter is not None}


def _entries(node: Node) -> list[Table]:
    """The entries of a parameter, however it is written; a plain value is an entry's ``value``."""
    value = node.value
    if node.is_table and _ENTRY_MARKS & value.keys():
        return [Table(node)]
    if isinstance(value, list):
        marked = [isinstance(item, dict) and bool(_ENTRY_MARKS & item.keys()) for item in value]
        if any(marked):
            if not all(marked):
                raise LawError(node.file, node.path, "mixes dated entries with plain values")
            return [
                Table(nested(node, f"{node.path}[{i}]", entry)) for i, entry in enumerate(value)
            ]
    return [Table(Node(node.file, node.path, {"value": node}))]


def _read_version(entry: Table, kind: Kind[T], vocabulary: Vocabulary) -> Version[T]:
    defaults = vocabulary.defaults.get(entry.file, Defaults())
    start = date_of(_stated(entry, "from", defaults.start))
    unit = _read_unit(entry, kind)
    by = _read_by(entry, kind, vocabulary)
    node = entry.must("value")
    cases, relations = _read_cases(node, by, unit, kind, vocabulary.classes)
    version = Version(
        start=start,
        by=by,
        cases=cases,
        file=entry.file,
        sources=_read_sources(_stated(entry, "source", defaults.source)),
        confidence=choice_of(_stated(entry, "confidence", defaults.confidence), Confidence),
        note=entry.optional_text("note") or "",
        unit=kind.units[0] if kind.units else "",
        relations=relations,
    )
    entry.done()
    return version


def _stated(entry: Table, key: str, default: Node | None) -> Node:
    node = entry.node_of(key)
    if node is None and default is not None:
        return default
    if node is None and entry.names() == ["value"]:
        raise entry.error(key, "missing: a plain value takes it from [defaults]")
    return node or entry.must(key)


def _read_unit(entry: Table, kind: Kind[T]) -> str:
    if not kind.units:
        return ""
    node = entry.node_of("unit")
    return kind.units[0] if node is None else known_word(node, str(node.value), kind.units, "unit")


def _read_by(entry: Table, kind: Kind[T], vocabulary: Vocabulary) -> tuple[Dimension, ...]:
    node = entry.node_of("by")
    if node is None:
        return ()
    by = texts_of(node)
    if by and not kind.by_case:
        raise LawError(node.file, node.path, "this parameter is the same for every bill")
    for dimension in by:
        if dimension in vocabulary.classes and (only := vocabulary.restriction(dimension)):
            raise LawError(node.file, node.path, f"{dimension!r} is known only in {only}")
        known_word(node, dimension, vocabulary.dimensions(), "dimension")
    return by


def _read_sources(node: Node) -> tuple[Source, ...]:
    if not isinstance(node.value, list) or not node.value:
        raise LawError(node.file, node.path, "a value needs at least one source")
    return tuple(Source(source["title"], source["url"]) for source in node.value)


# ------------------------------------------------------------------------------------------ cases

Key = tuple[str | None, ...]
Cases = tuple[dict[Key, T], dict[Key, str]]
"""Values by case, and of those told by another case, how."""


def _read_cases(
    node: Node,
    by: tuple[Dimension, ...],
    unit: str,
    kind: Kind[T],
    classes: Mapping[Dimension, Classes],
) -> Cases[T]:
    if not by:
        if node.is_table and not kind.is_table:
            reason = "a table of cases needs 'by', such as { by = [\"person\"], value = { … } }"
            raise LawError(node.file, node.path, reason)
        return {(): kind.read(node, unit)}, {}
    words = classes[by[0]].names
    _check_words(node, by[0], words)
    read: dict[str, Cases[T]] = {}
    cases: dict[Key, T] = {}
    told: dict[Key, str] = {}
    for word in words:
        written = word if word in node.value else OTHER
        if written not in node.value:
            continue  # not carried: a bill of this class is refused, naming it
        if written not in read:
            read[written] = _read_class(node, written, by[1:], unit, kind, classes)
        leaves, relations = read[written]
        cases.update({(word, *rest): leaf for rest, leaf in leaves.items()})
        told.update({(word, *rest): text for rest, text in relations.items()})
    return cases, told


def _read_class(
    node: Node,
    word: str,
    by: tuple[Dimension, ...],
    unit: str,
    kind: Kind[T],
    classes: Mapping[Dimension, Classes],
) -> Cases[T]:
    """The leaves of one class, through the relations that it is told by."""
    child, relations = _behind_relations(node, word)
    if by and not child.is_table:  # a plain value stands for all classes of a further dimension
        every = dict.fromkeys(classes[by[0]].names, child)
        child = Node(child.file, child.path, every)
    leaves, told = _read_cases(child, by, unit, kind, classes)
    for relation, where in reversed(relations):
        leaves = {
            case: _related(leaf, relation, where, unit, kind) for case, leaf in leaves.items()
        }
    if relations:
        told = dict.fromkeys(leaves, relations[0][0].text)
    return leaves, told


def _check_words(node: Node, dimension: Dimension, words: Sequence[str]) -> None:
    if not node.is_table:
        raise LawError(node.file, node.path, f"must be a table by {dimension}")
    known = [*words, OTHER]
    for word, child in node.value.items():
        if word not in known:
            near = proposal(word, known)
            reason = f"unknown {dimension}{near}; known: {', '.join(known)}"
            raise LawError(child.file, f"{node.path}.{word}", reason)


def _behind_relations(node: Node, word: str) -> tuple[Node, list[tuple[Relation, Node]]]:
    """The case that ``word`` is told by in the end, and the relations on the way to it."""
    relations: list[tuple[Relation, Node]] = []
    asked = [word]
    while True:
        child = node.value[asked[-1]]
        relation = _relation_of(child)
        if relation is None:
            return child, relations
        if relation.of not in node.value:
            hint = proposal(relation.of, sorted(node.value))
            raise LawError(child.file, child.path, f"relation to the absent case{hint}")
        if relation.of in asked:
            raise LawError(child.file, child.path, "a relation that leads back to itself")
        relations.append((relation, child))
        asked.append(relation.of)


def _relation_of(node: Node) -> Relation | None:
    if not node.is_table or OF not in node.value:
        return None
    table = Table(node)
    of, times, plus = table.text(OF), table.node_of("times"), table.node_of("plus")
    factor = decimal_of(times) if times else None
    more = decimal_of(plus) if plus else None
    table.done()
    text = of
    if factor is not None:
        text += f" × {factor.normalize():f}"
    if more is not None:
        text += f" {'+' if more >= 0 else '−'} {abs(more).normalize():f}"
    return Relation(of, Fraction(1 if factor is None else factor), Fraction(more or 0), text)


def _related(leaf: T, relation: Relation, node: Node, unit: str, kind: Kind[T]) -> T:
    if relation.times == 1 and relation.plus == 0:
        return leaf
    if kind.related is None:
        raise LawError(node.file, node.path, "this parameter can only be copied ('of' alone)")
    return kind.related(leaf, relation, node, unit)
