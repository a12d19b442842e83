"""Answers in a province's spelling."""

from dataclasses import replace
from typing import Any

import msgspec

from yibao.gateway.dialects.load import dialects
from yibao.gateway.dialects.model import AnswerForm, Casing, FamilyPay
from yibao.gateway.dialects.rendering import renderer_of
from yibao.gateway.reading import decode_json
from yibao.gateway.writing import amount

OUTPUT = {
    "setlinfo": {
        "fund_pay_sumamt": amount(500),
        "acct_pay": amount(120),
        "psn_cash_pay": amount(80),
        "psn_part_amt": None,
    },
    "setldetail": [{"fund_pay_type": "310100"}],
}


def rendered(output: Any, **form: Any) -> Any:
    """The output as JSON would tell it, in a dialect of its own."""
    spoken = replace(dialects()["general"], name=f"test {form}", answers=AnswerForm(**form))
    render = renderer_of(spoken)
    assert render is not None
    return decode_json(msgspec.json.encode(render(output)))


def test_the_general_dialect_needs_no_rendering() -> None:
    assert renderer_of(dialects()["general"]) is None
    assert renderer_of(dialects()["hunan"]) is None


def test_a_name_may_be_replaced_or_another_put_beside_it() -> None:
    info = rendered(OUTPUT, renamed={"psn_cash_pay": "cash_payamt"})["setlinfo"]
    assert info["cash_payamt"] == "0.80"
    assert "psn_cash_pay" not in info
    info = rendered(OUTPUT, added={"psn_cash_pay": "cash_payamt", "psn_part_amt": "psn_pay"})
    assert info["setlinfo"]["cash_payamt"] == info["setlinfo"]["psn_cash_pay"] == "0.80"
    assert info["setlinfo"]["psn_pay"] is None


def test_funds_may_count_the_account_to_the_fen() -> None:
    assert rendered(OUTPUT, account_in_funds=True)["setlinfo"]["fund_pay_sumamt"] == "6.20"
    mirrored = {"data": {"fund_pay_sumamt": amount(-5), "acct_pay": amount(-7)}}
    assert rendered(mirrored, account_in_funds=True)["data"]["fund_pay_sumamt"] == "-0.12"


def test_relatives_accounts_count_where_the_province_counts_them() -> None:
    told = {"psn_cash_pay": amount(300), "acct_pay": amount(200), "acct_mulaid_pay": amount(7)}
    assert rendered(told, family_pay=FamilyPay.IN_ACCOUNT)["acct_pay"] == "2.07"
    in_cash = rendered(told, family_pay=FamilyPay.IN_CASH)
    assert (in_cash["psn_cash_pay"], in_cash["acct_pay"]) == ("3.07", "2.00")
    assert rendered(told, casing=Casing.CAMEL)["acctPay"] == "2.00"


def test_names_may_be_camel_case_at_any_depth() -> None:
    told = rendered({"a_b": [{"c_d_e": {"f": 1}}]}, casing=Casing.CAMEL)
    assert told == {"aB": [{"cDE": {"f": 1}}]}


def test_what_the_transaction_wrote_is_not_changed() -> None:
    before = msgspec.json.encode(OUTPUT)
    rendered(OUTPUT, account_in_funds=True, renamed={"psn_cash_pay": "x"})
    assert msgspec.json.encode(OUTPUT) == before
