"""Own items against national ones: uploaded, replaced by date, taken back."""

import asyncio
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import CLASS_A, CLASS_B, OTHER_TERTIARY, TERTIARY
from yibao.registry.mappings import service as mappings
from yibao.registry.mappings.model import ItemMapping


def row(code: str = "YP01", **changes: Any) -> Json:
    """A row of 3301."""
    values = {
        "fixmedins_hilist_id": code,
        "fixmedins_hilist_name": "院内药",
        "list_type": "101",
        "med_list_codg": CLASS_A,
        "begndate": "2026-07-01",
        "spec": "10mg",
    }
    return values | changes


def named(code: str = "YP01", **changes: Any) -> Json:
    """A row of 3302."""
    values = {
        "fixmedins_hilist_id": code,
        "fixmedins_code": TERTIARY,
        "list_type": "101",
        "med_list_codg": CLASS_A,
    }
    return values | changes


async def kept(counter: Counter, **wanted: Any) -> list[ItemMapping]:
    """The institution's mappings as a reader of its own sees them."""
    async with counter.town.database.reader([counter.institution]) as connection:
        page = await mappings.mappings(
            connection, counter.institution, updated_after=None, page=1, size=100, **wanted
        )
    assert page.total == len(page.rows)
    return sorted(page.rows, key=lambda one: (one.own_code, one.period))


async def days(counter: Counter) -> list[tuple[str, str, str, str]]:
    """Own code, item, first day and day after the last of all mappings."""
    return [
        (one.own_code, one.item, str(one.period.start), str(one.period.end))
        for one in await kept(counter)
    ]


async def test_rows_are_kept_as_sent(counter: Counter) -> None:
    await counter.done("3301", {"data": [row(), row("YP02", enddate="2026-12-31")]})
    first, second = await kept(counter)
    assert (first.own_name, first.list_type, first.item) == ("院内药", "101", CLASS_A)
    assert first.details == {"spec": "10mg"}
    assert str(second.period.end) == "2027-01-01"


async def test_one_row_needs_no_list(counter: Counter) -> None:
    await counter.done("3301", {"data": row()})
    assert len(await kept(counter)) == 1


async def test_the_same_again_is_the_same(counter: Counter) -> None:
    await counter.done("3301", {"data": [row()]})
    before = await kept(counter)
    await counter.done("3301", {"data": [row(), row()]})
    await counter.done("3301", {"data": [row(begndate="")]})
    assert await kept(counter) == before


async def test_without_a_day_a_mapping_begins_today(counter: Counter) -> None:
    await counter.done("3301", {"data": [row(begndate="")]})
    assert await days(counter) == [("YP01", CLASS_A, "2026-07-15", "None")]


async def test_other_content_from_a_later_day_replaces(counter: Counter) -> None:
    await counter.done("3301", {"data": [row()]})
    later = row(med_list_codg=CLASS_B, begndate="2026-08-01")
    await counter.done("3301", {"data": [later]})
    assert await days(counter) == [
        ("YP01", CLASS_A, "2026-07-01", "2026-08-01"),
        ("YP01", CLASS_B, "2026-08-01", "None"),
    ]
    await counter.done("3301", {"data": [later]})
    assert len(await kept(counter)) == 2


@pytest.mark.parametrize("begin", ["2026-07-01", "2026-06-01"])
async def test_other_content_from_no_later_day_is_refused(counter: Counter, begin: str) -> None:
    await counter.done("3301", {"data": [row()]})
    before = await kept(counter)
    changed = row(med_list_codg=CLASS_B, begndate=begin)
    code, text = await counter.refused("3301", {"data": [row("YP02"), changed]})
    assert code == 6501
    assert "data[2].fixmedins_hilist_id" in text
    assert "3302" in text
    assert await kept(counter) == before


async def test_every_faulty_row_is_told_and_none_is_kept(counter: Counter) -> None:
    rows = [row(), row("YP02", med_list_codg="NOWHERE"), row("YP03"), row("YP04", list_type="201")]
    code, text = await counter.refused("3301", {"data": rows})
    assert code == 4010
    assert "data[2].med_list_codg" in text
    assert "第4条" in text
    assert await kept(counter) == []


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"fixmedins_hilist_id": ""}, 1010, "fixmedins_hilist_id"),
        ({"fixmedins_hilist_name": ""}, 1010, "fixmedins_hilist_name"),
        ({"list_type": ""}, 1010, "list_type"),
        ({"list_type": "999"}, 1012, "list_type"),
        ({"list_type": "201"}, 1012, "list_type"),
        ({"med_list_codg": ""}, 1010, "med_list_codg"),
        ({"med_list_codg": "x" * 51}, 1011, "med_list_codg"),
        ({"med_list_codg": "NOWHERE"}, 4010, "med_list_codg"),
        ({"begndate": "2026-13-01"}, 1012, "begndate"),
        ({"enddate": "2026-06-30"}, 4005, "enddate"),
        ({"begndate": "", "enddate": "2026-07-14"}, 4005, "enddate"),
    ],
)
async def test_a_bad_row_is_refused_with_its_number(
    counter: Counter, changes: Json, code: int, word: str
) -> None:
    refused, text = await counter.refused("3301", {"data": [row(), row("YP02") | changes]})
    assert (refused, f"data[2].{word}" in text) == (code, True), text
    assert await kept(counter) == []


async def test_two_rows_may_not_say_different_things_of_one_item(counter: Counter) -> None:
    code, text = await counter.refused("3301", {"data": [row(), row(med_list_codg=CLASS_B)]})
    assert (code, "data[2]" in text) == (6501, True)
    assert (await counter.refused("3301", {"data": []}))[0] == 4021


async def test_a_withdrawn_mapping_is_gone_and_may_be_made_anew(counter: Counter) -> None:
    await counter.done("3301", {"data": [row(), row("YP02")]})
    await counter.done("3302", {"data": [named()]})
    assert [one.own_code for one in await kept(counter)] == ["YP02"]
    assert (await counter.refused("3302", {"data": [named()]}))[0] == 6502
    await counter.done("3301", {"data": [row(med_list_codg=CLASS_B)]})
    assert [one.item for one in await kept(counter, own_code="YP01")] == [CLASS_B]


async def test_withdrawals_are_all_done_or_none(counter: Counter) -> None:
    await counter.done("3301", {"data": [row()]})
    before = await kept(counter)
    for wrong, code in (
        (named("YP09"), 6502),
        (named(med_list_codg=CLASS_B), 6502),
        (named(list_type="102"), 6502),
        (named(fixmedins_code=OTHER_TERTIARY), 2011),
        (named(""), 1010),
    ):
        refused, text = await counter.refused("3302", {"data": [named(), wrong]})
        assert refused == code, (wrong, text)
        assert "data[2]" in text
        assert await kept(counter) == before


async def test_mappings_of_others_are_neither_seen_nor_touched(counter: Counter) -> None:
    await counter.done("3301", {"data": [row()]})
    counter.institution = OTHER_TERTIARY
    assert await kept(counter) == []
    async with counter.town.database.reader([OTHER_TERTIARY]) as connection:
        page = await mappings.mappings(connection, TERTIARY, updated_after=None, page=1, size=9)
    assert (page.rows, page.total) == ([], 0)
    assert (await counter.refused("3302", {"data": [named(fixmedins_code="")]}))[0] == 6502
    await counter.done("3301", {"data": [row(med_list_codg=CLASS_B)]})
    counter.institution = TERTIARY
    assert [one.item for one in await kept(counter)] == [CLASS_A]


async def test_of_different_mappings_of_one_item_one_is_kept(counter: Counter) -> None:
    answers = await asyncio.gather(
        *(counter.call("3301", {"data": [row(fixmedins_hilist_name=name)]}) for name in "甲乙丙")
    )
    assert sorted(answer["infcode"] for answer in answers) == [0, 6501, 6501]
    assert len(await kept(counter)) == 1


async def test_mappings_are_read_by_page_in_the_order_they_came(counter: Counter) -> None:
    await counter.done("3301", {"data": [row(f"YP{number:02d}") for number in range(5)]})
    town = counter.town
    after = town.clock.now()
    town.clock.set(after.replace(day=16))
    await counter.done("3301", {"data": [row("YP99", begndate="2026-08-01")]})
    async with town.database.reader([TERTIARY]) as connection:

        async def codes(page: int, **wanted: Any) -> tuple[list[str], int]:
            found = await mappings.mappings(
                connection, TERTIARY, page=page, size=4, **{"updated_after": None} | wanted
            )
            return [one.own_code for one in found.rows], found.total

        assert await codes(1) == (["YP00", "YP01", "YP02", "YP03"], 6)
        assert await codes(2) == (["YP04", "YP99"], 6)
        assert await codes(3) == ([], 6)
        assert await codes(1, updated_after=town.clock.now()) == (["YP99"], 1)
        assert (await codes(1, day=after.date()))[1] == 5
        assert (await codes(1, item=CLASS_B))[1] == 0
        assert (await codes(1, list_type="101"))[1] == 6
