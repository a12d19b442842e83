"""So many a second, with some seconds' worth saved."""

from yibao.platform.admission.budgets import Budgets


def test_a_burst_takes_what_was_saved_and_no_more() -> None:
    budgets = Budgets(a_second=5, saved_seconds=2)
    assert [budgets.spend("a", 0.0) for _ in range(11)] == [True] * 10 + [False]


def test_it_fills_again_with_time() -> None:
    budgets = Budgets(a_second=5, saved_seconds=2)
    for _ in range(10):
        budgets.spend("a", 0.0)
    assert budgets.is_spent("a", 0.1)
    assert not budgets.is_spent("a", 0.2)
    assert [budgets.spend("a", 0.4) for _ in range(3)] == [True, True, False]


def test_names_do_not_pay_for_each_other() -> None:
    budgets = Budgets(a_second=1, saved_seconds=1)
    assert budgets.spend("a", 0.0)
    assert not budgets.spend("a", 0.0)
    assert budgets.spend("b", 0.0)


def test_zero_is_no_limit() -> None:
    budgets = Budgets(a_second=0, saved_seconds=10)
    assert all(budgets.spend("a", 0.0) for _ in range(1000))
    assert not budgets.is_spent("a", 0.0)


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    budgets = Budgets(a_second=1, saved_seconds=2)
    budgets.spend("a", 100.0)
    budgets.spend("a", 100.0)
    assert budgets.is_spent("a", 50.0)
