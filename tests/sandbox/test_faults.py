"""Faults on purpose: used up once, by whichever process meets them; a cut is a cut."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from yibao.gateway.exchange import Exchange
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.service import OutcomeUnknown
from yibao.sandbox.faults import InjectedFaults, cut_connection
from yibao.sandbox.store.shared import LOOK_SECONDS, SharedFile
from yibao.web.model import FaultWish


def faults(folder: Path) -> InjectedFaults:
    return InjectedFaults(SharedFile(folder / "shared.sqlite"))


def exchange(number: str = "2207", institution: str = "H1") -> Exchange:
    made = Exchange(datetime(2026, 7, 15, tzinfo=UTC), "POST", "/", {}, b"")
    made.number, made.institution = number, institution
    return made


async def test_two_processes_use_a_fault_up_together(tmp_path: Path) -> None:
    mine, other = faults(tmp_path), faults(tmp_path)
    mine.inject(FaultWish("lose_reply", count=3))
    await asyncio.sleep(LOOK_SECONDS)
    hit = 0
    for _ in range(4):
        for process in (mine, other):
            met = exchange()
            await process.before(met)
            hit += process.reply_is_lost(met)
    assert hit == 3
    assert not mine.waiting()


async def test_a_delay_delays(tmp_path: Path) -> None:
    mine = faults(tmp_path)
    mine.inject(FaultWish("delay", seconds=0.2))
    started = time.monotonic()
    await mine.before(exchange())
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("wish", "raised"),
    [
        (FaultWish("refuse", code=int(RefusalCode.BALANCE_SHORT)), Refused),
        (FaultWish("unknown"), OutcomeUnknown),
        (FaultWish("lose_request"), Refused),
    ],
)
async def test_what_is_not_done_is_not_done(
    tmp_path: Path, wish: FaultWish, raised: type[Exception]
) -> None:
    mine = faults(tmp_path)
    mine.inject(wish)
    with pytest.raises(raised):
        await mine.before(exchange())


async def test_others_pass_unharmed(tmp_path: Path) -> None:
    mine = faults(tmp_path)
    mine.inject(FaultWish("unknown", number="2207", institution="H1"))
    await mine.before(exchange("2206"))
    await mine.before(exchange("2207", "H2"))
    with pytest.raises(OutcomeUnknown):
        await mine.before(exchange("2207A"))


async def test_a_cut_caller_gets_not_one_byte() -> None:
    cut: list[bool] = []

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")
        cut.append(cut_connection((host, str(port))))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    assert cut == [True]
    writer.close()
    server.close()


def test_a_connection_that_is_not_ours_is_not_cut() -> None:
    assert not cut_connection(("192.0.2.1", 9))
    assert not cut_connection(None)
