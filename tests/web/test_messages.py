"""Pages of messages: the list, one in full, sending it again."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.web.builders import Sandbox, text_of
from yibao.gateway.exchange import Exchange
from yibao.web.requests import curl

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


async def test_a_new_message_appears_in_the_list(sandbox: Sandbox) -> None:
    assert "还没有报文" in await sandbox.page("/ui/messages")
    await sandbox.counter.done("9001", {"signIn": {"opter_no": "1", "ip": "1", "mac": "1"}})
    last = await sandbox.newest()
    page = await sandbox.page("/ui/messages")
    assert "签到" in page
    assert f'href="/ui/messages/{last}"' in page
    rows = await sandbox.browser.get("/ui/messages/rows?after=0")
    assert rows.headers["X-Last-Message"] == str(last)
    assert "签到" in rows.text
    nothing_new = await sandbox.browser.get(f"/ui/messages/rows?after={last}")
    assert nothing_new.text.strip() == ""


async def test_the_list_is_filtered(sandbox: Sandbox) -> None:
    await sandbox.counter.done("9001", {"signIn": {"opter_no": "1", "ip": "1", "mac": "1"}})
    await sandbox.counter.refused("2201", {"data": {"psn_no": "1100001", "dr_name": "测试医师"}})
    await sandbox.newest()
    refused = await sandbox.page("/ui/messages", params={"outcome": "refused"})
    assert "门诊挂号" in refused
    assert "签到" not in refused
    by_number = await sandbox.page("/ui/messages", params={"number": "90"})
    assert "门诊挂号" not in by_number
    by_text = await sandbox.page("/ui/messages", params={"q": "测试医师"})
    assert "门诊挂号" in by_text
    assert "签到" not in by_text
    assert "没有符合条件" in await sandbox.page("/ui/messages", params={"q": "nowhere"})


async def test_a_refused_message_names_field_rule_cause_and_cure(sandbox: Sandbox) -> None:
    content = sandbox.counter.registration("1100001")
    content["data"]["begntime"] = "yesterday"
    await sandbox.counter.refused("2201", content)
    page = await sandbox.page(f"/ui/messages/{await sandbox.newest()}")
    text = text_of(page)
    assert "FIELD_INVALID" in text
    assert "data.begntime" in text
    assert "处理办法" in text
    assert "yesterday" in text
    assert '<tr class="refused">' in page


async def test_a_message_that_is_no_json_is_shown_too(sandbox: Sandbox) -> None:
    await sandbox.counter.post(b"\xff\xfe{not json", headers=sandbox.counter.headers())
    text = text_of(await sandbox.page(f"/ui/messages/{await sandbox.newest()}"))
    assert "not json" in text
    assert "无法逐字段核对" in text


async def test_a_hostile_message_is_only_text(sandbox: Sandbox) -> None:
    content = {"data": {"psn_no": HOSTILE, HOSTILE: HOSTILE}}
    await sandbox.counter.call("2201", content, fixmedins_name=HOSTILE, opter=HOSTILE[:30])
    last = await sandbox.newest()
    for path in (f"/ui/messages/{last}", "/ui/messages", "/ui/messages/rows?after=0"):
        page = await sandbox.page(path)
        assert "<script>alert" not in page
        assert "<img" not in page


async def test_pages_may_load_nothing_from_elsewhere(sandbox: Sandbox) -> None:
    answer = await sandbox.browser.get("/ui/messages")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("http://127.0.0.1:8765", "")


async def test_the_same_bytes_sent_again_get_the_same_answer(sandbox: Sandbox) -> None:
    member = await sandbox.counter.town.insure()
    await sandbox.counter.done("2201", sandbox.counter.registration(member))
    last = await sandbox.newest()
    page = await sandbox.submit(f"/ui/messages/{last}/replay")
    assert "答复的业务内容与首次相同" in page
    assert await sandbox.newest() == last + 1


async def test_a_wrong_signature_is_laid_beside_the_right_one(sandbox: Sandbox) -> None:
    headers = sandbox.counter.headers()
    headers["x-tif-signature"] = headers["x-tif-signature"].upper()[:-1] + "!"
    body = json.dumps(sandbox.counter.envelope("9001", {})).encode()
    await sandbox.counter.post(body, headers=headers)
    page = await sandbox.page(f"/ui/messages/{await sandbox.newest()}")
    assert "签名不正确" in page
    assert "<mark>" in page
    assert "***" in page


async def test_a_message_whose_sender_was_turned_away_is_found_by_what_it_says_of_itself(
    sandbox: Sandbox,
) -> None:
    headers = sandbox.counter.headers() | {"x-tif-signature": "0" * 64}
    envelope = sandbox.counter.envelope("9001", {"signIn": {"opter_no": "7"}})
    await sandbox.counter.post(json.dumps(envelope).encode(), headers=headers)
    last = await sandbox.newest()
    assert f"/ui/messages/{last}" in await sandbox.page("/ui/messages?number=9001")
    text = text_of(await sandbox.page(f"/ui/messages/{last}"))
    assert "签到" in text
    assert envelope["msgid"] in text
    assert "无法逐字段核对" not in text


async def test_the_curl_command_quotes_what_was_sent(sandbox: Sandbox) -> None:
    content = {"signIn": {"opter_no": "o'; rm -rf /", "ip": "1", "mac": "1"}}
    await sandbox.counter.call("9001", content)
    page = await sandbox.page(f"/ui/messages/{await sandbox.newest()}")
    assert "curl -sS -X POST" in page
    assert "o&#39;&#34;&#39;&#34;&#39;; rm -rf /" in page


@pytest.mark.parametrize(
    "body",
    [b"@/etc/hostname", b"it's", b"\xff\xfe\x00{", b'{"a": "' + "医保".encode() * 30_000 + b'"}'],
    ids=["like a file", "quoted", "no text", "long"],
)
def test_the_curl_command_sends_every_byte_and_no_file(body: bytes, tmp_path: Path) -> None:
    exchange = Exchange(datetime(2026, 7, 15, tzinfo=UTC), "POST", "/", {"x-a": "'b'"}, body)
    command = curl(exchange, "http://127.0.0.1:1")
    fake = tmp_path / "curl"  # writes the body that curl would send
    fake.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "way, value = next((a, b) for a, b in zip(sys.argv, sys.argv[1:]) if '--data' in a)\n"
        "piped = value[:1] == '@' and way != '--data-raw'\n"
        "body = sys.stdin.buffer.read() if piped else value.encode()\n"
        "sys.stdout.buffer.write(b'a file' if piped and value != '@-' else body)\n"
    )
    fake.chmod(0o755)
    script = tmp_path / "script"  # as pasted: what a shell's argument may hold is less
    script.write_text(command)
    sent = subprocess.run(
        ["bash", str(script)],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert sent.stdout == body


@pytest.mark.parametrize(
    ("address", "above"),
    [
        ("/ui/messages/7/replay", "/ui/messages/7"),
        ("/ui/tools/person", "/ui/tools"),
        ("/ui/people/voucher", "/ui/people"),
    ],
)
async def test_the_address_that_an_answer_to_a_form_leaves_leads_to_the_forms_page(
    sandbox: Sandbox, address: str, above: str
) -> None:
    answer = await sandbox.browser.get(address)
    assert (answer.status_code, answer.headers["location"]) == (302, above)


async def test_the_other_language_is_offered_beside_the_answer_to_a_form_too(
    sandbox: Sandbox,
) -> None:
    page = await sandbox.submit("/ui/tools/clock", days="1")
    assert 'href="/ui/tools?lang=en"' in page


async def test_a_message_that_is_not_kept_is_told(sandbox: Sandbox) -> None:
    assert "已不在记录中" in await sandbox.page(f"/ui/messages/{10**30}", 404)
    assert "还没有报文" in await sandbox.page(f"/ui/messages?before={10**30}")
    assert "已不在记录中" in await sandbox.page("/ui/messages/999", 404)
    assert "没有这个页面" in await sandbox.page("/ui/nowhere", 404)


async def test_pages_speak_english_to_whoever_asks(sandbox: Sandbox) -> None:
    english = {"accept-language": "en-GB,en;q=0.9,zh;q=0.2"}
    assert '<html lang="en">' in await sandbox.page("/ui/messages", headers=english)
    answer = await sandbox.browser.get("/ui/messages?lang=en")
    assert "yibao_language=en" in answer.headers["set-cookie"]
    assert '<html lang="en">' in await sandbox.page("/ui/people")
