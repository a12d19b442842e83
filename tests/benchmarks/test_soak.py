"""The soak's rate, its looks at the machine, and what runs beside it."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.machine import Usage
from benchmarks.soak.__main__ import rate_for
from benchmarks.soak.beside import Beside, beside
from benchmarks.soak.watch import Look

FIRST = Look(
    Usage(100.0, 50.0, 2.0),
    {"server": 10.0, "postgresql": 5.0},
    {"server": 2e8, "postgresql": 1e8, "worker_most": 1e8},
    size=10_000_000,
    log=5_000_000,
    living=900,
    dead=0,
    checkpoints=1,
)


@pytest.mark.parametrize(
    ("asked", "peak", "chosen"),
    [(324, 400, 324), (324, 324, 324), (324, 300, 240), (324, 175, 140)],
)
def test_a_rate_above_the_peak_becomes_four_fifths_of_it(
    asked: float, peak: float, chosen: float
) -> None:
    assert rate_for(asked, peak) == pytest.approx(chosen)


def test_a_minute_is_what_changed_from_one_look_to_the_next() -> None:
    after = replace(
        FIRST,
        usage=Usage(160.0, 140.0, 5.0),
        cpu={"server": 40.0, "postgresql": 35.0},
        size=16_000_000,
        log=65_000_000,
        dead=100,
        checkpoints=3,
    )
    minute = after.since(FIRST)
    assert minute["cores"] == {"server": 0.5, "postgresql": 0.5}
    assert minute["stolen"] == pytest.approx(0.05)
    assert (minute["grown"], minute["log"], minute["checkpoints"]) == (6_000_000, 60_000_000, 2)
    assert minute["dead_share"] == pytest.approx(0.1)


def test_a_command_that_fails_beside_the_visits_is_told(tmp_path: Path) -> None:
    with beside(tmp_path, []) as run:  # a folder without a database: nothing can be done there
        while not run.done:
            time.sleep(0.05)
    assert run.failures() == ["chores"]


def test_what_is_broken_off_at_the_end_is_no_failure(tmp_path: Path) -> None:
    run = Beside(tmp_path, [])
    run.start()
    run.stop()
    assert run.failures() == []


def test_nothing_runs_beside_a_soak_that_is_to_be_alone(tmp_path: Path) -> None:
    with beside(tmp_path, [], idle=True) as run:
        time.sleep(0.05)
    assert run.done == []
