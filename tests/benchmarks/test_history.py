"""Results over time as a picture."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks import goals
from benchmarks.history import FIGURES, drawn, points_of, read

RATE = FIGURES[0]
SVG = "{http://www.w3.org/2000/svg}"


def result(at: str, rate: float, **changes: Any) -> dict[str, Any]:
    """What ``benchmarks.visits`` keeps."""
    made: dict[str, Any] = {
        "name": "visits",
        "at": at,
        "loop": "closed",
        "machine": {"cores": 2, "memory_gib": 23.4, "commit": "abc1234"},
        "done_a_second": rate,
        "taken": {"cores": {"ours": 1.9, "others": 0.02, "stolen": 0.0}},
    }
    return made | changes


def test_results_are_read_in_the_order_of_time_and_others_are_left_alone(tmp_path: Path) -> None:
    for name, told in (
        ("b", result("20261201T000000Z", 200)),
        ("a", result("20261202T000000Z", 300)),
        ("c", {"something": "else"}),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(told))
    assert [told["done_a_second"] for told in read(tmp_path)] == [200, 300]


def test_every_run_is_a_point_that_tells_its_date_commit_and_figure() -> None:
    runs = [result("20261201T000000Z", 200), result("20261202T000000Z", 324.4)]
    picture = ElementTree.fromstring(drawn(runs))
    [first, second] = [one.text for one in picture.iter(f"{SVG}title")]
    assert first == "20261201T000000Z, abc1234, 2 cores, 23 GiB: 200"
    assert second == "20261202T000000Z, abc1234, 2 cores, 23 GiB: 324"
    assert any("visits a second" in (one.text or "") for one in picture.iter(f"{SVG}text"))


def test_a_higher_figure_stands_higher() -> None:
    picture = ElementTree.fromstring(drawn([result("1", 100), result("2", 300)]))
    places = [
        float(one.attrib["cy"])
        for one in picture.iter(f"{SVG}circle")
        if one.find(f"{SVG}title") is not None
    ]
    assert places[1] < places[0]


def test_a_machine_that_was_not_to_itself_makes_a_hollow_point() -> None:
    crowded = {"cores": {"ours": 1.0, "others": 0.9, "stolen": 0.0}}
    robbed = {"cores": {"ours": 1.0, "others": 0.0, "stolen": 0.5}}
    runs = [result("1", 1), result("2", 1, taken=crowded), result("3", 1, taken=robbed)]
    assert [point.quiet for point in points_of(RATE, runs)] == [True, False, False]


def test_an_open_loop_is_no_peak_and_counts_at_its_own_rate_alone() -> None:
    times = {"2207": {"p99": 40.0}}
    runs = [result("1", 200) | {"rate": rate, "times": times} for rate in (200.0, 50.0)]
    assert list(points_of(RATE, runs)) == []
    [open_loop] = [figure for figure in FIGURES if figure.rate == goals.OPEN_RATE]
    assert [point.value for point in points_of(open_loop, runs)] == [40.0]
