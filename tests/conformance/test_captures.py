"""Captured messages: read from whatever holds them, and sent with the ids that hold now."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.client.test_connection import platform
from yibao.conformance.captures.digits import decode
from yibao.conformance.captures.model import Replayed
from yibao.conformance.captures.read import Unreadable, read_captures
from yibao.conformance.captures.send import ANY_PATH, differences, replay

REGISTER = {"infno": "2201", "msgid": "H1101059900120260101080000", "input": {"data": {}}}
OPENED = {"infcode": 0, "output": {"data": {"mdtrt_id": "old-visit"}}}
SETTLE_TEXT = (
    '{"infno":"2207","msgid":"H1101059900120260101080001",'
    '"input":{"data":{"mdtrt_id":"old-visit","medfee_sumamt":12.50}}}'
)
SETTLE = json.loads(SETTLE_TEXT)


def written(folder: Path, text: str) -> Path:
    file = folder / "capture"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "text",
    [
        SETTLE_TEXT,
        f"[{SETTLE_TEXT}]",
        json.dumps({"request": SETTLE, "response": {"infcode": 0}}),
        json.dumps({"入参": json.dumps(SETTLE), "出参": '{"infcode":"0"}'}, ensure_ascii=False),
        f"POST /hsa/hgs/2207 HTTP/1.1\r\nHost: x\r\nx-tif-paasid: a\r\n\r\n{SETTLE_TEXT}",
        f"curl -X POST http://h/hsa/hgs/2207 -H 'x-tif-paasid: a' \\\n  --data-raw '{SETTLE_TEXT}'",
        json.dumps(
            {
                "log": {
                    "entries": [
                        {
                            "request": {
                                "url": "http://h/hsa/hgs/2207",
                                "headers": [{"name": "x-tif-paasid", "value": "a"}],
                                "postData": {"text": SETTLE_TEXT},
                            },
                            "response": {"content": {"text": '{"infcode":0}'}},
                        }
                    ]
                }
            }
        ),
    ],
)
def test_every_form_gives_the_message(tmp_path: Path, text: str) -> None:
    (found,) = read_captures(written(tmp_path, text))
    assert json.loads(found.body) == SETTLE
    if "x-tif" in text:
        assert found.path == "/hsa/hgs/2207"
        assert found.headers == {"x-tif-paasid": "a"}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_text_is_read_however_a_windows_program_saved_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "capture"
    file.write_bytes('{"infno":"9001","input":{"opter_name":"收费员"}}'.encode(encoding))
    (found,) = read_captures(file)
    assert json.loads(found.body)["input"]["opter_name"] == "收费员"


CHINESE = {"infno": "9001", "input": {"opter_name": "收费员's", "ip": 'a"b\\c'}}


@pytest.mark.parametrize(
    "body",
    [
        "'" + json.dumps(CHINESE, indent=2, ensure_ascii=False).replace("'", "'\\''") + "'",
        "$'" + json.dumps(CHINESE).replace("\\", "\\\\").replace("'", "\\'") + "'",
        r"""$'{"infno":"9001","input":{"opter_name":"\u6536\u8d39\u5458\'s","ip":"a\\"b\\\\c"}}'""",
    ],
    ids=["Postman", "a browser, ASCII", "a browser, escaped"],
)
def test_a_command_is_read_as_programs_copy_it(tmp_path: Path, body: str) -> None:
    one = (
        f"curl --location --request POST 'http://h/any?x=1' --header 'x-a: b' \\\n--data-raw {body}"
    )
    found = read_captures(written(tmp_path, f"{one}\n\n{one} --compressed\n"))
    assert [json.loads(capture.body) for capture in found] == [CHINESE, CHINESE]
    assert {capture.path for capture in found} == {"/any?x=1"}


def test_a_connection_is_read_request_by_request_with_its_answers(tmp_path: Path) -> None:
    request = f"POST /hsa/hgs/2207 HTTP/1.1\r\nContent-Length: 9\r\n\r\n{SETTLE_TEXT}"
    answer = 'HTTP/1.1 200 OK\r\n\r\n1a\r\n{"infcode":4022,"output":{"a":"}"}}\r\n0\r\n\r\n'
    found = read_captures(written(tmp_path, request + answer + request))
    assert [json.loads(one.body) for one in found] == [SETTLE, SETTLE]
    assert [one.answer and one.answer["infcode"] for one in found] == [4022, None]


def test_what_else_a_page_loaded_is_left_out(tmp_path: Path) -> None:
    page = {"request": {"method": "GET", "url": "http://h/", "headers": []}, "response": {}}
    coded = base64.b64encode(b'{"infcode":0}').decode()
    message = {
        "request": {"url": "http://h/x", "headers": [], "postData": {"text": SETTLE_TEXT}},
        "response": {"content": {"text": coded, "encoding": "base64"}},
    }
    text = json.dumps({"log": {"entries": [page, message, page]}})
    (found,) = read_captures(written(tmp_path, text))
    assert found.answer == {"infcode": 0}


def test_a_line_that_is_no_message_is_named_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="line 3: "):
        read_captures(written(tmp_path, f"{SETTLE_TEXT}\n\nnot json\n"))
    with pytest.raises(Unreadable, match="line 2: a quotation"):
        read_captures(written(tmp_path, "curl http://h\ncurl 'http://h"))


def test_the_digits_of_amounts_are_kept(tmp_path: Path) -> None:
    (found,) = read_captures(written(tmp_path, f"[{SETTLE_TEXT}]"))
    assert '"medfee_sumamt":12.50' in found.body


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": 1}', "hello"])
def test_what_holds_no_messages_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unreadable, match="capture"):
        read_captures(written(tmp_path, text))


async def played(file: Path, answers: list[Any], **how: Any) -> tuple[list[Replayed], list[Any]]:
    seen: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, await request.text()))
        return web.json_response(answers[len(seen) - 1])

    async with platform(answer) as url:
        found = [one async for one in replay(read_captures(file), url, **how)]
    return found, seen


DAY = [{"request": REGISTER, "response": OPENED}, {"request": SETTLE, "response": {"infcode": 0}}]
ANSWERS = [
    {"infcode": 0, "err_msg": "", "output": {"data": {"mdtrt_id": "new-visit"}}},
    {"infcode": 4022, "err_msg": "已结算", "output": None},
]


async def test_later_messages_name_the_visit_that_was_opened_now(tmp_path: Path) -> None:
    found, seen = await played(written(tmp_path, json.dumps(DAY)), ANSWERS)
    assert '"mdtrt_id":"new-visit"' in seen[1][1]
    assert seen[1][0] == ANY_PATH
    assert [one.agrees for one in found] == [True, False]
    assert found[1].differences == ("infcode was 0, is 4022",)


async def test_messages_get_new_ids_and_their_reversals_name_them(tmp_path: Path) -> None:
    reversal = {
        "infno": "2601",
        "msgid": "H1101059900120260101080002",
        "input": {"data": {"omsgid": SETTLE["msgid"], "oinfno": "2207"}},
    }
    _, seen = await played(written(tmp_path, json.dumps([SETTLE, reversal])), [OPENED, OPENED])
    settled, undone = (json.loads(body) for _, body in seen)
    assert settled["msgid"] != SETTLE["msgid"]
    assert undone["input"]["data"]["omsgid"] == settled["msgid"]


async def test_with_kept_ids_the_body_goes_as_it_is(tmp_path: Path) -> None:
    _, seen = await played(written(tmp_path, f"[{SETTLE_TEXT}]"), [OPENED], keep_ids=True)
    assert seen[0][1] == SETTLE_TEXT


async def test_without_captured_answers_the_newest_id_of_a_name_is_taken(tmp_path: Path) -> None:
    _, seen = await played(written(tmp_path, json.dumps([REGISTER, SETTLE])), ANSWERS)
    assert '"mdtrt_id":"new-visit"' in seen[1][1]


async def test_a_settlement_hands_back_the_sums_that_its_lines_were_answered(
    tmp_path: Path,
) -> None:
    line = {"feedetl_sn": "1", "mdtrt_id": "v", "chrg_bchno": "b"}
    upload = {"infno": "2204", "msgid": "1" * 30, "input": {"feedetail": [line]}}
    bill = {"mdtrt_id": "v", "chrg_bchno": "b", "inscp_scp_amt": "25.10", "preselfpay_amt": "0"}
    settle = {"infno": "2207", "msgid": "2" * 30, "input": json.dumps({"data": bill})}
    split = {
        "feedetl_sn": "1",
        "fulamt_ownpay_amt": 0,
        "inscp_scp_amt": 20.0,
        "preselfpay_amt": 5.1,
    }
    answers = [{"infcode": 0, "output": {"result": [split]}}, {"infcode": 0, "output": None}]
    _, seen = await played(written(tmp_path, json.dumps([upload, settle])), answers)
    sent = json.loads(json.loads(seen[1][1])["input"])["data"]
    assert (sent["inscp_scp_amt"], sent["preselfpay_amt"]) == ("20.00", "5.10")


def test_amounts_are_compared_by_value_and_shown_with_their_digits() -> None:
    captured = decode('{"infcode":0,"output":{"setlinfo":{"acct_pay":4.50,"hifp_pay":1.0}}}')
    answered = {"infcode": 0, "output": {"setlinfo": {"acct_pay": Decimal("4.5"), "hifp_pay": "2"}}}
    assert differences(captured, answered) == ["output.setlinfo.hifp_pay was 1.0, is 2"]
