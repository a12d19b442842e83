"""Builders for tests of the sandbox."""

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from yibao.client import Client, Endpoint, Family
from yibao.platform.crypto import Vault
from yibao.sandbox.hospital import Hospital
from yibao.sandbox.line import NO_TROUBLES

NOW = datetime(2026, 8, 15, 4, tzinfo=UTC)
VAULT = Vault(b"v" * 32)


def endpoint(base_url: str = "http://127.0.0.1:1") -> Endpoint:
    """A hospital's way in; nobody listens there unless the test says so."""
    return Endpoint(
        base_url=base_url,
        institution="H11010199001",
        name="演示京一医院",
        division="110101",
        family=Family.TIF,
        key_id="account",
        secret="secret",
    )


def hospital() -> Hospital:
    """A hospital with an empty book that calls nobody."""
    return Hospital(Client(endpoint()), [], level="l3", random=Random(1), troubles=NO_TROUBLES)


def setlinfo(**changed: str) -> dict[str, Any]:
    """A sound reply to a settlement of 100.00: in scope 80, funds 50, account 20, cash 30."""
    return {
        "setl_id": "1100001",
        "medfee_sumamt": "100.00",
        "fulamt_ownpay_amt": "10.00",
        "overlmt_selfpay": "5.00",
        "preselfpay_amt": "5.00",
        "inscp_scp_amt": "80.00",
        "act_pay_dedc": "10.00",
        "hifp_pay": "40.00",
        "cvlserv_pay": "0.00",
        "hifes_pay": "0.00",
        "hifmi_pay": "0.00",
        "hifob_pay": "10.00",
        "maf_pay": "0.00",
        "oth_pay": "0.00",
        "fund_pay_sumamt": "50.00",
        "psn_part_amt": "50.00",
        "acct_pay": "20.00",
        "psn_cash_pay": "30.00",
        "acct_mulaid_pay": "0.00",
        "hosp_part_amt": "0.00",
    } | changed


def mirrored(settled: Mapping[str, Any]) -> dict[str, Any]:
    """The same with all amounts negative: what a cancellation answers."""
    return {
        name: f"-{value}" if "." in value and float(value) else value
        for name, value in settled.items()  # numbers of settlements have no point
    }
