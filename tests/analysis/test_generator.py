"""A generated population is artificial, repeatable, and adds up."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.policy.builders import document, law_of
from yibao.adjudication.classify import classify
from yibao.adjudication.lines import terms_under
from yibao.adjudication.model import Bill, ChargedLine, Person, Provider
from yibao.analysis import generator
from yibao.analysis.generator import Words, generate, words_of
from yibao.analysis.reading import scan
from yibao.analysis.terms import terms_of
from yibao.kernel.frozen import astuple
from yibao.policy.terms import EMPLOYEE, CareKind, Level, PersonType

WORDS = Words("310", ("11", "14"), ("21",), ("2303",), (), ("320",), ("M03900",), ("referred",))


def made(path: Path, bills: int = 300, seed: int = 1, *, lines: bool = True) -> list[dict]:
    generate(path, WORDS, bills=bills, year=2025, seed=seed, lines=lines)
    return pq.read_table(path).to_pylist()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "_PERSONS_A_CHUNK", 50)


def test_there_are_as_many_bills_as_asked_for_sorted_and_marked(tmp_path: Path) -> None:
    made(tmp_path / "p.parquet", 1_001)
    found = scan(tmp_path / "p.parquet")
    assert found.facts.bills == 1_001
    assert found.fault is None
    assert found.facts.artificial
    assert found.facts.first_day.year == found.facts.last_day.year == 2025
    assert len(found.groups) > 3
    assert all(a.last < b.first for a, b in zip(found.groups, found.groups[1:], strict=False))


def test_the_same_seed_makes_the_same_bills_with_or_without_lines(tmp_path: Path) -> None:
    first = made(tmp_path / "a.parquet")
    assert made(tmp_path / "b.parquet") == first
    without = made(tmp_path / "c.parquet", lines=False)
    assert [{name: row[name] for name in without[0]} for row in first] == without
    assert made(tmp_path / "d.parquet", seed=2) != first


def test_the_sums_are_those_of_the_lines(tmp_path: Path) -> None:
    law = law_of(document())
    any_bill = Bill(
        EMPLOYEE,
        CareKind("11"),
        date(2025, 1, 1),
        Person(PersonType("1101"), date(1980, 1, 1)),
        Provider(Level.SECOND),
        {},
    )
    for row in made(tmp_path / "p.parquet", 60):
        sums = [0, 0, 0, 0]
        for amount, price, quantity, word in zip(
            row["line_amount"],
            row["line_price"],
            row["line_quantity"],
            row["line_terms"],
            strict=True,
        ):
            raw, approved = terms_of("p", word)
            line = ChargedLine(amount, price, quantity, approved)
            split = astuple(classify(line, terms_under(law, any_bill, raw)))
            sums = [a + b for a, b in zip(sums, split, strict=False)]
        assert sums == [row[name] for name in ("own", "over_limit", "first_pay", "in_scope")]


def test_the_words_are_those_of_the_laws() -> None:
    content = document()
    content["classes"] = content.get("classes", {}) | {
        "poverty": {
            "fact": "identity",
            "order": ["poor"],
            "poor": ["2303", "2304"],
            "otherwise": "ordinary",
        }
    }
    words = words_of([law_of(content), law_of(document())], date(2025, 1, 1))
    assert words.identities == ("2303", "2304")
    assert words.outpatient == ("11",)
    assert words.inpatient == ()
