"""Fee lines on columns: the sums that a law's line rules make of bills, as ``classify`` does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yibao.adjudication.classify import classify
from yibao.adjudication.columns.model import BillColumns, Coded, Fens, LineColumns, SumColumns
from yibao.adjudication.columns.rows import bill_at
from yibao.adjudication.lines import RawTerms, terms_under
from yibao.adjudication.model import ChargedLine, ItemTerms
from yibao.kernel.money import NO_CEILING
from yibao.kernel.refusals import Refused
from yibao.policy.model import Fact, Law, OverLimit
from yibao.policy.terms import ItemClass

Ints = NDArray[np.int64]

_NO_CEILING = np.iinfo(np.int64).max
_MOST = 1 << 62
_PRODUCT_PER_FEN = 10**8

_COLUMNS = {
    Fact.PERSON_TYPE: "person_type",
    Fact.LEVEL: "level",
    Fact.CARE_KIND: "care_kind",
    Fact.GENDER: "gender",
    Fact.IDENTITY: "identities",
    Fact.TRAIT: "traits",
    Fact.ENROLMENT: "enrolments",
    Fact.RETIRED_ON: "retired_on",
    Fact.ENROLLED_YEARS: "enrolled_years",
    Fact.CLAIM_FREE_YEARS: "claim_free_years",
    Fact.PLACE: "place",
    Fact.FILING: "filing",
    Fact.DISEASE: "disease",
    Fact.CIRCUMSTANCE: "circumstances",
}
"""Where a block of bills has the facts that line rules may turn on."""


class SplitSums(NamedTuple):
    """The sums of bills by bucket, and the bills whose lines a law refuses."""

    sums: Mapping[str, SumColumns]
    refused: Mapping[int, str]
    """By row: the missing parameter, or the refusal's code; its sums mean nothing."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """Terms as tables: an entry a combination of the bill's case and the line's word."""

    own: NDArray[np.bool_]
    ceiling: Ints
    style: NDArray[np.int8]
    """Place in ``OverLimit``."""
    share: Ints
    """First pay, over ``denominator``."""
    denominator: int
    bucket: NDArray[np.int16]
    buckets: tuple[str, ...]
    missing: tuple[str, ...]
    """Why an entry has no terms; empty text where it has."""


_STYLES = tuple(OverLimit)
_REFUSE = _STYLES.index(OverLimit.REFUSE)


def sums_under(law: Law, bills: BillColumns) -> SplitSums:
    """Split the fee lines of a block under a law's ``[lines]`` and sum them up by bill."""
    lines = bills.lines
    assert lines is not None, "the block has its fee lines"
    cases, first_rows = _cases(law, bills)
    terms = _terms(law, bills, first_rows, lines.words)
    entry = lines.terms.astype(np.intp)
    if len(first_rows) > 1:
        entry += np.repeat(cases * len(lines.words), np.diff(lines.first))
    own, over_limit, hospital, first_pay, bad = _split(lines, terms, entry)
    refused = _refused(lines, terms, entry, bad)
    total = lines.amount
    found = {}
    for place, bucket in enumerate(terms.buckets):
        here = None if len(terms.buckets) == 1 else terms.bucket.take(entry) == place
        parts = [_of_bills(part, lines.first, here) for part in (own, over_limit, first_pay)]
        rest = _of_bills(total, lines.first, here) - parts[0] - parts[1] - parts[2]
        borne = None if hospital is None else _of_bills(hospital, lines.first, here)
        found[bucket] = SumColumns(parts[0], parts[1], parts[2], rest, borne)
    return SplitSums(found, refused)


# --------------------------------------------------------------------------------- cases and terms


def _cases(law: Law, bills: BillColumns) -> tuple[Ints, Ints]:
    """The case of each bill as far as line rules can tell, and one bill of each."""
    code = np.zeros(len(bills), np.int64)
    for column in _seen(law, bills):
        _, places = np.unique(column, return_inverse=True)
        code = code * (int(places.max(initial=0)) + 1) + places
        _, code = np.unique(code, return_inverse=True)
    _, first, cases = np.unique(code, return_index=True, return_inverse=True)
    return cases, first


def _seen(law: Law, bills: BillColumns) -> list[NDArray[Any]]:
    """The facts that line rules turn on, a column each, and the versions of the rules."""
    rules = [rule for rule in (law.lines.first_pay, law.lines.over_limit, law.lines.bucket) if rule]
    columns: list[NDArray[Any]] = []
    starts = sorted({int(f"{version.start:%Y%m%d}") for rule in rules for version in rule.versions})
    if starts:
        columns.append(np.searchsorted(np.array(starts), bills.day, side="right"))
    dimensions = {name for rule in rules for version in rule.versions for name in version.by}
    facts = {law.classes[dimension].fact for dimension in dimensions}
    for fact in sorted(facts):
        if fact is Fact.AGE:
            columns.append((bills.day - bills.birth) // 10_000)
        elif fact in _COLUMNS:
            columns += _column(bills, _COLUMNS[fact])
    return columns


def _column(bills: BillColumns, name: str) -> list[NDArray[Any]]:
    own = getattr(bills, name, None)
    found = bills.optional.get(name) if own is None else own
    if found is None:
        return []
    return [found.codes if isinstance(found, Coded) else found]


def _terms(
    law: Law,
    bills: BillColumns,
    first_rows: Ints,
    words: Sequence[tuple[RawTerms, bool | None]],
) -> _Terms:
    entries: list[tuple[ItemTerms | None, bool | None, str]] = []
    for row in first_rows.tolist():
        bill = bill_at(bills, row, law.scheme)
        for raw, approved in words:
            try:
                entries.append((terms_under(law, bill, raw), approved, ""))
            except Refused as refused:
                entries.append((None, approved, _name(refused)))
    buckets = tuple(sorted({terms.bucket for terms, _, _ in entries if terms is not None}))
    terms_or_own = [terms or ItemTerms(ItemClass.C) for terms, _, _ in entries]
    denominator = lcm(*(terms.first_pay.denominator for terms in terms_or_own))
    return _Terms(
        own=np.array(
            [_is_own(terms, a) for terms, (_, a, _) in zip(terms_or_own, entries, strict=True)],
            np.bool_,
        ),
        ceiling=np.array(
            [_NO_CEILING if t.ceiling == NO_CEILING else t.ceiling for t in terms_or_own],
            np.int64,
        ),
        style=np.array([_STYLES.index(terms.over_limit) for terms in terms_or_own], np.int8),
        share=np.array(
            [
                terms.first_pay.numerator * (denominator // terms.first_pay.denominator)
                for terms in terms_or_own
            ],
            np.int64,
        ),
        denominator=denominator,
        bucket=np.array(
            [buckets.index(t.bucket) if t.bucket in buckets else 0 for t in terms_or_own], np.int16
        ),
        buckets=buckets or ("general",),
        missing=tuple(reason for _, _, reason in entries),
    )


def _is_own(terms: ItemTerms, approved: bool | None) -> bool:
    """Whether a line is own expense whole: as the scalar split says of one fen."""
    return classify(ChargedLine(1, 0, 0, approved), terms).own == 1


def _name(refused: Refused) -> str:
    return refused.refusal.facts.get("parameter", refused.refusal.code.name)


# --------------------------------------------------------------------------------------- the split


def _split(
    lines: LineColumns, terms: _Terms, entry: NDArray[np.intp]
) -> tuple[Fens, Fens, Fens | None, Fens, Ints]:
    """Own, over limit, of it the hospital's, first pay of each line; lines no law lets be."""
    amount = lines.amount
    whole = terms.own.take(entry)
    over_limit = np.zeros(len(amount), np.int64)
    hospital: Fens | None = None
    above = np.flatnonzero((np.abs(lines.price) > terms.ceiling.take(entry)) & ~whole)
    bad = above[:0]
    if len(above):
        style = terms.style.take(entry.take(above))
        bad = above[style == _REFUSE]
        whole[above[style == _STYLES.index(OverLimit.WHOLE)]] = True
        cut = above[(style != _REFUSE) & (style != _STYLES.index(OverLimit.WHOLE))]
        over_limit[cut] = _excess(lines, terms.ceiling.take(entry.take(cut)), cut)
        borne = above[style == _STYLES.index(OverLimit.HOSPITAL)]
        if len(borne):
            hospital = np.zeros(len(amount), np.int64)
            hospital[borne] = over_limit[borne]
    own = np.where(whole, amount, 0)
    payable = amount - own - over_limit
    return own, over_limit, hospital, _share(payable, terms, entry), bad


def _excess(lines: LineColumns, ceiling: Ints, cut: Ints) -> Fens:
    """Excess price × quantity, rounded half-up, at most the amount, with the amount's sign."""
    price = np.abs(lines.price.take(cut)) - ceiling
    quantity = np.abs(lines.quantity.take(cut))
    amount = lines.amount.take(cut)
    if len(cut) and int(price.max()) * int(quantity.max()) < _MOST:
        rounded = (2 * price * quantity + _PRODUCT_PER_FEN) // (2 * _PRODUCT_PER_FEN)
    else:  # beyond any real line: exact in whole numbers of any size
        products = price.astype(object) * quantity.astype(object)
        least = np.minimum(
            (2 * products + _PRODUCT_PER_FEN) // (2 * _PRODUCT_PER_FEN),
            np.abs(amount).astype(object),
        )
        rounded = least.astype(np.int64)
    excess: Fens = np.minimum(rounded, np.abs(amount)) * np.where(amount > 0, 1, -1)
    return excess


def _share(payable: Fens, terms: _Terms, entry: NDArray[np.intp]) -> Fens:
    """First pay of what is left of each line, rounded half-up on the magnitude."""
    denominator = terms.denominator
    if not terms.share.any():
        return np.zeros(len(payable), np.int64)
    share = terms.share.take(entry)
    negative = payable < 0 if payable.min(initial=0) < 0 else None
    size = payable if negative is None else np.abs(payable)
    most = int(size.max(initial=0))
    if 2 * most * int(terms.share.max()) + denominator < _MOST:
        paid: Fens = (2 * size * share + denominator) // (2 * denominator)
    else:
        wide = (2 * size.astype(object) * share + denominator) // (2 * denominator)
        paid = wide.astype(np.int64)
    return paid if negative is None else np.where(negative, -paid, paid)


def _refused(
    lines: LineColumns, terms: _Terms, entry: NDArray[np.intp], bad: Ints
) -> dict[int, str]:
    """Bills with a line that has no terms under the law, or a price it lets nobody ask."""
    found: dict[int, str] = {}
    for line in bad.tolist():
        row = int(np.searchsorted(lines.first, line, side="right")) - 1
        found.setdefault(row, "AMOUNT_OUT_OF_RANGE")
    if any(terms.missing):
        lacking = np.array([bool(reason) for reason in terms.missing])
        for line in np.flatnonzero(lacking.take(entry)).tolist():
            row = int(np.searchsorted(lines.first, line, side="right")) - 1
            found.setdefault(row, terms.missing[int(entry[line])])
    return found


def _of_bills(part: Fens, first: Ints, here: NDArray[np.bool_] | None) -> Fens:
    """The sum of each bill's lines; nothing for a bill without lines."""
    values = part if here is None else np.where(here, part, 0)
    sums = np.zeros(len(first) - 1, np.int64)
    filled = np.flatnonzero(first[1:] > first[:-1])
    if len(filled):
        sums[filled] = np.add.reduceat(values, first[:-1].take(filled))
    return sums
