"""Runs a program of ours in a process of its own that gives way to all others.

For what takes minutes of CPU and nobody waits for: in a process that answers calls it would hold
the interpreter, and it would be as urgent as they are. ``python -m yibao.platform.background``
lowers itself before it imports the program, so that all it does and all its connections to the
database are lowered too (``platform.database``), and it does not outlive whoever started it.
"""

import asyncio
import os
import runpy
import signal
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ENDS_SECONDS = 3.0
"""What a program that is broken off gets, to let go of its files and of the database."""
_LEAST = 19
_MOST_TOLD = 2_000
"""Characters of a program's faults that are told, the last ones."""


class Failed(Exception):  # noqa: N818 - reads as a fact
    """The program did not end well; the text is what it said about it."""


async def run(module: str, *words: str, environment: Mapping[str, str] | None = None) -> str:
    """What a module prints that is run with these words. Raises Failed.

    ``environment`` is added to ours: secrets are told there, never by words, which anybody on the
    machine can read. Whoever is cancelled here breaks the program off.
    """
    # here, so that a program is lowered before it imports this
    from yibao.platform.metrics import FOLDER_VARIABLE

    variables = {**os.environ, **(environment or {})}
    variables.pop(FOLDER_VARIABLE, None)  # what it counts is no figure of the server's
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "yibao.platform.background", module, *words),
        env=variables,
        stdin=PIPE,  # nothing is ever written: it closes when this process ends, however that is
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        printed, faults = await asyncio.gather(process.stdout.read(), process.stderr.read())
        code = await process.wait()
    finally:
        if process.returncode is None:
            await _break_off(process)
    if code != 0:
        said = faults.decode(errors="replace").strip()[-_MOST_TOLD:]
        raise Failed(said or f"{module} ended with exit code {code} and said nothing")
    return printed.decode()


async def _break_off(process: Process) -> None:
    """Ask it to end, and kill it when it does not."""
    try:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), ENDS_SECONDS)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
    await process.wait()


# ------------------------------------------------------------------------------ in the new process


def main() -> None:
    """Lower this process, then be the module that is named first."""
    give_way()
    # as Ctrl-C: what is asked of the database is cancelled there, and its locks are let go of
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    threading.Thread(target=_end_with_starter, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def give_way() -> None:
    """Let this process, and what it starts, have what all others leave.

    In a session of its own, for Linux weighs sessions against each other before the processes in
    them (autogroup). Not in the scheduling class that only idle processors run: what holds a
    snapshot or a lock must get on.
    """
    os.setpriority(os.PRIO_PROCESS, 0, _LEAST)
    with suppress(OSError):  # it leads one already
        os.setsid()
    with suppress(OSError):  # there is no such thing here
        Path("/proc/self/autogroup").write_text(str(_LEAST))


def _end_with_starter() -> None:
    """End when nobody holds the other end of the standard input: who started this was killed."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ENDS_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
