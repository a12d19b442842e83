"""The command ``demo``: a platform of its own, visits, a report."""

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from yibao.cli.serving import running
from yibao.platform.settings import Settings
from yibao.sandbox.demo import run_demo

_WIDTH = 100
"""Columns of the report where the output is no terminal."""


def demonstrate(
    settings: Settings, console: Console, *, visits: int, seed: int, keep: Path | None
) -> int:
    """Set up a fresh sandbox, run the demo on it; the exit code is 0 only if the books agree.

    The data go into ``keep``, or into a temporary folder that is removed at the end.
    """
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print("[bold]Yibao 医保[/bold]: the insurer's side, on this machine, with demo data")
    with _folder(keep) as data:
        own = dataclasses.replace(settings, data=data, sandbox=True, log_level="error")
        with running(own, console) as server:
            return run_demo(server.settings, console, visits=visits, seed=seed)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="yibao-demo-") as folder:
        yield Path(folder)
