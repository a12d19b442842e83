"""The limit follows what the process finishes."""

import pytest

from yibao.platform.admission.capacity import Capacity

WAIT, FLOOR, CEILING = 0.3, 32, 1000


class Machine:
    """Calls that come and end on a clock of their own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.capacity = Capacity(WAIT, FLOOR, CEILING, self.now)

    def run(self, seconds: float, a_second: float, wanted: int) -> None:
        """End calls at a rate, while as many as wanted and allowed are in work."""
        step = 0.01
        owed = 0.0
        for _ in range(round(seconds / step)):
            self.capacity.look(self.now)
            if self.capacity.in_work < wanted and self.capacity.in_work >= self.capacity.limit:
                self.capacity.full()
            while self.capacity.in_work < min(wanted, self.capacity.limit):
                self.capacity.begin()
            owed += a_second * step
            while owed >= 1 and self.capacity.in_work:
                self.capacity.end()
                owed -= 1
            while self.capacity.in_work < min(wanted, self.capacity.limit):
                self.capacity.begin()
            self.now += step


def test_the_limit_is_what_is_done_within_the_wanted_wait() -> None:
    machine = Machine()
    machine.run(5, a_second=1000, wanted=10_000)
    assert 270 <= machine.capacity.limit <= 330


def test_a_database_that_slows_down_lets_in_less_at_once() -> None:
    machine = Machine()
    machine.run(5, a_second=1000, wanted=10_000)
    machine.run(2, a_second=200, wanted=10_000)
    assert machine.capacity.limit <= 80


def test_a_stall_leaves_the_floor_and_is_got_over() -> None:
    machine = Machine()
    machine.run(5, a_second=1000, wanted=10_000)
    machine.run(4, a_second=0, wanted=10_000)
    assert machine.capacity.limit == FLOOR
    machine.run(4, a_second=1000, wanted=10_000)
    assert machine.capacity.limit >= 270


def test_a_quiet_hour_teaches_nothing() -> None:
    machine = Machine()
    machine.run(5, a_second=1000, wanted=10_000)
    machine.run(1, a_second=1000, wanted=0)
    before = machine.capacity.limit
    machine.run(60, a_second=3, wanted=2)
    assert machine.capacity.limit == before


@pytest.mark.thorough
def test_the_limit_has_a_ceiling() -> None:
    machine = Machine()
    machine.run(10, a_second=50_000, wanted=100_000)
    assert machine.capacity.limit == CEILING
