"""The sandbox's tools, as forms and as JSON."""

from typing import Any

import pytest

from tests.web.builders import HOST, Sandbox, text_of
from yibao.kernel.refusals import RefusalCode

SIGN_IN = {"signIn": {"opter_no": "1", "ip": "1", "mac": "1"}}


async def api(sandbox: Sandbox, path: str, wish: Any, status: int = 200, **headers: str) -> Any:
    answer = await sandbox.browser.post(path, json=wish, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_a_wished_person_can_be_asked_for_by_every_voucher(sandbox: Sandbox) -> None:
    made = await api(sandbox, "/ui/api/people", {"age": 70, "gender": "2", "balance": "12.34"}, 201)
    assert made["psn_type"] == "1201"
    counter = sandbox.counter
    by_card = {
        "mdtrt_cert_type": "03",
        "mdtrt_cert_no": made["card_no"],
        "card_sn": made["card_sn"],
    }
    decoded = await counter.done("1162", {"data": {"ecQrCode": made["ecQrCode"], "orgId": "x"}})
    by_token = {"mdtrt_cert_type": "01", "mdtrt_cert_no": decoded["data"]["ecToken"]}
    by_number = {"mdtrt_cert_type": "02", "mdtrt_cert_no": made["certno"]}
    for shown in (by_card, by_token, by_number):
        found = await counter.done("1101", {"data": shown})
        assert found["baseinfo"]["psn_no"] == made["psn_no"]
        assert str(found["insuinfo"][0]["balc"]) == "12.34"


async def test_a_child_is_a_resident_and_may_have_a_special_identity(sandbox: Sandbox) -> None:
    made = await api(sandbox, "/ui/api/people", {"age": 8, "special_identity": "2303"}, 201)
    assert (made["insutype"], made["psn_type"]) == ("390", "1403")
    shown = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": made["certno"]}}
    found = await sandbox.counter.done("1101", shown)
    assert found["idetinfo"][0]["psn_idet_type"] == "2303"


async def test_fresh_vouchers_can_be_shown_again(sandbox: Sandbox) -> None:
    made = await api(sandbox, "/ui/api/people", {}, 201)
    shown = await api(sandbox, "/ui/api/vouchers", {"certno": made["certno"]}, 201)
    assert shown["ecQrCode"] != made["ecQrCode"]
    await sandbox.counter.done("1162", {"data": {"ecQrCode": shown["ecQrCode"], "orgId": "x"}})
    await api(sandbox, "/ui/api/vouchers", {"certno": "nobody"}, 400)


@pytest.mark.parametrize(
    "wish",
    [
        {"age": -1},
        {"age": "old"},
        {"gender": "3"},
        {"scheme": "999"},
        {"balance": "1.234"},
        {"balance": "-1"},
        {"extent": "some"},
        {"died_on": "2099-01-01"},
        {"died_on": "1900-01-01"},
        {"division": "11"},
        {"division": "<b>"},
        {"special_identity": "x" * 90},
        {"hair": "red"},
        [],
    ],
)
async def test_an_impossible_wish_is_refused(sandbox: Sandbox, wish: Any) -> None:
    assert "detail" in await api(sandbox, "/ui/api/people", wish, 400)


async def test_the_clock_is_set_moved_and_given_back(sandbox: Sandbox) -> None:
    told = await api(sandbox, "/ui/api/clock", {"to": "2027-03-01T08:00:00", "running": False})
    assert told["now"].startswith("2027-03-01T00:00:00")
    assert told["is_set"]
    for other in ("2027-03-01 08:00", "2027-03-01T00:00:00Z", "2027-03-01T08:00:00+08:00"):
        same = await api(sandbox, "/ui/api/clock", {"to": other, "running": False})
        assert same["now"] == told["now"]
    day = await api(sandbox, "/ui/api/clock", {"to": "2027-03-01", "running": False})
    assert day["now"].startswith("2027-02-28T16:00:00")
    await api(sandbox, "/ui/api/clock", {"to": "tomorrow"}, 400)
    await api(sandbox, "/ui/api/clock", {"to": told["now"], "running": False})
    told = await api(sandbox, "/ui/api/clock", {"days": 1, "running": False})
    assert told["business_date"] == "2027-03-02"
    signed = await sandbox.counter.done("9001", SIGN_IN)
    assert signed["signinoutb"]["sign_time"].startswith("2026-07-15"), "commands were built before"
    told = await api(sandbox, "/ui/api/clock", {})
    assert not told["is_set"]
    await api(sandbox, "/ui/api/clock", {"days": 10**9}, 400)


@pytest.mark.parametrize("year", [1900, 9999])
async def test_the_clock_is_not_set_where_the_calendar_or_every_law_ends(
    sandbox: Sandbox, year: int
) -> None:
    await api(sandbox, "/ui/api/clock", {"to": f"{year}-12-31T23:59:59"}, 400)
    await sandbox.submit("/ui/tools/clock", 400, to=f"{year}-12-31T23:59")
    assert not (await sandbox.browser.get("/ui/api/clock")).json()["is_set"]


async def test_a_refused_form_keeps_what_was_typed_and_says_why_in_the_pages_language(
    sandbox: Sandbox,
) -> None:
    page = await sandbox.submit("/ui/tools/person", 400, age="300", name="测试乙", scheme="390")
    assert "年龄应在0至120之间" in page
    assert 'value="300"' in page
    assert 'value="测试乙"' in page
    assert '<option value="390" selected>' in page
    assert "age lies in" in await sandbox.submit("/ui/tools/person?lang=en", 400, age="300")


async def test_a_refusal_is_injected_once(sandbox: Sandbox) -> None:
    wish = {"kind": "refuse", "number": "9001", "code": int(RefusalCode.BUSY)}
    await api(sandbox, "/ui/api/faults", wish, 201)
    assert (await sandbox.counter.refused("9001", SIGN_IN))[0] == RefusalCode.BUSY
    await sandbox.counter.done("9001", SIGN_IN)
    assert (await sandbox.browser.get("/ui/api/faults")).json() == []


async def test_a_fault_waits_for_its_transaction_and_institution(sandbox: Sandbox) -> None:
    await api(sandbox, "/ui/api/faults", {"kind": "unknown", "number": "2207"}, 201)
    await api(sandbox, "/ui/api/faults", {"kind": "unknown", "institution": "H1"}, 201)
    await sandbox.counter.done("9001", SIGN_IN)
    assert len((await sandbox.browser.get("/ui/api/faults")).json()) == 2
    cleared = await sandbox.browser.request("DELETE", "/ui/api/faults", json={})
    assert cleared.status_code == 204
    assert (await sandbox.browser.get("/ui/api/faults")).json() == []


async def test_a_lost_reply_is_lost_and_what_was_done_stays(sandbox: Sandbox) -> None:
    await api(sandbox, "/ui/api/faults", {"kind": "lose_reply", "number": "9001"}, 201)
    message = sandbox.counter.message_id()
    with pytest.raises(ConnectionAbortedError):
        await sandbox.counter.call("9001", SIGN_IN, message=message)
    page = await sandbox.page(f"/ui/messages/{await sandbox.newest()}")
    assert "lose_reply" in page
    assert '"infcode": 0' in text_of(page).replace("&#34;", '"')
    await sandbox.counter.done("9001", SIGN_IN, message=message)


@pytest.mark.parametrize(
    "wish", [{"kind": "fire"}, {"kind": "delay", "seconds": 9999}, {"kind": "refuse", "code": 7}]
)
async def test_an_impossible_fault_is_refused(sandbox: Sandbox, wish: Any) -> None:
    await api(sandbox, "/ui/api/faults", wish, 400)


async def test_forms_do_the_same(sandbox: Sandbox) -> None:
    assert "测试新" in await sandbox.submit("/ui/tools/person", age="30", balance="1.00")
    assert "9001" in await sandbox.submit("/ui/tools/fault", kind="delay", number="9001")
    assert "没有等待中的故障" in await sandbox.submit("/ui/tools/faults")
    assert "2027-05-01 00:00" in await sandbox.submit("/ui/tools/clock", to="2027-05-01T00:00")
    assert "与本机一致" in await sandbox.submit("/ui/tools/clock")
    assert "年龄" in await sandbox.submit("/ui/tools/person", 400, age="300")


async def test_a_world_without_a_kept_seed_is_not_reset(sandbox: Sandbox) -> None:
    assert "not kept" in (await api(sandbox, "/ui/api/reset", {}, 400))["detail"]


async def test_no_other_site_can_change_anything(sandbox: Sandbox) -> None:
    forged = await sandbox.browser.post("/ui/tools/reset", data={"sure": "yes"})
    assert forged.status_code == 403
    token = await sandbox.token()
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        foreign = await sandbox.browser.post(
            "/ui/tools/faults", data={"token": token}, headers=headers
        )
        assert foreign.status_code == 403
        await api(sandbox, "/ui/api/faults", {"kind": "delay"}, 403, **headers)
    as_text = await sandbox.browser.post(
        "/ui/api/faults", content=b'{"kind": "delay"}', headers={"content-type": "text/plain"}
    )
    assert as_text.status_code == 403
    ours = await sandbox.browser.post(
        "/ui/tools/faults", data={"token": token}, headers={"origin": HOST}
    )
    assert ours.status_code == 200
