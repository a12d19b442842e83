"""The line does to a message what its fate says, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from tests.world.line import Fate, Line, Treatment

CUT = (aiohttp.ClientError, asyncio.IncompleteReadError)


class Platform:
    """Notes what reaches it."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        """Answer with the text that came."""
        text = await request.text()
        self.got.append(text)
        return web.Response(text=f"answer to {text}")


@asynccontextmanager
async def line(*fates: Treatment) -> AsyncIterator[tuple[Line, Platform]]:
    """A line to a platform; the n-th request meets the n-th fate, later ones pass."""
    platform, waiting = Platform(), list(fates)
    application = web.Application()
    application.router.add_post("/", platform.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with Line(lambda: port, lambda _: waiting.pop(0) if waiting else Treatment()) as made:
        yield made, platform
    await runner.cleanup()


async def send(to: Line, text: str) -> str:
    async with aiohttp.ClientSession() as session, session.post(to.base_url, data=text) as answer:
        return await answer.text()


async def test_what_passes_is_answered() -> None:
    async with line() as (made, platform):
        assert await send(made, "a") == "answer to a"
        assert platform.got == ["a"]


@pytest.mark.parametrize(
    ("fate", "reaches"),
    [
        (Fate.LOSE_REQUEST, []),
        (Fate.CUT_REQUEST, []),
        (Fate.LOSE_REPLY, ["a"]),
        (Fate.CUT_REPLY, ["a"]),
        (Fate.LATE, ["a"]),
    ],
)
async def test_a_lost_message_has_no_answer(fate: Fate, reaches: list[str]) -> None:
    async with line(Treatment(fate, 0.05)) as (made, platform):
        with pytest.raises(CUT):
            await send(made, "a")
        await made.settled()
        assert platform.got == reaches


@pytest.mark.parametrize("fate", [Fate.TWICE, Fate.AGAIN_LATER])
async def test_a_doubled_message_comes_twice_and_is_answered_once(fate: Fate) -> None:
    async with line(Treatment(fate, 0.05)) as (made, platform):
        assert await send(made, "a") == "answer to a"
        await made.settled()
        assert platform.got == ["a", "a"]


async def test_a_held_message_is_overtaken() -> None:
    async with line(Treatment(Fate.OVERTAKEN, 0.2)) as (made, platform):
        slow = asyncio.create_task(send(made, "first"))
        await asyncio.sleep(0.05)
        await send(made, "second")
        assert await slow == "answer to first"
        assert platform.got == ["second", "first"]
