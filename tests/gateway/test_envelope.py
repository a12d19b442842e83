"""The outer message."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw

from yibao.gateway.envelope import Answer, number_in_path, read_envelope, write_answer
from yibao.kernel.refusals import RefusalCode, Refused

NOW = datetime(2026, 7, 15, 4, 0, 0, 123_456, tzinfo=UTC)
SENT = {
    "infno": "2207",
    "msgid": "H110000000012026071512000001",
    "mdtrtarea_admvs": "110000",
    "recer_sys_code": "YBXT",
    "infver": "V1.0",
    "opter_type": "1",
    "opter": "0001",
    "opter_name": "收费员",
    "inf_time": "whenever",
    "fixmedins_code": "H11000000001",
    "fixmedins_name": "测试医院",
    "input": {"data": {}},
}


def body(**changes: Any) -> bytes:
    """A request body; None leaves a field out."""
    sent = {name: value for name, value in (SENT | changes).items() if value is not None}
    return json.dumps(sent, ensure_ascii=False).encode()


def refusal(sent: bytes, path: str = "/") -> tuple[RefusalCode, str]:
    """Why a request is refused, and the field."""
    with pytest.raises(Refused) as refused:
        read_envelope(sent, path)
    return refused.value.refusal.code, refused.value.refusal.field or ""


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/hsa/hgs/2207", "2207"),
        ("/hsa/hgs/2207A", "2207A"),
        ("/hsa/hgs/2207a/", "2207A"),
        ("/ebus/gzyb-hsa-hgs-2207", "2207"),
        ("/fsi/api/rsfComIfsService/callService/1101", "1101"),
        ("/fsi/api/rsfComIfsService/callService", None),
        ("/fsi/api/fileupload/download", None),
        ("/20260715/callService", None),
        ("/2026/hsa/2207", "2207"),
        ("/", None),
        ("/22", None),
    ],
)
def test_the_path_names_the_transaction_in_its_last_number(path: str, number: str | None) -> None:
    assert number_in_path(path) == number


def test_the_body_names_the_transaction_when_the_path_does_not() -> None:
    assert read_envelope(body(), "/callService").number == "2207"
    assert read_envelope(body(infno=None), "/hsa/hgs/2207A").number == "2207A"
    assert read_envelope(body(infno=2207), "/").number == "2207"


def test_path_and_body_may_not_disagree() -> None:
    assert refusal(body(), "/hsa/hgs/2206")[0] == RefusalCode.TRANSACTION_MISMATCH


def test_without_any_number_it_is_refused() -> None:
    assert refusal(body(infno=""), "/callService") == (RefusalCode.FIELD_MISSING, "infno")


@pytest.mark.parametrize(
    "sent",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000, '{"a":"中'.encode("gbk")],
)
def test_what_is_no_json_object_is_malformed(sent: bytes) -> None:
    assert refusal(sent)[0] == RefusalCode.MALFORMED


def test_a_byte_order_mark_is_no_fault() -> None:
    assert read_envelope(b"\xef\xbb\xbf" + body(), "/").institution == "H11000000001"


@pytest.mark.parametrize("name", sorted(set(SENT) - {"infno", "inf_time", "input"}))
def test_an_enforced_field_of_the_envelope_may_not_be_missing(name: str) -> None:
    for absent in (None, "", "null"):
        assert refusal(body(**{name: absent})) == (RefusalCode.FIELD_MISSING, name)


@pytest.mark.parametrize(("name", "longest"), [("msgid", 30), ("opter", 30), ("infver", 6)])
def test_a_field_of_the_envelope_may_not_be_too_long(name: str, longest: int) -> None:
    assert read_envelope(body(**{name: "1" * longest}), "/")
    assert refusal(body(**{name: "1" * (longest + 1)})) == (RefusalCode.FIELD_TOO_LONG, name)


def test_the_senders_time_is_never_a_reason_to_refuse() -> None:
    for time in (None, "", "1999-01-01 00:00:00", 7):
        assert read_envelope(body(inf_time=time), "/")


def test_an_encrypted_input_is_refused_by_name() -> None:
    assert refusal(body(enc_type="SM4")) == (RefusalCode.FIELD_INVALID, "enc_type")


def test_an_answer_has_all_its_fields() -> None:
    written = json.loads(write_answer(Answer(0, NOW, "110000"), NOW))
    assert written == {
        "infcode": 0,
        "inf_refmsgid": written["inf_refmsgid"],
        "refmsg_time": "20260715120000123",
        "respond_time": "20260715120000123",
        "err_msg": "",
        "warn_msg": None,
        "output": None,
        "cainfo": None,
        "signtype": None,
    }
    assert re.fullmatch(r"11000020260715120000\d{10}", written["inf_refmsgid"])


def test_two_answers_have_different_ids() -> None:
    answer = Answer(0, NOW)
    ids = {json.loads(write_answer(answer, NOW))["inf_refmsgid"] for _ in range(100)}
    assert len(ids) == 100


def test_numbers_are_written_with_their_digits() -> None:
    assert b'"output":{"a":12.30}' in write_answer(Answer(0, NOW, output={"a": Raw("12.30")}), NOW)
