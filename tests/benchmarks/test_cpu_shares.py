"""Processor time by what modules do."""

import sys
from pathlib import Path

import pytest

from benchmarks import sampled_server
from benchmarks.cpu_shares import PARTS, REST, THREADS, parts_of
from yibao.kernel import money
from yibao.sandbox import report

PACKAGE = Path(money.__file__).parents[1]


def test_every_module_counts_once() -> None:
    shares = parts_of(
        {
            THREADS: 0.1,
            "gateway/asgi.py": 0.1,
            "gateway/dialects/adaption.py": 0.1,
            "adjudication/bands.py": 0.2,
            "settlement/fees/store.py": 0.2,
            "asyncpg": 0.1,
            "settlement/bills/writing.py": 0.2,
        }
    )
    assert shares == {
        "HTTP and JSON": pytest.approx(0.2),
        "proving and reading": pytest.approx(0.1),
        "law": pytest.approx(0.2),
        "statements and driver": pytest.approx(0.3),
        REST: pytest.approx(0.2),
    }


def test_every_module_that_is_named_exists() -> None:
    """A module that was renamed would silently count with the rest."""
    named = {name for names in PARTS.values() for name in names}
    missing = {name for name in named if not (PACKAGE / name).exists()}
    assert missing == {THREADS, "loop", "asyncpg", "store.py"}


class Told(int):
    """Notes where a sample would find the program that compares it."""

    places: list[str] = []  # noqa: RUF012 - of one test at a time

    def __lt__(self, other: int) -> bool:
        self.places.append(sampled_server._place(sys._getframe()))
        return int(self) < int(other)

    def __ge__(self, other: int) -> bool:
        self.places.append(sampled_server._place(sys._getframe()))
        return int(self) >= int(other)


def test_a_sample_is_put_down_to_our_innermost_module() -> None:
    Told.places.clear()
    report.percentile([Told(2), Told(1)], 0.5)
    assert set(Told.places) == {"sandbox/report.py"}


def test_what_the_kernel_does_counts_with_its_caller() -> None:
    Told.places.clear()
    money.round_half_up(Told(5), 2)
    assert Told.places == ["loop"], "nobody of ours has called it here"
