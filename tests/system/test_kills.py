"""Kill the server and its database in the middle of settlements; what was acknowledged must stand.

Real processes, a real disk with fsync on: ``yibao serve`` is started on a fresh folder, cashiers
settle as fast as they can, everything is killed with SIGKILL at once, and the server is started
again on the same folder and port.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.world.server import Pristine
from yibao.client import Answer, CallOutcome, Client
from yibao.kernel.identifiers import parse_pool_key
from yibao.ledger import service as ledger
from yibao.platform.database import Database
from yibao.platform.postgres import running_dsn
from yibao.sandbox.traffic import endpoint_from
from yibao.settlement import service as settlement

pytestmark = pytest.mark.system

CASHIERS = 12
SECONDS = 2.0
AT_ONCE = 5.0
"""Seconds; a client gives up after three times as many."""
COMMAND = [sys.executable, "-m", "yibao"]


@dataclass
class Sent:
    """A settlement that a cashier sent, and what came back."""

    content: dict[str, Any]
    message: str
    division: str
    answer: Answer
    seconds: float


@dataclass
class Served:
    """A server on a folder that can be killed and started again."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    accounts: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Start, on the same port when it ran before, and wait until it answers."""
        port = self.accounts["base_url"].rsplit(":", 1)[1] if self.accounts else "0"
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--sandbox", "--data", str(self.folder), "--port", port],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.decode())
            if b"is ready" in line:
                break
        else:
            raise AssertionError("the server did not come up:\n" + "".join(lines))
        self.accounts = json.loads(
            subprocess.check_output(
                [*COMMAND, "sandbox", "accounts", "--data", str(self.folder), "--json"]
            )
        )

    def kill(self, *, database: bool, application: bool) -> None:
        """SIGKILL, nothing else."""
        assert self.process is not None
        ours = [self.process.pid, *(p.pid for p in psutil.Process(self.process.pid).children(True))]
        postmaster = int((self.folder / "postgres/cluster/postmaster.pid").read_text().split()[0])
        backends = [postmaster, *(p.pid for p in psutil.Process(postmaster).children(True))]
        victims = (set(ours) - set(backends) if application else set()) | (
            set(backends) if database else set()
        )
        for pid in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        if application:
            self.process.wait(timeout=20)

    def kill_a_worker(self) -> None:
        """SIGKILL one of the processes that answer calls."""
        assert self.process is not None
        (server,) = (
            child
            for child in psutil.Process(self.process.pid).children()
            if "yibao.server" in child.cmdline()
        )
        server.children()[0].kill()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, pristine: Pristine) -> Iterator[Served]:
    """A running sandbox."""
    server = Served(pristine.copy_to(tmp_path_factory.mktemp("served") / "data"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("database", "application"),
    [(True, True), (True, False), (False, True)],
    ids=["both", "database", "application"],
)
async def test_what_was_acknowledged_survives_and_nothing_is_settled_twice(
    served: Served, database: bool, application: bool
) -> None:
    sent: list[Sent] = []
    cashiers = asyncio.create_task(_settle_until(served.accounts, sent, time.monotonic() + SECONDS))
    await asyncio.sleep(SECONDS * 0.6)
    served.kill(database=database, application=application)
    await cashiers
    if application:
        await asyncio.to_thread(served.start)
    await _check_what_became_of(sent, served)


async def test_callers_of_a_killed_worker_are_told_at_once_and_find_the_outcome_at_another(
    served: Served,
) -> None:
    sent: list[Sent] = []
    cashiers = asyncio.create_task(_settle_until(served.accounts, sent, time.monotonic() + SECONDS))
    await asyncio.sleep(SECONDS * 0.6)
    served.kill_a_worker()
    await cashiers
    assert max(one.seconds for one in sent) < AT_ONCE, "somebody waited for who was dead"
    await _check_what_became_of(sent, served)


async def _check_what_became_of(sent: Sequence[Sent], served: Served) -> None:
    """Each message, sent again, gets what it got, or is done now; the books hold it all, once."""
    acknowledged = [one for one in sent if one.answer.outcome is CallOutcome.DONE]
    assert acknowledged, "the server was killed before it acknowledged anything"

    for one in await _repeated(served.accounts, sent):
        if one.before.outcome is CallOutcome.DONE:
            assert one.after.output == one.before.output
        else:
            assert one.after.outcome is CallOutcome.DONE, one.after
    dsn = running_dsn(served.folder / "postgres")
    assert dsn is not None
    opened = await Database.open(dsn)
    try:
        async with opened.reader(None) as connection:
            assert await ledger.verify(connection) == []
            doubled = await connection.fetch(
                "SELECT batch FROM settlement.visible_settlement"
                " GROUP BY pool, batch HAVING count(*) > 1"
            )
            assert doubled == []
            for kept in acknowledged:
                key = parse_pool_key(kept.answer.output["setlinfo"]["setl_id"])
                assert key is not None
                assert await settlement.settlement(connection, key) is not None
    finally:
        await opened.close()


@dataclass(frozen=True)
class Repeated:
    """A message's answer before and after."""

    before: Answer
    after: Answer


async def _repeated(accounts: dict[str, Any], sent: Sequence[Sent]) -> list[Repeated]:
    async with _client(accounts) as client:
        found = []
        for one in sent:
            for _ in range(60):
                after = await client.call(
                    "2207", one.content, message_id=one.message, insured_division=one.division
                )
                if after.outcome is not CallOutcome.UNKNOWN and not after.nothing_done:
                    break
                await asyncio.sleep(0.25)
            found.append(Repeated(one.answer, after))
        return found


async def _settle_until(accounts: dict[str, Any], sent: list[Sent], end: float) -> None:
    people = [p for p in accounts["persons"] if p["pool"] == _hospital(accounts)["pool"]]
    item = next(i for i in accounts["items"] if i["pool"] == _hospital(accounts)["pool"])
    async with _client(accounts) as client:
        await asyncio.gather(
            *(_cashier(client, people[n], item, sent, end) for n in range(CASHIERS))
        )


async def _cashier(
    client: Client, person: dict[str, Any], item: dict[str, Any], sent: list[Sent], end: float
) -> None:
    while time.monotonic() < end:
        settle = await _upload_one_line(client, person, item)
        if settle is None:  # the server is gone already
            return
        message = client.new_message_id()
        division = person["insuplc_admdvs"]
        began = time.monotonic()
        answer = await client.call("2207", settle, message_id=message, insured_division=division)
        sent.append(Sent(settle, message, division, answer, time.monotonic() - began))


async def _upload_one_line(
    client: Client, person: dict[str, Any], item: dict[str, Any]
) -> dict[str, Any] | None:
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    common = {"psn_no": person["psn_no"], "insutype": person["insutype"]}
    voucher = {"mdtrt_cert_type": "02", "mdtrt_cert_no": person["certno"]}

    async def ask(infno: str, content: dict[str, Any]) -> Answer | None:
        answer = await client.call(infno, content, insured_division=person["insuplc_admdvs"])
        return answer if answer.outcome is CallOutcome.DONE else None

    opened = await ask(
        "2201",
        {
            "data": common
            | voucher
            | {
                "begntime": now, "ipt_otp_no": "MZ", "atddr_no": "D", "dr_name": "演示医生",
                "dept_code": "A03", "dept_name": "内科", "caty": "A03",
            }
        },
    )  # fmt: skip
    if opened is None:
        return None
    visit = {"mdtrt_id": opened.output["data"]["mdtrt_id"], "psn_no": person["psn_no"]}
    line = {
        "feedetl_sn": "1", "chrg_bchno": "1", "rx_circ_flag": "0", "fee_ocur_time": now,
        "med_list_codg": item["med_list_codg"], "medins_list_codg": "L1", "cnt": 1,
        "det_item_fee_sumamt": "8.00", "pric": "8.00", "bilg_dept_codg": "A03",
        "bilg_dept_name": "内科", "bilg_dr_codg": "D", "bilg_dr_name": "演示医生",
        "hosp_appr_flag": "0",
    }  # fmt: skip
    uploaded = await ask("2204", {"feedetail": [visit | line]})
    if uploaded is None:
        return None
    result = uploaded.output["result"][0]
    return {
        "data": common
        | voucher
        | visit
        | {
            "med_type": "11", "medfee_sumamt": "8.00", "psn_setlway": "01", "chrg_bchno": "1",
            "acct_used_flag": "1", "fulamt_ownpay_amt": str(result["fulamt_ownpay_amt"]),
            "overlmt_selfpay": str(result["overlmt_amt"]),
            "preselfpay_amt": str(result["preselfpay_amt"]),
            "inscp_scp_amt": str(result["inscp_scp_amt"]),
        }
    }  # fmt: skip


def _hospital(accounts: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in accounts["institutions"] if row["kind"] == "hospital")


def _client(accounts: dict[str, Any]) -> Client:
    return Client(
        endpoint_from(_hospital(accounts), accounts["base_url"]), connections=CASHIERS, timeout=15
    )
