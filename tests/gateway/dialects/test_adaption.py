"""What a province calls otherwise is understood; what contradicts itself is refused."""

from dataclasses import replace
from typing import Any

import pytest

from yibao.gateway.dialects.adaption import Adaption
from yibao.gateway.dialects.load import dialects
from yibao.gateway.dialects.model import Casing
from yibao.kernel.refusals import RefusalCode, Refused

GENERAL = dialects()["general"]


def adapted(number: str, sent: Any, dialect: Any = GENERAL) -> Any:
    return Adaption(dialect, number).adapt(sent)


@pytest.mark.parametrize(
    ("number", "sent", "meant"),
    [
        ("2207", {"data": {"prese_ifpay_amt": 1}}, {"data": {"preselfpay_amt": 1}}),
        ("2207", {"data": {"inscp_amt": "1.0"}}, {"data": {"inscp_scp_amt": "1.0"}}),
        ("2207", {"mdtrtinfo": {"psn_no": "1"}}, {"data": {"psn_no": "1"}}),
        ("2201", {"mdtrtinfo": {}, "agnterinfo": {}}, {"data": {}, "agnterinfo": {}}),
        ("2203", {"mdtrtinfo": {"a": 1}}, {"mdtrtinfo": {"a": 1}}),
        ("3301", {"catalogcompin": [{"memo": "x"}]}, {"data": [{"memo": "x"}]}),
        ("3202", {"data": {"psn_cash_pay": 1}}, {"data": {"cash_payamt": 1}}),
        ("7103", {"data": {"cash_payamt": 1}}, {"data": {"psn_cash_pay": 1}}),
        ("2207", '{"data": {"inscp_amt": 1.10}}', {"data": {"inscp_scp_amt": "1.10"}}),
        ("2207", {"data": '{"inscp_amt": 1.10}'}, {"data": {"inscp_scp_amt": "1.10"}}),
        ("2207", {"data": [{"inscp_amt": 1}]}, {"data": [{"inscp_scp_amt": 1}]}),
        ("6202", {"data": {"pay_ord_id": "1"}}, {"data": {"payOrdId": "1"}}),
        ("2207", {"data": {"inscp_amt": "", "inscp_scp_amt": 2}}, {"data": {"inscp_scp_amt": 2}}),
        (
            "2207",
            {"data": {"inscp_amt": "2.0", "inscp_scp_amt": 2}},
            {"data": {"inscp_scp_amt": 2}},
        ),
    ],
)
def test_another_spelling_is_understood(number: str, sent: Any, meant: Any) -> None:
    assert adapted(number, sent) == meant


@pytest.mark.parametrize("sent", [None, [], 7, {"data": 7}, {"data": None}, ""])
def test_what_is_no_object_is_left_to_the_reader(sent: Any) -> None:
    assert adapted("2207", sent) == (None if sent == "" else sent)


def test_two_names_with_two_values_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        adapted("2207", {"data": {"inscp_amt": "2.01", "inscp_scp_amt": "2.00"}})
    assert refused.value.refusal.code is RefusalCode.FIELD_CONTRADICTS
    assert "inscp_amt" in refused.value.refusal.message


def test_two_roots_with_two_contents_are_refused() -> None:
    with pytest.raises(Refused, match="mdtrtinfo"):
        adapted("2207", {"data": {"psn_no": "1"}, "mdtrtinfo": {"psn_no": "2"}})


def test_camel_case_is_understood_where_it_is_spoken() -> None:
    spoken = replace(GENERAL, requests=replace(GENERAL.requests, casing=Casing.CAMEL))
    assert adapted("2201", {"data": {"psnNo": "1"}}, spoken) == {"data": {"psn_no": "1"}}
    assert adapted("2201", {"data": {"psnNo": "1"}}) == {"data": {"psnNo": "1"}}


def test_funds_that_count_the_account_are_told_apart_again() -> None:
    read = {"data": {"fund_pay_sumamt": 500, "acct_pay": 120}}
    Adaption(dialects()["guangdong"], "3201").settle_amounts(read)
    assert read["data"] == {"fund_pay_sumamt": 380, "acct_pay": 120}
    Adaption(GENERAL, "3201").settle_amounts(read)
    assert read["data"]["fund_pay_sumamt"] == 380
