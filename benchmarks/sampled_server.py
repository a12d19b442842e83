"""The server with its workers' processor time told apart: ``python -m benchmarks.sampled_server``.

In place of ``yibao.server``, for ``cpu_shares.py`` alone; the product has no part of it. A timer of
the process's own CPU time (``setitimer``) interrupts each worker; what the main thread has used
since the time before is put down to the code that it is in. Each second the sums so far are written
to a file, whose folder the environment names.
"""

import functools
import json
import os
import signal
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

from yibao import app, server

FOLDER_VARIABLE = "YIBAO_SAMPLES"
EVERY_SECONDS = 0.004
"""CPU time between two samples; systems look at it as seldom as once in 4 ms."""
_PACKAGE = f"{Path(app.__file__).parent}{os.sep}"
_BELOW = (f"{_PACKAGE}kernel{os.sep}", f"{_PACKAGE}server.py")
"""Called from everywhere, and what calls everything: neither says what is being done."""
_DRIVER = f"{os.sep}asyncpg{os.sep}"


class Sampler:
    """Puts the main thread's CPU time down to modules.

    The time between two samples is put down to where the second one finds the program; over
    thousands of samples that is right in the mean. Code in C ends before it can be interrupted and
    counts where Python goes on, which is its caller, or, where the event loop itself called it, the
    next thing that runs.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{os.getpid()}.json"
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._samples = 0
        self._thread = time.thread_time()
        self._written = 0.0

    def start(self) -> None:
        """From now on; in the main thread."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self._seconds[_place(frame)] += now - self._thread
        self._thread = now
        self._samples += 1
        if (at := time.monotonic()) - self._written >= 1.0:
            self._written = at
            self._write()

    def _write(self) -> None:
        told = {
            "samples": self._samples,
            "process": time.process_time(),
            "main": self._thread,
            "seconds": self._seconds,
        }
        aside = self._file.with_suffix(".new")
        aside.write_text(json.dumps(told))
        aside.replace(self._file)


def _place(frame: FrameType | None) -> str:
    """The module of ours that the program is in, as ``gateway/reading.py``, or the driver.

    What the kernel does counts with its caller, and what nobody of ours has called as the loop's.
    """
    while frame is not None:
        name = frame.f_code.co_filename
        if _DRIVER in name:
            return "asyncpg"
        if name.startswith(_PACKAGE) and not name.startswith(_BELOW):
            return name.removeprefix(_PACKAGE)
        frame = frame.f_back
    return "loop"


def main() -> None:
    """Serve until SIGTERM."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    plain = app.application

    @functools.wraps(plain)
    def application() -> app.Application:
        if threading.current_thread() is threading.main_thread():
            Sampler(folder).start()
        return plain()

    # the workers are forked from this process and find the factory here, by its name
    app.application = application
    server.main()


if __name__ == "__main__":
    main()
