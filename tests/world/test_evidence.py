"""The scripts that make the evidence, with small numbers: the long runs are started by hand."""

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks import kills, malformed, raced_pairs
from benchmarks.evidence import Experiment, keep
from tests.world.server import Pristine

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("world")]


async def test_raced_pairs_equal_a_serial_result(tmp_path: Path, pristine: Pristine) -> None:
    figures = await raced_pairs.measure(100, 1, tmp_path, pristine)
    assert figures["told"] == []
    assert figures["pairs"] >= 100
    assert figures["met"] > 20, "the pairs must meet, or nothing is shown"
    assert figures["on two workers"] > 30


async def test_kills_lose_and_double_nothing(tmp_path: Path, pristine: Pristine) -> None:
    figures = await kills.measure(8, 1, tmp_path, pristine)
    assert figures["faults"] == []
    assert figures["kills"] >= 8
    assert figures["settlements"] > 10


async def test_malformed_messages_are_refused(tmp_path: Path, pristine: Pristine) -> None:
    figures = await malformed.measure(1_500, 1, tmp_path, pristine)
    assert malformed.faults(figures) == 0, figures
    assert len(figures["by infcode"]) > 5, "they must fail in many ways, or nothing is shown"


def test_one_broken_message_leaves_no_trace_in_the_next() -> None:
    draw = Random(3)
    strange = repr(malformed._STRANGE)
    for _ in range(3_000):
        malformed.broken(draw, {"input": {"data": {"psn_no": "1", "rows": [{}, {"a": []}]}}})
    assert repr(malformed._STRANGE) == strange


def test_evidence_is_kept_as_a_line_and_as_raw_figures(tmp_path: Path) -> None:
    made = Experiment("kills", "Nothing is lost.", "How.", "run it", {"kills": "how often"})
    first = keep(made, {"kills": 3000, "seed": 7, "by kind": {"server": 3000}}, tmp_path)
    raw = json.loads(first.read_text())
    assert (raw["seed"], raw["by kind"]) == (7, {"server": 3000})
    assert {"cores", "python", "postgresql", "commit", "system"} <= raw["machine"].keys()
    keep(made, {"kills": 4}, tmp_path)
    page = (tmp_path / "kills.md").read_text()
    for told in ("Nothing is lost.", "How.", "`run it`", "how often"):
        assert told in page
    rows = [line for line in page.splitlines() if line.startswith("| 2")]
    assert [row.split("|")[2].strip() for row in rows] == ["3,000", "4"]
