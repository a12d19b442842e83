"""Messages that are kept as sent: known fields are checked, unknown ones kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.gateway.documents import read_document, values_of, written
from yibao.kernel.refusals import RefusalCode, Refused


def test_known_fields_are_kept_as_exact_text_and_answered_by_their_kind() -> None:
    row = {
        "det_item_fee_sumamt": "12.3",
        "brdy": "1980-01-01 00:00:00",
        "gend": 1,
        "psn_name": " 甲 ",
    }
    content = read_document({"data": [row]})
    (kept,) = content["data"]
    assert kept["det_item_fee_sumamt"] == "12.30"
    assert kept["brdy"] == "1980-01-01"
    assert kept["gend"] == "1"
    assert kept["psn_name"] == "甲"
    assert bytes(written(content)["data"][0]["det_item_fee_sumamt"]) == b"12.30"
    assert written(content)["data"][0]["psn_name"] == "甲"


def test_anything_else_is_kept_untouched() -> None:
    sent = {"localnode": {"local_field": [1, "a", {"b": True}]}, "another": 7}
    assert read_document(sent) == sent


def test_absent_values_are_left_out() -> None:
    assert read_document({"data": {"psn_name": "", "x": None, "y": "null"}}) == {"data": {}}
    absent: list[object] = [None, "", "null", {}]
    for nothing in absent:
        assert read_document(nothing) == {}


def test_nodes_and_the_whole_input_may_be_json_text() -> None:
    assert read_document('{"data": "{\\"gend\\": \\"1\\"}"}') == {"data": {"gend": "1"}}


@pytest.mark.parametrize(
    ("sent", "code", "place"),
    [
        ({"data": {"brdy": "1980-02-30"}}, RefusalCode.FIELD_INVALID, "data.brdy"),
        ({"data": [{}, {"gend": "5"}]}, RefusalCode.FIELD_INVALID, "data[2].gend"),
        ({"a": {"b": [{"psn_name": "名" * 500}]}}, RefusalCode.FIELD_TOO_LONG, "a.b[1].psn_name"),
        ({"data": {"det_item_fee_sumamt": "1.001"}}, RefusalCode.FIELD_INVALID, "data.det_item"),
        ({"data": {"psn_name": "a\x00"}}, RefusalCode.FIELD_INVALID, "data.psn_name"),
        ({"data": {"psn_name": True}}, RefusalCode.FIELD_INVALID, "data.psn_name"),
        ({"data": "{broken"}, RefusalCode.FIELD_INVALID, "data"),
        ("text", RefusalCode.FIELD_INVALID, "input"),
        ([1], RefusalCode.FIELD_INVALID, "input"),
    ],
)
def test_a_known_field_that_breaks_its_rule_is_named(
    sent: object, code: RefusalCode, place: str
) -> None:
    with pytest.raises(Refused) as refused:
        read_document(sent)
    assert refused.value.refusal.code is code
    assert place in refused.value.refusal.message


def test_objects_in_objects_in_objects_are_refused_before_they_hurt() -> None:
    sent: object = {}
    for _ in range(500):
        sent = {"x": [sent]}
    with pytest.raises(Refused):
        read_document({"data": sent})


def test_a_value_is_found_wherever_it_stands() -> None:
    content = read_document({"a": {"mdtrt_sn": "1"}, "b": [{"mdtrt_sn": "2"}, {"mdtrt_sn": "1"}]})
    assert values_of(content, "mdtrt_sn") == ["1", "2"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["psn_name", "brdy", "cnt", "gend", "adm_time", "local", "data", ""]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused_and_reading_twice_changes_nothing(sent: object) -> None:
    try:
        content = read_document(sent)
    except Refused:
        return
    assert read_document(content) == content
