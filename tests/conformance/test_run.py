"""The kit against our own server: it passes, and it notices what a server does wrong."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.world.server import Pristine
from yibao.cli.serving import running
from yibao.conformance.judge import (
    envelope_faults,
    identity_faults,
    mirror_faults,
    output_faults,
)
from yibao.conformance.model import Verdict
from yibao.conformance.run import run
from yibao.conformance.targets import TargetFault, read_target
from yibao.platform.settings import Settings, load_settings
from yibao.sandbox.accounts import collect
from yibao.sandbox.target import target_of

FIRST_HOUR = Path(__file__).parents[2] / "docs" / "interface" / "first-hour.md"

SETTLED = {
    "setl_id": "1",
    "medfee_sumamt": "100.00",
    "fulamt_ownpay_amt": "10.00",
    "overlmt_selfpay": "0.00",
    "preselfpay_amt": "5.00",
    "inscp_scp_amt": "85.00",
    "hifp_pay": "60.00",
    "fund_pay_sumamt": "60.00",
    "acct_pay": "15.00",
    "psn_cash_pay": "25.00",
}
MIRROR = {"setl_id": "2", "medfee_sumamt": "-100.00", "fund_pay_sumamt": "-60.00"}


def test_a_right_settlement_has_no_faults() -> None:
    assert list(identity_faults(SETTLED)) == []


def test_the_account_may_count_into_the_funds() -> None:
    assert list(identity_faults({**SETTLED, "fund_pay_sumamt": "75.00"})) == []


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("inscp_scp_amt", "84.00", "four parts"),
        ("fund_pay_sumamt", "61.00", "sum of the funds"),
        ("psn_cash_pay", "24.99", "all who pay"),
        ("acct_pay", "-15.00", "another sign"),
    ],
)
def test_a_broken_identity_is_named(name: str, value: str, fault: str) -> None:
    assert fault in "; ".join(identity_faults({**SETTLED, name: value}))


def test_a_mirror_has_every_amount_negated_and_an_id_of_its_own() -> None:
    assert list(mirror_faults(SETTLED, MIRROR)) == []
    assert list(mirror_faults(SETTLED, {**MIRROR, "medfee_sumamt": "-99.99", "setl_id": "1"})) == [
        "medfee_sumamt is -99.99, not -100.00",
        "setl_id of the cancellation is that of the settlement",
    ]


def test_an_envelope_without_its_fields_is_named() -> None:
    assert len(list(envelope_faults({}))) == 3
    good = {"infcode": 0, "output": None, "inf_refmsgid": "1" * 30}
    assert list(envelope_faults(good)) == []
    assert list(envelope_faults({**good, "refmsg_time": "now"})) != []


def test_a_node_or_field_that_the_table_lists_must_be_there() -> None:
    assert list(output_faults("2201", {})) == ["output.data is absent"]
    assert "mdtrt_id" in "; ".join(output_faults("2201", {"data": {"psn_no": "1"}}))


def test_a_target_file_says_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "target.toml"
    file.write_text('url = "http://h"\nfamily = "x-tif"\n')
    with pytest.raises(TargetFault, match="hospital"):
        read_target(file)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, pristine: Pristine) -> Iterator[Settings]:
    """Our own sandbox, running."""
    settings = load_settings(
        {
            "data": pristine.copy_to(tmp_path_factory.mktemp("sandbox")),
            "sandbox": True,
            "port": 0,
            "log_level": "error",
        },
        {},
    )
    with running(settings, Console(quiet=True)) as server:
        yield server.settings


def test_the_guides_target_is_read_and_what_it_lacks_is_named(tmp_path: Path) -> None:
    (told,) = re.findall(r"```toml\n(.*?)```", FIRST_HOUR.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "mine.toml"
    file.write_text(told, encoding="utf-8")
    assert read_target(file).person.scheme == "310"
    file.write_text(told.replace("secret =", "secrets ="), encoding="utf-8")
    with pytest.raises(TargetFault, match="secret is missing"):
        read_target(file)


@pytest.mark.system
@pytest.mark.xdist_group("system")
def test_our_own_server_passes_all_of_it(sandbox: Settings) -> None:
    report = asyncio.run(run(target_of(collect(sandbox))))
    failed = [
        f"{check.number} {check.what}: {check.detail}"
        for check in report.checks
        if not check.passed
    ]
    assert failed == []
    assert report.not_tried == {}
    passed = [n for n in report.numbers() if report.verdict(n) is Verdict.PASSED]
    assert len(passed) >= 98, "as many as have tables of their own"


@pytest.mark.system
@pytest.mark.xdist_group("system")
def test_the_bill_of_the_first_hour_is_settled_and_cancelled(sandbox: Settings) -> None:
    bill, relative = re.findall(r"```python\n(.*?)```", FIRST_HOUR.read_text("utf-8"), re.DOTALL)
    settled, cancelled = told_by(bill, sandbox)
    assert settled.startswith("settled ")
    assert " family 0.00 cash " in settled
    assert cancelled == "and cancelled"
    family, _ = told_by(re.sub(r"person = .*\n", lambda _: relative, bill, count=1), sandbox)
    assert " account 0.00 family " in family
    assert " family 0.00 " not in family
    assert family.endswith(" cash 0.00")


@pytest.mark.system
@pytest.mark.xdist_group("system")
@pytest.mark.parametrize(
    "fault", [("lose_reply", "2207"), ("lose_request", "2207"), ("unknown", "2201")]
)
def test_the_bill_of_the_first_hour_is_settled_whatever_the_guide_lets_go_wrong(
    sandbox: Settings, fault: tuple[str, str]
) -> None:
    bill, *_ = re.findall(r"```python\n(.*?)```", FIRST_HOUR.read_text("utf-8"), re.DOTALL)
    kind, number = fault
    inject = ["sandbox", "fault", kind, "--number", number]
    subprocess.run(
        [sys.executable, "-m", "yibao", *inject],
        env=os.environ | sandbox.environment(),
        capture_output=True,
        check=True,
    )
    settled, cancelled = told_by(bill, sandbox)
    assert settled.startswith("settled ")
    assert cancelled == "and cancelled"


def told_by(script: str, sandbox: Settings) -> list[str]:
    """The lines that a script prints."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | sandbox.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.splitlines()
