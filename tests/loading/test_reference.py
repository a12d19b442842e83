"""The page, the columns and the examples follow the declarations."""

from pathlib import Path

import pytest

from tests.loading.builders import Bureau
from yibao.cli import load as command
from yibao.loading.kinds import KINDS
from yibao.loading.reference import example, page


def test_the_page_is_the_one_that_the_declarations_make() -> None:
    kept = Path("docs/operating/loading.md").read_text("utf-8")
    assert kept == page(KINDS.values()), "run python -m yibao.loading.reference"


def test_the_command_knows_every_kind() -> None:
    assert tuple(KINDS) == command.NAMES


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("persons", "prices")])
async def test_an_example_has_no_bad_cell_of_its_own(
    bureau: Bureau, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"{kind}.csv"
    file.write_text(example(KINDS[kind]), "utf-8")
    await bureau.load(kind, file, dry_run=True)
    assert {fault.column for fault in bureau.told} <= {"person", "pool"}


async def test_the_example_persons_can_be_loaded(bureau: Bureau, tmp_path: Path) -> None:
    file = tmp_path / "persons.csv"
    file.write_text(example(KINDS["persons"]), "utf-8")
    await bureau.load("persons", file, dry_run=True)
    assert bureau.told == []
