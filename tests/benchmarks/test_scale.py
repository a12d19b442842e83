"""What the page says of machines is what the figures come to."""

import pytest

from benchmarks.scale import FIGURES, PAGE, need, written


def test_the_page_has_the_tables_that_its_figures_make() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text, "run python -m benchmarks.scale --write"


def test_a_nation_is_what_its_bills_are_a_second() -> None:
    nation = need(FIGURES["insured"].value)
    assert nation.average == pytest.approx(324, rel=0.001)
    assert nation.cores(nation.average) * 0.6 == pytest.approx(
        28e6 / 86_400 * FIGURES["cpu"].value / 1000
    )
    assert nation.disk * 1e12 == pytest.approx(28e6 * 365 * FIGURES["stored"].value)


def test_a_place_with_half_the_persons_takes_half_of_everything() -> None:
    whole, half = need(60e6), need(30e6)
    assert half.peak == pytest.approx(whole.peak / 2)
    assert half.disk == pytest.approx(whole.disk / 2)
