"""What ``docs/law`` shows runs as it stands: every example of a case, the whole tutorial."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.tutorial import PAGE, played
from yibao.cli.law_cases import run
from yibao.cli.main import cli

DOCS = Path(__file__).parents[2] / "docs" / "law"

TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def case_examples() -> list[str]:
    """The case files that the pages show."""
    text = (DOCS / "cases.md").read_text(encoding="utf-8")
    return [block for block in TOML.findall(text) if "[[case]]" in block]


@pytest.mark.parametrize("number", range(len(case_examples())))
def test_every_case_that_the_page_shows_comes_out(number: int, tmp_path: Path) -> None:
    file = tmp_path / "cases.toml"
    file.write_text(case_examples()[number], encoding="utf-8")
    for result in run([file], None):
        assert result.ok, result


def test_every_key_of_the_bill_that_the_page_shows_is_known(tmp_path: Path) -> None:
    """The page's bill has all keys at once: the engine never sees it, the reader must know it."""
    text = (DOCS / "cases.md").read_text(encoding="utf-8")
    (bill,) = [block for block in TOML.findall(text) if "further_diseases" in block]
    file = tmp_path / "bill.toml"
    lines_apart = re.sub(r"\[sums\].*?\[account\]", "[account]", bill, flags=re.DOTALL)
    lines_apart = re.sub(r"\[history\].*", "", lines_apart, flags=re.DOTALL)
    lines = re.search(r"\[\[lines\]\].*?(?=\n\[account\])", bill, re.DOTALL)
    sums = re.search(r"\[sums\].*?(?=\n\[\[lines\]\])", bill, re.DOTALL)
    assert lines is not None
    assert sums is not None
    for amounts in (lines[0], sums[0]):
        file.write_text(f"{lines_apart}\n{amounts}", encoding="utf-8")
        result = CliRunner().invoke(
            cli, ["law", "explain", "--law", "110000/310", "--bill", str(file)]
        )
        assert "unknown" not in result.output, result.output


def test_every_command_is_described() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    for command in ("check", "show", "diff", "explain", "cases"):
        assert f"## yibao law {command}" in text


@pytest.mark.thorough
def test_the_tutorial_prints_what_it_shows() -> None:
    """Fingerprints apart. ``python -m tests.cli.tutorial`` brings the page up to date."""
    page = PAGE.read_text(encoding="utf-8")
    assert without_fingerprints(played(page)) == without_fingerprints(page)


def without_fingerprints(page: str) -> str:
    """Fingerprints change with every word of a law and of its canonical form."""
    return re.sub(r"\b[0-9a-f]{12,64}\b", "…", page)
