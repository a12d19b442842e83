"""The console in a real browser before a real server: it works by keyboard, and axe has no word.

Also what only a real server can show: a cut connection, and two processes that agree.
"""

import http.client
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.world.server import Pristine
from yibao.kernel.refusals import RefusalCode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("console")]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SERVE = [sys.executable, "-m", "yibao", "serve", "--sandbox", "--open"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
HEADERS = {"Content-Type": "application/json", "x-tif-paasid": "stranger"}
MEMBER = "51010099-stranger"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pristine: Pristine) -> Iterator[str]:
    """The address of a sandbox with two processes and an open door."""
    data = pristine.copy_to(tmp_path_factory.mktemp("console"))
    process = subprocess.Popen(
        [*SERVE, "--data", str(data), "--port", "0", "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if "DOOR IS OPEN" in line:
            break
    assert "is ready: " in told, told
    yield told.split("is ready: ")[1].split()[0]
    process.terminate()
    process.communicate(timeout=60)


@pytest.fixture(scope="module")
def visit(server: str) -> str:
    """A stranger's visit, registered by a stranger's hospital."""
    answer = call(
        server,
        "2201",
        {
            "psn_no": MEMBER,
            "insutype": "310",
            "begntime": time.strftime("%Y-%m-%d 00:00:01"),
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": "990101199001010007",
            "ipt_otp_no": "MZ1",
            "atddr_no": "D1",
            "dr_name": "测试医师",
            "dept_code": "0300",
            "dept_name": "内科",
            "caty": "A03",
        },
    )
    assert answer["infcode"] == 0, answer
    call(server, "2201", {"psn_no": "<script>alert(1)</script>"})
    time.sleep(0.5)
    return str(answer["output"]["data"]["mdtrt_id"])


def call(server: str, number: str, data: Any, message: str = "") -> Any:
    """Send a message of a hospital that nobody knows."""
    envelope = {
        "infno": number,
        "msgid": message or f"m{time.time_ns()}",
        "mdtrtarea_admvs": "510100",
        "insuplc_admdvs": "510100",
        "recer_sys_code": "YBXT",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "0001",
        "opter_name": "测试",
        "fixmedins_code": "stranger.7",
        "fixmedins_name": "测试医院",
        "input": {"data": data, "signIn": data},
    }
    answer = json.loads(ask(server, "POST", f"/fsi/{number}", envelope))
    if answer["infcode"] == RefusalCode.BUSY:  # that process is still starting
        time.sleep(0.5)
        return call(server, number, data, envelope["msgid"])
    return answer


def ask(server: str, method: str, path: str, body: Any = None) -> bytes:
    parts = urlsplit(server)
    content = None if body is None else json.dumps(body).encode()
    for _ in range(60):
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(method, path, content, HEADERS)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status != 503:  # that process is still starting
            assert answer.status < 300, told
            return told
        time.sleep(0.5)
    pytest.fail("a process of the server does not become ready")


# ----------------------------------------------------------------------------------- no browser


@pytest.mark.parametrize("kind", ["lose_reply", "lose_request"])
def test_a_cut_reply_is_no_answer_at_all(server: str, kind: str) -> None:
    ask(server, "POST", "/ui/api/faults", {"kind": kind, "number": "9001"})
    time.sleep(0.4)
    sign_in = {"opter_no": "1", "ip": "1", "mac": "1"}
    with pytest.raises(http.client.RemoteDisconnected):
        call(server, "9001", sign_in, message=kind)
    assert call(server, "9001", sign_in, message=kind)["infcode"] == 0


def test_all_processes_follow_the_clock(server: str) -> None:
    ask(server, "POST", "/ui/api/clock", {"days": 400})
    time.sleep(0.4)
    told = {json.loads(ask(server, "GET", "/ui/api/clock"))["business_date"] for _ in range(12)}
    ask(server, "POST", "/ui/api/clock", {})
    assert len(told) == 1
    assert told.pop()[:4] > time.strftime("%Y")


def test_the_open_door_is_told_loudly(server: str) -> None:
    assert json.loads(ask(server, "GET", "/readyz"))["open_door"] is True
    assert "开放接入已开启" in ask(server, "GET", "/ui/people").decode()


def test_whose_account_pays_for_whom_is_shown(server: str) -> None:
    page = ask(server, "GET", "/ui/people").decode()
    assert "家庭共济" in page
    assert page.count("<td>子女</td>") == 2


# -------------------------------------------------------------------------------------- browser


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine: the console's pages are not looked at")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: "Browser", server: str) -> Iterator["Page"]:
    """A page that fails the test when a script or the content policy complains."""
    context = browser.new_context(viewport=DESK, base_url=server, locale="zh-CN")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    yield opened
    context.close()
    assert complaints == []


def paths(visit: str) -> list[str]:
    return [
        "/ui/messages",
        "/ui/messages/1",
        "/ui/messages/2",
        "/ui/transactions",
        "/ui/transactions/2207",
        "/ui/visits",
        f"/ui/visits/{visit}",
        "/ui/people",
        "/ui/tools",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: "Page", visit: str, scheme: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    for path in paths(visit):
        page.goto(path)
        found = Axe().run(page).response["violations"]
        serious = [
            (path, one["id"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []


def test_no_page_is_wider_than_a_phone(page: "Page", visit: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for path in paths(visit):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


def test_the_list_grows_by_itself_and_is_walked_by_keyboard(
    page: "Page", server: str, visit: str
) -> None:
    page.goto("/ui/messages")
    first = page.locator("#live tr").first.get_attribute("data-id")
    call(server, "9001", {"opter_no": "1", "ip": "1", "mac": "1"})
    page.wait_for_function(
        "first => document.querySelector('#live tr').dataset.id !== first", arg=first
    )
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/messages/*")
    assert "签到" in page.inner_text("h1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_pages_can_be_read_without_a_script(browser: "Browser", server: str, visit: str) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=server, locale="en-GB")
    plain = context.new_page()
    for path in paths(visit):
        answer = plain.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert plain.inner_text("h1")
    plain.goto("/ui/tools")
    plain.get_by_role("button", name="Create").click()
    assert "Created" in plain.inner_text("main")
    context.close()
