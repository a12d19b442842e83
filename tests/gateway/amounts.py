"""The amounts of a settlement's answer, and how they hang together."""

from tests.gateway.builders import Json

FUNDS = (
    "hifp_pay",
    "cvlserv_pay",
    "hifes_pay",
    "hifmi_pay",
    "hifob_pay",
    "maf_pay",
    "oth_pay",
)
AMOUNTS = (
    *FUNDS,
    "medfee_sumamt",
    "fulamt_ownpay_amt",
    "overlmt_selfpay",
    "preselfpay_amt",
    "inscp_scp_amt",
    "act_pay_dedc",
    "fund_pay_sumamt",
    "psn_part_amt",
    "acct_pay",
    "psn_cash_pay",
    "hosp_part_amt",
    "acct_mulaid_pay",
)


def assert_identities(output: Json) -> None:
    """The identities that hold on every answer of a settlement."""
    info = output["setlinfo"]
    assert info["medfee_sumamt"] == (
        info["fulamt_ownpay_amt"]
        + info["overlmt_selfpay"]
        + info["preselfpay_amt"]
        + info["inscp_scp_amt"]
    )
    assert info["fund_pay_sumamt"] == sum(info[name] for name in FUNDS)
    assert info["psn_part_amt"] == (
        info["acct_pay"] + info["acct_mulaid_pay"] + info["psn_cash_pay"]
    )
    assert info["medfee_sumamt"] == (
        info["fund_pay_sumamt"] + info["psn_part_amt"] + info["hosp_part_amt"]
    )
    assert sum(row["fund_payamt"] for row in output["setldetail"]) == (
        info["fund_pay_sumamt"] + info["acct_pay"] + info["hosp_part_amt"]
    )
    assert abs(info["act_pay_dedc"]) <= abs(info["inscp_scp_amt"])
    assert all(row["inscp_scp_amt"] == info["inscp_scp_amt"] for row in output["setldetail"])
