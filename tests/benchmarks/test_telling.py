"""What a benchmark's process tells arrives whole."""

import os
import subprocess
import sys
import time

MORE_THAN_A_PIPE_HOLDS = 100_000
TELLS = f"""
import asyncio, uvloop
from benchmarks.telling import say
uvloop.run(asyncio.sleep(0.1))
say("x" * {MORE_THAN_A_PIPE_HOLDS})
"""


def test_a_line_longer_than_the_pipe_arrives_whole_after_an_event_loop() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", TELLS],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    time.sleep(1.0)  # the writer shall meet a full pipe
    told, _ = process.communicate()
    assert len(told) == MORE_THAN_A_PIPE_HOLDS + 1
