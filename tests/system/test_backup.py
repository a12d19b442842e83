"""A backup of a server at work, put back elsewhere: its books agree, a server goes on with it."""

import asyncio
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.test_kills import COMMAND, Sent, Served, _settle_until
from tests.world.server import Pristine
from yibao.client import CallOutcome

pytestmark = pytest.mark.system


async def test_a_backup_under_load_is_put_back_and_served(
    tmp_path: Path, pristine: Pristine
) -> None:
    served = Served(pristine.copy_to(tmp_path / "data"))
    file = tmp_path / "yibao.bak"
    await asyncio.to_thread(served.start)
    try:
        sent: list[Sent] = []
        closed = asyncio.Event()
        work = asyncio.create_task(_settle_all_day(served.accounts, sent, closed))
        await asyncio.sleep(1)
        before = sum(one.answer.outcome is CallOutcome.DONE for one in sent)
        told = await _yibao("backup", str(file), "--data", str(served.folder), "--json")
        closed.set()
        await work
    finally:
        served.stop()
    acknowledged = sum(one.answer.outcome is CallOutcome.DONE for one in sent)
    assert before <= told["tables"]["settlement.settlement"] < acknowledged

    elsewhere = Served(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    shutil.copy(served.folder / "vault.key", elsewhere.folder)  # it is kept apart from backups
    restored = await _yibao("restore", str(file), "--data", str(elsewhere.folder), "--json")
    assert restored["faults"] == []
    assert restored["tables"] == told["tables"]
    await asyncio.to_thread(elsewhere.start)
    try:
        more: list[Sent] = []
        await _settle_until(elsewhere.accounts, more, time.monotonic() + 1.0)
        assert any(one.answer.outcome is CallOutcome.DONE for one in more)
    finally:
        elsewhere.stop()


async def _settle_all_day(
    accounts: dict[str, Any], sent: list[Sent], closed: asyncio.Event
) -> None:
    while not closed.is_set():
        await _settle_until(accounts, sent, time.monotonic() + 1.0)


async def _yibao(*arguments: str) -> Any:
    """The JSON that a command prints."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)
