"""The nation's day as data."""

from pathlib import Path

import pytest

from benchmarks.day import DAY, HOUR_SECONDS, Day, WrongDay

BILLS = ("visit", "purchase", "stay", "cancellation")


def test_the_hours_bring_all_bills_of_the_day() -> None:
    day = Day.read()
    bills = sum(rates[name] for rates in day.rates for name in BILLS) * HOUR_SECONDS
    assert bills == pytest.approx(day.bills)
    assert day.bills == 28_000_000


def test_a_part_of_the_nation_keeps_the_mix() -> None:
    day = Day.read()
    tenth = day.windows(0.1, 10, 5)
    assert [window["name"] for window in tenth[:3]] == ["warm-up", "00", "01"]
    assert len(tenth) == 25
    assert tenth[10]["rates"] == {n: pytest.approx(r / 10) for n, r in day.rates[9].items()}


@pytest.mark.parametrize(
    ("was", "is_now", "named"),
    [
        ("clinic = [\n    0.6,", "clinic = [\n    9.6,", "hours.clinic"),
        ('hours = "ward"', 'hours = "night"', "of_100_bills.stay"),
        ("purchase = {", "miracle = {", "of_100_bills.miracle"),
    ],
)
def test_a_day_that_cannot_be_is_refused_by_the_key(
    tmp_path: Path, was: str, is_now: str, named: str
) -> None:
    wrong = tmp_path / "day.toml"
    wrong.write_text(DAY.read_text().replace(was, is_now, 1))
    with pytest.raises(WrongDay, match=named):
        Day.read(wrong)
