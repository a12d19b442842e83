"""A disk that can be full: a small file system of the folder's own, or a limit on file sizes.

Where mounting is allowed the data folder is a tmpfs that shrinks to what is in it. Elsewhere the
database's processes get a limit on the size of files they may write (``RLIMIT_FSIZE``), which
PostgreSQL meets like a full disk: an error where a table grows, a panic where the log does.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

SIZE = 4 * 1024**3
_MARGIN = 64 * 1024


class Disk:
    """The folder that a server's data lie in."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.is_own = _mount(folder, "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs")

    @contextlib.contextmanager
    def full(self, writers: Sequence[psutil.Process]) -> Iterator[None]:
        """No byte fits any more; ``writers`` are the database's processes."""
        if self.is_own:
            with self._shrunk():
                yield
        else:
            with _limited(writers):
                yield

    def close(self) -> None:
        """Give the file system back; what was in it is gone."""
        if self.is_own:
            subprocess.run(["umount", "--lazy", self.folder], check=False)

    @contextlib.contextmanager
    def _shrunk(self) -> Iterator[None]:
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        _mount(self.folder, "-o", f"remount,size={used + _MARGIN}")
        try:
            yield
        finally:
            _mount(self.folder, "-o", f"remount,size={SIZE}")


@contextlib.contextmanager
def _limited(writers: Sequence[psutil.Process]) -> Iterator[None]:
    with contextlib.suppress(psutil.Error):
        for one in writers:
            one.rlimit(psutil.RLIMIT_FSIZE, (_MARGIN, psutil.RLIM_INFINITY))
    try:
        yield
    finally:
        for one in writers:
            with contextlib.suppress(psutil.Error):
                one.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))


def _mount(folder: Path, *options: str) -> bool:
    if os.geteuid() != 0:
        return False
    done = subprocess.run(["mount", *options, folder], capture_output=True, check=False)
    return done.returncode == 0
