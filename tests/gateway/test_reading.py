"""Tolerant in form, strict in content, exact in numbers."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import yibao.gateway.asgi  # noqa: F401 - offers the transactions
from yibao.gateway.dispatch import find_transaction
from yibao.gateway.reading import (
    InputReader,
    Violation,
    decode_json,
    digest,
    read_date,
    read_number,
    read_text,
    read_time,
)
from yibao.gateway.tables import Field, Node, tables
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.dictionaries.service import tables as code_tables


def reader(*fields: Field, many: bool = False) -> InputReader:
    """A reader of one node ``data``."""
    return InputReader([Node("data", many, fields)], code_tables())


NAME = Field("psn_name", "人员姓名", "C", "5", "Y", "", "a")
COUNT = Field("cnt", "数量", "N", "16,4", "N", "", "a")
AMOUNT = Field("amt", "金额", "N", "16,2", "N", "", "a")
CLASS = Field("chrgitm_lv", "收费项目等级", "C", "3", "N", "chrgitm_lv", "a")
SCHEME = Field("insutype", "险种类型", "C", "6", "N", "insutype", "a")


def row(sent: Any, *fields: Field) -> dict[str, Any]:
    """What is read of one row of optional fields."""
    found: dict[str, Any] = reader(*fields).read({"data": sent})["data"]
    return found


@pytest.mark.parametrize(
    ("sent", "scale", "expected"),
    [
        ("12.30", 2, 1230),
        ("12.3", 2, 1230),
        (12, 2, 1200),
        ("-0.01", 2, -1),
        ("1e2", 2, 10000),
        ("+5", 0, 5),
        (".5", 4, 5000),
        ("0012", 0, 12),
        ("1.000000", 2, 100),
        ("99999999999999.99", 2, 9999999999999999),
    ],
)
def test_numbers_are_read_exactly(sent: Any, scale: int, expected: int) -> None:
    assert read_number(sent, 16, scale) == expected


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_no_number_passes_through_a_float(value: Decimal) -> None:
    sent = decode_json(f'{{"n": {value:f}}}')["n"]
    assert read_number(sent, 16, 6) == int(value.scaleb(6))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("abc", RefusalCode.FIELD_INVALID),
        ("NaN", RefusalCode.FIELD_INVALID),
        ("Infinity", RefusalCode.FIELD_INVALID),
        ("1_000", RefusalCode.FIELD_INVALID),
        ("１２", RefusalCode.FIELD_INVALID),
        ("1.005", RefusalCode.FIELD_INVALID),
        (True, RefusalCode.FIELD_INVALID),
        ([], RefusalCode.FIELD_INVALID),
        ("1e999999999", RefusalCode.FIELD_TOO_LONG),
        ("100000000000000", RefusalCode.FIELD_TOO_LONG),
        (10**30, RefusalCode.FIELD_TOO_LONG),
        ("9" * 40, RefusalCode.FIELD_TOO_LONG),
    ],
)
def test_what_is_no_number_of_the_field_is_refused(sent: Any, code: RefusalCode) -> None:
    with pytest.raises(Violation) as violation:
        read_number(sent, 16, 2)
    assert violation.value.code == code


@pytest.mark.parametrize("sent", ["", None, "null", "   "])
def test_empty_text_and_null_are_missing(sent: Any) -> None:
    assert row({"cnt": sent}, COUNT) == {}
    with pytest.raises(Refused) as refused:
        row({"psn_name": sent}, NAME)
    assert refused.value.refusal.code == RefusalCode.FIELD_MISSING
    assert "data.psn_name（人员姓名）" in refused.value.refusal.message


def test_text_may_come_as_a_number_and_is_trimmed() -> None:
    assert row({"psn_name": 123}, NAME) == {"psn_name": "123"}
    assert row({"psn_name": " 张三 "}, NAME) == {"psn_name": "张三"}


@pytest.mark.parametrize("sent", ["a\x00b", "a\x1bb", {"a": 1}, True, ["x"]])
def test_text_of_another_kind_is_refused(sent: Any) -> None:
    with pytest.raises(Refused) as refused:
        row({"psn_name": sent}, NAME)
    assert refused.value.refusal.code == RefusalCode.FIELD_INVALID


def test_length_is_counted_in_characters() -> None:
    assert read_text("一二三四五", 5) == "一二三四五"
    with pytest.raises(Violation) as violation:
        read_text("一二三四五六", 5)
    assert violation.value.code == RefusalCode.FIELD_TOO_LONG


def test_an_amount_beyond_a_hundred_million_yuan_is_out_of_range() -> None:
    assert row({"amt": "100000000.00"}, AMOUNT) == {"amt": 10**10}
    for sent in ("100000000.01", "-100000000.01"):
        with pytest.raises(Refused) as refused:
            row({"amt": sent}, AMOUNT)
        assert refused.value.refusal.code == RefusalCode.AMOUNT_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("sent", "expected"), [("1", "01"), (1, "01"), ("01", "01"), ("001", "01")]
)
def test_a_code_of_a_closed_table_may_lose_its_zeros(sent: Any, expected: str) -> None:
    assert row({"chrgitm_lv": sent}, CLASS) == {"chrgitm_lv": expected}


def test_an_unknown_code_is_refused_where_the_table_is_closed() -> None:
    assert row({"insutype": "999999"}, SCHEME) == {"insutype": "999999"}
    with pytest.raises(Refused) as refused:
        row({"chrgitm_lv": "9"}, CLASS)
    assert "01、02、03" in refused.value.refusal.message


def test_times_are_civil_times_of_china() -> None:
    noon = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)
    for sent in ("2026-07-01 12:00:00", "2026-07-01T12:00:00", "2026-07-01 12:00:00.000"):
        assert read_time(sent) == noon
    assert read_time("2026-07-01") == datetime(2026, 6, 30, 16, 0, tzinfo=UTC)
    assert read_date("2026-07-01 23:59:59") == date(2026, 7, 1)


@pytest.mark.parametrize(
    "sent",
    ["2026-02-30 00:00:00", "20260701", "2026/07/01", "0001-01-01", "9999-12-31", "昨天", 20260701,
     "2026-07-01T12+08:00", "2026-W27-1"],
)  # fmt: skip
def test_a_time_of_another_form_is_refused(sent: Any) -> None:
    with pytest.raises(Violation, match="yyyy-MM-dd"):
        read_time(sent)
    with pytest.raises(Violation, match="yyyy-MM-dd"):
        read_date(sent)


def test_one_object_stands_for_a_list_and_a_list_of_one_for_an_object() -> None:
    one = {"psn_name": "张三"}
    assert reader(NAME, many=True).read({"data": one}) == {"data": [one]}
    assert reader(NAME).read({"data": [one]}) == {"data": one}
    with pytest.raises(Refused):
        reader(NAME).read({"data": [one, one]})


def test_a_list_names_the_place_of_its_fault() -> None:
    with pytest.raises(Refused) as refused:
        reader(NAME, many=True).read({"data": [{"psn_name": "张"}, {}]})
    assert refused.value.refusal.field == "data[2].psn_name"


@pytest.mark.parametrize("sent", ["1.5", '"text"', "[]", "nonsense"])
def test_input_text_that_holds_no_object_is_refused(sent: str) -> None:
    with pytest.raises(Refused) as refused:
        reader(NAME).read(sent)
    assert refused.value.refusal.field == "input"


def test_fields_that_sources_disagree_on_are_never_required() -> None:
    for required, confidence in (("Y", "b"), ("Y", "c"), ("?", "a"), ("N", "a")):
        assert row({}, Field("x", "", "C", "5", required, "", confidence)) == {}


def test_the_digest_is_of_the_typed_content() -> None:
    one = reader(NAME, COUNT).read({"data": {"psn_name": "a", "cnt": "1.0", "unknown": 1}})
    two = reader(NAME, COUNT).read('{"data": {"cnt": 1, "psn_name": "a ", "more": null}}')
    other = reader(NAME, COUNT).read({"data": {"psn_name": "a", "cnt": "1.0001"}})
    assert digest(one) == digest(two) != digest(other)


def test_a_suffixed_number_takes_the_table_of_its_base() -> None:
    assert tables().find("2207A") is tables().find("2207")
    assert tables().find("4101A") is not tables().find("4101")
    assert find_transaction("2203A").number == "2203"


def test_every_interface_number_is_refused_by_name_when_it_is_not_offered() -> None:
    with pytest.raises(Refused) as refused:
        find_transaction("6101")
    assert refused.value.refusal.code == RefusalCode.NOT_OFFERED
    assert "6101" in refused.value.refusal.message
    assert tables().transactions["6101"].title in refused.value.refusal.message
    with pytest.raises(Refused) as refused:
        find_transaction("0000")
    assert refused.value.refusal.code == RefusalCode.UNKNOWN_TRANSACTION
