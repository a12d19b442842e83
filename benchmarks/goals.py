"""What is to be reached on a machine of two cores, fsync on, the generator on the same cores."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and what it must and should be."""

    name: str
    least: float
    aim: float
    """Better than ``least``, be that more or less."""

    def verdict(self, value: float) -> str:
        """How a figure stands to it."""
        sign = 1 if self.aim > self.least else -1
        if sign * value >= sign * self.aim:
            return "aim reached"
        return "reached" if sign * value >= sign * self.least else "missed"


VISITS = Goal("complete visits a second, closed loop", 324, 600)
SETTLE_P99 = Goal("2207 at p99, open loop of 200 visits a second, ms", 100, 30)
OF_COPY = Goal("durable settlements in process ÷ COPY floor", 0.5, 0.8)
OF_HTTP = Goal("calls of visits ÷ HTTP floor", 0.3, 0.6)
BYTES = Goal("bytes stored of a visit, all tables and indexes", 5_000, 3_000)
OF_PEER = Goal("CPU of a visit ÷ CPU of openIMIS's claim", 1 / 400, 1 / 700)

SOAK_P99 = Goal("2207 at p99, half an hour of 324 visits a second, ms", 250, 100)
OF_EMPTY = Goal("rate on a filled database ÷ rate on an empty one", 0.9, 1.0)

OPEN_RATE = 200
"""Visits a second at which ``SETTLE_P99`` counts."""
SOAK_RATE = 324
"""Visits a second at which ``SOAK_P99`` counts: a nation's average day."""


def table_of_goals(reached: Iterable[tuple[Goal, float]]) -> Table:
    """Figures beside what they should be."""
    table = Table("goal", title="What is to be reached", title_justify="left")
    for heading in ("here", "at least", "aim", ""):
        table.add_column(heading, justify="right")
    for goal, value in reached:
        figures = (number(one) for one in (value, goal.least, goal.aim))
        table.add_row(goal.name, *figures, goal.verdict(value))
    return table


def number(value: float) -> str:
    """As short as it can be read; what is far below one as a fraction of one."""
    if 0 < value < 0.05:
        return f"1/{1 / value:,.0f}"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
