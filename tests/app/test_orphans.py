"""A worker whose supervisor and server were killed goes by itself: it must not keep the port."""

import os
import subprocess
import sys
import time

import psutil
import pytest

WORKER = """
import asyncio
from yibao.platform.supervisor import watch

async def work():
    watching = asyncio.create_task(watch())
    await asyncio.sleep(60)

asyncio.run(work())
"""


@pytest.mark.thorough
def test_an_orphan_ends_though_nobody_reads_its_log() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    # the shell goes at once, so that the worker is nobody's; /dev/full refuses every line of a log
    told = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -c "$WORKER" >/dev/full 2>&1 & echo $!'],
        env=os.environ | {"YIBAO_SUPERVISOR": str(ended.pid), "WORKER": WORKER},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    orphan = psutil.Process(int(told.stdout))
    deadline = time.monotonic() + 50  # before the work itself would end
    while orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the orphan stays"
        time.sleep(0.05)
