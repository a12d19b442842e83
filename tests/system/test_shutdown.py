"""SIGTERM in the middle of settlements: nothing acknowledged is lost, no outcome is left unknown.

Real processes, a real disk: cashiers settle as fast as they can while ``yibao serve`` is told to
end, and told again.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.test_kills import CASHIERS, Served, _client, _hospital, _upload_one_line
from tests.world.server import Pristine
from yibao.client import Answer, CallOutcome, Client
from yibao.kernel.identifiers import parse_pool_key
from yibao.ledger import service as ledger
from yibao.platform.database import Database
from yibao.platform.postgres import EmbeddedPostgres
from yibao.settlement import service as settlement

pytestmark = pytest.mark.system

GRACE = 2
"""Seconds in which the server is not ready and serves all the same."""

_BEGUN = """SELECT count(*) FROM platform.message
    WHERE key = ANY (SELECT platform.message_key($1, '2207', cut_off.message)
                     FROM unnest($2::text[]) AS cut_off (message))"""


@dataclass
class Day:
    """What cashiers and a load balancer saw."""

    acknowledged: list[str] = field(default_factory=list)
    """Settlement ids."""
    late: int = 0
    """Settlements acknowledged after the server was not ready."""
    not_accepted: int = 0
    cut_off: list[str] = field(default_factory=list)
    """Ids of messages whose connection was cut: the system had taken it for a server that no longer
    looked, as it does in the instant in which a door is closed."""
    not_ready_at: float | None = None
    refused_at: float | None = None


async def test_a_server_that_is_told_to_end_loses_nothing_and_answers_whatever_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pristine: Pristine
) -> None:
    monkeypatch.setenv("YIBAO_SHUTDOWN_GRACE", str(GRACE))
    served = Served(pristine.copy_to(tmp_path / "data"))
    day = Day()
    await asyncio.to_thread(served.start)
    try:
        work = asyncio.create_task(_work(served.accounts, day))
        watch = asyncio.create_task(_watch(served.accounts["base_url"], day))
        await asyncio.sleep(1.5)
        assert served.process is not None
        os.kill(served.process.pid, signal.SIGTERM)
        await asyncio.sleep(0.3)
        os.kill(served.process.pid, signal.SIGTERM)  # somebody is impatient: nothing changes
        await asyncio.to_thread(served.process.wait, 60)
        await asyncio.gather(work, watch)
    finally:
        served.stop()
    assert served.process.returncode == 0
    assert day.not_accepted, "nobody was told that it is closing"
    assert day.late, "it stopped serving as soon as it was not ready"
    assert day.not_ready_at is not None
    assert day.refused_at is not None
    assert day.refused_at - day.not_ready_at > GRACE * 0.8
    async with _opened(served.folder) as database, database.reader(None) as connection:
        assert await ledger.verify(connection) == []
        sender = _hospital(served.accounts)["fixmedins_code"]
        async with database.writer() as writer:
            assert await writer.fetchval(_BEGUN, sender, day.cut_off) == 0
        for number in day.acknowledged:
            key = parse_pool_key(number)
            assert key is not None
            assert await settlement.settlement(connection, key) is not None


async def _watch(base_url: str, day: Day) -> None:
    """A load balancer: asks whether it is ready, over a connection of its own each time."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        while day.refused_at is None:
            with suppress(TimeoutError):
                try:
                    async with session.get(f"{base_url}/readyz") as answer:
                        if answer.status == 503 and day.not_ready_at is None:
                            day.not_ready_at = time.monotonic()
                except aiohttp.ClientConnectorError:
                    day.refused_at = time.monotonic()
            await asyncio.sleep(0.05)


async def _work(accounts: dict[str, Any], day: Day) -> None:
    people = [p for p in accounts["persons"] if p["pool"] == _hospital(accounts)["pool"]]
    item = next(i for i in accounts["items"] if i["pool"] == _hospital(accounts)["pool"])
    async with _client(accounts) as client:
        await asyncio.gather(*(_cashier(client, people[n], item, day) for n in range(CASHIERS)))


async def _cashier(client: Client, person: dict[str, Any], item: dict[str, Any], day: Day) -> None:
    while day.refused_at is None:
        settle = await _upload_one_line(client, person, item)
        if settle is None:
            await asyncio.sleep(0.05)
            continue
        message = client.new_message_id()
        answer = await _settled(client, message, settle, person["insuplc_admdvs"], day)
        if answer.outcome is CallOutcome.DONE:
            day.acknowledged.append(answer.output["setlinfo"]["setl_id"])
            day.late += day.not_ready_at is not None
        elif answer.outcome is CallOutcome.UNKNOWN and "ConnectorError" not in answer.message:
            day.cut_off.append(message)


async def _settled(
    client: Client, message: str, settle: dict[str, Any], division: str, day: Day
) -> Answer:
    """The outcome of one message, sent again while it is not accepted."""
    while True:
        answer = await client.call("2207", settle, message_id=message, insured_division=division)
        if not answer.nothing_done:
            return answer
        day.not_accepted += 1
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Database]:
    postgres = EmbeddedPostgres(folder / "postgres")
    database = await Database.open(await asyncio.to_thread(postgres.start))
    try:
        yield database
    finally:
        await database.close()
        await asyncio.to_thread(postgres.stop)
