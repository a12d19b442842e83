"""What may happen to a prescription, when, and by whose hand. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from yibao.kernel.money import QUANTITY_SCALE, Quantity, unscaled
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.prescriptions.model import Drug, Event, EventKind, Prescription, State

CLOCK_TOLERANCE = timedelta(days=1)
"""How far in the future a prescription may be written: hospitals' clocks."""

S, E = State, EventKind

MOVES = MappingProxyType(
    {
        (S.CHECKED, E.SIGNED): S.SIGNED,
        (S.SIGNED, E.SIGNED): S.SIGNED,
        (S.SIGNED, E.UPLOADED): S.UPLOADED,
        (S.UPLOADED, E.REVIEW_PASSED): S.VALID,
        (S.UPLOADED, E.REVIEW_FAILED): S.REJECTED,
        (S.VALID, E.REVIEW_PASSED): S.VALID,
        (S.VALID, E.REVIEW_FAILED): S.REJECTED,
        (S.VALID, E.TAKEN): S.LOCKED,
        (S.LOCKED, E.PHARMACY_PASSED): S.LOCKED,
        (S.LOCKED, E.PHARMACY_FAILED): S.VALID,
        (S.LOCKED, E.PARTLY_DISPENSED): S.DISPENSING,
        (S.LOCKED, E.DISPENSED): S.DISPENSED,
        (S.DISPENSING, E.PHARMACY_PASSED): S.DISPENSING,
        (S.DISPENSING, E.PARTLY_DISPENSED): S.DISPENSING,
        (S.DISPENSING, E.DISPENSED): S.DISPENSED,
    }
    | {(state, E.WITHDRAWN): S.WITHDRAWN for state in (S.CHECKED, S.SIGNED, S.UPLOADED, S.VALID)}
    | {
        (state, note): state
        for note in (E.BILLED, E.PAID, E.DELIVERED)
        for state in (S.VALID, S.LOCKED, S.DISPENSING, S.DISPENSED)
    }
)
"""The state that an event leads to; what is not here may not happen."""

ENDED = frozenset({S.DISPENSED, S.REJECTED, S.WITHDRAWN, S.EXPIRED})
"""States that nothing but a note follows."""

PRESCRIBERS = frozenset(
    {E.SIGNED, E.UPLOADED, E.REVIEW_PASSED, E.REVIEW_FAILED, E.WITHDRAWN, E.PAID}
)
HOLDERS = frozenset({E.PHARMACY_PASSED, E.PHARMACY_FAILED, E.DELIVERED})
"""Events that are the prescribing hospital's, or the taking pharmacy's, to tell. A bill is told by
either."""


def state(prescription: Prescription, now: datetime) -> State:
    """Where a prescription is in its life at ``now``."""
    current = S.CHECKED
    for event in prescription.events:
        current = MOVES[current, event.kind]
    return S.EXPIRED if current not in ENDED and now > prescription.valid_until else current


def holder(prescription: Prescription) -> str | None:
    """The pharmacy that has taken a prescription."""
    taken: str | None = None
    for event in prescription.events:
        if event.kind is E.TAKEN:
            taken = event.institution
        elif event.kind is E.PHARMACY_FAILED:
            taken = None
    return taken


def remaining(prescription: Prescription) -> dict[str, Quantity]:
    """What is still to be handed out, by drug; a drug listed twice counts once, with its sum."""
    left = Counter[str]()
    for drug in prescription.drugs:
        left[drug.item] += drug.quantity
    for event in prescription.events:
        for drug in event.drugs:
            left[drug.item] -= drug.quantity
    return dict(left)


def check_move(prescription: Prescription, kind: EventKind, now: datetime) -> None:
    """Refused when an event may not happen to a prescription now."""
    current = state(prescription, now)
    if (current, kind) in MOVES:
        return
    if current is S.EXPIRED:
        raise Refused(
            RefusalCode.PRESCRIPTION_EXPIRED,
            f"处方已于 {local_time(prescription.valid_until)} 失效，不能{_WISHES[kind]}",
            "prescription",
        )
    raise Refused(
        RefusalCode.PRESCRIPTION_STATE,
        f"处方{_STATES[current]}，不能{_WISHES[kind]}",
        "prescription",
    )


def check_teller(prescription: Prescription, kind: EventKind, institution: str) -> None:
    """Refused when an event is not this institution's to tell.

    A prescription that is nothing to an institution is answered as unknown.
    """
    prescribed = institution == prescription.institution
    held = institution == holder(prescription)
    if kind in PRESCRIBERS:
        allowed = prescribed
    elif kind in HOLDERS:
        allowed = held
    else:
        allowed = prescribed or held
    if allowed:
        return
    if kind in PRESCRIBERS or not prescribed:
        raise unknown(prescription.key.text())
    raise Refused(RefusalCode.PRESCRIPTION_HELD, "处方未由本机构下载，不能办理", "prescription")


def check_content(
    prescribed_at: datetime, valid_until: datetime, drugs: Sequence[Drug], now: datetime
) -> None:
    """What holds of every new prescription."""
    if prescribed_at > now + CLOCK_TOLERANCE:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"开方时间 {local_time(prescribed_at)} 晚于当前时间",
            "prescribed_at",
        )
    if valid_until <= max(prescribed_at, now):
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"有效截止时间 {local_time(valid_until)} 应晚于开方时间和当前时间",
            "valid_until",
        )
    if not drugs:
        raise Refused(RefusalCode.BATCH_EMPTY, "处方药品至少一条", "prescribed_drugs")
    for drug in drugs:
        if drug.quantity <= 0:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE,
                f"药品 {drug.item} 数量须大于0",
                "prescribed_drugs",
            )


def check_taker(prescription: Prescription, institution: str) -> None:
    """Refused unless a pharmacy may take a prescription: its addressee, or any when it is open."""
    if prescription.addressee not in (None, institution):
        raise unknown(prescription.key.text())
    taken = holder(prescription)
    if taken not in (None, institution):
        raise Refused(
            RefusalCode.PRESCRIPTION_HELD, "处方已由其他机构下载，不能重复下载", "prescription"
        )


def dispensed(
    prescription: Prescription, institution: str, drugs: tuple[Drug, ...], now: datetime
) -> Event:
    """The event of handing drugs out: only prescribed ones, only as much as is left."""
    if holder(prescription) != institution:
        raise Refused(RefusalCode.PRESCRIPTION_HELD, "处方未由本机构下载，不能核销", "prescription")
    check_move(prescription, E.PARTLY_DISPENSED, now)
    left = Counter(remaining(prescription))
    if not drugs:
        raise Refused(RefusalCode.BATCH_EMPTY, "售药明细至少一条", "dispensed_drugs")
    for drug in drugs:
        if drug.quantity <= 0:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE,
                f"药品 {drug.item} 销售数量须大于0",
                "dispensed_drugs",
            )
        if drug.item not in left:
            raise Refused(
                RefusalCode.PRESCRIPTION_EXCEEDED, f"药品 {drug.item} 不在处方内", "dispensed_drugs"
            )
        left[drug.item] -= drug.quantity
        if left[drug.item] < 0:
            rest = left[drug.item] + drug.quantity
            raise Refused(
                RefusalCode.PRESCRIPTION_EXCEEDED,
                f"药品 {drug.item} 销售数量 {unscaled(drug.quantity, QUANTITY_SCALE)} "
                f"超过处方剩余数量 {unscaled(rest, QUANTITY_SCALE)}",
                "dispensed_drugs",
            )
    kind = E.PARTLY_DISPENSED if any(left.values()) else E.DISPENSED
    return Event(kind, institution, now, drugs)


def unknown(text: str) -> Refused:
    """A prescription that is not there, or that is nothing to the institution."""
    return Refused(
        RefusalCode.PRESCRIPTION_UNKNOWN, f"医保处方 {text} 不存在或不属于本机构", "prescription"
    )


_STATES = {
    S.CHECKED: "尚未签名",
    S.SIGNED: "尚未上传",
    S.UPLOADED: "尚未审方",
    S.VALID: "尚未被药店下载",
    S.LOCKED: "已被药店下载",
    S.DISPENSING: "已部分取药",
    S.DISPENSED: "已取药",
    S.REJECTED: "审方未通过",
    S.WITHDRAWN: "已撤销",
    S.EXPIRED: "已失效",
}
_WISHES = {
    E.SIGNED: "签名",
    E.UPLOADED: "上传",
    E.REVIEW_PASSED: "审方",
    E.REVIEW_FAILED: "审方",
    E.TAKEN: "下载",
    E.PHARMACY_PASSED: "药店审方",
    E.PHARMACY_FAILED: "药店审方",
    E.PARTLY_DISPENSED: "核销",
    E.DISPENSED: "核销",
    E.WITHDRAWN: "撤销",
    E.BILLED: "上传结算信息",
    E.PAID: "上传支付状态",
    E.DELIVERED: "上传配送信息",
}
