"""Figures beside what they should be."""

import pytest

from benchmarks.goals import BYTES, VISITS, number


def test_more_visits_are_better() -> None:
    verdicts = [VISITS.verdict(rate) for rate in (323.9, 324, 599, 600)]
    assert verdicts == ["missed", "reached", "reached", "aim reached"]


def test_fewer_bytes_are_better() -> None:
    verdicts = [BYTES.verdict(size) for size in (5_001, 5_000, 3_001, 3_000)]
    assert verdicts == ["missed", "reached", "reached", "aim reached"]


@pytest.mark.parametrize(
    ("value", "told"),
    [(1 / 400, "1/400"), (0.3, "0.30"), (30.04, "30.0"), (5_000, "5,000"), (0, "0.00")],
)
def test_figures_are_short(value: float, told: str) -> None:
    assert number(value) == told
