"""A partial return (部分退费) of a fee line: what remains is split anew, the difference goes back.

(Split of what remains) − (split before), at the original's price, class and fee date: box by box
every part ends at exactly zero, whatever was rounded on the way.
"""

from typing import NamedTuple

from yibao.adjudication.classify import classify
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit
from yibao.kernel.money import QUANTITY_SCALE, Fen, Quantity, round_half_up, unscaled, yuan
from yibao.kernel.refusals import RefusalCode, Refused


class Returned(NamedTuple):
    """What has gone back of a line so far; both positive."""

    amount: Fen = 0
    quantity: Quantity = 0


class Return(NamedTuple):
    """One return: the line to book, and its split; amount, quantity and parts are negative."""

    line: ChargedLine
    split: LineSplit


def partial_return(
    line: ChargedLine,
    terms: ItemTerms,
    before: Returned,
    quantity: Quantity,
    amount: Fen | None = None,
) -> Return:
    """Give back ``quantity`` of a line, at the amount sent or in proportion to what remains.

    ``terms`` are the original line's. Refused: AMOUNT_OUT_OF_RANGE beyond the quantity or amount
    that remains, or for a quantity that is not positive; LINE_AMOUNT_DIFFERS when all of the
    quantity goes back but not all of the amount.
    """
    remaining = _remaining(line, before)
    if not 0 < quantity <= remaining.quantity:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"退费数量 {_count(quantity)} 须大于 0 且不超过未退数量 {_count(remaining.quantity)}",
            field="quantity",
        )
    left = remaining.quantity - quantity
    if amount is None:
        kept = round_half_up(line.amount * left, line.quantity)
        amount = max(0, remaining.amount - kept)
    _check_amount(amount, remaining.amount, all_of_it=left == 0)
    after = line_of(line, remaining.amount - amount, left)
    was = classify(line_of(line, *remaining), terms)
    now = classify(after, terms)
    back = ChargedLine(-amount, line.price, -quantity, line.approved)
    return Return(back, now - was)


def line_of(line: ChargedLine, amount: Fen, quantity: Quantity) -> ChargedLine:
    """A line of the same item and price with another amount and quantity."""
    return ChargedLine(amount, line.price, quantity, line.approved)


def _remaining(line: ChargedLine, before: Returned) -> Returned:
    return Returned(line.amount - before.amount, line.quantity - before.quantity)


def _check_amount(amount: Fen, remaining: Fen, *, all_of_it: bool) -> None:
    if not 0 <= amount <= remaining:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"退费金额 {yuan(amount)} 元超出未退金额 {yuan(remaining)} 元",
            field="amount",
        )
    if all_of_it and amount != remaining:
        raise Refused(
            RefusalCode.LINE_AMOUNT_DIFFERS,
            f"数量已全部退完，金额须为未退的 {yuan(remaining)} 元，而不是 {yuan(amount)} 元",
            field="amount",
            remaining=yuan(remaining),
        )


def _count(quantity: Quantity) -> str:
    return unscaled(quantity, QUANTITY_SCALE).rstrip("0").rstrip(".")
