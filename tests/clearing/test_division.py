"""However a claim is divided, no fen of it is left over or made."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.clearing.review import rules
from yibao.clearing.review.model import Deduction, Granted, ReviewApplication
from yibao.clearing.terms import check_rate, retention_rate, retention_terms
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Rate
from yibao.kernel.refusals import Refused
from yibao.settlement.clearing.model import ClaimedFigures

KEY = PoolKey(Pool("110000"), 1)
AMOUNTS = st.integers(-(10**10), 10**12)
CUTS = st.lists(st.integers(1, 10**9), max_size=5)
RATES = st.integers(0, 10_000).map(Rate)


@given(AMOUNTS, st.integers(0, 10**9), CUTS, RATES, st.integers(0, 10**10), st.integers(0, 10**10))
def test_every_fen_of_a_claim_goes_somewhere(
    funds: int, account: int, cuts: list[int], rate: Rate, set_off: int, outstanding: int
) -> None:
    figures = ClaimedFigures(1, 0, 0, funds, account, 0)
    deductions = tuple(Deduction(cut, "不合规") for cut in cuts)
    request = ReviewApplication(KEY, "W1", deductions, rate, set_off)
    try:
        granted = rules.granted(request, figures, rate, outstanding)
    except Refused:
        assert sum(cuts) > max(0, funds + account) or set_off > 0
        return
    assert granted.deducted + granted.withheld + granted.payable == funds + account
    assert 0 <= granted.withheld <= max(0, funds)
    assert granted.set_off <= outstanding
    assert granted.due >= 0 or granted.claimed < 0
    entries = rules.entries("H11000000001", granted)
    assert sum(entry.amount for entry in entries) == 0
    assert all(entry.amount for entry in entries)


def test_a_division_that_leaves_a_fen_is_a_fault_of_ours() -> None:
    with pytest.raises(AssertionError):
        Granted(100, 1, 1, 97, 0, Rate(0))


def test_the_terms_hold_from_their_day_for_province_and_country() -> None:
    assert retention_rate(Pool("110000"), date(2026, 7, 31)) == Rate(500)
    assert retention_rate(Pool("110000"), date(2019, 7, 31)) == Rate(0)
    assert all(term.reference and term.confidence for term in retention_terms())
    with pytest.raises(ValueError, match="比例"):
        check_rate(Rate(10_001))
