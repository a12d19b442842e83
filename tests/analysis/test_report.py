"""The tables, the CSV, the JSON and the page show one and the same comparison."""

import csv
import json
import re
from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from tests.analysis.builders import bill, population
from tests.analysis.laws import small_law
from yibao.analysis.labels import compact, money, percent, signed
from yibao.analysis.model import Comparison
from yibao.analysis.page import as_page
from yibao.analysis.reading import scan
from yibao.analysis.report import as_csv, as_json, render
from yibao.analysis.whatif import compare


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two persons, one of them poor; B pays 10 points more and has no longer a deductible.

    Person 1 pays A: 1,000 − 540 = 460; B: 1,000 − 700 = 300. Person 2: bills of 1,000 and 50 yuan,
    A: 460, then 50 − 30 = 20; B: 300, then 15. Nobody is over the line of 500 yuan. One bill of a
    kind of care that neither law knows.
    """
    bills = [
        bill(1, identities=""),
        bill(2, identities="2303", level="l3", person_type="1201", birth=date(1950, 1, 1)),
        bill(2, identities="2303", in_scope=5_000, person_type="1201", birth=date(1950, 1, 1)),
        bill(3, identities="", care_kind="77"),
    ]
    path = population(tmp_path_factory.mktemp("report") / "p.parquet", bills)
    laws = (small_law("0.6"), small_law("0.7", deductible=0))
    return compare(scan(path), *laws, today=date(2026, 1, 1), workers=1)


def test_the_figures_are_those_worked_by_hand(comparison: Comparison) -> None:
    told = as_json(comparison)
    assert told["compared"]["personal_before"] == "940.00"
    assert told["compared"]["personal_after"] == "615.00"
    assert told["compared"]["winners"] == 2
    by_identity = {row["group"]: row for row in told["groups"]["identity"]}
    assert by_identity[""]["personal_after"] == "300.00"
    assert by_identity["2303"]["personal_before"] == "480.00"
    assert by_identity["2303"]["chinese"] == "低保对象"
    assert [row["group"] for row in told["groups"]["level"]] == ["l2", "l3"]
    pool = told["payers"][0]
    assert (pool["before"], pool["after"], pool["difference"]) == ("1110.00", "1435.00", "325.00")
    assert told["payers"][1]["over_line_before"] == 0
    assert told["refused"] == {
        "bills": 1,
        "before": {"benefits.*.care_kinds.77": 1},
        "after": {"benefits.*.care_kinds.77": 1},
    }


def test_json_is_json(comparison: Comparison) -> None:
    assert json.loads(json.dumps(as_json(comparison))) == as_json(comparison)


def test_the_csv_holds_the_same_figures(comparison: Comparison) -> None:
    rows = list(csv.DictReader(StringIO(as_csv(comparison))))
    burden = {
        (row["section"], row["group"]): (row["before"], row["after"])
        for row in rows
        if row["measure"] == "personal_yuan"
    }
    assert burden["all", ""] == ("940.00", "615.00")
    assert burden["person_type", "12"] == ("480.00", "315.00")
    assert burden["age", "70-79"] == ("480.00", "315.00")
    assert {row["section"] for row in rows} == {
        "all",
        "payer",
        "person_type",
        "age",
        "identity",
        "level",
        "change",
        "decile",
        "refused",
    }


def test_the_terminal_shows_the_same_figures(comparison: Comparison) -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(render(comparison))
    text = console.export_text()
    for figure in ("940.00", "615.00", "-325.00", "benefits.*.care_kinds.77"):
        assert figure in text


def test_the_page_needs_nothing_from_elsewhere(comparison: Comparison) -> None:
    page = as_page(comparison)
    assert "<script" not in page
    assert re.findall(r"(?:src|href|url)\s*[=(]", page) == []
    assert "http" not in page
    assert '<meta name="viewport"' in page


def test_the_page_says_everything_in_both_languages(comparison: Comparison) -> None:
    page = as_page(comparison, "en")
    assert page.count('class="zh"') == page.count('class="en"') > 20
    assert 'id="en" checked' in page
    for figure in ("940.00", "615.00", "低保对象", "minimum-living allowance", "care_kinds.77"):
        assert figure in page


def test_titles_of_laws_cannot_write_into_the_page(comparison: Comparison) -> None:
    from dataclasses import replace

    law = comparison.before._replace(title="<b onclick=x>")
    assert "<b onclick" not in as_page(replace(comparison, before=law))


def test_figures_read_well() -> None:
    assert money(-123_456_789) == "-1,234,567.89"
    assert signed(5) == "+0.05"
    assert percent(1, 3) == "33.3 %"
    assert percent(-1, 2000) == "-0.1 %"
    assert percent(0, 0) == "-"
    assert compact(123_456_789_000, "zh") == "12.35 亿元"
    assert compact(-123_456_789_000, "en") == "−1.23 bn yuan"
    assert compact(4_200, "zh") == "42 元"
