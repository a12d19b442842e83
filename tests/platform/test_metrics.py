"""Counters of several processes are summed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from yibao.platform.metrics import FOLDER_VARIABLE, empty_folder


def run(folder: Path, program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", f"from yibao.platform import metrics\n{program}"],
        env={**os.environ, FOLDER_VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.thorough
def test_worker_processes_are_summed(tmp_path: Path) -> None:
    folder = empty_folder(tmp_path / "metrics")
    for _ in range(2):
        run(folder, "metrics.observe_call('2207', 0, 0.01); metrics.observe_batch(3, 0.02, 0.0, 0)")
    told = run(folder, "print(metrics.exposition().decode())")
    assert 'yibao_calls_total{infcode="0",transaction="2207"} 2.0' in told
    assert "yibao_batch_commands_sum 6.0" in told
    assert 'yibao_call_seconds_count{transaction="2207"} 2.0' in told


@pytest.mark.thorough
def test_a_new_run_starts_at_zero(tmp_path: Path) -> None:
    folder = empty_folder(tmp_path / "metrics")
    run(folder, "metrics.observe_batch(3, 0.02, 0.001, 0)")
    empty_folder(folder)
    told = run(folder, "print(metrics.exposition().decode())")
    assert "yibao_batch_commands_sum 0.0" in told


@pytest.mark.thorough
def test_the_gauges_of_a_process_that_died_count_no_more(tmp_path: Path) -> None:
    folder = empty_folder(tmp_path / "metrics")
    run(folder, "metrics.observe_room(7, 100)")
    told = run(folder, "metrics.observe_room(2, 50); print(metrics.exposition().decode())")
    assert "yibao_calls_in_work 2.0" in told
    assert "yibao_calls_limit 50.0" in told


def test_what_is_measured_on_the_spot_stands_beside_what_was_counted(tmp_path: Path) -> None:
    folder = empty_folder(tmp_path / "metrics")
    told = run(folder, "print(metrics.exposition({'yibao_database_up': 1.0}).decode())")
    assert "# TYPE yibao_database_up gauge\nyibao_database_up 1.0\n" in told
