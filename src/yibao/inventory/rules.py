"""When a box may be sold, given back, sold on from. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from yibao.inventory.model import CodeState, CodeStep, CodeTurn, Movement, MovementKind
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.model import Box

CLOCK_TOLERANCE = timedelta(days=1)
"""How far in the future a record's time may lie: institutions' clocks."""

CODE_DIGITS = 20
"""A traceability code on a retail box; the longer ones follow GS1 and have letters too."""
LONGEST_CODE = 30


def check_movement(movement: Movement, now: datetime) -> None:
    """What holds of every record, whatever the platform knows."""
    if movement.moved_at > now + CLOCK_TOLERANCE:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"发生时间 {local_time(movement.moved_at)} 晚于当前时间",
        )
    for code in movement.codes:
        check_code(code)
    if len(set(movement.codes)) < len(movement.codes):
        raise Refused(RefusalCode.FIELD_INVALID, "同一条记录中药品追溯码重复", "trace_code")


def is_code(code: str) -> bool:
    """Whether it has a traceability code's form: 20 digits, or more of letters and digits."""
    retail = len(code) == CODE_DIGITS and code.isascii() and code.isdigit()
    longer = CODE_DIGITS < len(code) <= LONGEST_CODE and code.isascii() and code.isalnum()
    return retail or longer


def check_code(code: str) -> None:
    """Refused unless it has a traceability code's form."""
    if not is_code(code):
        raise Refused(
            RefusalCode.FIELD_INVALID, f"药品追溯码 {code} 无效，应为20位数字", "trace_code"
        )


def check_sellable(
    institution: str, boxes: Sequence[Box], held: Mapping[str, CodeTurn], now: datetime
) -> None:
    """Whether a bill of the institution may tell of all its boxes; ``held``: as they stand."""
    known = dict(held)
    for box in boxes:
        step = CodeStep(0, MovementKind.SALE, institution, "", box.split, bill="")
        turn = next_turn(step, box.code, known.get(box.code), now)
        if turn is not None:
            known[box.code] = turn


def next_turn(step: CodeStep, code: str, held: CodeTurn | None, now: datetime) -> CodeTurn | None:
    """The turn that a record brings a code to, None when nothing changes for it.

    Refused when the code does not allow the record.
    """
    if step.kind is MovementKind.SALE:
        return _sold(step, code, held, now)
    if step.kind is MovementKind.SALE_RETURN:
        return _given_back(step, code, held, now)
    return None


def _sold(step: CodeStep, code: str, held: CodeTurn | None, now: datetime) -> CodeTurn | None:
    if held is None or held.state is CodeState.FREE:
        state = CodeState.OPENED if step.split else CodeState.SOLD
        turn = 1 if held is None else held.turn + 1
        return CodeTurn(
            code,
            turn,
            state,
            step.institution,
            step.number,
            step.serial,
            now,
            step.bill,
            step.named,
        )
    own = held.institution == step.institution
    if own and step.split and held.state is CodeState.OPENED:
        return None
    if own and not step.split and _is_one_sale(step, held):
        return _told_again(step, held, now)
    raise already_sold(held, own=own)


def _is_one_sale(step: CodeStep, held: CodeTurn) -> bool:
    """Whether the step tells of the sale that is known already.

    An institution tells of a sale in two ways, with the bill (2207A) and as a record of goods
    (3505), each of them once, in either order.
    """
    if held.state is not CodeState.SOLD:
        return False
    if step.bill is not None:
        return held.bill is None and held.named is None
    return held.bill is not None and not held.told_twice and step.named in (None, held.bill)


def _told_again(step: CodeStep, held: CodeTurn, now: datetime) -> CodeTurn:
    """The sale with both its tellings; the bill's is the one it is known by."""
    turn = replace(held, turn=held.turn + 1, recorded_at=now)
    if step.bill is None:
        return replace(turn, serial=step.serial, named=step.named)
    return replace(turn, movement=step.number, bill=step.bill)


def as_it_stands(held: CodeTurn, undone: Collection[str]) -> CodeTurn:
    """A turn without what bills that were cancelled since have told (``undone``).

    The box of such a bill is free again, unless a record of goods says that it was sold, or it was
    opened: it is never whole again.
    """
    if held.named in undone:
        held = replace(held, named=None)
    if held.bill is None or held.bill not in undone:
        return held
    if held.told_twice or held.state is not CodeState.SOLD:
        return replace(held, bill=None)
    return replace(held, bill=None, state=CodeState.FREE)


def boxes_of(told: Iterable[Box], lines: Collection[str]) -> tuple[Box, ...]:
    """The boxes, of all that a bill tells of, that can be kept; ``lines``: its fee lines' numbers.

    A bill is not refused for a code that is none (systems write 0, or 无码) or that stands beside a
    line of another bill: nothing that it could be held against is told by it, and it may tell of
    nothing at all as well.
    """
    return tuple(dict.fromkeys(box for box in told if is_code(box.code) and box.line in lines))


def _given_back(step: CodeStep, code: str, held: CodeTurn | None, now: datetime) -> CodeTurn | None:
    if held is None or held.state is CodeState.FREE or held.institution != step.institution:
        raise Refused(
            RefusalCode.CODE_NOT_SOLD, f"药品追溯码 {code} 没有本机构的销售记录", "trace_code"
        )
    if held.state is CodeState.OPENED:
        return None  # an opened box is never whole again
    return replace(held, turn=held.turn + 1, state=CodeState.FREE, recorded_at=now)


def already_sold(held: CodeTurn, *, own: bool) -> Refused:
    """The second sale of a box: told where if it was here, and never whose if it was not."""
    if own:
        where = (
            f"已于 {local_time(held.recorded_at):%Y-%m-%d %H:%M:%S} 由本机构销售"
            f"（{'批次流水号' if held.serial != held.bill else '结算ID'} {held.serial}）"
        )
    else:
        where = "已由其他机构销售"
    return Refused(RefusalCode.CODE_SOLD, f"药品追溯码 {held.code} {where}", "trace_code")


def turn_after_deletion(
    code: str, living: Iterable[CodeStep], held: CodeTurn | None, now: datetime
) -> CodeTurn | None:
    """The turn of a code once only the ``living`` records of it count; None: it is there already.

    Refused when they do not fit together: the box of a deleted return has been sold again.
    """
    last: CodeTurn | None = None
    for step in living:
        if step.kind is MovementKind.SALE_RETURN and (last is None or last.state is CodeState.FREE):
            continue  # its sale was deleted
        try:
            last = next_turn(step, code, last, now) or last
        except Refused:
            raise Refused(
                RefusalCode.CODE_SOLD,
                f"药品追溯码 {code} 退货后已再次销售，退货记录不能删除",
                "trace_code",
            ) from None
    if held is None or _place(last) == _place(held):
        return None
    if last is None:
        return replace(held, turn=held.turn + 1, state=CodeState.FREE, recorded_at=now)
    return replace(last, turn=held.turn + 1, recorded_at=now)


def _place(turn: CodeTurn | None) -> tuple[CodeState, int, str]:
    """What matters of a turn: whether, and by which sale, told how, the box is out."""
    if turn is None or turn.state is CodeState.FREE:
        return CodeState.FREE, 0, ""
    return turn.state, turn.movement, turn.serial
