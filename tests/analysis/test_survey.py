"""A survey shows each kind of bill that either law tells apart, once."""

from pathlib import Path

from tests.analysis.builders import bill, population
from tests.analysis.laws import small_law
from tests.analysis.test_needs import law_by_poverty
from yibao.adjudication.columns.model import BillColumns
from yibao.analysis.blocks import BlockReader
from yibao.analysis.reading import blocks, open_file, scan, tasks
from yibao.analysis.survey import Survey, merged
from yibao.analysis.whatif import ROWS_A_BLOCK
from yibao.analysis.workers import Plan, Worker


def read(path: Path, *facts: dict[str, str]) -> BillColumns:
    bills = [bill(person) | {"identities": ""} | more for person, more in enumerate(facts)]
    found = scan(population(path / "p.parquet", bills))
    file = open_file(found.path, found.names)
    (table,) = blocks(file, tasks(found.groups, 100)[0], found.names, 100)
    return BlockReader("p", found.names).bills(table)


def test_it_shows_one_bill_of_each_kind(tmp_path: Path) -> None:
    poor, rich = {"identities": "2303"}, {"identities": "2309"}
    bills = read(tmp_path, {}, {}, {"level": "l3"}, poor, rich, {"person_type": "1102"})
    # neither law tells 2309 from nothing, nor 1102 from 1101; the first one tells no identity
    assert len(Survey([small_law()]).new(bills)) == 2
    assert len(Survey([small_law(), law_by_poverty()]).new(bills)) == 3


def test_what_was_shown_is_not_shown_again(tmp_path: Path) -> None:
    survey = Survey([small_law()])
    assert len(survey.new(read(tmp_path, {}, {"level": "l3"}))) == 2
    assert len(survey.new(read(tmp_path, {"level": "l3"}, {"level": "l1"}, {}))) == 1


def test_a_worker_shows_a_task_without_its_lines(tmp_path: Path) -> None:
    law = small_law()
    found = scan(population(tmp_path / "p.parquet", [bill(7), bill(8), bill(9, level="l3")]))
    worker = Worker(
        Plan(
            str(found.path), found.names, (law.canonical, law.canonical), ROWS_A_BLOCK, ROWS_A_BLOCK
        )
    )
    (task,) = tasks(found.groups, 100)
    shown = merged([worker.survey(task), worker.survey(task)])
    assert shown is not None
    assert sorted(shown.column("level").to_pylist()) == ["l2", "l3"]
    assert shown.column("person").to_pylist() == [0, 1]
    assert merged([worker.survey(task)]) is None
