"""Undo whatever an earlier message did, if it did anything (冲正, 2601).

A message that never came is fenced: should it come late, it is refused. What was undone already
stays undone, so a reversal may be sent twice.
"""

from datetime import timedelta

from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands import service as messages
from yibao.platform.commands.model import Message, MessageKey, Unit
from yibao.settlement.bills import service as bills
from yibao.settlement.clearing import service as clearing
from yibao.settlement.clearing.model import clearing_class
from yibao.settlement.model import Reverse
from yibao.settlement.reconciliation.service import is_reconciled
from yibao.settlement.stays import service as stays

WINDOW = timedelta(hours=24)
"""How long after the original it may be reversed: about until its day is reconciled."""

_SETTLED = {"2102": "2103", "2207": "2208", "2304": "2305"}
"""Transactions that settle, and how to cancel what they settled."""

_CANCELLED = {"2103": "2102", "2208": "2207", "2305": "2304"}
"""Transactions that cancel, and how to settle anew."""

_ADMITTED = {"2401": "2404"}

_INSTEAD = {**_SETTLED, **_CANCELLED, **_ADMITTED}
"""What to send when it is too late for a reversal."""


def original_key(request: Reverse) -> MessageKey:
    """The key of the message to be undone; a letter behind its number makes no difference."""
    return MessageKey(
        request.institution, request.original_transaction[:4], request.original_message
    )


async def reverse(
    unit: Unit, request: Reverse, original: Message | None, window: timedelta = WINDOW
) -> Refusal | None:
    """Undo one message; its visit is locked. None: it is as if it had never come."""
    key = original_key(request)
    try:
        if key.transaction not in _INSTEAD:
            raise Refused(
                RefusalCode.NOT_REVERSIBLE,
                f"{request.original_transaction} 不能冲正：可冲正的交易为 "
                f"{'、'.join(sorted(_INSTEAD))}；"
                "挂号、就诊信息和费用明细请用 2202、2205、2302 撤销，移动支付订单请用 6401、6203",
                "original_transaction",
            )
        if original is None:
            await messages.fence(unit, key, request.member, request.message_id)
            return None
        if original.subject != request.member:
            raise Refused(RefusalCode.REVERSAL_DIFFERS, "人员编号与原报文的人员不一致", "member")
        if original.outcome == "fenced" or original.reversed_by is not None:
            return None
        if original.outcome == "done":
            _check_in_time(unit, key.transaction, original, window)
            await _check_not_reconciled(unit, key.transaction, original)
            await _undo(unit, key.transaction, original, request.message_id)
    except Refused as refused:
        return refused.refusal
    await messages.mark_reversed(unit, key, request.message_id)
    return None


def _check_in_time(unit: Unit, transaction: str, original: Message, window: timedelta) -> None:
    recorded = original.recorded_at
    if recorded is not None and unit.now - recorded > window:
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"原交易 {transaction} 已超过 {int(window.total_seconds()) // 3600} 小时，不能再冲正；"
            f"请改用 {_INSTEAD[transaction]}",
            "original_message",
            instead=_INSTEAD[transaction],
        )


async def _check_not_reconciled(unit: Unit, transaction: str, original: Message) -> None:
    """A bill that both books have alike had its answer: it is cancelled, not reversed."""
    if transaction in _ADMITTED:
        return
    bill = await bills.settlement(unit.connection, _key(original.reference["settlement"]))
    assert bill is not None
    day = business_date(bill.settled_at)
    cleared = clearing_class(bill.care_kind)
    if day < unit.day:  # a review of that day's month, and this, come one after the other
        await clearing.keep_months(unit, bill.institution)
    if await is_reconciled(unit.connection, bill.institution, day, bill.scheme, cleared):
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"{day} 的账目已对平，原交易 {transaction} 不能再冲正；请改用 {_INSTEAD[transaction]}",
            "original_message",
            instead=_INSTEAD[transaction],
        )
    if await clearing.is_cleared(unit.connection, bill.institution, day, cleared):
        raise Refused(
            RefusalCode.BUREAU_ALONE,
            f"{day} 所在月份已清算，原交易 {transaction} 不能再冲正；确需更正请向经办机构申请",
            "original_message",
        )


async def _undo(unit: Unit, transaction: str, original: Message, message_id: str) -> None:
    if transaction in _ADMITTED:
        await stays.reverse_admission(unit, _key(original.reference["visit"]))
    elif transaction in _SETTLED:
        settlement = _key(original.reference["settlement"])
        await bills.reverse_settlement(unit, settlement, message_id)
    else:
        cancellation = _key(original.reference["settlement"])
        if not await _settling_is_undone(unit, transaction, cancellation):
            await bills.reverse_cancellation(unit, cancellation, message_id)


async def _settling_is_undone(unit: Unit, transaction: str, cancellation: PoolKey) -> bool:
    """Whether the message that settled was reversed too: then nothing is to stand again."""
    mirror = await bills.settlement(unit.connection, cancellation)
    assert mirror is not None
    assert mirror.mirrors is not None
    settled = await bills.settlement(unit.connection, mirror.mirrors)
    assert settled is not None
    key = MessageKey(settled.institution, _CANCELLED[transaction], settled.message_id)
    message = await messages.find_message(unit, key)
    return message is not None and message.reversed_by is not None


def _key(text: str) -> PoolKey:
    key = parse_pool_key(text)
    assert key is not None, text
    return key
