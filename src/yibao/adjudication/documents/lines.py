"""The amounts of a bill document: fee lines one by one, or the sums by bucket."""

from collections.abc import Mapping
from typing import NamedTuple

from yibao.adjudication.classify import classify
from yibao.adjudication.documents.values import (
    fault,
    fen,
    fen_of,
    flag,
    scaled_of,
    tables_of,
    word,
)
from yibao.adjudication.lines import RawTerms, terms_under
from yibao.adjudication.model import Bill, ChargedLine, ItemTerms, LineSplit, Sums
from yibao.kernel.frozen import astuple
from yibao.kernel.money import (
    NO_CEILING,
    PRICE_SCALE,
    QUANTITY_SCALE,
    Fen,
    Price,
    Quantity,
    Rate,
    line_amount,
    rate_from_text,
    round_half_up,
    yuan,
)
from yibao.policy.document import Node
from yibao.policy.model import GENERAL_BUCKET, Law, OverLimit
from yibao.policy.table import Table, choice_of, proposal
from yibao.policy.terms import ItemClass

PARTS = ("own", "over_limit", "first_pay", "in_scope")
"""The parts of a bill; their sum is its total."""

CLASSES = {"A": ItemClass.A, "B": ItemClass.B, "C": ItemClass.C}


class DocumentLine(NamedTuple):
    """One fee line of a document."""

    name: str | None
    charged: ChargedLine
    terms: RawTerms
    """What it says of its item; the rest is left to the law's ``[lines]``."""


class SplitLine(NamedTuple):
    """A fee line and what became of it."""

    line: DocumentLine
    terms: ItemTerms
    """The item's terms, completed by the law's ``[lines]``."""
    split: LineSplit


def split_line(law: Law, bill: Bill, line: DocumentLine) -> SplitLine:
    """A line of a bill whose facts are known. Refused: what the law's ``[lines]`` refuse."""
    terms = terms_under(law, bill, line.terms)
    return SplitLine(line, terms, classify(line.charged, terms))


def sums_of_lines(lines: list[SplitLine]) -> dict[str, Sums]:
    """The five sums by bucket."""
    sums: dict[str, Sums] = {}
    for line in lines:
        part = Sums(line.line.charged.amount, *astuple(line.split))
        bucket = line.terms.bucket
        sums[bucket] = sums.get(bucket, Sums()) + part
    return sums


def read_sums(table: Table) -> Mapping[str, Sums]:
    """``[sums]``: the general bucket's parts, and further buckets as tables within."""
    sums = {}
    for name in table.names():
        node = table.must(name) if name not in (*PARTS, "hospital", "total") else None
        if node is not None and node.is_table:
            sums[name] = _bucket(Table(node))
        elif node is not None:
            near = proposal(name, [*PARTS, "hospital", "total"])
            raise fault(node, f"unknown key{near}; a further bucket of lines is a table")
    general = _parts(table)
    if general.total or not sums:
        sums = {GENERAL_BUCKET: general, **sums}
    _check_total(table, sum(part.total for part in sums.values()))
    return sums


def read_lines(node: Node) -> list[DocumentLine]:
    """``[[lines]]``."""
    lines = [_line(table) for table in tables_of(node)]
    if not lines:
        raise fault(node, "has no line")
    return lines


def _bucket(table: Table) -> Sums:
    sums = _parts(table)
    _check_total(table, sums.total)
    table.done()
    return sums


def _parts(table: Table) -> Sums:
    own, over_limit, first_pay, in_scope = (fen(table, part) for part in PARTS)
    hospital = fen(table, "hospital")
    if hospital > over_limit:
        raise fault(table.must("hospital"), "is a part of over_limit and cannot be more")
    total = own + over_limit + first_pay + in_scope
    return Sums(total, own, over_limit, first_pay, in_scope, hospital)


def _check_total(table: Table, total: Fen) -> None:
    node = table.node_of("total")
    if node is not None and fen_of(node) != total:
        said = fen_of(node)
        raise fault(
            node,
            f"is {yuan(said)}, but {' + '.join(PARTS)} is {yuan(total)}"
            f" ({yuan(said - total)} is missing in the parts)",
        )


def _line(table: Table) -> DocumentLine:
    charged = _charged(table)
    item_class = table.must("class")
    if str(item_class.value) not in CLASSES:
        near = proposal(str(item_class.value), list(CLASSES))
        raise fault(item_class, f"unknown class{near}; known: A, B, C")
    over_limit = table.node_of("over_limit")
    line = DocumentLine(
        word(table, "name"),
        charged,
        RawTerms(
            item_class=CLASSES[str(item_class.value)],
            kind=word(table, "kind"),
            first_pay=_ratio(table),
            ceiling=_ceiling(table),
            restricted=flag(table, "restricted", default=False),
            bucket=word(table, "bucket"),
            over_limit=None if over_limit is None else choice_of(over_limit, OverLimit),
        ),
    )
    table.done()
    return line


def _charged(table: Table) -> ChargedLine:
    """Amount, price and count; one of amount and price may be left out."""
    amount_node, price_node = table.node_of("amount"), table.node_of("price")
    count_node, approved = table.node_of("count"), table.node_of("approved")
    count = 10**QUANTITY_SCALE if count_node is None else scaled_of(count_node, QUANTITY_SCALE)
    if count_node is not None and count == 0:
        raise fault(count_node, "must not be 0")
    if price_node is not None:
        price = _price(price_node)
        amount = line_amount(price, count) if amount_node is None else fen_of(amount_node)
        _check_amount(amount_node, amount, price, count)
    else:
        amount = fen_of(table.must("amount"))
        price = round_half_up(abs(amount) * 10**8, abs(count))
    if approved is not None and not isinstance(approved.value, bool):
        raise fault(approved, "must be true or false, or left out where no approval is needed")
    return ChargedLine(amount, price, count, None if approved is None else approved.value)


def _check_amount(node: Node | None, amount: Fen, price: Price, count: Quantity) -> None:
    if node is not None and abs(amount - line_amount(price, count)) > 1:
        raise fault(
            node,
            f"is {yuan(amount)}, but price × count is {yuan(line_amount(price, count))}"
            ": more than a fen apart",
        )


def _ceiling(table: Table) -> Price:
    node = table.node_of("ceiling")
    return NO_CEILING if node is None else _price(node)


def _price(node: Node) -> Price:
    price = scaled_of(node, PRICE_SCALE)
    if price < 0:
        raise fault(node, "a price is not negative: of a return, the amount and the count are")
    return price


def _ratio(table: Table) -> Rate | None:
    node = table.node_of("first_pay")
    if node is None:
        return None
    try:
        rate = rate_from_text(node.value)
    except (ArithmeticError, TypeError, ValueError):
        raise fault(node, f"is a share of the line in 0..1, not {node.value!r}") from None
    if rate.denominator <= 0 or not 0 <= rate.numerator <= rate.denominator:
        raise fault(node, f"is a share of the line in 0..1, not {node.value}")
    return rate
