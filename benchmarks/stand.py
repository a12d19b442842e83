"""What is measured stands here: the server as ``yibao serve`` runs it, on a fresh folder.

fsync is on, as it is for everybody. The machine is asked for room first.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import Needs, check_room
from benchmarks.report import print_head
from yibao.cli.serving import Running, running
from yibao.platform.settings import load_settings


@contextmanager
def served(
    console: Console, seconds: float, *, workers: int | None = None, told: bool = True
) -> Iterator[Running]:
    """A sandbox's server that is ready; all of it is gone afterwards.

    ``seconds`` is how long the load will last, ``workers`` how many processes serve (the server's
    default). Raises NoRoom before anything is started.
    """
    check_room(Needs.of_load(seconds))
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as named:
        folder = Path(named)
        if told:
            print_head(console, folder)
        given: dict[str, Any] = {"data": folder, "sandbox": True, "port": 0, "log_level": "error"}
        if workers is not None:
            given["workers"] = workers
        with running(load_settings(given), console) as server:
            yield server
