"""Reading ``[classes]`` and ``[counters]``: what a law's values may differ by, what accumulates."""

from collections.abc import Mapping, Sequence
from datetime import date

from yibao.policy.dated import OF, OTHER, Vocabulary
from yibao.policy.model import (
    BUILT_IN,
    RANGED,
    Classes,
    ClassRule,
    Counted,
    Counter,
    Fact,
    Scope,
)
from yibao.policy.parameters import Dimension, LawError
from yibao.policy.table import (
    Table,
    date_of,
    known_word,
    named,
    proposal,
    texts_of,
    whole_of,
)
from yibao.policy.terms import Filing, Level, Place, Scheme

CLOSED: Mapping[Fact, Sequence[str]] = {
    Fact.LEVEL: tuple(Level),
    Fact.PLACE: tuple(Place),
    Fact.FILING: tuple(Filing),
    Fact.GENDER: ("0", "1", "2", "9"),
    Fact.ITEM_CLASS: ("A", "B", "C"),
    Fact.PART: ("current", "carried"),
}
"""Facts whose words are all known."""

OF_PAYERS = (
    Counted.FUND,
    Counted.BASE,
    Counted.BASE_AFTER_DEDUCTIBLE,
    Counted.PAYMENTS,
)
"""What is counted of payers, which the counter must name."""

SPREAD = (Scope.MONTH, Scope.QUARTER)
"""Scopes over which a prescription for several months can be spread."""

CLASS_KEYS = ("fact", "order", "otherwise", "counter")
"""What a dimension has beside its classes."""


def read_classes(root: Table) -> Mapping[Dimension, Classes]:
    """All dimensions of a law: the built-in ones and its own. Raises LawError."""
    own = {name: _read_dimension(name, table) for name, table in root.tables("classes").items()}
    return {**BUILT_IN, **own}


def _read_dimension(name: str, table: Table) -> Classes:
    if name in BUILT_IN:
        raise LawError(table.file, table.path, f"{name!r} is always there and cannot be declared")
    fact = table.choice("fact", Fact)
    order = table.texts("order")
    if not order:
        raise table.error("order", "needs at least one class")
    otherwise = table.optional_text("otherwise")
    for word in order if otherwise is None else (*order, otherwise):
        _check_class_name(table, word)
    rules = tuple(_read_rule(fact, word, table) for word in order)
    for key in table.names():
        if key not in (*CLASS_KEYS, *order):
            raise table.error(key, f"is not named in the order: {', '.join(order)}")
    classes = Classes(name, fact, rules, otherwise, _read_times(table, fact))
    if otherwise in order:
        raise table.error("otherwise", "is a class of the order already")
    if fact in RANGED:
        _check_ranges(table, classes)
    else:
        _check_words(table, classes)
    return classes


def _check_class_name(table: Table, word: str) -> None:
    if word in (*CLASS_KEYS, OTHER, OF):
        raise table.error("order", f"{word!r} cannot be the name of a class")
    named(table, word)


def _read_times(table: Table, fact: Fact) -> str | None:
    if fact is Fact.TIMES:
        return table.text("counter")
    if "counter" in table.names():
        raise table.error("counter", f"only classes of the fact 'times' have one, not {fact}")
    return None


def _read_rule(fact: Fact, name: str, table: Table) -> ClassRule:
    node = table.must(name)
    if fact not in RANGED:
        words = texts_of(node)
        for word in words:
            if fact in CLOSED:
                known_word(node, word, CLOSED[fact], str(fact))
        return ClassRule(name, words)
    read = date_of if fact is Fact.RETIRED_ON else whole_of
    bounds = Table(node)
    start, below = bounds.node_of("from"), bounds.node_of("below")
    bounds.done()
    rule = ClassRule(name, (), read(start) if start else None, read(below) if below else None)
    if rule.start is None and rule.below is None:
        raise LawError(node.file, node.path, "needs 'from', 'below' or both")
    return rule


def _check_words(table: Table, classes: Classes) -> None:
    owner: dict[str, str] = {}
    for rule in classes.rules:
        for word in rule.words:
            if word in owner:
                raise table.error(rule.name, f"{word!r} is already {owner[word]!r}")
            owner[word] = rule.name


def _check_ranges(table: Table, classes: Classes) -> None:
    """No two classes for one number; none at all between two only where ``otherwise`` says so."""
    lowest = date.min if classes.fact is Fact.RETIRED_ON else -1
    reached: int | date | None = None
    for i, rule in enumerate(sorted(classes.rules, key=lambda r: _order(r.start, lowest))):
        if rule.below is not None and _order(rule.start, lowest) >= _order(rule.below, lowest):
            raise table.error(rule.name, "'below' must lie above 'from'")
        if i and (reached is None or _order(rule.start, lowest) < _order(reached, lowest)):
            raise table.error(rule.name, "overlaps another class")
        if i and rule.start != reached and classes.otherwise is None:
            reason = f"leaves a gap from {reached}; name a class for it, or 'otherwise'"
            raise table.error(rule.name, reason)
        reached = rule.below


def _order(bound: int | date | None, lowest: int | date) -> int:
    bound = lowest if bound is None else bound
    return bound.toordinal() if isinstance(bound, date) else bound


# --------------------------------------------------------------------------------------- counters


def read_counters(
    root: Table, scheme: Scheme, benefits: Sequence[str], vocabulary: Vocabulary
) -> Mapping[str, Counter]:
    """The counters of a law; what they leave out is this scheme and all benefits."""
    return {
        name: _read_counter(name, table, scheme, benefits, vocabulary)
        for name, table in root.tables("counters").items()
    }


def _read_counter(
    name: str, table: Table, scheme: Scheme, benefits: Sequence[str], vocabulary: Vocabulary
) -> Counter:
    counts = table.choice("counts", Counted)
    counter = Counter(
        name=name,
        title=table.text("title", name),
        scope=table.choice("scope", Scope),
        counts=counts,
        schemes=tuple(Scheme(code) for code in table.texts("schemes", (scheme,))),
        benefits=table.texts("benefits", benefits),
        payers=_read_payers(table, counts),
        by=_read_by(table, vocabulary),
        spread=table.flag("spread", False),
        moves=table.flag("moves", True),
    )
    if scheme not in counter.schemes:
        raise table.error("schemes", f"does not name this scheme, {scheme}")
    for benefit in counter.benefits:
        if benefit not in benefits:
            raise table.error("benefits", f"no benefit{proposal(benefit, benefits)}")
    if counter.spread and counter.scope not in SPREAD:
        raise table.error("spread", f"only of scope month or quarter, not {counter.scope}")
    if (node := table.node_of("unit")) is not None:
        unit = "times" if counter.in_times else "yuan"
        known_word(node, str(node.value), (unit,), "unit")
    table.done()
    return counter


def _read_payers(table: Table, counts: Counted) -> tuple[str, ...]:
    payers = table.texts("payers", () if counts not in OF_PAYERS else None)
    if counts in OF_PAYERS and not payers:
        raise table.error("payers", f"needs at least one payer whose {counts} it counts")
    if payers and counts not in (*OF_PAYERS, Counted.DEDUCTIBLE):
        raise table.error("payers", f"{counts} is not counted of payers")
    return payers


def _read_by(table: Table, vocabulary: Vocabulary) -> tuple[Dimension, ...]:
    node = table.node_of("by")
    if node is None:
        return ()
    by = texts_of(node)
    for dimension in by:
        known_word(node, dimension, vocabulary.dimensions(), "dimension")
        if vocabulary.classes[dimension].fact is Fact.TIMES:
            raise LawError(node.file, node.path, f"{dimension!r} hangs on a counter itself")
    return by


def check_times(
    root: Table, classes: Mapping[Dimension, Classes], counters: Mapping[str, Counter]
) -> None:
    """Classes of the how-manieth stay name a counter of stays. Raises LawError."""
    declared = root.table("classes")
    for dimension, rules in classes.items():
        if rules.counter is None or declared is None:
            continue
        node = Table(declared.must(dimension)).must("counter")
        known_word(node, rules.counter, sorted(counters), "counter")
        if counters[rules.counter].counts is not Counted.STAYS:
            raise LawError(node.file, node.path, "must count stays")
