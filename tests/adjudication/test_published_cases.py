"""Every published case that today's shapes express comes out to the cent."""

import pytest

from tests.adjudication.published import Case, got, published_cases
from yibao.adjudication.model import Payment, Statement, Sums
from yibao.kernel.money import fen_from_yuan, yuan

CASES = published_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_published_case_comes_out_to_the_cent(case: Case) -> None:
    figures = got(case.decided())
    expected = case.data["expected"]
    assert {name: yuan(figures[name]) for name in expected} == {
        name: yuan(fen_from_yuan(amount)) for name, amount in expected.items()
    }


@pytest.mark.parametrize(
    "case", [case for case in CASES if "slips" in case.data], ids=lambda case: case.id
)
def test_a_slip_of_a_published_case_is_declared_with_what_was_printed(case: Case) -> None:
    """A figure that the source got wrong is not imitated: it must differ from ours, and say why."""
    figures = got(case.decided())
    for name, slip in case.data["slips"].items():
        assert yuan(figures[name]) != slip["printed"]
        assert slip["reason"]


def test_cases_are_numbered_once() -> None:
    ids = [case.data["id"] for case in CASES]
    assert sorted(set(ids)) == sorted(ids)
    assert len(ids) >= 30


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


def test_a_payment_split_without_lines_keeps_the_identities() -> None:
    """A22: 182.68 = fund 85.09 + account 82.59 + cash 15.00."""
    statement = Statement(
        sums=Sums(total=18268, in_scope=18268),
        deductible=0,
        payments=(Payment("310100", "hifp", 18268, 8509),),
        personal=18268 - 8509,
        account=(("account", 8259),),
        cash=1500,
    )
    statement.check()


def test_a_statement_that_loses_a_fen_is_a_fault() -> None:
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
