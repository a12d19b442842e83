"""Where a mapping stands in the timeline of its own code."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.registry.mappings.model import ItemMapping, OwnItem, OwnItemName
from yibao.registry.mappings.rules import first_of, named, placed

TODAY = date(2026, 7, 15)
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def known(
    start: str, end: str | None = None, item: str = "A", number: int = 1, list_type: str = "101"
) -> ItemMapping:
    """A mapping that is known."""
    period = Period(date.fromisoformat(start), None if end is None else date.fromisoformat(end))
    return ItemMapping(number, "H", list_type, "OWN", "药", item, period, {}, NOW)


def sent(begin: str | None, end: str | None = None, item: str = "B") -> OwnItem:
    """A row as sent."""
    days = (None if day is None else date.fromisoformat(day) for day in (begin, end))
    return OwnItem("101", "OWN", "药", item, *days, {})


def refusal(work: Any, *arguments: Any) -> RefusalCode:
    """Why something is refused."""
    with pytest.raises(Refused) as refused:
        work(*arguments)
    return refused.value.refusal.code


@pytest.mark.parametrize(
    ("current", "row", "replaces", "period"),
    [
        ([], sent("2026-01-01"), False, Period(date(2026, 1, 1))),
        ([], sent(None), False, Period(TODAY)),
        ([], sent(None, "2026-07-15"), False, Period(TODAY, date(2026, 7, 16))),
        ([known("2026-01-01")], sent("2026-02-01"), True, Period(date(2026, 2, 1))),
        ([known("2026-01-01")], sent(None), True, Period(TODAY)),
        ([known("2026-01-01", "2026-02-01")], sent("2026-02-01"), False, Period(date(2026, 2, 1))),
        (
            [known("2026-03-01")],
            sent("2026-01-01", "2026-02-28"),
            False,
            Period(date(2026, 1, 1), date(2026, 3, 1)),
        ),
        ([known("2026-01-01")], sent("2026-01-01", item="A"), False, None),
        ([known("2026-01-01")], sent(None, item="A"), False, None),
        ([known("2026-01-01", "2026-08-01")], sent(None, "2026-07-31", "A"), False, None),
    ],
)
def test_a_row_is_added_replaces_or_is_there_already(
    current: list[ItemMapping], row: OwnItem, replaces: bool, period: Period | None
) -> None:
    replaced, found = placed(current, row, TODAY)
    assert (replaced is not None, found) == (replaces, period)


@pytest.mark.parametrize(
    ("current", "row", "code"),
    [
        ([known("2026-01-01")], sent("2026-01-01"), RefusalCode.RECORD_EXISTS),
        ([known("2026-02-01")], sent("2026-01-01"), RefusalCode.RECORD_EXISTS),
        ([known("2026-02-01")], sent("2026-01-01", "2026-02-01"), RefusalCode.RECORD_EXISTS),
        ([], sent(None, "2026-07-14"), RefusalCode.DATE_NOT_ALLOWED),
    ],
)
def test_days_that_are_taken_are_refused(
    current: list[ItemMapping], row: OwnItem, code: RefusalCode
) -> None:
    assert refusal(placed, current, row, TODAY) is code


def test_a_withdrawal_means_the_living_ones_of_one_list() -> None:
    over, living = known("2025-01-01", "2026-01-01"), known("2026-01-01", number=2)
    elsewhere = known("2026-01-01", number=3, list_type="201")
    assert named([over, living], OwnItemName("OWN", None, None), TODAY) == [living]
    assert named([living, elsewhere], OwnItemName("OWN", "201", None), TODAY) == [elsewhere]
    for current, name, code in (
        ([over], OwnItemName("OWN", None, None), RefusalCode.RECORD_UNKNOWN),
        ([living], OwnItemName("OWN", None, "B"), RefusalCode.RECORD_UNKNOWN),
        ([living], OwnItemName("OTHER", None, None), RefusalCode.RECORD_UNKNOWN),
        ([living, elsewhere], OwnItemName("OWN", None, None), RefusalCode.FIELD_MISSING),
    ):
        assert refusal(named, current, name, TODAY) is code


def test_a_refusal_names_the_first_row_and_numbers_the_others() -> None:
    fault = Refusal(RefusalCode.CODE_UNKNOWN, "未知", "item")
    assert first_of([(3, fault)]).refusal.field == "data[3].item"
    assert first_of([(3, fault)]).refusal.message == "未知"
    assert first_of([(1, fault), (4, fault), (6, fault)]).refusal.message == "未知；第4、6条也有误"
    many = first_of([(place, fault) for place in range(1, 9)]).refusal.message
    assert many == "未知；第2、3、4、5、6等7条也有误"
