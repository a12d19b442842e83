"""The comparison of the three books finds whatever one of them lacks."""

from datetime import UTC, date, datetime

import pytest

from tests.sandbox.builders import hospital, mirrored, setlinfo
from yibao.adjudication.model import Sums
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.policy.terms import EMPLOYEE, GENERAL_OUTPATIENT, PersonType
from yibao.sandbox.books import Kind, Label
from yibao.sandbox.hospital import Hospital
from yibao.sandbox.reconciliation import LedgerTotals, compare
from yibao.settlement.model import (
    Origin,
    Payee,
    PaymentFacts,
    SettlementFacts,
    SettlementKind,
)

VISIT = PoolKey(Pool("110000"), 1)
SETTLED = PoolKey(Pool("110000"), 2)
LEDGER = LedgerTotals(claimed=70_00, collected=30_00)


def facts() -> SettlementFacts:
    """The settlement that ``setlinfo`` is the reply to."""
    return SettlementFacts(
        key=SETTLED,
        kind=SettlementKind.SETTLEMENT,
        mirrors=None,
        visit=VISIT,
        batch="batch",
        institution="H11010199001",
        member="m",
        origin=Origin.INSTITUTION,
        payee=Payee.INSTITUTION,
        scheme=EMPLOYEE,
        care_kind=GENERAL_OUTPATIENT,
        person_type=PersonType("1101"),
        civil_servant=False,
        level="l3",
        insured_division="110000",
        care_division="110101",
        voucher_type="02",
        day=date(2026, 8, 15),
        settled_at=datetime(2026, 8, 15, 4, tzinfo=UTC),
        message_id="1",
        invoice=None,
        sums=Sums(100_00, 10_00, 5_00, 5_00, 80_00),
        deductible=10_00,
        payments=(PaymentFacts("310100", "hifp", 70_00, 50_00, None, None),),
        personal=50_00,
        account=20_00,
        family=0,
        cash=30_00,
        hospital_part=0,
        balance=0,
        law="",
        snapshot={},
    )


@pytest.fixture
def settled() -> Hospital:
    """A hospital whose book holds that one settlement."""
    one = hospital()
    label = Label(Kind.OUTPATIENT, "310", "l3")
    one.books.settled(VISIT.text(), label, setlinfo(setl_id=SETTLED.text()))
    return one


def test_three_equal_books_agree(settled: Hospital) -> None:
    assert compare(settled, [facts()], LEDGER).differences == ()


def test_a_settlement_that_the_hospital_never_heard_of_is_found() -> None:
    assert compare(hospital(), [facts()], LEDGER).differences


def test_a_settlement_that_only_the_hospital_believes_in_is_found(settled: Hospital) -> None:
    assert compare(settled, [], LedgerTotals()).differences


def test_a_fen_that_moved_from_cash_to_account_is_found(settled: Hospital) -> None:
    moved = replace(facts(), account=20_01, cash=29_99)
    found = compare(settled, [moved], LedgerTotals(70_01, 29_99))
    assert len(found.differences) == 1
    assert found.own != found.settlements


@pytest.mark.parametrize("wrong", [LedgerTotals(70_01, 30_00), LedgerTotals(70_00, 29_99)])
def test_a_fen_in_the_ledger_is_found(settled: Hospital, wrong: LedgerTotals) -> None:
    assert len(compare(settled, [facts()], wrong).differences) == 1


def cancelled_and_mirror() -> tuple[SettlementFacts, SettlementFacts]:
    """The settlement, taken back, and what took it back."""
    cancelled = replace(facts(), cancelled_by=PoolKey(Pool("110000"), 3))
    mirror = replace(
        facts(),
        key=cancelled.cancelled_by,
        kind=SettlementKind.CANCELLATION,
        mirrors=SETTLED,
        sums=Sums(-100_00, -10_00, -5_00, -5_00, -80_00),
        payments=(PaymentFacts("310100", "hifp", -70_00, -50_00, None, None),),
        account=-20_00,
        cash=-30_00,
    )
    return cancelled, mirror


def test_a_cancelled_settlement_that_the_hospital_thinks_alive_is_found(
    settled: Hospital,
) -> None:
    found = compare(settled, cancelled_and_mirror(), LedgerTotals())
    assert len(found.differences) == 2, "the amounts and the living bill"


def test_three_books_of_a_cancelled_settlement_agree(settled: Hospital) -> None:
    [key] = settled.books.living
    settled.books.cancelled(key, mirrored(setlinfo()))
    assert compare(settled, cancelled_and_mirror(), LedgerTotals()).differences == ()
