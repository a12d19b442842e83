"""A file in any order becomes a sorted one with the same bills."""

from datetime import date, timedelta
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest

from tests.analysis.builders import bill, population
from yibao.analysis import sorting
from yibao.analysis.reading import scan


def test_bills_come_out_by_person_and_day_and_equal_ones_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "_ROWS_A_PART", 40)  # several parts
    monkeypatch.setattr(sorting, "_SAMPLE", 3)
    random = Random(1)
    bills = [
        bill(
            random.randrange(30),
            day=date(2025, 1, 1) + timedelta(random.randrange(5)),
            in_scope=number,
            disease=random.choice([None, "A", "B"]),
        )
        for number in range(200)
    ]
    found = scan(population(tmp_path / "p.parquet", bills, group=33))
    assert found.fault is not None
    sorting.sort_into(found, tmp_path / "sorted.parquet")
    again = scan(tmp_path / "sorted.parquet")
    assert again.fault is None
    assert again.scheme == "310"
    rows = pq.read_table(tmp_path / "sorted.parquet").to_pylist()
    expected = sorted(bills, key=lambda row: (row["person"], row["day"]))  # stable
    assert rows == expected
