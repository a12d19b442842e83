"""Metrics for Prometheus, summed over the server's worker processes.

The library shares its counters through files when PROMETHEUS_MULTIPROC_DIR names a folder at the
time it is imported; ``serve`` sets it, to a folder of the data folder that it empties at start.
"""

import os
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psutil
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
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
queue_seconds = Histogram(
    "yibao_queue_seconds", "Seconds the first command of a batch waited for it", buckets=_SECONDS
)
waiting = Gauge(
    "yibao_commands_waiting", "Commands waiting for a batch", multiprocess_mode="livesum"
)
in_work = Gauge(
    "yibao_calls_in_work", "Calls let in and not yet answered", multiprocess_mode="livesum"
)
limit = Gauge("yibao_calls_limit", "Calls that may be in work at once", multiprocess_mode="livesum")
turned_away = Counter(
    "yibao_calls_turned_away", "Calls answered 9001 before they were read", ["reason"]
)
jobs_failed = Counter("yibao_housekeeping_failures", "Housekeeping jobs that failed")


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


def observe_batch(size: int, seconds: float, waited: float, left: int) -> None:
    """Count a batch of commands; ``left`` are still waiting for one."""
    batch_size.observe(size)
    batch_seconds.observe(seconds)
    queue_seconds.observe(waited)
    waiting.set(left)


@cache
def _turned_away_for(reason: str) -> Counter:
    return turned_away.labels(reason)


def observe_turned_away(reason: str) -> None:
    """Count a call that was turned away."""
    _turned_away_for(reason).inc()


def observe_room(now_in_work: int, at_most: int) -> None:
    """Note how full this process is."""
    in_work.set(now_in_work)
    limit.set(at_most)


def exposition(vitals: Mapping[str, float] | None = None) -> bytes:
    """All metrics in Prometheus' text form, of all processes if they share a folder.

    ``vitals`` are measured at this moment: values by name, as ``VITALS`` describes them.
    """
    if FOLDER_VARIABLE not in os.environ:
        counted = generate_latest(REGISTRY)
    else:
        folder = Path(os.environ[FOLDER_VARIABLE])
        _forget_dead(folder)
        gathered = CollectorRegistry()
        multiprocess.MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
        counted = generate_latest(gathered)
    return counted + _written(vitals or {})


VITALS = {
    "yibao_database_up": "1 while the database answers, else 0",
    "yibao_database_bytes": "Size of the database",
    "yibao_disk_free_bytes": "Free bytes of the disk that holds the data folder",
    "yibao_disk_bytes": "Size of the disk that holds the data folder",
    "yibao_writer_numbers_held": "Of the 256 writer numbers, those that live processes hold",
    "yibao_backup_timestamp_seconds": "When the newest backup was taken (Unix time); 0: never",
    "yibao_ledger_unsigned_seconds": "Seconds since the end of the oldest day that was written in"
    " and has no signed daily head; 0: none",
    "yibao_hold_overdue_seconds": "Seconds since the oldest reserved hold should have ended",
    "yibao_transit_oldest_seconds": "Seconds for which the oldest money has been on its way between"
    " two pools; 0: none is",
    "yibao_payment_unconfirmed_seconds": "Seconds since the oldest bank file was made of which a"
    " line is unanswered; 0: none is",
    "yibao_archive_overdue_months": "Months that are old enough to be put away and lie in the"
    " database",
    "yibao_months_missing": "Tables without a partition for the running month or the next one",
    "yibao_clerks_locked_out": "Pairs of clerk and address that are locked out after wrong keys",
    "yibao_senders_locked_out": "Pairs of account and address that are refused unread now, after"
    " wrong signatures",
    "yibao_transaction_oldest_seconds": "Age of the oldest open transaction",
    "yibao_draining": "1 after the server was told to end, else 0",
}
"""What is measured when somebody asks, and what it means."""


def _written(vitals: Mapping[str, float]) -> bytes:
    lines = []
    for name, value in vitals.items():
        lines += [f"# HELP {name} {VITALS[name]}", f"# TYPE {name} gauge", f"{name} {value}"]
    return "".join(f"{line}\n" for line in lines).encode()


def _forget_dead(folder: Path) -> None:
    """A worker that died is full of nothing: its gauges count no more."""
    for pid in {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*_*.db")}:
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            multiprocess.mark_process_dead(int(pid))  # type: ignore[no-untyped-call]


def empty_folder(folder: Path) -> Path:
    """Make the folder that worker processes share, without a former run's files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
