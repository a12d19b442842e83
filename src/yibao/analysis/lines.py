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
from yibao.kernel.money import NO_CEILING, ZERO_RATE
from yibao.kernel.refusals import Refused
from yibao.policy.model import GENERAL_BUCKET, Fact, Law, OverLimit
from yibao.policy.terms import ItemClass

Ints = NDArray[np.int64]

_NO_CEILING = np.iinfo(np.int64).max
_MOST = 1 << 62
_BILLS_AT_ONCE = 2_000
"""So few that their lines stay in the processor's cache from step to step."""
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
_REFUSE, _WHOLE, _HOSPITAL = map(
    _STYLES.index, (OverLimit.REFUSE, OverLimit.WHOLE, OverLimit.HOSPITAL)
)


def sums_under(law: Law, bills: BillColumns) -> SplitSums:
    """Split the fee lines of a block under a law's ``[lines]`` and sum them up by bill."""
    lines = bills.lines
    assert lines is not None, "the block has its fee lines"
    cases, first_rows = _cases(law, bills)
    terms = _terms(law, bills, first_rows, lines.words)
    places = range(len(terms.buckets))
    sums = [SumColumns(*(np.zeros(len(bills), np.int64) for _ in range(5))) for _ in places]
    refused: dict[int, str] = {}
    for start in range(0, len(bills), _BILLS_AT_ONCE):
        stop = min(start + _BILLS_AT_ONCE, len(bills))
        part = _lines_of(lines, start, stop)
        entry = part.terms.astype(np.intp)
        if len(first_rows) > 1:
            entry += np.repeat(cases[start:stop] * len(lines.words), np.diff(part.first))
        split = _split(part, terms, entry)
        refused |= {
            start + row: why for row, why in _refused(part, terms, entry, split.bad).items()
        }
        for place in places:
            here = None if len(places) == 1 else terms.bucket.take(entry) == place
            _put(sums[place], slice(start, stop), part, split, here)
    return SplitSums(dict(zip(terms.buckets, sums, strict=True)), refused)


def _lines_of(lines: LineColumns, start: int, stop: int) -> LineColumns:
    """The lines of some bills, in numbers wide enough to multiply."""
    first = lines.first[start : stop + 1]
    here = slice(int(first[0]), int(first[-1]))
    return LineColumns(
        first - first[0],
        lines.amount[here].astype(np.int64, copy=False),
        lines.price[here].astype(np.int64, copy=False),
        lines.quantity[here],
        lines.terms[here],
        lines.words,
    )


def _put(
    sums: SumColumns,
    rows: slice,
    lines: LineColumns,
    split: "_Split",
    here: NDArray[np.bool_] | None,
) -> None:
    """Write the sums of some bills' lines; of one bucket, where ``here`` says which."""
    own = _of_bills(split.own, lines.first, here)
    over_limit = _of_bills(split.over_limit, lines.first, here)
    first_pay = _of_bills(split.first_pay, lines.first, here)
    total = _of_bills(lines.amount, lines.first, here)
    sums.own[rows], sums.over_limit[rows], sums.first_pay[rows] = own, over_limit, first_pay
    sums.in_scope[rows] = total - own - over_limit - first_pay
    if sums.hospital is not None:
        sums.hospital[rows] = _of_bills(split.hospital, lines.first, here)


# --------------------------------------------------------------------------------- cases and terms


def _cases(law: Law, bills: BillColumns) -> tuple[Ints, Ints]:
    """The case of each bill as far as line rules can tell, and one bill of each."""
    code = np.zeros(len(bills), np.int64)
    columns = [column for column in _seen(law, bills) if column.min() != column.max()]
    if not columns:
        return code, code[:1]
    for column in columns:
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
    usable = [terms or ItemTerms(ItemClass.C) for terms, _, _ in entries]
    own = [_is_own(terms, a) for terms, (_, a, _) in zip(usable, entries, strict=True)]
    shares = [
        ZERO_RATE if whole else terms.first_pay for terms, whole in zip(usable, own, strict=True)
    ]
    denominator = lcm(*(share.denominator for share in shares))
    ceilings = [
        _NO_CEILING if whole or terms.ceiling == NO_CEILING else terms.ceiling
        for terms, whole in zip(usable, own, strict=True)
    ]
    return _Terms(
        own=np.array(own, np.bool_),
        ceiling=np.array(ceilings, np.int64),
        style=np.array([_STYLES.index(terms.over_limit) for terms in usable], np.int8),
        share=np.array(
            [share.numerator * (denominator // share.denominator) for share in shares], np.int64
        ),
        denominator=denominator,
        bucket=np.array(
            [buckets.index(t.bucket) if t.bucket in buckets else 0 for t in usable], np.int16
        ),
        buckets=buckets or (GENERAL_BUCKET,),
        missing=tuple(reason for _, _, reason in entries),
    )


def _is_own(terms: ItemTerms, approved: bool | None) -> bool:
    """Whether a line is own expense whole: as the scalar split says of one fen."""
    return classify(ChargedLine(1, 0, 0, approved), terms).own == 1


def _name(refused: Refused) -> str:
    return refused.refusal.facts.get("parameter", refused.refusal.code.name)


# --------------------------------------------------------------------------------------- the split


class _Split(NamedTuple):
    """The parts of each line; what is left is in scope."""

    own: Fens
    over_limit: Fens | None
    """None where no line is above its ceiling."""
    hospital: Fens | None
    """Of over limit; None where it bears nothing."""
    first_pay: Fens
    bad: Ints
    """Lines at a price that the law lets nobody ask."""


def _split(lines: LineColumns, terms: _Terms, entry: NDArray[np.intp]) -> _Split:
    amount = lines.amount
    # lines that are own expense whole have no ceiling and no share in the tables
    own = amount * terms.own.take(entry)
    above = np.flatnonzero(np.abs(lines.price) > terms.ceiling.take(entry))
    if not len(above):
        return _Split(own, None, None, _share(amount, terms, entry), above)
    style = terms.style.take(entry.take(above))
    whole = above[style == _WHOLE]
    cut = above[(style != _REFUSE) & (style != _WHOLE)]
    over_limit = np.zeros(len(amount), np.int64)
    over_limit[cut] = _excess(lines, terms.ceiling.take(entry.take(cut)), cut)
    hospital: Fens | None = None
    borne = above[style == _HOSPITAL]
    if len(borne):
        hospital = np.zeros(len(amount), np.int64)
        hospital[borne] = over_limit[borne]
    first_pay = _share(amount - over_limit, terms, entry)
    own[whole] = amount[whole]
    first_pay[whole] = 0
    return _Split(own, over_limit, hospital, first_pay, above[style == _REFUSE])


def _excess(lines: LineColumns, ceiling: Ints, cut: Ints) -> Fens:
    """Excess price × quantity, rounded half-up, at most the amount, with the amount's sign."""
    price = np.abs(lines.price.take(cut)) - ceiling
    quantity = np.abs(lines.quantity.take(cut)).astype(np.int64, copy=False)
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


def _of_bills(part: Fens | None, first: Ints, here: NDArray[np.bool_] | None) -> Fens:
    """The sum of each bill's lines; nothing for a bill without lines."""
    sums = np.zeros(len(first) - 1, np.int64)
    filled = np.flatnonzero(first[1:] > first[:-1])
    if part is not None and len(filled):
        values = part if here is None else part * here
        sums[filled] = np.add.reduceat(values, first[:-1].take(filled))
    return sums
