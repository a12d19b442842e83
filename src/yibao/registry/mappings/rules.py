"""Which mapping may be made, replaced by date, or taken back. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period, day_after
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.registry.mappings.model import ItemMapping, OwnItem, OwnItemName

LISTED = 5
"""Further faulty rows that a refusal names."""


def check_item(row: OwnItem, list_types: Mapping[str, str]) -> None:
    """Refuse an item that the catalogue lacks, or lists as another kind of thing.

    ``list_types`` are those of the known items. Only the group counts (1 drugs, 2 services, 3
    materials): within it institutions number differently.
    """
    known = list_types.get(row.item)
    if known is None:
        raise Refused(
            RefusalCode.CODE_UNKNOWN, f"医疗目录编码 {row.item} 不在国家医保目录中", "item"
        )
    if known[:1] != row.list_type[:1]:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"{row.item} 的目录类别是 {known}，与所报 {row.list_type} 不一致",
            "list_type",
        )
    if row.begin is not None and row.end is not None and row.end < row.begin:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"结束日期 {row.end} 早于开始日期 {row.begin}",
            "end_date",
        )


def placed(
    current: Sequence[ItemMapping], row: OwnItem, today: date
) -> tuple[ItemMapping | None, Period | None]:
    """Where a row stands in the timeline of its own code.

    Answers the living mapping that ends where the new one begins, if any, and the new one's
    period, None when it is there already. Other content for days that are taken is refused, unless
    it begins later than what it replaces.
    """
    if any(_is_same(known, row, today) for known in current):
        return None, None
    begin = row.begin or today
    end = None if row.end is None else day_after(row.end)
    if end is not None and end <= begin:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, f"结束日期 {row.end} 已过", "end_date")
    replaced = None
    for known in current:
        if known.period.end is not None and known.period.end <= begin:
            continue
        if known.period.start >= begin and (end is None or known.period.start < end):
            raise Refused(
                RefusalCode.RECORD_EXISTS,
                f"{row.code} 自 {known.period.start} 起已对照 {known.item}，"
                "请先撤销（3302），或以更晚的开始日期替换",
                "own_item",
            )
        if known.period.start < begin:
            replaced = known
    return replaced, Period(begin, end)


def shortened(mapping: ItemMapping, end: date) -> ItemMapping:
    """The mapping as it is when another begins on ``end``."""
    return replace(mapping, period=Period(mapping.period.start, end))


def named(current: Sequence[ItemMapping], row: OwnItemName, today: date) -> list[ItemMapping]:
    """The living mappings that a row of 3302 means; Refused when there is none."""
    found = [
        known
        for known in current
        if known.own_code == row.code
        and row.list_type in (None, known.list_type)
        and row.item in (None, known.item)
        and (known.period.end is None or known.period.end > today)
    ]
    if not found:
        raise Refused(
            RefusalCode.RECORD_UNKNOWN, f"本机构没有 {row.code} 的此项有效对照", "own_item"
        )
    if len({known.list_type for known in found}) > 1:
        raise Refused(
            RefusalCode.FIELD_MISSING,
            f"{row.code} 在多个目录类别中有对照，请填写目录类别",
            "list_type",
        )
    return found


def first_of(faults: Sequence[tuple[int, Refusal]]) -> Refused:
    """The refusal of an upload: the first faulty row's, with the numbers of the others."""
    place, refusal = faults[0]
    others = "、".join(str(number) for number, _ in faults[1 : 1 + LISTED])
    more = f"等{len(faults) - 1}条" if len(faults) - 1 > LISTED else "条"
    also = f"；第{others}{more}也有误" if others else ""
    return Refused(refusal.code, f"{refusal.message}{also}", f"data[{place}].{refusal.field}")


def _is_same(known: ItemMapping, row: OwnItem, today: date) -> bool:
    begins = known.period.holds(today) if row.begin is None else known.period.start == row.begin
    end = None if row.end is None else day_after(row.end)
    content = (known.own_name, known.item, known.details, known.period.end)
    return begins and content == (row.name, row.item, row.details, end)
