"""What a benchmark tells and keeps."""

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.machine import HOUSE, NoRoom


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(report, "PASSING", tmp_path / "passing")


def test_a_result_passes_unless_it_is_to_be_kept(tmp_path: Path) -> None:
    assert report.keep("visits", "How.", {}).parent == tmp_path / "passing"
    assert report.keep("visits", "How.", {}, kept=True).parent == tmp_path / "kept"


def test_a_result_says_how_and_where_it_was_measured_but_names_no_folder() -> None:
    path = report.keep("visits", "A method\n  in two lines.", {"done_a_second": 324.0})
    text = path.read_text()
    told = json.loads(text)
    assert told["method"] == "A method in two lines."
    assert told["done_a_second"] == 324.0
    assert {"cores", "processor", "memory_gib", "commit"} <= told["machine"].keys()
    assert "granian" in told["versions"]
    assert path.name == f"visits-{told['at']}.json"
    assert str(HOUSE) not in text


def test_quantiles_are_milliseconds_and_none_of_nothing() -> None:
    told = report.quantiles([n / 1000 for n in range(1, 1001)])
    assert told["n"] == 1000
    assert told["p50"] == pytest.approx(501)
    assert told["p99"] == pytest.approx(991)
    assert told["p99.9"] == pytest.approx(1000)
    assert told["max"] == pytest.approx(1000)
    assert report.quantiles([]) == {"n": 0}


def test_why_it_does_not_start_is_told_in_a_line() -> None:
    def main() -> None:
        raise NoRoom("this benchmark needs more")

    with pytest.raises(SystemExit) as ended:
        report.run(main)
    assert ended.value.code == "this benchmark needs more"
