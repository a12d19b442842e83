"""The outer message."""

import json
import os
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw

from yibao.gateway.envelope import Answer, read_envelope, write_answer
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


def sent(**changes: Any) -> dict[str, Any]:
    """A request's object; None leaves a field out."""
    return {name: value for name, value in (SENT | changes).items() if value is not None}


def refusal(request: dict[str, Any]) -> tuple[RefusalCode, str]:
    """Why a request is refused, and the field."""
    with pytest.raises(Refused) as refused:
        read_envelope(request, "2207")
    return refused.value.refusal.code, refused.value.refusal.field or ""


def test_the_one_name_that_lacks_a_letter_may_be_spelled_right() -> None:
    request = sent(mdtrtarea_admvs=None, mdtrtarea_admdvs="110000")
    assert read_envelope(request, "2207").care_division == "110000"


@pytest.mark.parametrize("name", sorted(set(SENT) - {"infno", "inf_time", "input"}))
def test_an_enforced_field_of_the_envelope_may_not_be_missing(name: str) -> None:
    for absent in (None, "", "null"):
        assert refusal(sent(**{name: absent})) == (RefusalCode.FIELD_MISSING, name)


@pytest.mark.parametrize(("name", "longest"), [("msgid", 30), ("opter", 30), ("infver", 6)])
def test_a_field_of_the_envelope_may_not_be_too_long(name: str, longest: int) -> None:
    assert read_envelope(sent(**{name: "1" * longest}), "2207")
    assert refusal(sent(**{name: "1" * (longest + 1)})) == (RefusalCode.FIELD_TOO_LONG, name)


def test_the_senders_time_is_never_a_reason_to_refuse() -> None:
    for time in (None, "", "1999-01-01 00:00:00", 7):
        assert read_envelope(sent(inf_time=time), "2207")


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


def test_processes_forked_from_one_number_their_answers_apart() -> None:
    def serial() -> int:
        return int(json.loads(write_answer(Answer(0, NOW), NOW))["inf_refmsgid"][-10:])

    def of_a_child() -> int:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, str(serial()).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading) as told:
            return int(told.read())

    own, others = serial(), [of_a_child() for _ in range(3)]
    assert all(abs(other - own) > 1000 for other in others)
    assert len(set(others)) == 3
