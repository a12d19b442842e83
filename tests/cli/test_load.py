"""``yibao load`` on a database of its own."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.loading.builders import person, write_csv
from yibao.cli.main import cli

runner = CliRunner()


@pytest.fixture
def here(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder, with the settings of a migrated database that has no pool yet."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    monkeypatch.setenv("YIBAO_VAULT_KEY", "6b" * 32)
    monkeypatch.setenv("YIBAO_DATA", str(tmp_path))
    return tmp_path


def test_an_example_is_printed_and_its_columns() -> None:
    text = runner.invoke(cli, ["load", "example", "persons"]).stdout
    assert text.startswith("source,source_key,pool,document_type,document_number")
    told = json.loads(runner.invoke(cli, ["load", "columns", "persons", "--json"]).stdout)
    assert {"name": "gender", "title": "性别"}.items() <= told["columns"][6].items()


def test_faults_are_shown_and_written_to_a_file(here: Path) -> None:
    file = write_csv(here / "persons.csv", [person(1), person(2, gender="x")])
    faults = here / "faults.csv"
    done = runner.invoke(cli, ["load", "persons", str(file), "--errors", str(faults)])
    assert done.exit_code == 1, done.output
    assert "nothing was written" in done.stdout
    kept = faults.read_text("utf-8-sig")
    assert "2,pool,本平台没有此统筹区" in kept
    assert "must be one of 1, 2, 9" in kept


def test_a_file_that_is_not_there_is_told_as_such(here: Path) -> None:
    done = runner.invoke(cli, ["load", "persons", str(here / "nowhere.csv")])
    assert done.exit_code == 2
    assert "nowhere.csv: No such file or directory" in done.stderr
    assert "Errno" not in done.stderr


def test_a_load_that_never_was_has_no_result(here: Path) -> None:
    done = runner.invoke(cli, ["load", "result", "1"])
    assert (done.exit_code, "there is no load 1" in done.stderr) == (1, True)
    assert str(here) not in done.stdout


def test_a_load_tells_json(here: Path) -> None:
    file = write_csv(here / "persons.csv", [person(1)])
    done = runner.invoke(cli, ["load", "persons", str(file), "--json", "--dry-run"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["loaded"], told["bad"]) == (1, False, 1)
    assert json.loads(runner.invoke(cli, ["load", "runs", "--json"]).stdout) == {"runs": []}


@pytest.mark.parametrize("content", [b"", b"shoe,size\n1,2\n"])
def test_a_file_that_is_no_table_is_told_without_a_traceback(here: Path, content: bytes) -> None:
    file = here / "bad.csv"
    file.write_bytes(content)
    done = runner.invoke(cli, ["load", "persons", str(file)])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert runner.invoke(cli, ["load", "persons", str(here / "none.csv")]).exit_code == 2
