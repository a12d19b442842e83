"""Every published case comes out to the cent, run by the product's own runner."""

from pathlib import Path

import pytest

from yibao.adjudication.documents.cases import CaseResult
from yibao.adjudication.model import Payment, Statement, Sums
from yibao.cli.law_cases import run
from yibao.kernel.money import yuan

CASES = run([], None)
"""The packaged cases."""

PUBLISHED = {
    "A": "01 03 05 07 08 10 12 13 16 18 20 22 24 26 28 29 31 33 35 37 39 41 43 45 47 49",
    "C": "01 03 05 07 08 10 12 14 15 17 19 21 23 25",
    "W": "01 03",
}
"""The published cases by the letter and number of their collection."""


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_published_case_comes_out_to_the_cent(case: CaseResult) -> None:
    assert case.ok, case
    assert case.got == case.expected
    assert set(case.difference.values()) <= {"0.00", ""}


def test_no_published_case_is_left_out() -> None:
    published = {f"{letter}{n}" for letter, numbers in PUBLISHED.items() for n in numbers.split()}
    assert len(published) == 42
    assert not published - {case.id for case in CASES}


def test_every_case_says_where_it_was_published() -> None:
    assert all(case.source and case.title for case in CASES)


def test_slips_of_the_sources_are_declared_with_their_size_and_not_imitated() -> None:
    slips = {case.id: case.as_json()["slip"] for case in CASES if case.slips}
    assert {name: slip["size"] for name, slip in slips.items()} == {
        "A10": "0.04",
        "C23": "0.01",
        "A43": "0.33",
    }


def test_a_real_settlement_with_a_hospital_part_keeps_the_identities() -> None:
    """W03: total 23,442.46; the hospital's 505.01 belongs to neither fund nor person."""
    statement = Statement(
        sums=Sums(2344246, 253397, 139689, 70344, 1880816),
        deductible=0,
        payments=(Payment("330100", "hifob", 1880816, 1878539),),
        personal=415206,
        account=(("account", 17004),),
        cash=398202,
        hospital_part=50501,
    )
    statement.check()
    assert yuan(statement.funds) == "18785.39"


def test_a_statement_that_loses_a_fen_is_a_fault() -> None:
    """A22 with a fen of cash missing."""
    statement = Statement(
        sums=Sums(total=18268, in_scope=18268),
        deductible=0,
        payments=(Payment("310100", "hifp", 18268, 8509),),
        personal=18268 - 8509,
        account=(("account", 8259),),
        cash=1499,
    )
    with pytest.raises(AssertionError, match="who pays"):
        statement.check()


def test_a_changed_law_is_noticed(tmp_path: Path) -> None:
    """The runner is no rubber stamp: one point of ratio less, and the case no longer comes out."""
    file = tmp_path / "cases.toml"
    file.write_text(
        """
        [[case]]
        id = "C01"
        law.benefits.inpatient = { deductible.visit.amount = 800, payers.fund.bands = 0.79 }
        bill = { day = 2024-06-01, care_kind = "21", sums.in_scope = 5000 }
        expected = { funds = 3360 }
        """,
        encoding="utf-8",
    )
    (result,) = run([file], None)
    assert not result.ok
    assert result.as_json() == {
        "id": "C01",
        "ok": False,
        "expected": {"funds": "3360.00"},
        "got": {"funds": "3318.00"},
        "difference": {"funds": "-42.00"},
        "slip": None,
    }
