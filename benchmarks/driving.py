"""Starts the generator in a process of its own, hears where it is, takes what it measured."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks.generator import REST


class Driving:
    """A generator at work."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def wait_for(self, window: str = REST) -> None:
        """Until the window of this name begins; by default, until the last one has ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line == f"window {window}\n":
                return
        raise ChildProcessError("the generator broke off")

    def result(self) -> dict[str, Any]:
        """What it measured, once the last window has ended."""
        assert self._process.stdout is not None
        found: dict[str, Any] = json.load(self._process.stdout)
        self._process.wait()
        return found

    @property
    def works(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None


@contextmanager
def driving(plan: Mapping[str, Any]) -> Iterator[Driving]:
    """A generator with this plan; it ends with the block at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.generator"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    try:
        json.dump(plan, process.stdin)
        process.stdin.close()
        yield Driving(process)
    finally:
        process.kill()
        process.wait()


def drive(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Run a generator to its end."""
    with driving(plan) as generator:
        generator.wait_for()
        return generator.result()
