"""Two laws over one population: the sums are those of deciding every bill on its own."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.analysis.builders import bill, population
from tests.analysis.laws import small_law
from yibao.adjudication.benefit import decide
from yibao.adjudication.columns.rows import bill_at
from yibao.analysis import generator, whatif
from yibao.analysis.blocks import BlockReader
from yibao.analysis.generator import generate, words_of
from yibao.analysis.model import Comparison, PopulationError
from yibao.analysis.reading import blocks, open_file, scan, tasks
from yibao.analysis.whatif import compare
from yibao.analysis.workers import SURVEYED
from yibao.policy.model import Law
from yibao.policy.parameters import LawError
from yibao.policy.terms import RESIDENT

pytestmark = pytest.mark.thorough

TODAY = date(2026, 1, 1)
CRITICAL = "payers.critical"


def compared(path: Path, before: Law, after: Law, workers: int = 1) -> Comparison:
    return compare(scan(path), before, after, today=TODAY, workers=workers)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whatif") / "p.parquet"
    small = pytest.MonkeyPatch()
    small.setattr(generator, "_PERSONS_A_CHUNK", 100)  # several row groups
    words = words_of([small_law()], date(2025, 7, 1))
    generate(path, words, bills=3_000, year=2025, seed=4)
    small.undo()
    return path


def of_residents() -> Law:
    return replace(small_law(), scheme=RESIDENT)


def decided_one_by_one(path: Path, law: Law) -> tuple[int, Mapping[str, int], int]:
    """What persons pay, what payers pay, and who is over the line, by the scalar engine."""
    found = scan(path)
    names = tuple(name for name in found.names if not name.startswith("line_"))
    file = open_file(path, names)
    reader = BlockReader(path.name, names)
    personal, paid, over = 0, Counter[str](), set()
    for task in tasks(found.groups, 10_000):
        for table in blocks(file, task, names, 10_000):
            columns = reader.bills(table)
            history: dict[int, Counter] = {}
            for row in range(len(columns)):
                person = int(columns.person[row])
                before = history.setdefault(person, Counter())
                statement = decide(bill_at(columns, row, law.scheme), law, before, []).statement
                before.update(dict(statement.counters))
                personal += statement.personal
                for payment in statement.payments:
                    paid[payment.payer] += payment.amount
                    if payment.payer == CRITICAL:
                        over.add(person)
    return personal, paid, len(over)


def test_every_figure_is_that_of_the_scalar_engine(generated: Path) -> None:
    laws = (small_law("0.6"), small_law("0.75", deductible=300))
    result = compared(generated, *laws)
    one_by_one = [decided_one_by_one(generated, law) for law in laws]
    assert result.compared.personal_before == one_by_one[0][0]
    assert result.compared.personal_after == one_by_one[1][0]
    for payer in result.payers:
        assert payer.before == one_by_one[0][1][payer.path]
        assert payer.after == one_by_one[1][1][payer.path]
    critical = next(payer for payer in result.payers if payer.path == CRITICAL)
    assert (critical.over_before, critical.over_after) == (one_by_one[0][2], one_by_one[1][2])
    assert result.compared.bills == 3_000


def test_a_law_against_itself_changes_nothing(generated: Path) -> None:
    result = compared(generated, small_law(), small_law())
    sums = result.compared
    assert sums.change == 0
    assert (sums.winners, sums.losers) == (0, 0)
    assert [found.persons for found in result.changes if found.persons] == [sums.persons]
    assert all(payer.difference == 0 for payer in result.payers)


def test_two_processes_and_small_blocks_find_what_one_finds(
    generated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laws = (small_law("0.6"), small_law("0.75"))
    assert len(scan(generated).groups) >= SURVEYED
    alone = compared(generated, *laws)
    monkeypatch.setattr(whatif, "ROWS_A_TASK", 1)
    monkeypatch.setattr(whatif, "ROWS_A_BLOCK", 100)
    together = compared(generated, *laws, workers=2)
    assert replace(together, seconds=0) == replace(alone, seconds=0)


def test_laws_with_different_line_rules_split_the_lines_anew(generated: Path) -> None:
    # A: class A items pay nothing first, as generated. B: 20 % of them first.
    before = small_law(lines=0)
    after = small_law(lines=Decimal("0.2"))
    result = compared(generated, before, after)
    assert result.lines_recomputed
    same = compared(generated, before, before)
    assert result.compared.personal_before == same.compared.personal_before
    assert result.compared.personal_after > same.compared.personal_after


def test_a_bill_that_a_law_has_no_value_for_is_counted_by_the_parameter(tmp_path: Path) -> None:
    bills = [bill(1), bill(2, care_kind="77"), bill(3, level="l1")]
    result = compared(population(tmp_path / "p.parquet", bills), small_law(), small_law("0.7"))
    assert result.refused == 1
    assert result.refused_before == {"benefits.*.care_kinds.77": 1}
    assert result.compared.bills == 2


def test_progress_is_told_of_every_bill(generated: Path) -> None:
    done: list[int] = []
    compare(scan(generated), small_law(), small_law(), today=TODAY, workers=1, progress=done.append)
    assert sum(done) == 3_000


def test_laws_of_different_schemes_are_refused(generated: Path) -> None:
    with pytest.raises(LawError, match=r"law\.scheme: is 390"):
        compared(generated, small_law(), of_residents())


def test_bills_of_another_scheme_are_refused(generated: Path) -> None:
    with pytest.raises(PopulationError, match="the bills are of scheme 310"):
        compared(generated, of_residents(), of_residents())


def test_a_future_bill_is_refused_with_its_day(tmp_path: Path) -> None:
    path = population(tmp_path / "p.parquet", [bill(), bill(2, day=date(2031, 5, 1))])
    with pytest.raises(PopulationError, match="day: holds a future bill, of 2031-05-01"):
        compared(path, small_law(), small_law())


def test_an_unsorted_file_is_not_decided(tmp_path: Path) -> None:
    path = population(tmp_path / "p.parquet", [bill(2), bill(1)])
    with pytest.raises(PopulationError, match="person: is not sorted"):
        compared(path, small_law(), small_law())


def test_lines_that_are_needed_and_missing_are_named(tmp_path: Path) -> None:
    path = population(tmp_path / "p.parquet", [bill()])
    with pytest.raises(PopulationError, match="line_amount: the column is missing"):
        compared(path, small_law(), small_law(lines=Decimal("0.1")))
