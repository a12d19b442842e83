"""What stands of a visit after all its pieces, and which piece may come next. Pure."""

from collections.abc import Iterable

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.uploads.self_paid.model import Piece, SelfPaidVisit


def stand(pieces: Iterable[Piece]) -> SelfPaidVisit:
    """The visit after its pieces in the order they came.

    A later statement of the visit or of its diagnoses stands for the earlier one; a line stands
    for the earlier one of its serial number.
    """
    standing = SelfPaidVisit()
    for piece in pieces:
        standing = _after(standing, piece)
    return standing


def _after(standing: SelfPaidVisit, piece: Piece) -> SelfPaidVisit:
    if piece.removes_all:
        return SelfPaidVisit()
    lines = {} if piece.removes_lines else dict(standing.lines or {})
    for serial in piece.removed_lines:
        lines.pop(serial, None)
    return SelfPaidVisit(
        visits=piece.visits or standing.visits,
        diagnoses=piece.diagnoses or standing.diagnoses,
        lines=lines | dict(piece.lines),
        complete=standing.complete if piece.complete is None else piece.complete,
    )


def check(standing: SelfPaidVisit, piece: Piece) -> None:
    """Refuse a piece that changes a complete visit, or is about something that is not there."""
    if piece.complete is not None:
        if not standing.is_there:
            raise _unknown(f"就诊 {piece.own_visit} 没有已上传的自费病人信息")
        return
    if standing.complete:
        raise Refused(
            RefusalCode.UPLOAD_COMPLETE,
            f"就诊 {piece.own_visit} 已标记上传完成，不能再上传或删除",
            "own_visit",
        )
    if piece.removes_all and not standing.is_there:
        raise _unknown(f"就诊 {piece.own_visit} 没有已上传的自费病人信息")
    if piece.removes_lines and not standing.lines:
        raise _unknown(f"就诊 {piece.own_visit} 没有已上传的费用明细")
    for serial in piece.removed_lines:
        if serial not in (standing.lines or {}):
            raise _unknown(f"就诊 {piece.own_visit} 没有流水号为 {serial} 的费用明细")


def _unknown(text: str) -> Refused:
    return Refused(RefusalCode.UPLOAD_UNKNOWN, text, "own_visit")
