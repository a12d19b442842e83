"""Self-paying patients over the interface: 4201 to 4209."""

from decimal import Decimal
from typing import Any

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY


def line(serial: str, visit: str = "V1", **changes: Any) -> Json:
    """One fee line of 12.30 yuan."""
    row = {
        "fixmedins_mdtrt_id": visit,
        "bkkp_sn": serial,
        "fee_ocur_time": "2026-07-15 12:00:00",
        "med_list_codg": "XA01",
        "cnt": "1",
        "pric": "12.3",
        "det_item_fee_sumamt": "12.3",
    }
    return row | changes


def lines(*rows: Json) -> Json:
    """``input`` of 4201A."""
    return {"fsiOwnpayPatnFeeListDDTO": list(rows)}


def visit_of(own: str = "V1", **changes: Any) -> Json:
    """``input`` of 4202 or 4205."""
    visit = {
        "fixmedins_mdtrt_id": own,
        "psn_name": "测试",
        "certno": "990101198001010001",
        "begntime": "2026-07-15 12:00:00",
        "med_type": "21",
    }
    diagnoses = [{"diag_code": "J06.900", "diag_name": "感冒", "maindiag_flag": "1"}]
    return {"ownPayPatnMdtrtD": visit | changes, "ownPayPatnDiagListD": diagnoses}


def asked(own: str = "V1", **changes: Any) -> Json:
    """``input`` of a query, a deletion or a completion."""
    return {"data": {"fixmedins_mdtrt_id": own} | changes}


async def rows(counter: Counter, number: str = "4207", **changes: Any) -> list[Json]:
    """The rows that a query answers."""
    found: list[Json] = (await counter.done(number, asked(**changes)))["data"]
    return found


async def serials(counter: Counter) -> list[str]:
    """The serials of the lines that stand."""
    return [row["bkkp_sn"] for row in await rows(counter)]


async def test_a_stay_is_uploaded_in_pieces_and_read_back(counter: Counter) -> None:
    await counter.done("4202", visit_of())
    await counter.done("4201A", lines(line("1"), line("2")))
    await counter.done("4201A", lines(line("3", local_field="x")))
    found = await rows(counter)
    assert [row["bkkp_sn"] for row in found] == ["1", "2", "3"]
    assert found[0]["det_item_fee_sumamt"] == Decimal("12.30")
    assert found[2]["local_field"] == "x"
    (visit,) = await rows(counter, "4208")
    assert (visit["psn_name"], visit["cplt_flag"]) == ("测试", "0")
    (diagnosis,) = await rows(counter, "4209")
    assert diagnosis["diag_code"] == "J06.900"


async def test_an_outpatient_visit_comes_in_one_message_and_goes_in_one(counter: Counter) -> None:
    fees = line("1")
    del fees["bkkp_sn"]
    content = visit_of() | {"feedetail": [fees | {"feedetl_sn": "F1"}]}
    await counter.done("4205", content)
    assert [row["feedetl_sn"] for row in await rows(counter)] == ["F1"]
    await counter.done("4206", asked())
    for number in ("4207", "4208", "4209"):
        assert await rows(counter, number) == []
    assert (await counter.refused("4206", asked()))[0] == 6610


async def test_lines_are_deleted_by_serial_or_all(counter: Counter) -> None:
    await counter.done("4201", lines(line("1"), line("2"), line("3"), line("4")))
    await counter.done("4204", asked(bkkp_sn="1"))
    assert await serials(counter) == ["2", "3", "4"]
    await counter.done("4204", {"data": [asked(bkkp_sn="2")["data"], asked(bkkp_sn="3")["data"]]})
    assert await serials(counter) == ["4"]
    code, text = await counter.refused("4204", asked(bkkp_sn="1"))
    assert code == 6610
    assert "1" in text
    await counter.done("4204", asked(bkkp_sn="0000"))
    assert await serials(counter) == []
    assert (await counter.refused("4204", asked()))[0] == 6610


async def test_a_complete_visit_stays_as_it_is_until_it_is_opened(counter: Counter) -> None:
    assert (await counter.refused("4203", asked()))[0] == 6610
    await counter.done("4201A", lines(line("1")))
    await counter.done("4203", asked(cplt_flag="1"))
    for number, content in (
        ("4201A", lines(line("2"))),
        ("4202", visit_of()),
        ("4204", asked()),
        ("4206", asked()),
    ):
        assert (await counter.refused(number, content))[0] == 6611, number
    assert await serials(counter) == ["1"]
    await counter.done("4203", asked(cplt_flag="0"))
    await counter.done("4201A", lines(line("2")))
    assert await serials(counter) == ["1", "2"]


async def test_several_patients_may_come_in_one_message(counter: Counter) -> None:
    await counter.done("4201A", lines(line("1"), line("1", visit="V2")))
    assert await serials(counter) == ["1"]
    assert len(await rows(counter, fixmedins_mdtrt_id="V2")) == 1
    await counter.done("4203", asked("V2"))
    both = lines(line("2"), line("2", visit="V2"))
    assert (await counter.refused("4201A", both))[0] == 6611
    assert await serials(counter) == ["1"]


async def test_a_repeated_message_counts_once(counter: Counter) -> None:
    message = counter.message_id()
    await counter.done("4201A", lines(line("1")), message=message)
    await counter.done("4204", asked())
    await counter.done("4201A", lines(line("1")), message=message)
    assert await serials(counter) == []


async def test_answers_come_in_pages(counter: Counter) -> None:
    await counter.done("4201A", lines(*(line(str(i)) for i in range(1, 6))))
    page = await counter.done("4207", asked(page_num=2, page_size=2))
    assert [row["bkkp_sn"] for row in page["data"]] == ["3", "4"]
    assert (page["recordCounts"], page["pages"], page["pageNum"]) == (5, 3, 2)
    for bad in ({"page_num": 0}, {"page_size": -1}, {"page_size": "x"}):
        assert (await counter.refused("4207", asked(**bad)))[0] == 1012


async def test_nobody_else_sees_a_visit(counter: Counter) -> None:
    await counter.done("4201A", lines(line("1")))
    counter.institution = OTHER_TERTIARY
    assert await rows(counter) == []
    assert (await counter.refused("4204", asked()))[0] == 6610


async def test_no_name_is_kept_in_the_open(counter: Counter) -> None:
    await counter.done("4202", visit_of())
    async with counter.town.database.owner() as connection:
        text = await connection.fetchval("SELECT d::text FROM uploads.document AS d")
    for open_text in ("测试", "990101198001010001", "V1"):
        assert open_text not in text


async def test_bad_uploads_are_refused_and_change_nothing(counter: Counter) -> None:
    cases: list[tuple[str, Any, int, str]] = [
        ("4201A", {}, 1010, "fixmedins_mdtrt_id"),
        ("4201A", asked(), 1010, "input"),
        ("4201A", lines(line("", bkkp_sn="")), 1010, "bkkp_sn"),
        ("4201A", lines(line("1"), line("1", cnt="2")), 4013, "bkkp_sn"),
        ("4201A", lines(line("1", det_item_fee_sumamt="1.001")), 1012, "det_item_fee_sumamt"),
        ("4201A", lines(line("1", fee_ocur_time="x")), 1012, "fee_ocur_time"),
        ("4201A", lines(line("1", visit="V" * 31)), 1011, "fixmedins_mdtrt_id"),
        ("4202", visit_of(fixmedins_code=OTHER_TERTIARY), 2011, "fixmedins_code"),
        ("4202", visit_of(brdy="1980-02-30"), 1012, "brdy"),
        ("4203", asked(cplt_flag="2"), 1012, "cplt_flag"),
        ("4204", {"data": {}}, 1010, "fixmedins_mdtrt_id"),
        ("4206", {}, 1010, "fixmedins_mdtrt_id"),
        ("4207", {}, 1010, "fixmedins_mdtrt_id"),
        ("4205", "text", 1012, "input"),
    ]
    for number, content, code, word in cases:
        refused, text = await counter.refused(number, content)
        assert refused == code, (number, content, text)
        assert word in text
    async with counter.town.database.owner() as connection:
        assert await connection.fetchval("SELECT count(*) FROM uploads.document") == 0
