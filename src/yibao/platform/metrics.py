"""Metrics for Prometheus, summed over the server's worker processes.

The library shares its counters through files when PROMETHEUS_MULTIPROC_DIR names a folder at the
time it is imported; ``serve`` sets it, to a folder of the data folder that it empties at start.
"""

import os
import shutil
from functools import cache
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 24, 32)

calls = Counter("yibao_calls", "Calls of the interface", ["transaction", "infcode"])
call_seconds = Histogram(
    "yibao_call_seconds", "Seconds from request to reply", ["transaction"], buckets=_SECONDS
)
batch_size = Histogram("yibao_batch_commands", "Commands in a transaction", buckets=_SIZES)
batch_seconds = Histogram(
    "yibao_batch_seconds", "Seconds a batch took, commit included", buckets=_SECONDS
)


def observe_call(transaction: str, infcode: int, seconds: float) -> None:
    """Count a call. ``transaction`` must be a known number or a fixed word: labels are kept."""
    _calls_of(transaction, infcode).inc()
    _seconds_of(transaction).observe(seconds)


@cache
def _calls_of(transaction: str, infcode: int) -> Counter:
    return calls.labels(transaction, str(infcode))


@cache
def _seconds_of(transaction: str) -> Histogram:
    return call_seconds.labels(transaction)


def observe_batch(size: int, seconds: float) -> None:
    """Count a batch of commands."""
    batch_size.observe(size)
    batch_seconds.observe(seconds)


def exposition() -> bytes:
    """All metrics in Prometheus' text form, of all processes if they share a folder."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    gathered = CollectorRegistry()
    multiprocess.MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
    return generate_latest(gathered)


def empty_folder(folder: Path) -> Path:
    """Make the folder that worker processes share, without a former run's files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
