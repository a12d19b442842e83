"""What may happen to an order, and in which order. Pure.

Registered → paid → refunded in parts, or registered → withdrawn; nothing else. What is refunded
never exceeds what was paid, part by part.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from yibao.kernel.money import Fen, line_amount, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.payments.model import (
    OrderEvent,
    OrderEventKind,
    OrderLine,
    OrderState,
    RefundPart,
    Split,
    Standing,
)

LINE_TOLERANCE: Fen = 1
"""How far a line's amount may lie from price × quantity."""


def check_lines(total: Fen, lines: Sequence[OrderLine]) -> None:
    """The identities of an order: each line is price × quantity, their sum the total."""
    if not lines:
        raise Refused(RefusalCode.BATCH_EMPTY, "费用明细至少一条", "order_lines")
    for place, (amount, price, quantity) in enumerate(lines, 1):
        if amount < 0:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE, f"第{place}条明细金额不得为负", "order_lines"
            )
        if price is None or quantity is None:
            continue
        expected = line_amount(price, quantity)
        if abs(expected - amount) > LINE_TOLERANCE:
            raise Refused(
                RefusalCode.LINE_AMOUNT_DIFFERS,
                f"第{place}条明细金额 {yuan(amount)} 与单价×数量 {yuan(expected)} 不一致",
                "order_lines",
            )
    summed = sum(line.amount for line in lines)
    if summed != total:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"医疗费总额 {yuan(total)} 与明细合计 {yuan(summed)} 不一致",
            "order_total",
        )
    if total <= 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "医疗费总额须大于0", "order_total")


def paid(standing: Standing, serial: str, split: Split, now: datetime) -> Standing:
    """The order once it is paid; the split is exactly its total."""
    if standing.state is not OrderState.REGISTERED:
        raise wrong_state(standing.state, "支付")
    assert split.total == standing.total, "a split that is not the total"
    assert min(split) >= 0, "a negative part"
    return _after(standing, OrderEvent(OrderEventKind.PAID, serial, split, "", now))


def withdrawn(standing: Standing, now: datetime) -> Standing:
    """The order once it is withdrawn."""
    if standing.state is not OrderState.REGISTERED:
        raise wrong_state(standing.state, "撤销")
    return _after(standing, OrderEvent(OrderEventKind.WITHDRAWN, "", Split(), "", now))


def refunded(
    standing: Standing, serial: str, part: RefundPart, split: Split, now: datetime
) -> Standing:
    """The order once a refund is made: never more than what is left of any part."""
    if standing.state in (OrderState.REGISTERED, OrderState.WITHDRAWN, OrderState.REFUNDED):
        raise wrong_state(standing.state, "退费")
    if min(split) < 0 or split.total <= 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "退费金额须大于0", "refund_total")
    left = standing.remaining
    _check_part(part, split, left, standing.paid)
    if any(asked > held for asked, held in zip(split, left, strict=True)):
        raise Refused(
            RefusalCode.REFUND_EXCEEDS,
            f"退费超过可退金额：基金 {yuan(left.fund)}、个人账户 {yuan(left.account)}、"
            f"现金 {yuan(left.cash)}",
            "refund_total",
        )
    return _after(standing, OrderEvent(OrderEventKind.REFUNDED, serial, split, part.value, now))


def _check_part(part: RefundPart, split: Split, left: Split, original: Split) -> None:
    if part is RefundPart.ALL and split != original:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"全部退费的各项金额应与支付一致：基金 {yuan(original.fund)}、"
            f"个人账户 {yuan(original.account)}、现金 {yuan(original.cash)}",
            "refund_part",
        )
    if part is RefundPart.CASH and split.insurance:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS, "仅退现金时基金和个人账户退费金额应为0", "refund_part"
        )
    if part is RefundPart.INSURANCE and (split.cash or split != left._replace(cash=0)):
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"仅退医保时应退全部医保部分且现金为0：基金 {yuan(left.fund)}、"
            f"个人账户 {yuan(left.account)}",
            "refund_part",
        )


def wrong_state(state: OrderState, wish: str) -> Refused:
    """The order is not in a state for this."""
    return Refused(RefusalCode.ORDER_STATE, f"订单{_LABELS[state]}，不能{wish}", "payment_order")


_LABELS = {
    OrderState.REGISTERED: "尚未支付",
    OrderState.PAID: "已支付",
    OrderState.CASH_PARTLY_REFUNDED: "已部分退现金",
    OrderState.CASH_REFUNDED: "已退现金",
    OrderState.INSURANCE_REFUNDED: "已退医保部分",
    OrderState.INSURANCE_AND_CASH_PARTLY_REFUNDED: "已退医保及部分现金",
    OrderState.REFUNDED: "已全部退费",
    OrderState.WITHDRAWN: "已撤销",
}


def _after(standing: Standing, event: OrderEvent) -> Standing:
    return replace(standing, events=(*standing.events, event))
