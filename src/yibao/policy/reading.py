"""From a document tree to a ``Law``: every key known, every cross-reference checked."""

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from yibao.kernel.areas import Division
from yibao.policy.dated import AMOUNT, BANDS, Kind, Vocabulary, read_parameter
from yibao.policy.document import Node, canonical_text, fingerprint_of
from yibao.policy.model import (
    PHARMACY,
    AccountRules,
    Axis,
    Base,
    BenefitRules,
    Counted,
    Counter,
    Dimension,
    Law,
    LawError,
    Limit,
    Payer,
    PersonalPart,
    ReportedAs,
    Scope,
)
from yibao.policy.table import Table, choices_of, proposal, text_of, texts_of
from yibao.policy.terms import Level, Scheme

T = TypeVar("T")

AMOUNT_FIELDS = ("hifp", "cvlserv", "hifes", "hifmi", "hifob", "hifdm", "maf", "oth")
"""The interface's amount fields for funds, without ``_pay``."""

PLACES = (*(level.value for level in Level), PHARMACY)

_AXIS_COUNTS = {
    Axis.ABSOLUTE: Counted.IN_SCOPE,
    Axis.AFTER_DEDUCTIBLE: Counted.AFTER_DEDUCTIBLE,
    Axis.FUND_PAID: Counted.FUND,
}


def read_law(tree: Node) -> Law:
    """The law of an effective document tree. Raises LawError."""
    root = Table(tree)
    head = Table(root.must("law"))
    area, scheme, title = head.text("area"), head.text("scheme"), head.text("title")
    head.optional_text("inherits")
    head.done()
    persons = _read_persons(root)
    classes: Vocabulary = {
        Dimension.PERSON: tuple(dict.fromkeys(persons.values())),
        Dimension.LEVEL: tuple(Level),
    }
    counters = {
        name: _read_counter(name, table, Scheme(scheme))
        for name, table in root.tables("counters").items()
    }
    benefits = tuple(
        _read_benefit(key, table, counters, classes)
        for key, table in root.tables("benefits").items()
    )
    _check_counters(root, counters, benefits)
    _check_care_kinds(root, benefits)
    canonical = canonical_text(tree)
    law = Law(
        area=Division(area),
        scheme=Scheme(scheme),
        title=title,
        file=tree.file,
        persons=persons,
        year_start=read_parameter(root, "benefit_year", _MONTH_DAY, classes),
        counters=counters,
        account=_read_account(root, classes),
        benefits=benefits,
        unpaid_care_kinds=read_parameter(root, "unpaid_care_kinds", _WORDS, classes),
        canonical=canonical,
        fingerprint=fingerprint_of(canonical),
    )
    root.done()
    return law


def _read_persons(root: Table) -> Mapping[str, str]:
    table = root.table("persons")
    persons: dict[str, str] = {}
    for name in table.names() if table else ():
        assert table is not None
        for prefix in table.texts(name):
            if prefix in persons:
                reason = f"person type {prefix} is already {persons[prefix]!r}"
                raise LawError(table.file, table.where(name), reason)
            persons[prefix] = name
    return persons


def _read_counter(name: str, table: Table, scheme: Scheme) -> Counter:
    counts = table.choice("counts", Counted)
    counter = Counter(
        name=name,
        title=table.text("title"),
        scope=table.choice("scope", Scope),
        counts=counts,
        schemes=tuple(Scheme(code) for code in table.texts("schemes")),
        benefits=table.texts("benefits"),
        payers=table.texts("payers") if counts is Counted.FUND else (),
    )
    if scheme not in counter.schemes:
        raise LawError(table.file, table.where("schemes"), f"does not name this scheme, {scheme}")
    if (unit := table.text("unit")) != "yuan":
        raise LawError(table.file, table.where("unit"), f"unknown unit {unit!r}; known: yuan")
    table.done()
    return counter


def _read_account(root: Table, classes: Vocabulary) -> AccountRules:
    table = root.table("account")
    if table is None:
        table = Table(Node(root.file, "account", {}))
    rules = AccountRules(
        may_pay=read_parameter(table, "may_pay", _PERSONAL_PARTS, classes),
        parts=read_parameter(table, "parts", _ACCOUNT_PARTS, classes),
    )
    table.done()
    return rules


def _read_benefit(
    key: str, table: Table, counters: Mapping[str, Counter], classes: Vocabulary
) -> BenefitRules:
    own = {name: counter for name, counter in counters.items() if key in counter.benefits}
    order = table.texts("payer_order")
    payers = table.tables("payers")
    if sorted(order) != sorted(payers):
        reason = f"must name each of the payers once: {', '.join(payers)}"
        raise LawError(table.file, table.where("payer_order"), reason)
    benefit = BenefitRules(
        key=key,
        title=table.text("title"),
        english=table.text("english"),
        care_kinds=read_parameter(table, "care_kinds", _WORDS, classes),
        places=read_parameter(table, "places", _PLACE_WORDS, classes),
        deductible=_read_limits(table, "deductible", own, classes),
        payers=tuple(_read_payer(name, payers[name], own, classes) for name in order),
        counters=tuple(own.values()),
    )
    table.done()
    _check_deductible(table, benefit)
    _check_bases(table, benefit)
    return benefit


def _read_payer(
    key: str, table: Table, counters: Mapping[str, Counter], classes: Vocabulary
) -> Payer:
    axis = table.choice("measured_on", Axis)
    counter = _read_counter_name(table, counters) if "counter" in table.names() else None
    if counter is not None and counter.counts is not _AXIS_COUNTS[axis]:
        reason = f"counts {counter.counts}, but bands are measured on {axis}"
        raise LawError(table.file, table.where("counter"), reason)
    payer = Payer(
        key=key,
        title=table.text("title"),
        english=table.text("english"),
        reported_as=read_parameter(table, "reported_as", _REPORTED_AS, classes),
        base=table.choice("base", Base),
        axis=axis,
        counter=counter,
        bands=read_parameter(table, "bands", BANDS, classes),
        caps=_read_limits(table, "caps", counters, classes),
    )
    for limit in payer.caps:
        if limit.counter.counts is Counted.DEDUCTIBLE:
            path = table.where(f"caps.{limit.key}.counter")
            raise LawError(table.file, path, "a cap is measured on fund paid or on cost")
        if limit.counter.counts is Counted.FUND and key not in limit.counter.payers:
            path = table.where(f"caps.{limit.key}.counter")
            raise LawError(table.file, path, f"does not count what {key} pays")
    table.done()
    return payer


def _read_limits(
    table: Table, key: str, counters: Mapping[str, Counter], classes: Vocabulary
) -> tuple[Limit, ...]:
    limits = []
    for name, limit in table.tables(key).items():
        counter = _read_counter_name(limit, counters)
        limits.append(Limit(name, counter, read_parameter(limit, "amount", AMOUNT, classes)))
        limit.done()
    return tuple(limits)


def _read_counter_name(table: Table, counters: Mapping[str, Counter]) -> Counter:
    name = table.text("counter")
    if name not in counters:
        node = table.must("counter")
        hint = proposal(name, list(counters))
        raise LawError(node.file, node.path, f"no counter{hint} declared for this benefit")
    return counters[name]


def _check_deductible(table: Table, benefit: BenefitRules) -> None:
    for limit in benefit.deductible:
        if limit.counter.counts is not Counted.DEDUCTIBLE:
            path = table.where(f"deductible.{limit.key}.counter")
            raise LawError(table.file, path, "must count the deductible")


def _check_bases(table: Table, benefit: BenefitRules) -> None:
    for i, payer in enumerate(benefit.payers):
        path = table.where(f"payers.{payer.key}.base")
        if (payer.base is Base.IN_SCOPE) != (i == 0):
            raise LawError(table.file, path, "the first payer, and only it, has base 'in_scope'")
        if payer.base is Base.ABOVE_CAP and not benefit.payers[i - 1].caps:
            raise LawError(table.file, path, "the payer before has no cap")


def _check_counters(
    root: Table, counters: Mapping[str, Counter], benefits: tuple[BenefitRules, ...]
) -> None:
    """Every counter names benefits and payers that exist."""
    payers = {benefit.key: [payer.key for payer in benefit.payers] for benefit in benefits}
    for counter in counters.values():
        path = f"counters.{counter.name}"
        for key in counter.benefits:
            if key not in payers:
                hint = proposal(key, list(payers))
                raise LawError(root.file, f"{path}.benefits", f"no benefit{hint}")
        known = [payer for key in counter.benefits for payer in payers[key]]
        for key in counter.payers:
            if key not in known:
                raise LawError(root.file, f"{path}.payers", f"no payer{proposal(key, known)}")


def _check_care_kinds(root: Table, benefits: tuple[BenefitRules, ...]) -> None:
    """On every day a kind of care belongs to one benefit at most."""
    starts = {version.start for benefit in benefits for version in benefit.care_kinds.versions}
    for day in sorted(starts):
        owner: dict[str, str] = {}
        for benefit in benefits:
            current = [v for v in benefit.care_kinds.versions if v.start <= day][:1]
            for kind in (kind for version in current for kind in sorted(version.cases[()])):
                if kind in owner:
                    reason = f"{kind} belongs to {owner[kind]!r} already on {day}"
                    raise LawError(root.file, benefit.care_kinds.path, reason)
                owner[kind] = benefit.key


# ------------------------------------------------------------------------ leaves of other kinds


def _read_words(node: Node, _unit: str) -> frozenset[str]:
    return frozenset(texts_of(node))


def _read_places(node: Node, _unit: str) -> frozenset[str]:
    words = texts_of(node)
    for word in words:
        if word not in PLACES:
            hint = proposal(word, list(PLACES))
            raise LawError(node.file, node.path, f"unknown place{hint}")
    return frozenset(words)


def _read_personal_parts(node: Node, _unit: str) -> frozenset[PersonalPart]:
    return frozenset(choices_of(node, PersonalPart))


def _read_account_parts(node: Node, _unit: str) -> tuple[str, ...]:
    return texts_of(node)


def _read_reported_as(node: Node, _unit: str) -> ReportedAs:
    table = Table(node)
    reported = ReportedAs(table.text("fund"), table.text("amount_field"))
    table.done()
    if reported.amount_field not in AMOUNT_FIELDS:
        hint = proposal(reported.amount_field, list(AMOUNT_FIELDS))
        raise LawError(node.file, f"{node.path}.amount_field", f"unknown amount field{hint}")
    return reported


def _read_month_day(node: Node, _unit: str) -> tuple[int, int]:
    month, _, day = text_of(node).partition("-")
    try:
        # 2023 is no leap year: a benefit year that began on 29 February could not begin every year
        start = date(2023, int(month), int(day))
    except ValueError:
        raise LawError(node.file, node.path, "must be a day of every year, MM-DD") from None
    return start.month, start.day


_WORDS: Kind[frozenset[str]] = Kind((), _read_words, by_case=False)
_PLACE_WORDS: Kind[frozenset[str]] = Kind((), _read_places)
_PERSONAL_PARTS: Kind[frozenset[PersonalPart]] = Kind((), _read_personal_parts, by_case=False)
_ACCOUNT_PARTS: Kind[tuple[str, ...]] = Kind((), _read_account_parts, by_case=False)
_REPORTED_AS: Kind[ReportedAs] = Kind((), _read_reported_as)
_MONTH_DAY: Kind[tuple[int, int]] = Kind((), _read_month_day, by_case=False)
