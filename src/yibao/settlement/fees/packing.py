"""The fee lines of one upload as two JSON texts: what was sent, and what classification made of it.

Twenty lines of a bill say the same in most of their columns. Such a column is kept once, another as
a list with a place for each line, and one that no line fills not at all::

    {"same": {"approval": "1"}, "each": {"serial": ["1", "2"]},
     "details": {"same": {"bilg_dept_codg": "A03"}, "each": {}}}

What was sent never changes; the split does, until the lines are settled, so it lies apart. It
leaves out what is in scope, which is the rest of the amount, and what stands on most bills. That
this form costs least of those tried is in decision 0023; SQL reads it as
``settlement.visible_line``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from yibao.adjudication.model import ItemTerms
from yibao.kernel.frozen import astuple
from yibao.kernel.money import Fen, Rate
from yibao.policy.model import GENERAL_BUCKET, OverLimit
from yibao.policy.terms import ItemClass
from yibao.registry.catalogue.model import Catalogue
from yibao.settlement.fees.model import OTHER_CHARGES, Classified
from yibao.settlement.model import FeeLine, LineFacts

Columns = dict[str, list[Any]]
"""A value for each line of an upload, by column."""

_SENT = {
    "serial": "serial",
    "item": "item",
    "institution_item": "institution_item",
    "amount": "amount",
    "price": "price",
    "quantity": "quantity",
    "charged_at": "time",
    "approval": "approval",
    "returns": "returns",
}
"""The columns of what was sent, with the field of a line that each holds."""
_SPLIT = (
    "item_class",
    "first_pay_rate",
    "first_pay_of",
    "ceiling",
    "restricted",
    "bucket",
    "over_limit_way",
    "approved",
    "own",
    "over_limit",
    "first_pay",
    "hospital",
)
_USUAL: Mapping[str, Any] = {
    "first_pay_of": 10_000,
    "bucket": GENERAL_BUCKET,
    "over_limit_way": OverLimit.OWN.value,
    "restricted": False,
    "own": 0,
    "over_limit": 0,
    "first_pay": 0,
    "hospital": 0,
}
"""What a column of the split says on every line where it is left out."""
WITHDRAWN_AT = "withdrawn_at"
"""When a line was withdrawn alone; it is no longer in its batch's sums."""
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()


# ------------------------------------------------------------------------------------------ packing


def packed_sent(lines: Sequence[Classified]) -> str:
    """What a hospital sent, amounts in fen, prices in 1/1,000,000 yuan, quantities in 1/10,000."""
    sent = [one.facts.line for one in lines]
    fields = dict(
        zip(FeeLine.__struct_fields__, zip(*map(astuple, sent), strict=True), strict=True)
    )
    folded = _folded((name, fields[field]) for name, field in _SENT.items())
    folded["details"] = _folded_details(fields["details"])
    return _ENCODER.encode(folded).decode()


def packed_split(lines: Sequence[Classified]) -> str:
    """What classification made of lines, amounts in fen."""
    rows = [split_of(line) for line in lines]
    return _packed_split(zip(_SPLIT, zip(*rows, strict=True), strict=True))


def repacked_split(columns: Columns) -> str:
    """The columns of a split that has changed."""
    return _packed_split(columns.items())


def _packed_split(columns: Iterable[tuple[str, Sequence[Any]]]) -> str:
    folded = _folded(columns)
    same = folded["same"]
    for name, value in _USUAL.items():
        if name in same and same[name] == value:
            del same[name]
    return _ENCODER.encode(folded).decode()


def split_of(line: Classified) -> tuple[Any, ...]:
    """The columns of one line's split, in their order; an enumeration's members are texts."""
    facts, terms = line.facts, line.terms
    own, over_limit, first_pay = facts.own, facts.over_limit, facts.first_pay
    assert facts.in_scope == _in_scope(facts.line, own, over_limit, first_pay), facts.line.serial
    assert abs(facts.hospital) <= abs(over_limit), facts.line.serial
    return (
        terms.item_class,
        terms.first_pay.numerator,
        terms.first_pay.denominator,
        terms.ceiling,
        terms.restricted,
        terms.bucket,
        terms.over_limit,
        line.approved,
        own,
        over_limit,
        first_pay,
        facts.hospital,
    )


def _in_scope(line: FeeLine, own: Fen, over_limit: Fen, first_pay: Fen) -> Fen:
    """What the split leaves out, because it is the rest."""
    return line.amount - own - over_limit - first_pay


def put_split(columns: Columns, place: int, line: Classified) -> None:
    """Give one line of an upload another split."""
    for name, value in zip(_SPLIT, split_of(line), strict=True):
        columns[name][place] = value


def _folded(columns: Iterable[tuple[str, Sequence[Any]]]) -> dict[str, Any]:
    same: dict[str, Any] = {}
    each: dict[str, Sequence[Any]] = {}
    for name, values in columns:
        first = values[0]
        if values[-1] != first or values.count(first) < len(values):
            each[name] = values
        elif first is not None:
            same[name] = first
    return {"same": same, "each": each}


def _folded_details(details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(chain.from_iterable(details))
    return _folded((name, [one.get(name) for one in details]) for name in names)


# ---------------------------------------------------------------------------------------- unpacking


def sent_columns(text: str, count: int) -> Columns:
    """The columns of what was sent, its details apart; none is left out."""
    return _columns(_DECODER.decode(text), count, _SENT)


def split_columns(text: str, count: int) -> Columns:
    """The columns of a split; none is left out."""
    folded = _DECODER.decode(text)
    same = {**_USUAL, **folded["same"]}
    return _columns({**folded, "same": same}, count, (*_SPLIT, WITHDRAWN_AT))


def charged_at(columns: Columns, place: int) -> datetime:
    """When a line was charged."""
    return _instant(columns["charged_at"][place])


def classified_lines(
    label: str,
    sent: str,
    split: str,
    count: int,
    places: Iterable[int],
    catalogue: Catalogue,
) -> list[Classified]:
    """The lines of an upload at some of its places; ``label`` is their batch's."""
    folded = _DECODER.decode(sent)
    columns = _columns(folded, count, _SENT)
    parts = split_columns(split, count)
    same, each = folded["details"]["same"], folded["details"]["each"]
    lines = []
    for place in places:
        own = {name: values[place] for name, values in each.items() if values[place] is not None}
        line = FeeLine(
            columns["serial"][place],
            label,
            columns["item"][place],
            columns["institution_item"][place],
            columns["amount"][place],
            columns["price"][place],
            columns["quantity"][place],
            charged_at(columns, place),
            columns["approval"][place],
            {**same, **own},
            columns["returns"][place],
        )
        lines.append(_classified(line, {name: parts[name][place] for name in _SPLIT}, catalogue))
    return lines


def _classified(line: FeeLine, split: Mapping[str, Any], catalogue: Catalogue) -> Classified:
    item = catalogue.items.get(line.item)
    terms = ItemTerms(
        ItemClass(split["item_class"]),
        Rate(split["first_pay_rate"], split["first_pay_of"]),
        split["ceiling"],
        split["restricted"],
        split["bucket"],
        OverLimit(split["over_limit_way"]),
    )
    facts = LineFacts(
        line,
        item.name if item else line.item,
        item.charge_type if item else OTHER_CHARGES,
        terms.item_class,
        terms.first_pay,
        terms.ceiling,
        terms.restricted,
        split["own"],
        split["over_limit"],
        split["first_pay"],
        _in_scope(line, split["own"], split["over_limit"], split["first_pay"]),
        split["hospital"],
    )
    return Classified(facts, terms, split["approved"])


def _columns(folded: Mapping[str, Any], count: int, names: Iterable[str]) -> Columns:
    same, each = folded["same"], folded["each"]
    return {name: each.get(name) or [same.get(name)] * count for name in names}


@lru_cache(maxsize=512)  # the lines of a bill repeat their times
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
