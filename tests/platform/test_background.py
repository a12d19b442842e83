"""Work beside the calls runs in a process of its own, and gives way to them."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from yibao.platform import background

PRIORITY = """
import os, pathlib, sys
nice, session = os.getpriority(os.PRIO_PROCESS, 0), pathlib.Path("/proc/self/autogroup")
of_session = session.read_text().split()[-1] if session.exists() else nice
print(os.getpid(), nice, of_session, *sys.argv[1:], os.environ["TOLD"])
"""
SAYS_WHY = """
import sys
sys.exit("the disk is full")
"""
LASTS = """
import asyncio, os, pathlib
note = pathlib.Path(os.environ["NOTE"])
async def last():
    note.write_text(str(os.getpid()))
    try:
        await asyncio.sleep(60)
    finally:
        note.with_suffix(".let_go").touch()
asyncio.run(last())
"""
WILL_NOT_END = """
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(os.environ["NOTE"]).write_text(str(os.getpid()))
time.sleep(60)
"""
STARTS = """
import asyncio
from yibao.platform import background
asyncio.run(background.run("program"))
"""


class Work:
    """A program in a folder, and the note that it writes when it has begun."""

    def __init__(self, folder: Path, text: str) -> None:
        (folder / "program.py").write_text(text)
        self.note = folder / "note"
        self.let_go = self.note.with_suffix(".let_go")
        paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {
            "PYTHONPATH": os.pathsep.join(paths),
            "TOLD": "in secret",
            "NOTE": str(self.note),
        }

    async def run(self, *words: str) -> str:
        """What it prints."""
        return await background.run("program", *words, environment=self.environment)

    async def begun(self) -> int:
        """Its process, when it is at work."""
        for _ in range(1_000):
            if self.note.exists() and (text := self.note.read_text()):
                return int(text)
            await asyncio.sleep(0.02)
        raise AssertionError("it never began")


def is_gone(process: int) -> bool:
    """Whether a process has ended."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_program_runs_in_a_process_that_gives_way_to_all_others(tmp_path: Path) -> None:
    told = (await Work(tmp_path, PRIORITY).run("month", "--json")).split()
    assert int(told[0]) != os.getpid()
    assert told[1:] == ["19", "19", "month", "--json", "in", "secret"]


async def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(background.Failed, match=r"^the disk is full$"):
        await Work(tmp_path, SAYS_WHY).run()


async def test_a_program_that_is_broken_off_lets_go_and_ends(tmp_path: Path) -> None:
    work = Work(tmp_path, LASTS)
    running = asyncio.create_task(work.run())
    process = await work.begun()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert is_gone(process)
    assert work.let_go.exists()


async def test_a_program_that_will_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "ENDS_SECONDS", 0.2)
    work, began = Work(tmp_path, WILL_NOT_END), time.monotonic()
    running = asyncio.create_task(work.run())
    process = await work.begun()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert is_gone(process)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("program", [LASTS, WILL_NOT_END])
async def test_a_program_does_not_outlive_whoever_started_it(tmp_path: Path, program: str) -> None:
    work = Work(tmp_path, program)
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTS, env={**os.environ, **work.environment}
    )
    process = await work.begun()
    starter.send_signal(signal.SIGKILL)
    await starter.wait()
    deadline = time.monotonic() + background.ENDS_SECONDS + 10
    while not is_gone(process):
        assert time.monotonic() < deadline, "it goes on alone"
        await asyncio.sleep(0.05)
    assert work.let_go.exists() == (program is LASTS)
