"""Reading limits and payers: deductibles, caps, bands, adjustments, and the order of payers."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from yibao.policy.dated import Vocabulary, read_optional, read_parameter, read_parameters
from yibao.policy.leaves import (
    AMOUNT,
    BANDS,
    NUMBER,
    PERIOD,
    POINTS,
    RATIO,
    REPORTED_AS,
    TIMES,
    YEARS,
)
from yibao.policy.model import (
    Adjustment,
    AdjustmentKind,
    Axis,
    Base,
    Component,
    Counted,
    Counter,
    Fact,
    Factor,
    Growth,
    Limit,
    Payer,
)
from yibao.policy.parameters import LawError, Parameter
from yibao.policy.table import Table, known_word, proposal, text_of

GROWING = (Fact.ENROLLED_YEARS, Fact.CLAIM_FREE_YEARS)
"""Facts with whose years an amount may grow."""

AXIS_COUNTS = {
    Axis.ABSOLUTE: (Counted.IN_SCOPE, Counted.BASE),
    Axis.AFTER_DEDUCTIBLE: (Counted.AFTER_DEDUCTIBLE, Counted.BASE_AFTER_DEDUCTIBLE),
    Axis.FUND_PAID: (Counted.FUND,),
}
"""What a counter must count for bands to run on over it."""

CAP_COUNTS = tuple(counted for counted in Counted if counted not in ("deductible", "stays"))
"""What a cap may be measured on."""

ADJUSTMENT_UNITS = {
    AdjustmentKind.OWN_SHARE_TIMES: NUMBER,
    AdjustmentKind.FUND_SHARE_TIMES: NUMBER,
    AdjustmentKind.POINTS: POINTS,
    AdjustmentKind.POINTS_PER_YEAR_OF_AGE: POINTS,
}


class Room(NamedTuple):
    """Where a payer stands: what it may name, and what it takes when it names nothing."""

    counters: Mapping[str, Counter]
    """Declared for all the benefits that the payer is for."""
    vocabulary: Vocabulary
    benefits: tuple[str, ...] = ()
    """Of a common payer: the benefits of the law, all of which it is for unless it says so."""
    all_counters: Mapping[str, Counter] | None = None
    """Of a common payer: the counters of the law."""


# --------------------------------------------------------------------------------------- in order


def names_in_order(table: Table, key: str, named: Mapping[str, Table], root: str) -> list[str]:
    """The order of named tables; it may be left out where there are not several.

    A city's order may leave out what its province's file has, and so remove it, but nothing of its
    own file (``root``) or of the order's.
    """
    node = table.node_of(key)
    if node is None:
        if len(named) > 1:
            table.must(key)
        return list(named)
    order = table.texts(key)
    for name in order:
        if name not in named:
            hint = proposal(name, list(named))
            reason = f"there is none of the name{hint}; it must name each of the {key[:-6]}s once"
            raise LawError(node.file, node.path, reason)
    for name, entry in named.items():
        if name not in order and entry.file in (node.file, root):
            reason = f"must name each of the {key[:-6]}s once: {', '.join(named)}"
            raise LawError(node.file, node.path, reason)
    return list(order)


# ----------------------------------------------------------------------------------------- limits


def read_limits(table: Table, key: str, room: Room) -> tuple[Limit, ...]:
    """The limits at ``deductible`` or ``caps``. Raises LawError."""
    return tuple(_read_limit(name, limit, room) for name, limit in table.tables(key).items())


def _read_limit(name: str, table: Table, room: Room) -> Limit:
    counter = read_counter_name(table, room.counters)
    assert counter is not None, "a limit must name its counter"
    vocabulary = room.vocabulary
    limit = Limit(
        key=name,
        counter=counter,
        amount=read_parameter(table, "amount", TIMES if counter.in_times else AMOUNT, vocabulary),
        factors=_read_factors(table, vocabulary),
        growth=tuple(
            _read_growth(key, growth, vocabulary) for key, growth in table.tables("growth").items()
        ),
        growth_at_most=read_optional(table, "growth_at_most", RATIO, vocabulary),
        every_days=read_optional(table, "every_days", PERIOD, vocabulary),
        further=read_optional(table, "further", AMOUNT, vocabulary),
    )
    if counter.in_times and (limit.growth or limit.further):
        raise table.error("counter", f"counts {counter.counts}: no yuan can be added to times")
    table.done()
    return limit


def _read_factors(table: Table, vocabulary: Vocabulary) -> tuple[Factor, ...]:
    factors = table.table("factor")
    if factors is None:
        return ()
    return tuple(
        Factor(name, read_parameter(factors, name, NUMBER, vocabulary)) for name in factors.names()
    )


def _read_growth(name: str, table: Table, vocabulary: Vocabulary) -> Growth:
    node = table.must("years")
    growth = Growth(
        key=name,
        years=Fact(known_word(node, text_of(node), GROWING)),
        after=read_parameter(table, "after", YEARS, vocabulary),
        step=read_parameter(table, "step", AMOUNT, vocabulary),
    )
    table.done()
    return growth


def read_counter_name(
    table: Table, counters: Mapping[str, Counter], optional: bool = False
) -> Counter | None:
    """The counter that a table names."""
    if optional and "counter" not in table.names():
        table.node_of("counter")
        return None
    name = table.text("counter")
    if name not in counters:
        known = ", ".join(counters) or "none"
        reason = f"no counter{proposal(name, list(counters))} declared for this benefit"
        raise table.error("counter", f"{reason}; known: {known}")
    return counters[name]


# ----------------------------------------------------------------------------------------- payers


def read_payer(key: str, table: Table, room: Room, root: str, base: Base) -> Payer:
    """One payer; ``base`` is what it works on unless it says so. Raises LawError."""
    benefits = table.texts("benefits", room.benefits) if room.benefits else ()
    for benefit in benefits:
        if benefit not in room.benefits:
            raise table.error("benefits", f"no benefit{proposal(benefit, room.benefits)}")
    if room.all_counters is not None:
        room = room._replace(counters=_declared_for(benefits, room.all_counters))
    title = table.text("title", key)
    adjustments = _read_adjustments(table, room.vocabulary, root)
    payer = Payer(
        key=key,
        title=title,
        english=table.text("english", title),
        reported_as=read_parameter(table, "reported_as", REPORTED_AS, room.vocabulary),
        base=table.choice("base", Base, base),
        axis=table.choice("measured_on", Axis, Axis.AFTER_DEDUCTIBLE),
        counter=read_counter_name(table, room.counters, optional=True),
        bands=read_parameter(table, "bands", BANDS, room.vocabulary),
        caps=read_limits(table, "caps", room),
        deductible=read_limits(table, "deductible", room),
        adjustments=adjustments,
        above_cap_of=table.optional_text("above_cap_of"),
        also=_read_also(table, room.vocabulary),
        benefits=benefits,
    )
    table.done()
    _check_counters(table, payer)
    return payer


def _declared_for(
    benefits: tuple[str, ...], counters: Mapping[str, Counter]
) -> Mapping[str, Counter]:
    return {
        name: counter
        for name, counter in counters.items()
        if set(benefits) <= set(counter.benefits)
    }


def _read_also(table: Table, vocabulary: Vocabulary) -> Mapping[Component, Parameter[Fraction]]:
    read = read_parameters(table, "also", RATIO, vocabulary, [part.value for part in Component])
    return {Component(name): parameter for name, parameter in read.items()}


def _read_adjustments(table: Table, vocabulary: Vocabulary, root: str) -> tuple[Adjustment, ...]:
    tables = table.tables("adjust")
    order = names_in_order(table, "adjust_order", tables, root)
    return tuple(_read_adjustment(name, tables[name], vocabulary) for name in order)


def _read_adjustment(name: str, table: Table, vocabulary: Vocabulary) -> Adjustment:
    kinds = [kind for kind in AdjustmentKind if kind in table.names()]
    if len(kinds) != 1:
        known = ", ".join(AdjustmentKind)
        raise LawError(table.file, table.path, f"needs exactly one of {known}")
    kind = kinds[0]
    value = read_parameter(table, kind, ADJUSTMENT_UNITS[kind], vocabulary)
    table.done()
    return Adjustment(name, kind, value)


# ------------------------------------------------------------------------ what counters must count


def _check_counters(table: Table, payer: Payer) -> None:
    """The counters that a payer names count what it is measured on, its own doing included."""
    if payer.counter is not None and not _counts(payer.counter, AXIS_COUNTS[payer.axis], payer.key):
        raise table.error(
            "counter", _mismatch(payer.counter, payer.key, f"bands are measured on {payer.axis}")
        )
    for cap in payer.caps:
        if not _counts(cap.counter, CAP_COUNTS, payer.key):
            what = "a cap is measured on fund paid, on cost or on payments"
            raise table.error(f"caps.{cap.key}.counter", _mismatch(cap.counter, payer.key, what))
    for limit in payer.deductible:
        own = payer.key in limit.counter.payers
        if limit.counter.counts is not Counted.DEDUCTIBLE or not own:
            what = f"it must count deductible with payers = [{payer.key!r}]"
            raise table.error(
                f"deductible.{limit.key}.counter", _mismatch(limit.counter, payer.key, what)
            )


def _counts(counter: Counter, counted: tuple[Counted, ...], payer: str) -> bool:
    return counter.counts in counted and (not counter.payers or payer in counter.payers)


def _mismatch(counter: Counter, payer: str, what: str) -> str:
    if counter.payers and payer not in counter.payers:
        return f"{counter.name} does not count what {payer} pays: its payers do not name it"
    return f"{counter.name} counts {counter.counts}, but {what}"
