"""Files of a fixed size that are mapped into each process of a server: what they know together.

A look costs microseconds and no lock: who writes into the same place at the same time may lose one
of the two, so this is for what may be forgotten. Processes on other machines do not see the file.
"""

import mmap
import os
from pathlib import Path

import structlog

log = structlog.get_logger()


def mapped(path: Path | None, size: int) -> mmap.mmap:
    """The file as memory of ``size`` bytes, zero at first.

    Memory of this process alone without a path, or where the file cannot be made.
    """
    if path is None:
        return mmap.mmap(-1, size)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("r+b") as file:
            if file.seek(0, os.SEEK_END) < size:
                file.truncate(size)  # grows with zeros; another process may have been quicker
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        log.warning("memory_not_shared", file=path.name, reason=str(error))
        return mmap.mmap(-1, size)
