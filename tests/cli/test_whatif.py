"""``yibao whatif`` on the command line: what it writes, and what it says of bad input."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from tests.analysis.builders import bill, population
from tests.policy.builders import document, toml_text
from yibao.cli.main import cli


@pytest.fixture
def laws(tmp_path: Path) -> tuple[str, str]:
    """A law that pays 70 % of everything, and one that pays 80 %."""
    paths = []
    for name, ratio in (("a", "0.70"), ("b", "0.80")):
        path = tmp_path / f"{name}.toml"
        text = toml_text(document()).replace('"value" = 0.7,', f'"value" = {ratio},')
        assert ratio in text or name == "a"
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths[0], paths[1]


def whatif(laws: Sequence[str], *options: str) -> Result:
    command = ["whatif", "--from", laws[0], "--to", laws[1], "--workers", "1", *options]
    return CliRunner().invoke(cli, command)


def test_it_prints_figures_and_writes_csv_and_page(tmp_path: Path, laws: Sequence[str]) -> None:
    bills = population(tmp_path / "p.parquet", [bill(1), bill(2)])
    outputs = ("--csv", str(tmp_path / "o.csv"), "--html", str(tmp_path / "o.html"))
    result = whatif(laws, "--bills", str(bills), *outputs)
    assert result.exit_code == 0, result.output
    assert "600.00" in result.output  # 2 × 30 % of 1,000 before
    assert "-200.00" in result.output
    assert "all,,,personal_yuan,600.00,400.00,-200.00" in (tmp_path / "o.csv").read_text(
        "utf-8-sig"
    )
    assert "600.00" in (tmp_path / "o.html").read_text("utf-8")


def test_json_is_for_programs(tmp_path: Path, laws: Sequence[str]) -> None:
    bills = population(tmp_path / "p.parquet", [bill(1), bill(2)])
    result = whatif(laws, "--bills", str(bills), "--json")
    told = json.loads(result.stdout)
    assert told["compared"]["personal_after"] == "400.00"
    assert told["compared"]["winners"] == 2


def test_bills_are_generated_and_kept(tmp_path: Path, laws: Sequence[str]) -> None:
    kept = tmp_path / "kept.parquet"
    generated = whatif(laws, "--generate", "500", "--keep", str(kept), "--json")
    told = json.loads(generated.stdout)
    assert told["population"]["artificial"]
    assert told["population"]["bills"] == 500
    again = json.loads(whatif(laws, "--bills", str(kept), "--json").stdout)
    assert again["compared"] == told["compared"]


def test_an_unsorted_file_is_sorted_first_and_that_is_said(
    tmp_path: Path, laws: Sequence[str]
) -> None:
    bills = population(tmp_path / "p.parquet", [bill(2), bill(1)])
    result = whatif(laws, "--bills", str(bills), "--json")
    assert result.exit_code == 0
    assert "p.parquet is not sorted (row 1 of row group 0): sorting it first" in result.stderr
    assert json.loads(result.stdout)["population"]["persons"] == 2
    assert pq.read_table(bills).column("person").to_pylist() == [2, 1]


@pytest.mark.parametrize("options", [(), ("--database", "--generate", "5")])
def test_exactly_one_population_must_be_said(laws: Sequence[str], options: Sequence[str]) -> None:
    result = whatif(laws, *options)
    assert result.exit_code == 2
    assert "--bills FILE, --database and --generate N" in result.stderr


@pytest.mark.thorough
def test_faults_are_told_by_name_without_a_traceback(tmp_path: Path, laws: Sequence[str]) -> None:
    future = population(tmp_path / "p.parquet", [bill(day=date(2100, 1, 1))])
    text = Path(laws[1]).read_text(encoding="utf-8").replace('"310"', '"390"')
    residents = tmp_path / "residents.toml"
    residents.write_text(text, encoding="utf-8")
    faults = [
        (laws, ("--bills", "none.parquet"), "none.parquet: file: there is no such file"),
        (laws, ("--bills", str(future)), "p.parquet: day: holds a future bill, of 2100-01-01"),
        ((laws[0], "none.toml"), ("--generate", "5"), "none.toml"),
        ((laws[0], str(residents)), ("--generate", "5"), "law.scheme: is 390"),
        (("999999/310", laws[1]), ("--generate", "5"), "999999/310: law"),
    ]
    for named, options, said in faults:
        result = whatif(named, *options)
        assert result.exit_code == 1, said
        assert said in result.stderr
        assert "Traceback" not in result.output


def test_faults_are_json_where_json_is_asked_for(tmp_path: Path, laws: Sequence[str]) -> None:
    bills = population(tmp_path / "p.parquet", [bill(level="l9")])
    result = whatif(laws, "--bills", str(bills), "--json")
    assert json.loads(result.stdout)["error"]["column"] == "level"
