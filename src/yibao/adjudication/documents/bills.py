"""Bills as documents (``docs/law/cases.md``): read strictly, under the law that shall decide them.

A document is what a TOML or JSON file holds. It carries one bill, or ``[[bill]]`` many of one
person; what stands beside these (``[person]``, ``[account]``, ``[history]``, ``scheme``) is shared
by all. Whatever cannot be right is refused with file, key and reason (``LawError``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from yibao.adjudication.documents.history import HistoryEntry, read_history
from yibao.adjudication.documents.lines import (
    DocumentLine,
    SplitLine,
    read_lines,
    read_sums,
    split_line,
    sums_of_lines,
)
from yibao.adjudication.documents.values import (
    choice,
    day,
    document_node,
    fault,
    fen_of,
    flag,
    near_word,
    tables_of,
    whole,
    word,
    words,
)
from yibao.adjudication.model import Bill, Person, Provider
from yibao.kernel.frozen import replace
from yibao.kernel.money import Fen
from yibao.kernel.refusals import Refused
from yibao.policy.document import Node
from yibao.policy.model import DateBasis, Fact, Law
from yibao.policy.parameters import LawError
from yibao.policy.table import Table
from yibao.policy.terms import (
    EMPLOYEE,
    GENERAL_OUTPATIENT,
    CareKind,
    EntitlementExtent,
    Filing,
    IdentityKind,
    Level,
    PersonType,
    Place,
    Scheme,
)

SHARED = ("scheme", "person", "account", "history")
"""Keys that may stand beside ``[[bill]]`` and then hold for all of its bills."""

ACCOUNT_PARTS = ("current", "carried")

BIRTH = date(1970, 1, 1)
"""The birth date of a person whose bill does not say it."""

DAYS = {
    "begin": DateBasis.VISIT,
    "fee": DateBasis.FEE,
    "admission": DateBasis.ADMISSION,
    "discharge": DateBasis.DISCHARGE,
    "settlement": DateBasis.SETTLEMENT,
}
"""The days a bill may name, by the word of ``date_basis`` that asks for them."""


@dataclass(frozen=True, slots=True)
class BillDocument:
    """A bill as its document tells it."""

    bill: Bill
    where: Node
    """Its place in the document, for what is found wrong later."""
    lines: tuple[SplitLine, ...]
    """The fee lines behind its sums; empty when the document gives the sums."""
    account: Mapping[str, Fen] | None
    """Balances of the account's parts before the bill; None: what the bill before left."""
    history: tuple[HistoryEntry, ...]
    """Counters that stand at a given value before the bill."""


def read_bills(
    file: str, document: Mapping[str, Any], law: Law, history: Node | None = None
) -> Iterator[BillDocument]:
    """The bills of a document, one after the other. Raises LawError.

    ``history`` are counters before the first bill, kept in another document. Refused: what the
    law's ``[lines]`` refuse.
    """
    nodes = bill_nodes(document_node(file, document))
    if history is not None:
        nodes[0] = with_shared(nodes[0], {"history": history}, first=True)
    for number, node in enumerate(nodes, 1):
        yield read_bill(node, law, number)


def bill_nodes(root: Node) -> list[Node]:
    """The bills of a document, each with what all of them share. Raises LawError."""
    if "bill" not in root.value:
        return [root]
    table = Table(root)
    shared = {key: node for key in SHARED if (node := table.node_of(key)) is not None}
    nodes = [entry.node for entry in tables_of(table.must("bill"))]
    table.done()
    if not nodes:
        raise fault(table.must("bill"), "has no bill")
    return [with_shared(node, shared, first=i == 0) for i, node in enumerate(nodes)]


def with_shared(node: Node, shared: Mapping[str, Node], *, first: bool) -> Node:
    """A bill with what stands beside it: account and history belong to the first alone."""
    merged = dict(node.value)
    for key, beside in shared.items():
        own = merged.get(key)
        if key in ("account", "history") and not first:
            continue
        if own is None:
            merged[key] = beside
        elif own.is_table and beside.is_table:
            merged[key] = Node(own.file, own.path, {**beside.value, **own.value})
    return Node(node.file, node.path, merged)


def read_bill(node: Node, law: Law, number: int = 1) -> BillDocument:
    """One bill; ``number`` names its visit if the document does not. Raises LawError."""
    table = Table(node)
    scheme = word(table, "scheme")
    if scheme is not None and scheme != law.scheme:
        raise fault(table.must("scheme"), f"is {scheme}, but {law.file} is of {law.scheme}")
    care_kind = CareKind(word(table, "care_kind") or GENERAL_OUTPATIENT)
    days = {basis: found for key, basis in DAYS.items() if (found := day(table, key)) is not None}
    begin, chosen = _begin(table, days), _day(table, days, care_kind, law)
    if begin is not None and begin > chosen:
        raise fault(node, f"begins on {begin}, after its day {chosen}")
    account, history = _account(table), read_history(table, law)
    amounts = _amounts(table)
    bill = Bill(
        scheme=law.scheme,
        care_kind=care_kind,
        day=chosen,
        person=read_person(table, law),
        provider=_provider(table),
        sums={} if isinstance(amounts, list) else amounts,
        disease=word(table, "disease"),
        use_account=flag(table, "use_account", default=True),
        visit=word(table, "visit") or f"visit {number}",
        place=choice(table, "place", Place.LOCAL),
        filing=choice(table, "filing", Filing.NONE),
        circumstances=read_circumstances(table, law),
        begin=begin,
        days=whole(table, "days", 1) or _days(begin, days, chosen),
        months=whole(table, "months", 1) or 1,
        further_diseases=whole(table, "further_diseases") or 0,
        chain=word(table, "chain"),
        fixed_price=flag(table, "fixed_price", default=False),
    )
    table.done()
    lines = [split_line(law, bill, line) for line in amounts] if isinstance(amounts, list) else []
    if lines:
        bill = replace(bill, sums=sums_of_lines(lines))
    return BillDocument(bill, node, tuple(lines), account, history)


# ----------------------------------------------------------------------------------------- days


def _begin(table: Table, days: Mapping[DateBasis, date]) -> date | None:
    admission, discharge = days.get(DateBasis.ADMISSION), days.get(DateBasis.DISCHARGE)
    if admission is not None and discharge is not None and admission > discharge:
        raise fault(table.must("discharge"), f"{discharge} is before the admission, {admission}")
    return days.get(DateBasis.VISIT, admission)


def _day(table: Table, days: Mapping[DateBasis, date], care_kind: CareKind, law: Law) -> date:
    """The day that decides: the one given, or that of the law's ``date_basis``."""
    given = day(table, "day")
    if given is not None:
        return given
    if not days:
        known = ", ".join(DAYS)
        raise LawError(table.file, table.where("day"), f"missing (or one of {known})")
    basis = _basis(law, care_kind, days)
    if basis not in days:
        key = next(key for key, word in DAYS.items() if word is basis)
        raise LawError(table.file, table.where(key), "missing: the law goes by it (or give day)")
    return days[basis]


def _basis(law: Law, care_kind: CareKind, days: Mapping[DateBasis, date]) -> DateBasis:
    """What the law says, else the visit's begin, for a stay the discharge."""
    stay = DateBasis.ADMISSION in days or DateBasis.DISCHARGE in days
    usual = DateBasis.DISCHARGE if stay else DateBasis.VISIT
    guess = days.get(usual, max(days.values()))
    try:
        rules = law.benefit_for(care_kind, guess)
    except Refused:  # the law does not know this kind of care: the engine will say so
        return usual if usual in days else next(iter(days))
    parameter = rules.date_basis.get("law") if rules is not None else None
    if parameter is not None:
        return parameter.find(guess, {}).value
    return usual if usual in days or stay else next(iter(days))


def _days(begin: date | None, days: Mapping[DateBasis, date], chosen: date) -> int:
    """Days of the stay: from its begin to its last day, at least one."""
    last = days.get(DateBasis.DISCHARGE) or days.get(DateBasis.SETTLEMENT) or chosen
    return 1 if begin is None else max(1, (last - begin).days)


# -------------------------------------------------------------------------------- person, place


def read_person(table: Table, law: Law) -> Person:
    """``[person]``, which may be left out. Raises LawError."""
    person = table.table("person") or Table(Node(table.file, table.where("person"), {}))
    usual = "1101" if law.scheme == EMPLOYEE else "1501"
    found = Person(
        person_type=PersonType(_person_type(person) or usual),
        birth_date=day(person, "birth") or BIRTH,
        gender=word(person, "gender") or "0",
        identities=tuple(IdentityKind(one) for one in words(person, "identities")),
        entitlement=choice(person, "entitlement", EntitlementExtent.FULL),
        traits=_law_words(person, "traits", law, Fact.TRAIT),
        enrolments=tuple(Scheme(one) for one in words(person, "enrolments")),
        retired_on=day(person, "retired_on"),
        enrolled_years=whole(person, "enrolled_years"),
        claim_free_years=whole(person, "claim_free_years"),
    )
    person.done()
    return found


def _person_type(person: Table) -> str | None:
    """``psn_type``: the laws go by its first digits."""
    given = word(person, "type")
    if given is not None and re.fullmatch(r"[0-9]{2,6}", given) is None:
        raise fault(person.must("type"), f"must be two to six digits, not {given!r}")
    return given


def _provider(table: Table) -> Provider:
    pharmacy = flag(table, "pharmacy", default=False)
    usual = Level.GRASS_ROOTS if pharmacy else Level.THIRD
    return Provider(choice(table, "level", usual), pharmacy)


def read_circumstances(table: Table, law: Law) -> tuple[str, ...]:
    """Words of the bill on which the law may turn. Raises LawError for a near miss."""
    return _law_words(table, "circumstances", law, Fact.CIRCUMSTANCE)


def _law_words(table: Table, key: str, law: Law, fact: Fact) -> tuple[str, ...]:
    """Free words that the law's classes may turn on; a near miss of one of these is refused."""
    given = words(table, key)
    if given:
        known = [
            word
            for classes in law.classes.values()
            if classes.fact is fact
            for rule in classes.rules
            for word in rule.words
        ]
        near_word(table.must(key), given, known)
    return given


# -------------------------------------------------------------------------------------- amounts


def _amounts(table: Table) -> Any:
    """``[sums]`` as sums by bucket, or ``[[lines]]`` as lines."""
    sums, lines = table.table("sums"), table.node_of("lines")
    if (sums is None) == (lines is None):
        reason = "give the parts in [sums] or the fee lines in [[lines]], one of the two"
        raise LawError(table.file, table.where("sums"), reason)
    if lines is not None:
        found: list[DocumentLine] = read_lines(lines)
        return found
    assert sums is not None
    return read_sums(sums)


def _account(table: Table) -> Mapping[str, Fen] | None:
    account = table.table("account")
    if account is None:
        return None
    balances = {
        part: fen_of(node) for part in ACCOUNT_PARTS if (node := account.node_of(part)) is not None
    }
    account.done()
    for part, balance in balances.items():
        if balance < 0:
            raise fault(account.must(part), "a balance is not negative")
    return balances
