"""Reading benefits and the payers common to several of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from yibao.policy.dated import Vocabulary, read_optional, read_parameter, read_parameters
from yibao.policy.leaves import AMOUNT, PLACE_WORDS, RATIO, WORDS, choice_kind
from yibao.policy.model import (
    GENERAL_BUCKET,
    AcrossYear,
    Base,
    BenefitRules,
    Counted,
    Counter,
    DateBasis,
    FixedPrice,
    OutOfOrder,
    Payer,
)
from yibao.policy.payers import Room, names_in_order, read_limits, read_payer
from yibao.policy.table import Table, known_word, proposal

DATE_BASES = ("law", "person", "identity", "entitlement")
"""What a law may name the deciding day of."""


class Declared(NamedTuple):
    """What a law declares before its benefits."""

    counters: Mapping[str, Counter]
    vocabulary: Vocabulary
    root: str
    """The file of the law itself, which may have inherited others' content."""


def read_benefits(root: Table, declared: Declared) -> tuple[BenefitRules, ...]:
    """The benefits of a law. Raises LawError."""
    return tuple(
        _read_benefit(key, table, declared) for key, table in root.tables("benefits").items()
    )


def _read_benefit(key: str, table: Table, declared: Declared) -> BenefitRules:
    vocabulary = declared.vocabulary
    own = {name: c for name, c in declared.counters.items() if key in c.benefits}
    room = Room(own, vocabulary)
    payers = table.tables("payers")
    order = names_in_order(table, "payer_order", payers, declared.root)
    title = table.text("title")
    benefit = BenefitRules(
        key=key,
        title=title,
        english=table.text("english", title),
        care_kinds=read_parameter(table, "care_kinds", WORDS, vocabulary),
        places=read_parameter(table, "places", PLACE_WORDS, vocabulary),
        deductible=read_limits(table, "deductible", room),
        payers=tuple(
            read_payer(name, payers[name], room, declared.root, Base.UNPAID if i else Base.IN_SCOPE)
            for i, name in enumerate(order)
        ),
        counters=tuple(own.values()),
        buckets=table.texts("buckets", (GENERAL_BUCKET,)),
        first_pay=read_optional(table, "first_pay", RATIO, vocabulary),
        fixed_price=_read_fixed_price(table, vocabulary),
        date_basis=read_parameters(
            table, "date_basis", choice_kind(DateBasis, by_case=False), vocabulary, DATE_BASES
        ),
        across_year=read_optional(table, "across_year", choice_kind(AcrossYear), vocabulary),
        out_of_order=read_optional(table, "out_of_order", choice_kind(OutOfOrder), vocabulary),
    )
    table.done()
    _check_deductible(table, benefit)
    _check_bases(table, benefit.payers)
    return benefit


def _read_fixed_price(table: Table, vocabulary: Vocabulary) -> FixedPrice | None:
    within = table.table("fixed_price")
    if within is None:
        return None
    amount = read_parameter(within, "amount", AMOUNT, vocabulary)
    price = FixedPrice(amount, within.flag("per_day", False))
    within.done()
    return price


def _check_deductible(table: Table, benefit: BenefitRules) -> None:
    for limit in benefit.deductible:
        if limit.counter.counts is not Counted.DEDUCTIBLE or limit.counter.payers:
            raise table.error(
                f"deductible.{limit.key}.counter",
                f"{limit.counter.name} must count the deductible, and not that of payers",
            )


def _check_bases(table: Table, payers: Sequence[Payer]) -> None:
    for i, payer in enumerate(payers):
        key = f"payers.{payer.key}.base"
        if payer.base is Base.IN_SCOPE and i:
            raise table.error(key, "only the first payer can have base 'in_scope'")
        if payer.base in (Base.CO_PAY, Base.ABOVE_CAP) and not i:
            reason = f"the first payer cannot have base {payer.base.value!r}: nobody is before it"
            raise table.error(key, reason)
        _check_above_cap(table, payer, payers[:i], payers[i - 1 : i])
        _check_outside(table, payer)


def _check_above_cap(
    table: Table, payer: Payer, before: Sequence[Payer], default: Sequence[Payer]
) -> None:
    """Base ``above_cap`` needs a payer before with a cap on what it paid or on the cost."""
    named = payer.above_cap_of
    if payer.base is not Base.ABOVE_CAP:
        if named is not None:
            reason = f"only with base 'above_cap', not {payer.base.value!r}"
            raise table.error(f"payers.{payer.key}.above_cap_of", reason)
        return
    key = "base" if named is None else "above_cap_of"
    capped = default if named is None else [p for p in before if p.key == named]
    if named is not None and not capped:
        hint = proposal(named, [p.key for p in before])
        raise table.error(f"payers.{payer.key}.{key}", f"no payer{hint} before it")
    limits = [cap for p in capped for cap in p.caps]
    if not any(cap.counter.counts is not Counted.PAYMENTS for cap in limits):
        reason = "the payer before has no cap on what it paid or on the cost"
        raise table.error(f"payers.{payer.key}.{key}", reason)


def _check_outside(table: Table, payer: Payer) -> None:
    if payer.base is Base.OUTSIDE and not payer.also:
        key = f"payers.{payer.key}.base"
        raise table.error(key, "'outside' counts only what 'also' names, and there is none")


# ---------------------------------------------------------------------------------- common payers


def read_common_payers(
    root: Table, benefits: Sequence[BenefitRules], declared: Declared
) -> tuple[Payer, ...]:
    """The payers that work on what several benefits' payers leave, in order. Raises LawError."""
    tables = root.tables("payers")
    order = names_in_order(root, "payer_order", tables, declared.root)
    keys = tuple(benefit.key for benefit in benefits)
    room = Room({}, declared.vocabulary, keys, declared.counters)
    payers = tuple(
        read_payer(name, tables[name], room, declared.root, Base.UNPAID) for name in order
    )
    for i, payer in enumerate(payers):
        own = [p for b in benefits if b.key in payer.benefits for p in b.payers]
        if payer.key in {p.key for p in own}:
            reason = f"the benefits {', '.join(payer.benefits)} have a payer of this name"
            raise root.error(f"payers.{payer.key}", reason)
        if payer.base is Base.IN_SCOPE:
            reason = "only the first payer of a benefit can have base 'in_scope'"
            raise root.error(f"payers.{payer.key}.base", reason)
        last = [b.payers[-1] for b in benefits if b.key in payer.benefits and b.payers]
        _check_above_cap(root, payer, [*own, *payers[:i]], payers[i - 1 : i] or last)
        _check_outside(root, payer)
    return payers


def check_counted_payers(
    root: Table, common: Sequence[Payer], counters: Mapping[str, Counter]
) -> None:
    """Every counter counts payers that there are, dropped ones of a province included."""
    written = {
        key: sorted(table.tables("payers")) for key, table in root.tables("benefits").items()
    }
    shared = root.tables("payers")
    for counter in counters.values():
        known = [payer for key in counter.benefits for payer in written[key]]
        known += [p.key for p in common if set(p.benefits) & set(counter.benefits)]
        known += [key for key in shared if key not in {p.key for p in common}]
        node = root.tables("counters")[counter.name].node_of("payers")
        if node is not None:
            for payer in counter.payers:
                known_word(node, payer, sorted(set(known)), "payer")
