"""One fee line under its catalogue terms: own expense, over limit, first self-pay, in scope."""

from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit
from yibao.kernel.money import (
    FEN_SCALE,
    NO_CEILING,
    PRICE_SCALE,
    QUANTITY_SCALE,
    Fen,
    round_half_up,
    share,
)
from yibao.policy.terms import ItemClass

_PRODUCT_PER_FEN = 10 ** (PRICE_SCALE + QUANTITY_SCALE - FEN_SCALE)


def classify(line: ChargedLine, terms: ItemTerms) -> LineSplit:
    """Split a line's amount as sent; the four parts sum to it exactly.

    Price ceiling first, then the first self-pay share of the rest (rounded per line), the in-scope
    part is the complement. A return (negative amount) is the exact mirror of its positive twin.
    """
    amount = line.amount
    if amount < 0:
        own, over, first, scope = _parts(-amount, abs(line.price), abs(line.quantity), line, terms)
        return LineSplit(-own, -over, -first, -scope)
    return LineSplit(*_parts(amount, line.price, line.quantity, line, terms))


def _parts(
    amount: Fen, price: int, quantity: int, line: ChargedLine, terms: ItemTerms
) -> tuple[Fen, Fen, Fen, Fen]:
    if _is_own_expense(line, terms):
        return amount, 0, 0, 0
    over_limit = 0
    if price > terms.ceiling and terms.ceiling != NO_CEILING:
        excess = round_half_up((price - terms.ceiling) * quantity, _PRODUCT_PER_FEN)
        over_limit = min(amount, excess)
    payable = amount - over_limit
    first_pay = share(payable, terms.first_pay) if terms.first_pay.numerator else 0
    return 0, over_limit, first_pay, payable - first_pay


def _is_own_expense(line: ChargedLine, terms: ItemTerms) -> bool:
    """Class C; refused by the hospital; or limited in use and not approved (限制用药)."""
    return (
        terms.item_class is ItemClass.C
        or line.approved is False
        or (terms.restricted and line.approved is not True)
    )
