"""Whatever an app or clerk sends, by every call there is: told what is wrong, never a fault."""

import json
import re
from typing import Any

import pytest

from tests.bureau.builders import FIRST
from tests.openapi.builders import App, signed_in
from tests.openapi.test_application import offered

pytestmark = pytest.mark.database

ALWAYS = {"since": "0001-01-01", "until": "9999-12-31"}
BODIES = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b'"text"',
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b'{"reason":"\\u0000","remark":"\\u0000"}',
    b'{"reason":"\\ud800","remark":"\\ud800"}',
    json.dumps({"reason": "长" * 100_000, "remark": "长" * 100_000}).encode(),
    json.dumps({"kind": "x" * 5000, "content": {"a" * 5000: "b"}, "reason": "r"}).encode(),
    json.dumps({"kind": "death", "content": {"pool": "\r\n", "member": "9" * 999}}).encode(),
    json.dumps({"kind": "death", "content": {"pool": "\r\n"}, "reason": "r"}).encode(),
    json.dumps({"clerk": "\x01'; --", "key": "x" * 100_000}).encode(),
    json.dumps({"clerk": "测试", "key": ""}).encode(),
    json.dumps({"credential_code": "x" * 100_000}).encode(),
    json.dumps({"document_type": "x" * 999, "document_number": "9" * 9999, "name": "测"}).encode(),
    json.dumps({"link": 2**70, "scheme": "999", "amount": "NaN"} | ALWAYS).encode(),
    json.dumps({"link": 2**63, "scheme": "390", "amount": "1e9"} | ALWAYS).encode(),
    json.dumps({"link": 1, "scheme": "no", "amount": "1"} | ALWAYS).encode(),
)
NAMES = (
    "0", "-1", "1", str(2**31), str(2**63), "9" * 30, "1100009999999999999999999",
    "\u0000", "'", "..", "%", "测试", "x" * 3000,
)  # fmt: skip
QUERIES: tuple[dict[str, str], ...] = (
    {"number": "x" * 3000, "start": "0001-01-01", "end": "9999-12-31"},
    {"number": "\u0000", "before": "\u0000", "pool": "\u0000", "language": "\u0000"},
    {"number": "1", "start": "9999-12-31", "end": "0001-01-01", "decided": "maybe", "pool": "'"},
)


async def callers(app: App) -> tuple[str, list[str | None]]:
    """The person's number, and every token somebody could come with."""
    member = await app.town.insure(account="10")
    return member, [await app.session(member), await signed_in(app, FIRST), app.key, None]


def generous(app: App) -> None:
    """Here nobody is to be turned away for guessing too often."""
    app.admission._of_addresses._a_second = 0


def sound(asked: Any, answer: Any) -> None:
    """An answer that tells what is wrong and nothing of our own."""
    assert answer.status < 500, (asked, answer)
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json", (asked, answer)
        told = json.dumps(answer.body)
        for word in ("Traceback", "asyncpg", "SELECT", "/src/", ".py"):
            assert word not in told, (asked, answer)


@pytest.mark.parametrize("call", sorted(offered()))
async def test_no_call_has_an_input_that_breaks_it(app: App, call: str) -> None:
    generous(app)
    method, path = call.split(" ")
    member, tokens = await callers(app)
    names = NAMES if "{" in path else ("",)
    for token in tokens:
        for name in (member, *names):
            filled = re.sub(r"\{[^}]*\}", name, path)
            for body in (
                BODIES if method == "POST" and name == member else (b"{}", b'{"remark":"no"}')
            ):
                asked = (method, filled, body[:60])
                answer = await app.call(
                    method, filled, token=token, raw=body, idempotency=app.fresh_key()
                )
                sound(asked, answer)
        for query in QUERIES:
            filled = re.sub(r"\{[^}]*\}", member, path)
            answer = await app.call(method, filled, {}, token=token, **query)
            sound((method, filled, query), answer)


async def test_wrong_methods_types_and_paths_are_told_as_problems(app: App) -> None:
    _, tokens = await callers(app)
    for method in ("PUT", "PATCH", "DELETE", "HEAD", "TRACE", "OPTIONS", "NONSENSE"):
        for path in ("/me", "/proposals", "/none", "/../me", ""):
            answer = await app.call(method, path, token=tokens[0])
            assert answer.status in {204, 404, 405}, (method, path, answer)
    for kind in (b"text/plain", b"application/xml", b"multipart/form-data", b"", b"\xff"):
        for token in tokens:
            headers = [(b"content-type", kind)]
            answer = await app.call(
                "POST", "/me/premiums", {}, token=token, more_headers=headers, idempotency="wish-12"
            )
            assert 400 <= answer.status < 500, (kind, answer)


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "\x01" * 8, "é" * 8, "'; DROP --"])
async def test_an_idempotency_key_may_be_anything_of_its_length(app: App, key: str) -> None:
    first = await signed_in(app, FIRST)
    wish = {"kind": "none", "content": {}, "reason": "测试"}
    answer = await app.call("POST", "/proposals", wish, token=first, idempotency=key)
    sound(key, answer)
