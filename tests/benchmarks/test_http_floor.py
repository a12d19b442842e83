"""The floor answers the same bytes, and nothing more."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import http_floor

ANSWER = '{"infcode":0,"output":{"name":"测试"}}'


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("YIBAO_FLOOR_ANSWERS", json.dumps({"2207": ANSWER}))
    return http_floor.application()


async def asked(application: Any, path: str, *headers: tuple[bytes, bytes]) -> bytes:
    """The body of its answer to a request in two pieces; all of it must have been read."""
    pieces: Iterator[dict[str, Any]] = iter(
        [
            {"type": "http.request", "body": b"a", "more_body": True},
            {"type": "http.request", "body": b"b", "more_body": False},
        ]
    )
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(pieces)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application({"type": "http", "path": path, "headers": headers}, receive, send)
    assert next(pieces, None) is None
    start, body = sent
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    found: bytes = body["body"]
    return found


async def test_a_call_is_answered_what_the_platform_answered(application: Any) -> None:
    assert await asked(application, "/hsa/hgs/2207") == ANSWER.encode()


async def test_where_one_path_serves_all_the_header_names_the_call(application: Any) -> None:
    path = "/fsi/api/rsfComIfsService/callService"
    assert await asked(application, path, (b"_api_name", b"2207")) == ANSWER.encode()
