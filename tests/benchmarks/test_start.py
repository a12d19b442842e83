"""No benchmark was left behind when a part that it uses got another name."""

from importlib import import_module
from pathlib import Path

import pytest

import benchmarks

MODULES = sorted(file.stem for file in Path(benchmarks.__path__[0]).glob("[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_benchmark_finds_all_that_it_uses(module: str) -> None:
    import_module(f"benchmarks.{module}")
