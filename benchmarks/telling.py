"""How a process of a benchmark tells its starter something: one line on standard output."""

import json
import sys


def say(line: str) -> None:
    """A line of text, written to its last byte, which ``sys.stdout`` does not promise.

    What an event loop's io_uring leaves to be done cuts a write of more than a pipe holds, and
    where PYTHONUNBUFFERED is set, nothing writes the rest.
    """
    with open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False) as told:
        told.write(line + "\n")


def tell(figures: object) -> None:
    """Figures, as one line of JSON."""
    say(json.dumps(figures))
