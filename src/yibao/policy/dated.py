"""Dated parameters: entries with ``from``, values by case, relations between cases.

The same three steps read every parameter: the entry (its date and sources), the cases (``by``),
and the leaf, for which the caller hands in a ``Kind``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

from yibao.kernel.money import Fen, Rate, fen_from_yuan, round_half_up
from yibao.policy.document import Node
from yibao.policy.model import Band, Confidence, Dimension, LawError, Parameter, Source, Version
from yibao.policy.table import (
    Table,
    choice_of,
    choices_of,
    date_of,
    decimal_of,
    entry_tables,
    proposal,
)

T = TypeVar("T")

OTHER = "other"
"""The case that stands for every class the table does not name."""

NONE = "none"
"""The value by which a law says that there is no limit; an absent value is not known."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One case told by another: ``{ of = "active", times = "0.6" }``."""

    of: str
    times: Fraction = Fraction(1)
    plus: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How a parameter's leaves are read."""

    units: tuple[str, ...]
    """Units the entry may name; none for words and lists."""
    read: Callable[[Node, str], T]
    """The leaf of a node in a unit. Raises LawError."""
    related: Callable[[T, Relation, Node, str], T] | None = None
    """A leaf from another by a relation; None where only copying makes sense."""
    by_case: bool = True
    """Whether it may differ by a bill's facts."""


Vocabulary = Mapping[Dimension, Sequence[str]]
"""The classes that exist in each dimension."""


def read_parameter(table: Table, key: str, kind: Kind[T], classes: Vocabulary) -> Parameter[T]:
    """The dated parameter at ``key``; without versions when absent. Raises LawError."""
    node = table.node_of(key)
    path = table.where(key)
    if node is None:
        return Parameter(path)
    versions = [_read_version(entry, kind, classes) for entry in entry_tables(node)]
    starts = [version.start for version in versions]
    for start in starts:
        if starts.count(start) > 1:
            raise LawError(node.file, path, f"two values begin on {start}")
    return Parameter(path, tuple(sorted(versions, key=lambda v: v.start, reverse=True)))


def _read_version(entry: Table, kind: Kind[T], classes: Vocabulary) -> Version[T]:
    start = date_of(entry.must("from"))
    unit = entry.text("unit") if kind.units else ""
    if kind.units and unit not in kind.units:
        hint = proposal(unit, list(kind.units))
        raise LawError(
            entry.file, entry.where("unit"), f"unknown unit{hint}; known: {', '.join(kind.units)}"
        )
    by_node = entry.node_of("by")
    by = () if by_node is None else choices_of(by_node, Dimension)
    if by and not kind.by_case:
        raise LawError(entry.file, entry.where("by"), "this parameter is the same for every bill")
    cases = _read_cases(entry.must("value"), by, unit, kind, classes)
    version = Version(
        start=start,
        by=by,
        cases=cases,
        file=entry.file,
        sources=_read_sources(entry.must("source")),
        confidence=choice_of(entry.must("confidence"), Confidence),
        note=entry.optional_text("note") or "",
    )
    entry.done()
    return version


def _read_sources(node: Node) -> tuple[Source, ...]:
    if not isinstance(node.value, list) or not node.value:
        raise LawError(node.file, node.path, "a value needs at least one source")
    return tuple(Source(source["title"], source["url"]) for source in node.value)


Cases = dict[tuple[str | None, ...], T]


def _read_cases(
    node: Node, by: tuple[Dimension, ...], unit: str, kind: Kind[T], classes: Vocabulary
) -> Cases[T]:
    if not by:
        return {(): kind.read(node, unit)}
    words = classes[by[0]]
    _check_words(node, by[0], words)
    read: dict[str, Cases[T]] = {}
    cases: Cases[T] = {}
    for word in words:
        written = word if word in node.value else OTHER
        if written not in node.value:
            continue  # not carried: a bill of this class is refused, naming it
        if written not in read:
            child, relations = _behind_relations(node, written)
            leaves = _read_cases(child, by[1:], unit, kind, classes)
            for relation, where in reversed(relations):
                leaves = {
                    case: _related(leaf, relation, where, unit, kind)
                    for case, leaf in leaves.items()
                }
            read[written] = leaves
        cases.update({(word, *rest): leaf for rest, leaf in read[written].items()})
    return cases


def _check_words(node: Node, dimension: Dimension, words: Sequence[str]) -> None:
    if not node.is_table:
        raise LawError(node.file, node.path, f"must be a table by {dimension}")
    known = [*words, OTHER]
    for word in node.value:
        if word not in known:
            near = proposal(word, known)
            reason = f"unknown {dimension}{near}; known: {', '.join(known)}"
            raise LawError(node.file, f"{node.path}.{word}", reason)


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
            raise LawError(child.file, child.path, f"relation to the absent case {relation.of!r}")
        if relation.of in asked:
            raise LawError(child.file, child.path, "a relation that leads back to itself")
        relations.append((relation, child))
        asked.append(relation.of)


def _relation_of(node: Node) -> Relation | None:
    if not node.is_table or "of" not in node.value:
        return None
    table = Table(node)
    times, plus = table.node_of("times"), table.node_of("plus")
    relation = Relation(
        table.text("of"),
        Fraction(decimal_of(times)) if times else Fraction(1),
        Fraction(decimal_of(plus)) if plus else Fraction(0),
    )
    table.done()
    return relation


def _related(leaf: T, relation: Relation, node: Node, unit: str, kind: Kind[T]) -> T:
    if relation.times == 1 and relation.plus == 0:
        return leaf
    if kind.related is None:
        raise LawError(node.file, node.path, "this parameter can only be copied ('of' alone)")
    return kind.related(leaf, relation, node, unit)


# ---------------------------------------------------------------------------------------- amounts


def _read_amount(node: Node, _unit: str) -> Fen | None:
    if node.value == NONE:
        return None
    try:
        amount = fen_from_yuan(decimal_of(node))
    except ValueError as error:
        raise LawError(node.file, node.path, str(error)) from None
    if amount < 0:
        raise LawError(node.file, node.path, "an amount cannot be negative")
    return amount


def _related_amount(leaf: Fen | None, relation: Relation, node: Node, _unit: str) -> Fen | None:
    if leaf is None:
        raise LawError(node.file, node.path, "a relation to a case without a limit")
    exact = leaf * relation.times + relation.plus * 100
    if exact < 0:
        raise LawError(node.file, node.path, "an amount cannot be negative")
    return round_half_up(exact.numerator, exact.denominator)


AMOUNT: Kind[Fen | None] = Kind(("yuan",), _read_amount, _related_amount)
"""An amount of yuan, or ``"none"``: there is no limit."""


# ------------------------------------------------------------------------------------------ bands

FUND_SHARE = "fund_share"
OWN_SHARE = "own_share"


def _read_bands(node: Node, unit: str) -> tuple[Band, ...]:
    if not isinstance(node.value, list):
        return (Band(0, None, _ratio(node, unit)),)
    bands: list[Band] = []
    for i, item in enumerate(node.value):
        where = f"{node.path}[{i}]"
        if not isinstance(item, dict):
            raise LawError(node.file, where, "must be a band such as { above = 0, ratio = 0.7 }")
        bands.append(_read_band(_band_table(node, where, item), unit))
    _check_bands(node, bands)
    return tuple(bands)


def _band_table(node: Node, where: str, item: Mapping[str, Any]) -> Table:
    children = {key: Node(node.file, f"{where}.{key}", value) for key, value in item.items()}
    return Table(Node(node.file, where, children))


def _read_band(table: Table, unit: str) -> Band:
    above = _read_amount(table.must("above"), "yuan")
    to_node = table.node_of("to")
    to = None if to_node is None else _read_amount(to_node, "yuan")
    ratio = _ratio(table.must("ratio"), unit)
    table.done()
    return Band(above or 0, to, ratio)


def _check_bands(node: Node, bands: Sequence[Band]) -> None:
    if not bands:
        raise LawError(node.file, node.path, "needs at least one band")
    reached: Fen | None = 0
    for i, band in enumerate(bands):
        where = f"{node.path}[{i}]"
        if reached is None or band.above < reached:
            raise LawError(node.file, f"{where}.above", "overlaps the band before")
        if band.above > reached:
            raise LawError(node.file, f"{where}.above", "leaves a gap after the band before")
        if band.to is not None and band.to <= band.above:
            raise LawError(node.file, f"{where}.to", "must lie above the band's start")
        reached = band.to
    if reached is not None:
        raise LawError(
            node.file, f"{node.path}[{len(bands) - 1}].to", "the last band must be open: what then?"
        )


def _ratio(node: Node, unit: str) -> Rate:
    text = node.value
    if isinstance(text, str) and "/" in text:
        top, _, bottom = text.partition("/")
        if not (top.isdecimal() and bottom.isdecimal() and int(bottom)):
            raise LawError(node.file, node.path, f"not a fraction: {text!r}")
        return _fund_rate(Fraction(int(top), int(bottom)), unit, node)
    return _fund_rate(Fraction(decimal_of(node)), unit, node)


def _fund_rate(ratio: Fraction, unit: str, node: Node) -> Rate:
    if not 0 <= ratio <= 1:
        raise LawError(node.file, node.path, f"ratio {node.value} is outside 0..1")
    share = 1 - ratio if unit == OWN_SHARE else ratio
    scale = 10_000 if 10_000 % share.denominator == 0 else share.denominator
    return Rate(int(share * scale), scale)


def _related_bands(
    leaf: tuple[Band, ...], relation: Relation, node: Node, unit: str
) -> tuple[Band, ...]:
    def related(rate: Rate) -> Rate:
        share = Fraction(rate.numerator, rate.denominator)
        stated = 1 - share if unit == OWN_SHARE else share
        return _fund_rate(stated * relation.times + relation.plus, unit, node)

    return tuple(band._replace(rate=related(band.rate)) for band in leaf)


BANDS: Kind[tuple[Band, ...]] = Kind((FUND_SHARE, OWN_SHARE), _read_bands, _related_bands)
"""Bands of a ratio, or one ratio for everything; a relation acts on the share the unit names."""
