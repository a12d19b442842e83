"""The three outcomes of a call, against a real HTTP server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
import pytest
from aiohttp import web

from yibao.client import CallOutcome, Client, Endpoint, Family, NotDone
from yibao.client.signatures import csb_signature, tif_signature

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def endpoint(base_url: str, family: Family = Family.TIF) -> Endpoint:
    """A hospital's way in to a server on this machine."""
    return Endpoint(
        base_url=base_url,
        institution="H11010599001",
        name="测试医院",
        division="110105",
        family=family,
        key_id="account",
        secret="secret",
    )


@asynccontextmanager
async def platform(handler: Handler) -> AsyncIterator[str]:
    """A server that answers every POST with ``handler``; yields its address."""
    application = web.Application()
    application.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def envelope(code: object, output: object = None, message: str = "") -> Handler:
    """A handler that answers with this envelope."""

    async def answer(_: web.Request) -> web.Response:
        body = {"infcode": code, "err_msg": message, "output": output, "inf_refmsgid": "1"}
        return web.json_response(body)

    return answer


async def test_infcode_zero_is_done_and_hands_out_the_output() -> None:
    async with (
        platform(envelope(0, {"data": {"mdtrt_id": "1"}})) as url,
        Client(endpoint(url)) as client,
    ):
        answer = await client.call("2201", {"data": {}})
    assert answer.outcome is CallOutcome.DONE
    assert answer.done() == {"data": {"mdtrt_id": "1"}}


async def test_infcode_may_be_text() -> None:
    async with platform(envelope("0")) as url, Client(endpoint(url)) as client:
        assert (await client.call("2201", {})).outcome is CallOutcome.DONE


async def test_another_infcode_is_a_refusal_with_its_message() -> None:
    async with (
        platform(envelope(4001, message="就诊不存在")) as url,
        Client(endpoint(url)) as client,
    ):
        answer = await client.call("2207", {})
    assert answer.outcome is CallOutcome.REFUSED
    assert (answer.code, answer.message) == (4001, "就诊不存在")
    assert not answer.nothing_done
    with pytest.raises(NotDone):
        answer.done()


async def test_busy_tells_the_caller_to_send_the_same_message_again() -> None:
    async with platform(envelope(9001)) as url, Client(endpoint(url)) as client:
        assert (await client.call("2207", {})).nothing_done


@pytest.mark.parametrize("code", [-1, "-1"])
async def test_minus_one_is_unknown(code: object) -> None:
    async with platform(envelope(code)) as url, Client(endpoint(url)) as client:
        assert (await client.call("2207", {})).outcome is CallOutcome.UNKNOWN


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"infcode": null}', b'{"infcode": "x"}'])
async def test_an_unreadable_answer_is_unknown(body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with platform(answer) as url, Client(endpoint(url)) as client:
        assert (await client.call("2207", {})).outcome is CallOutcome.UNKNOWN


async def test_a_cut_connection_is_unknown() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with platform(cut) as url, Client(endpoint(url)) as client:
        answer = await client.call("2207", {})
    assert answer.outcome is CallOutcome.UNKNOWN
    assert answer.code is None


async def test_a_time_out_is_unknown_and_keeps_the_message_id_for_the_repetition() -> None:
    async def sleep(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with platform(sleep) as url, Client(endpoint(url), timeout=0.05) as client:
        answer = await client.call("2207", {}, message_id="m" * 30)
    assert answer.outcome is CallOutcome.UNKNOWN
    assert answer.message_id == "m" * 30


async def test_a_server_that_is_not_there_is_unknown() -> None:
    async with Client(endpoint("http://127.0.0.1:1")) as client:
        assert (await client.call("1101", {})).outcome is CallOutcome.UNKNOWN


async def test_amounts_keep_their_digits() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b'{"infcode":0,"output":{"setlinfo":{"balc":1234567.10}}}')

    async with platform(answer) as url, Client(endpoint(url)) as client:
        output = (await client.call("2207", {})).done()
    assert output["setlinfo"]["balc"] == Decimal("1234567.10")


async def test_the_request_carries_the_envelope_and_a_valid_signature_in_both_families() -> None:
    seen: list[tuple[str, dict[str, str], dict[str, object]]] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append(
            (request.path, dict(request.headers), msgspec.json.decode(await request.read()))
        )
        return web.json_response({"infcode": 0})

    async with platform(remember) as url:
        for family in Family:
            async with Client(endpoint(url, family)) as client:
                await client.call("1101", {"data": {"certno": "1"}}, insured_division="430181")
    (tif_path, tif, first), (csb_path, csb, second) = seen
    assert tif_path.endswith("/1101")
    assert not csb_path.endswith("1101")
    for body in (first, second):
        assert body["infno"] == "1101"
        assert body["input"] == {"data": {"certno": "1"}}
        assert body["insuplc_admdvs"] == "430181"
        assert body["mdtrtarea_admvs"] == "110105"
        assert body["fixmedins_code"] == "H11010599001"
        assert len(str(body["msgid"])) == 30
    assert tif["x-tif-signature"] == tif_signature(
        tif["x-tif-timestamp"], "secret", tif["x-tif-nonce"]
    )
    signed = {name: value for name, value in csb.items() if name.startswith("_api_")}
    signature = signed.pop("_api_signature")
    assert signature == csb_signature(signed, "secret")


async def test_a_sign_in_number_goes_with_later_messages() -> None:
    numbers: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        numbers.append(msgspec.json.decode(await request.read())["sign_no"])
        return web.json_response({"infcode": 0, "output": {"signinoutb": {"sign_no": "S1"}}})

    async with platform(answer) as url, Client(endpoint(url)) as client:
        await client.sign_in("0001", "127.0.0.1")
        await client.call("1101", {})
    assert numbers == ["", "S1"]
