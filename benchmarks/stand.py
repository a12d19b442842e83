"""What is measured stands here: the server as ``yibao serve`` runs it, on a folder of its own.

fsync is on, as it is for everybody. The machine is asked for room first.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import Needs, check_room
from benchmarks.report import print_head
from yibao.cli.serving import Running, running
from yibao.platform.settings import load_settings


@contextmanager
def served(
    console: Console,
    seconds: float,
    *,
    workers: int | None = None,
    data: Path | None = None,
    told: bool = True,
) -> Iterator[Running]:
    """A sandbox's server that is ready.

    ``seconds`` is how long the load will last, ``workers`` how many processes serve (the server's
    default), ``data`` a folder that stays; without it there is a fresh one that is gone afterwards.
    Raises NoRoom before anything is started.
    """
    with ExitStack() as stack:
        if data is None:
            check_room(Needs.of_load(seconds))
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="yibao-bench-"))
            folder = Path(made)
        else:
            check_room(Needs.of_load(seconds), data)
            folder = data
        if told:
            print_head(console, folder)
        given: dict[str, Any] = {"data": folder, "sandbox": True, "port": 0, "log_level": "error"}
        if workers is not None:
            given["workers"] = workers
        yield stack.enter_context(running(load_settings(given), console))
