"""What a hold may become, and which parts it takes from and gives back to. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from yibao.kernel.money import Fen, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.holds.model import Hold, HoldState, Refund, Reservation, Taken
from yibao.ledger.model import Part

_ENDED = {
    HoldState.CAPTURED: "已扣款",
    HoldState.RELEASED: "已撤销",
    HoldState.EXPIRED: "已过期",
}


def check_reservation(wanted: Reservation, now: datetime) -> None:
    """Refuse a reservation that cannot be one."""
    if wanted.amount <= 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "预留金额必须大于零", "amount")
    if not wanted.id or len(wanted.id) > 100:
        raise Refused(RefusalCode.FIELD_INVALID, "预留编号须为1至100个字符", "id")
    if wanted.until is not None and wanted.until <= now:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, "预留的有效期限已过", "until")


def taken_from(wanted: Reservation, parts: Iterable[Part]) -> tuple[Taken, ...]:
    """Which parts the money is set aside of, in the order allowed. Refused when it is short."""
    available = {part.name: part.available for part in parts}
    in_order = dict.fromkeys(wanted.allowed)  # a part named twice pays once
    taken = spread(wanted.amount, [Taken(name, available.get(name, 0)) for name in in_order])
    if (short := wanted.amount - sum(amount for _, amount in taken)) > 0:
        raise Refused(
            RefusalCode.BALANCE_SHORT,
            f"个人账户可用余额不足，尚差 {yuan(short)} 元",
            "amount",
        )
    return taken


def spread(amount: Fen, over: Iterable[Taken]) -> tuple[Taken, ...]:
    """The amount over parts in their order, each up to what it has; empty shares are left out."""
    found = []
    for part, most in over:
        if share := min(amount, most):
            found.append(Taken(part, share))
            amount -= share
    return tuple(found)


def check_same(hold: Hold, wanted: Reservation) -> None:
    """Refuse a known id with another content."""
    if hold.reservation != wanted:
        raise Refused(
            RefusalCode.HOLD_DIFFERS,
            f"预留编号 {wanted.id} 已用于内容不同的预留，请使用新的编号",
            "id",
        )


def check_open(hold: Hold, now: datetime) -> None:
    """Refuse to end a hold twice, or after its time."""
    name = hold.reservation.id
    if hold.state is not HoldState.RESERVED:
        raise Refused(RefusalCode.HOLD_ENDED, f"预留 {name} {_ENDED[hold.state]}", "hold")
    if hold.reservation.until is not None and now >= hold.reservation.until:
        raise Refused(RefusalCode.HOLD_ENDED, f"预留 {name} 已过有效期限", "hold")


def check_capture(hold: Hold, amount: Fen, now: datetime) -> None:
    """Refuse to take what was not set aside, or not any more."""
    check_open(hold, now)
    if amount <= 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "扣款金额必须大于零", "amount")
    if amount > hold.reservation.amount:
        raise Refused(
            RefusalCode.HOLD_EXCEEDED,
            f"扣款金额 {yuan(amount)} 元超过预留的 {yuan(hold.reservation.amount)} 元",
            "amount",
        )


def refunded_to(hold: Hold, amount: Fen, before: Sequence[Refund]) -> tuple[Taken, ...]:
    """Which parts a refund goes back to: the last that paid first. Refused beyond the capture.

    What earlier refunds gave back is theirs; nothing goes to a part twice.
    """
    if hold.captured is None:
        raise Refused(
            RefusalCode.HOLD_ENDED, f"预留 {hold.reservation.id} 没有扣款，不能退回", "hold"
        )
    returned = sum(refund.amount for refund in before)
    if amount <= 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "退回金额必须大于零", "amount")
    if amount > hold.captured - returned:
        raise Refused(
            RefusalCode.HOLD_EXCEEDED,
            f"退回金额 {yuan(amount)} 元超过尚可退回的 {yuan(hold.captured - returned)} 元",
            "amount",
        )
    # what is left captured after the earlier refunds was paid by the parts in front
    left = spread(hold.captured - returned, hold.taken)
    return spread(amount, reversed(left))
