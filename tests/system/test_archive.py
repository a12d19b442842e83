"""A server lets its cold months go by itself, beside the calls that it answers."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.world.server import Pristine, Served

pytestmark = pytest.mark.system

SECONDS = 120.0


async def test_a_month_leaves_by_a_process_that_gives_way_and_ends_with_its_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pristine: Pristine
) -> None:
    monkeypatch.setenv("YIBAO_HOT_MONTHS", "1")
    served = Served(pristine.copy_to(tmp_path / "data"))
    await asyncio.to_thread(served.start)
    try:
        await _told(served, "sandbox", "clock", "--days", "93")
        served.stop()
        await asyncio.to_thread(served.start)  # it looks whether a month is due when it starts
        process = await _putting_away(served)
        worker = process.parent()
        assert worker is not None
        worker.kill()
        _, left = await asyncio.to_thread(psutil.wait_procs, [process], 10)
        assert not left, "it outlives the worker that started it"
        deadline = time.monotonic() + SECONDS
        while not (await _told(served, "archive", "list"))["months"]:
            assert time.monotonic() < deadline, served.said()
            await asyncio.sleep(0.5)
        # had it gone on alone, the worker that came in the other's place would have found no month
        assert served.log.read_text().count("archive_begins") == 2
        assert served.is_ready()
        assert (await _told(served, "ledger", "verify"))["faults"] == 0
        assert "archive=" in served.said()
    finally:
        served.stop()


async def _putting_away(served: Served) -> psutil.Process:
    """The process that puts months away, once it gives way to all others."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for process in served.application():
            try:
                if "archive" in process.cmdline() and process.nice() == 19:
                    return process
            except psutil.Error:
                continue
        await asyncio.sleep(0.02)
    raise AssertionError(f"no process puts a month away\n{served.said()}")


async def _told(served: Served, *words: str) -> Any:
    done = await asyncio.to_thread(served.command, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
