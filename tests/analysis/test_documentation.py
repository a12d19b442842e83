"""The page on what-if describes the format as it is, and its example works."""

import re
from datetime import date
from pathlib import Path

import pytest

from tests.analysis.laws import small_law
from yibao.analysis.population import COLUMNS
from yibao.analysis.reading import scan
from yibao.analysis.whatif import compare

PAGE = (Path(__file__).parents[2] / "docs" / "law" / "whatif.md").read_text(encoding="utf-8")


def test_every_column_is_described() -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    described = {name for row in rows for name in re.findall(r"`([\w.<>]+)`", row)}
    assert set(COLUMNS) - described == set()


def test_the_example_is_a_population(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    law = small_law()
    result = compare(scan(Path("bills.parquet")), law, law, today=date(2026, 1, 1), workers=1)
    assert result.population.persons == 2
    assert result.refused_before == {"benefits.*.care_kinds.21": 1}
