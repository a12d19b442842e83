"""A message held against its table."""

import json
from typing import Any

from yibao.web.examination import ROWS_SHOWN, Verdict, examine


def body(content: Any) -> bytes:
    return json.dumps({"input": content}).encode()


def verdicts(content: Any, number: str = "2201", refused: str = "") -> dict[str, Verdict]:
    examined = examine(number, body(content), refused)
    assert examined is not None
    return {field.name: field.verdict for row in examined.rows for field in row.fields}


def test_each_field_gets_its_verdict() -> None:
    found = verdicts({"data": {"psn_no": "1", "begntime": "soon", "colour": "red"}})
    assert found["psn_no"] is Verdict.READ
    assert found["begntime"] is Verdict.BROKEN
    assert found["insutype"] is Verdict.MISSING
    assert found["colour"] is Verdict.IGNORED


def test_the_refused_field_is_marked() -> None:
    assert verdicts({"data": {"psn_no": "1"}}, refused="data.psn_no")["psn_no"] is Verdict.REFUSED


def test_values_are_shown_as_read() -> None:
    row = {"cnt": "2", "pric": "1.5", "det_item_fee_sumamt": 3, "rx_circ_flag": "1"}
    examined = examine("2204", body({"feedetail": row}), "")
    assert examined is not None
    read = {field.name: field.read for field in examined.rows[0].fields}
    assert read["det_item_fee_sumamt"] == "3.00"
    assert read["pric"] == "1.500000"
    assert examined.rows[0].place == "feedetail[1]"


def test_a_long_list_shows_its_first_rows_and_the_refused_one() -> None:
    rows = [{"feedetl_sn": str(i)} for i in range(100)]
    examined = examine("2204", body({"feedetail": rows}), "feedetail[90].cnt")
    assert examined is not None
    places = [row.place for row in examined.rows]
    assert len(places) == ROWS_SHOWN + 1
    assert places[-1] == "feedetail[90]"
    assert examined.hidden == 100 - ROWS_SHOWN - 1


def test_odd_shapes_are_examined_too() -> None:
    for content in ("", None, [], 3, {"data": "null"}, {"data": [[1]]}, {"data": [{}, 7]}):
        examine("2201", body(content), "")
    assert examine("2201", body(json.dumps({"data": {"psn_no": "1"}})), "") is not None
    assert examine("2201", b"\xff", "") is None
    assert examine("nope", body({}), "") is None
