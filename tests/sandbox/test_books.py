"""A hospital's book: learnt from replies, sceptical of them."""

import pytest

from tests.sandbox.builders import mirrored, setlinfo
from yibao.sandbox.books import (
    Amounts,
    BillKey,
    Books,
    Kind,
    Label,
    amounts_of,
    broken_identities,
    canonical,
)

KEY = BillKey("visit", "1100001")
LABEL = Label(Kind.OUTPATIENT, "310", "l3")


def mirror() -> dict[str, str]:
    """The reply to the cancellation of ``setlinfo()``; it spells its cash field in its own way."""
    reply = mirrored(setlinfo())
    reply["pdn_cash_pay"] = reply.pop("psn_cash_pay")
    return reply


def test_a_settlement_is_entered_by_its_reply() -> None:
    books = Books()
    books.settled("visit", LABEL, setlinfo())
    assert books.net == Amounts(total=100_00, funds=50_00, account=20_00, cash=30_00)
    assert books.living == {KEY}
    assert books.faults == []


def test_a_cancellation_brings_the_bill_to_nothing() -> None:
    books = Books()
    books.settled("visit", LABEL, setlinfo())
    books.cancelled(KEY, mirror())
    assert books.bills == {KEY: Amounts()}
    assert books.living == set()
    assert books.faults == []


def test_a_cancellation_that_is_no_mirror_is_a_fault() -> None:
    books = Books()
    books.settled("visit", LABEL, setlinfo())
    books.cancelled(KEY, mirror() | {"fund_pay_sumamt": "-49.99"})
    assert len(books.faults) == 1


@pytest.mark.parametrize(
    "field",
    [
        "medfee_sumamt",
        "inscp_scp_amt",
        "hifp_pay",
        "fund_pay_sumamt",
        "psn_part_amt",
        "acct_pay",
        "psn_cash_pay",
        "hosp_part_amt",
    ],
)
def test_one_fen_too_many_in_any_amount_breaks_an_identity(field: str) -> None:
    amount = setlinfo()[field]
    assert broken_identities(setlinfo(**{field: f"{amount[:-1]}1"}))


def test_a_deductible_beyond_the_scope_is_a_fault() -> None:
    assert broken_identities(setlinfo(act_pay_dedc="80.01"))
    assert not broken_identities(setlinfo(act_pay_dedc="80.00"))


def test_null_amounts_count_as_nothing() -> None:
    assert amounts_of({"medfee_sumamt": 1, "fund_pay_sumamt": "", "acct_pay": None}) == Amounts(100)


def test_what_relatives_accounts_pay_is_claimed_too() -> None:
    paid = {"medfee_sumamt": 9, "fund_pay_sumamt": 2, "acct_pay": 3, "psn_cash_pay": 0}
    family = amounts_of({**paid, "acct_mulaid_pay": 4})
    assert (family.family, family.claimed, (-family).family) == (400, 900, -400)


def test_a_bill_that_is_settled_anew_is_another_one() -> None:
    books = Books()
    first = books.settled("visit", LABEL, setlinfo())
    books.cancelled(first, mirror())
    second = books.settled("visit", LABEL, setlinfo(setl_id="1100002"))
    assert books.living == {second}
    assert books.net == Amounts(total=100_00, funds=50_00, account=20_00, cash=30_00)
    assert books.faults == []


def test_a_number_that_is_given_twice_is_a_fault() -> None:
    books = Books()
    books.settled("visit", LABEL, setlinfo())
    books.settled("another visit", LABEL, setlinfo())
    assert books.faults == []
    books.settled("visit", LABEL, setlinfo())
    assert len(books.faults) == 1


def test_a_purchase_that_is_taken_back_names_its_cash_in_its_own_way() -> None:
    reply = mirror()
    reply["cash_payamt"] = reply.pop("pdn_cash_pay")
    assert amounts_of(canonical(reply)).cash == -30_00
