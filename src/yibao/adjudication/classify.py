"""One fee line under its catalogue terms: own expense, over limit, first self-pay, in scope."""

from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit
from yibao.kernel.money import (
    NO_CEILING,
    PRICE_SCALE,
    Fen,
    Price,
    Quantity,
    line_amount,
    round_half_up,
    unscaled,
)
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import OverLimit
from yibao.policy.terms import ItemClass

# Members are bound here: looking one up on its class takes longer than what is done with it.
_CLASS_C = ItemClass.C
_WHOLE, _HOSPITAL, _REFUSE = OverLimit.WHOLE, OverLimit.HOSPITAL, OverLimit.REFUSE


def classify(line: ChargedLine, terms: ItemTerms) -> LineSplit:
    """Split a line's amount as sent; the four parts sum to it exactly.

    Price ceiling first, then the first self-pay share of the rest (rounded per line), the in-scope
    part is the complement. A return (negative amount) is the exact mirror of its positive twin,
    because rounding acts on the magnitude. Refused: AMOUNT_OUT_OF_RANGE for a price above a ceiling
    that the law lets nobody exceed.
    """
    amount, approved = line.amount, line.approved
    # own expense whole: class C; refused by the hospital; limited in use (限制用药), not approved
    if (
        terms.item_class is _CLASS_C
        or approved is False
        or (terms.restricted and approved is not True)
    ):
        return LineSplit(amount, 0, 0, 0)
    ceiling = terms.ceiling
    over_limit = hospital = 0
    if ceiling != NO_CEILING and abs(line.price) > ceiling:
        if terms.over_limit is _WHOLE:
            return LineSplit(amount, 0, 0, 0)
        if terms.over_limit is _REFUSE:
            raise _above_ceiling(line, ceiling)
        over_limit = _over_limit(amount, abs(line.price) - ceiling, abs(line.quantity))
        hospital = over_limit if terms.over_limit is _HOSPITAL else 0
    payable = amount - over_limit
    numerator, denominator = terms.first_pay
    first_pay = round_half_up(payable * numerator, denominator) if numerator else 0
    return LineSplit(0, over_limit, first_pay, payable - first_pay, hospital)


def _over_limit(amount: Fen, excess_price: Price, quantity: Quantity) -> Fen:
    """Excess price × quantity, never more than the amount, with the amount's sign."""
    excess = min(abs(amount), line_amount(excess_price, quantity))
    return excess if amount > 0 else -excess


def _above_ceiling(line: ChargedLine, ceiling: Price) -> Refused:
    price, limit = (unscaled(value, PRICE_SCALE) for value in (line.price, ceiling))
    return Refused(
        RefusalCode.AMOUNT_OUT_OF_RANGE,
        f"单价 {price} 元超过限价 {limit} 元，不能上传",
        field="price",
        ceiling=limit,
    )
