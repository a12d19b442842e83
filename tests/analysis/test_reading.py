"""Population files are looked through, cut among workers, streamed in blocks of whole persons."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analysis.builders import DAY, bill, columns_of, plain_file, population
from tests.properties import examples
from yibao.analysis.model import PopulationError
from yibao.analysis.population import REQUIRED
from yibao.analysis.reading import blocks, open_file, scan, tasks


def test_a_scan_counts_bills_and_persons_and_finds_the_days(tmp_path: Path) -> None:
    bills = [bill(1), bill(1, day=date(2025, 4, 1)), bill(7, day=date(2024, 12, 31))]
    found = scan(population(tmp_path / "p.parquet", bills))
    assert (found.facts.bills, found.facts.persons) == (3, 2)
    assert (found.facts.first_day, found.facts.last_day) == (date(2024, 12, 31), date(2025, 4, 1))
    assert found.fault is None
    assert found.scheme == "310"


@pytest.mark.parametrize(
    ("bills", "where"),
    [
        ([bill(2), bill(1)], "row 1 of row group 0"),
        ([bill(1, day=DAY), bill(1, day=DAY - timedelta(1))], "row 1 of row group 0"),
        ([bill(1), bill(2), bill(3), bill(2)], "row 1 of row group 1"),
        ([bill(1), bill(2), bill(1)], "the first row of row group 1"),
    ],
)
def test_disorder_is_found_and_placed(tmp_path: Path, bills: list, where: str) -> None:
    assert scan(population(tmp_path / "p.parquet", bills, group=2)).fault == where


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    group=st.integers(1, 12),
    task_rows=st.integers(1, 30),
    block_rows=st.integers(1, 30),
)
def test_every_bill_is_read_once_and_no_person_is_cut(
    tmp_path: Path, counts: list[int], group: int, task_rows: int, block_rows: int
) -> None:
    bills = [
        bill(person, in_scope=100 * person + number)
        for person, count in enumerate(counts)
        for number in range(count)
    ]
    path = population(tmp_path / "p.parquet", bills, group=group)
    file = open_file(path, REQUIRED)
    persons, amounts = [], []
    for task in tasks(scan(path).groups, task_rows):
        for block in blocks(file, task, REQUIRED, block_rows):
            persons.append(set(block.column("person").to_pylist()))
            amounts += block.column("in_scope").to_pylist()
    assert amounts == [row["in_scope"] for row in bills]
    assert sum(map(len, persons)) == len(counts)


@pytest.mark.parametrize("column", REQUIRED)
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    columns = columns_of([bill()])
    del columns[column]
    with pytest.raises(PopulationError) as error:
        scan(plain_file(tmp_path / "p.parquet", columns))
    assert error.value.column == column


def test_a_bucket_without_one_of_its_sums_is_named(tmp_path: Path) -> None:
    columns = columns_of([bill() | {"in_scope.dual_channel": 5}])
    with pytest.raises(PopulationError) as error:
        scan(plain_file(tmp_path / "p.parquet", columns))
    assert error.value.column == "own.dual_channel"


@pytest.mark.parametrize(
    ("column", "values"),
    [("in_scope", [10.5]), ("day", ["2025-01-01"]), ("level", [3]), ("person", ["a"])],
)
def test_a_column_of_another_type_is_named(tmp_path: Path, column: str, values: list) -> None:
    with pytest.raises(PopulationError) as error:
        scan(plain_file(tmp_path / "p.parquet", columns_of([bill()]) | {column: values}))
    assert error.value.column == column


def test_an_empty_population_is_refused(tmp_path: Path) -> None:
    path = population(tmp_path / "p.parquet", [bill()])
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(PopulationError, match="the population is empty"):
        scan(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PopulationError, match=r"none\.parquet: file: there is no such file"):
        scan(tmp_path / "none.parquet")


def test_a_file_that_is_no_parquet_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_text("person,day\n")
    with pytest.raises(PopulationError, match="is no Parquet file"):
        scan(tmp_path / "p.parquet")


def test_a_bill_without_a_person_is_placed(tmp_path: Path) -> None:
    path = population(tmp_path / "p.parquet", [bill(), bill(None)])  # type: ignore[arg-type]
    with pytest.raises(PopulationError, match="person: is empty in row 1"):
        scan(path)
