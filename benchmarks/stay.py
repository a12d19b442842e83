"""A long stay over HTTP: 60 days, 3,000 fee lines in uploads of 100, alone and beside visits.

    python -m benchmarks.stay

The server is ``yibao serve``'s own, on a fresh data folder with fsync on. Each stay is admitted
(2401), charged (2301), discharged (2402), tried (2303) and settled (2304); what is measured is from
the request to the answer, at the caller. First the stays run one after the other on an otherwise
idle platform; then some wards at once run theirs while ``generator.py`` keeps its connections busy
with complete outpatient visits, in a process of its own on the same cores.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.driving import driving
from benchmarks.messages import LINES
from benchmarks.plan import PERSONS_AN_AREA, plan
from benchmarks.report import keep, run
from benchmarks.stand import served
from yibao.cli.serving import Running
from yibao.client import Client
from yibao.kernel.money import yuan
from yibao.kernel.periods import local_time
from yibao.sandbox.accounts import collect
from yibao.sandbox.books import fen
from yibao.sandbox.report import percentile
from yibao.sandbox.traffic import endpoint_from

DAYS = 60
UPLOAD = 100
"""Lines of one 2301, as hospital systems cut them."""

_ROUGH_SECONDS = 20
"""Of a stay alone and one beside visits, for the room that they need."""

GOALS = {"alone": 0.1, "beside visits": 0.8}
"""Seconds of 2304 at p99."""

STEPS = ("2401", "2301", "2402", "2303", "2304")
SUMS = {
    "medfee_sumamt": "det_item_fee_sumamt",
    "fulamt_ownpay_amt": "fulamt_ownpay_amt",
    "overlmt_selfpay": "overlmt_amt",
    "preselfpay_amt": "preselfpay_amt",
    "inscp_scp_amt": "inscp_scp_amt",
}
"""Fields of 2304 and the fields of 2301's answers that they are the sums of."""

DOCTOR, DOCTOR_NAME = "D110000000001", "演示医生"
DIAGNOSIS, DIAGNOSIS_NAME = "I10.x00", "特发性（原发性）高血压"

Row = Mapping[str, Any]
Measured = dict[str, list[float]]
"""Seconds of every call, by transaction."""


def main() -> None:
    """Measure, print, keep the raw numbers."""
    options = _options()
    console = Console(width=100)
    with served(console, _ROUGH_SECONDS * options.stays) as server:
        measured = asyncio.run(_measure(server, options))
        workers = server.settings.workers
    result = {**vars(options), "workers": workers, "seconds": measured}
    kept = keep("stay", __doc__, result)
    _print(console, result, kept)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stays", type=int, default=30, help="of each kind")
    parser.add_argument("--lines", type=int, default=3_000)
    parser.add_argument("--wards", type=int, default=4, help="at once beside visits")
    parser.add_argument("--connections", type=int, default=64, help="of the visits beside")
    return parser.parse_args()


async def _measure(server: Running, options: argparse.Namespace) -> dict[str, Measured]:
    found = await asyncio.to_thread(collect, server.settings, PERSONS_AN_AREA)
    hospital = next(
        row
        for row in found["institutions"]
        if row["auth"]["family"] == "x-tif" and row["kind"] == "hospital"
    )
    neighbours = {row["psn_no"]: row for row in found["persons"] if row["pool"] == hospital["pool"]}
    patients = list(neighbours.values())[: 1 + 2 * options.stays]
    visits = await plan(found, server, connections=options.connections)
    beside_them = _without(visits, {row["psn_no"] for row in patients})
    alone: Measured = {step: [] for step in STEPS}
    beside: Measured = {step: [] for step in STEPS}
    async with Client(endpoint_from(hospital, found["base_url"])) as client:
        items = [item for item in found["items"] if item["pool"] == hospital["pool"]][:LINES]
        ward = Ward(client, items, options.lines)
        await ward.stay(patients[0], {step: [] for step in STEPS})  # to warm up
        for patient in patients[1 : 1 + options.stays]:
            await ward.stay(patient, alone)
        waiting = iter(patients[1 + options.stays :])
        with _visits(beside_them):
            wards = (_work(ward, waiting, beside) for _ in range(options.wards))
            await asyncio.gather(*wards)
    return {"alone": alone, "beside visits": beside}


async def _work(ward: "Ward", waiting: Iterator[Row], measured: Measured) -> None:
    for patient in waiting:
        await ward.stay(patient, measured)


# -------------------------------------------------------------------------------------- the visits

_LONGEST = 3_600
"""Seconds; the visits are stopped when the stays are done."""


def _without(load: dict[str, Any], lying: Set[str]) -> dict[str, Any]:
    """The plan of visits without those who lie in hospital."""
    for desk in load["desks"]:
        desk["patients"] = {
            name: [one for one in people if one["psn"] not in lying]
            for name, people in desk["patients"].items()
        }
    return load


@contextmanager
def _visits(load: Mapping[str, Any]) -> Iterator[None]:
    """Visits from all connections, without a pause, while the block runs."""
    windows = [{"name": "warm-up", "seconds": 2.0}, {"name": "beside", "seconds": _LONGEST}]
    with driving({**load, "windows": windows}) as generator:
        generator.wait_for("beside")
        yield
        assert generator.works, "the generator broke off"


# --------------------------------------------------------------------------------------- the stays


@dataclass(frozen=True, slots=True)
class Ward:
    """Where patients lie for 60 days."""

    client: Client
    items: Sequence[Row]
    lines: int

    async def stay(self, patient: Row, measured: Measured) -> None:
        """One stay from admission to settlement."""
        today = local_time(datetime.now(UTC)).replace(microsecond=0)
        begin = today - timedelta(days=DAYS)
        member = {"psn_no": patient["psn_no"], "insutype": patient["insutype"]}
        voucher = {"mdtrt_cert_type": "02", "mdtrt_cert_no": patient["certno"]}
        diagnosis = {
            "psn_no": patient["psn_no"],
            "diag_type": "1",
            "maindiag_flag": "1",
            "diag_srt_no": 1,
            "diag_code": DIAGNOSIS,
            "diag_name": DIAGNOSIS_NAME,
            "adm_cond": "1",
            "diag_dept": "A03",
            "dise_dor_no": DOCTOR,
            "dise_dor_name": DOCTOR_NAME,
            "diag_time": str(begin),
            "vali_flag": "1",
        }
        admission = {
            **member,
            **voucher,
            "begntime": str(begin),
            "med_type": "21",
            "ipt_no": f"ZY{patient['psn_no']}",
            "atddr_no": DOCTOR,
            "chfpdr_name": DOCTOR_NAME,
            "adm_diag_dscr": DIAGNOSIS_NAME,
            "adm_dept_codg": "A03",
            "adm_dept_name": "内科",
            "adm_bed": "12",
            "dscg_maindiag_code": DIAGNOSIS,
            "dscg_maindiag_name": DIAGNOSIS_NAME,
        }
        discharge = {
            **member,
            "endtime": str(today),
            "dscg_dept_codg": "A03",
            "dscg_dept_name": "内科",
            "dscg_way": "1",
        }

        async def call(number: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
            started = time.perf_counter()
            answer = await self.client.call(
                number, content, insured_division=patient["insuplc_admdvs"]
            )
            measured[number].append(time.perf_counter() - started)
            return answer.done()

        admitted = await call("2401", {"mdtrtinfo": admission, "diseinfo": [diagnosis]})
        own = {"mdtrt_id": admitted["result"]["mdtrt_id"], "psn_no": patient["psn_no"]}
        totals = dict.fromkeys(SUMS, 0)
        for first in range(0, self.lines, UPLOAD):
            numbers = range(first, min(first + UPLOAD, self.lines))
            sent = [self._line(number, begin) | own for number in numbers]
            priced = (await call("2301", {"feedetail": sent}))["result"]
            for name, of_line in SUMS.items():
                totals[name] += sum(fen(line[of_line]) for line in priced)
        await call("2402", {"dscginfo": discharge | own, "diseinfo": [diagnosis]})
        bill = {
            **member,
            **voucher,
            **own,
            **{name: yuan(total) for name, total in totals.items()},
            "psn_setlway": "01",
            "acct_used_flag": "1",
        }
        await call("2303", {"data": bill})
        await call("2304", {"data": bill})

    def _line(self, number: int, begin: datetime) -> dict[str, Any]:
        item = self.items[number % len(self.items)]
        at = begin + number * timedelta(days=DAYS) / self.lines
        return {
            "feedetl_sn": f"{number:06d}",
            "med_type": "21",
            "fee_ocur_time": str(at.replace(microsecond=0)),
            "med_list_codg": item["med_list_codg"],
            "medins_list_codg": item["med_list_codg"],
            "det_item_fee_sumamt": item["pric"],
            "cnt": "1",
            "pric": item["pric"],
            "bilg_dept_codg": "A03",
            "bilg_dept_name": "内科",
            "bilg_dr_codg": DOCTOR,
            "bilg_dr_name": DOCTOR_NAME,
            "hosp_appr_flag": "1",
        }


# -------------------------------------------------------------------------------------- the figures


def _print(console: Console, result: Mapping[str, Any], kept: Path) -> None:
    for name, seconds in result["seconds"].items():
        table = Table("call", "n", "p50 ms", "p95 ms", "p99 ms", "longest ms")
        table.title, table.title_justify = f"{result['lines']} lines, {name}", "left"
        for step in STEPS:
            table.add_row(step, *_figures(seconds[step]))
        uploads = -(-result["lines"] // UPLOAD)
        for shown, place in (("the first of a stay", 0), ("the last of a stay", uploads - 1)):
            table.add_row(f"2301, {shown}", *_figures(seconds["2301"][place::uploads]))
        console.print(table)
        settled = percentile(sorted(seconds["2304"]), 0.99)
        goal = GOALS[name]
        verdict = "met" if settled <= goal else "missed"
        console.print(f"2304 at p99: {1000 * settled:.0f} ms, goal {1000 * goal:.0f} ms: {verdict}")
    console.print(f"raw: {kept}")


def _figures(seconds: Sequence[float]) -> list[str]:
    ordered = sorted(seconds)
    shown = [percentile(ordered, share) for share in (0.5, 0.95, 0.99)] + [ordered[-1]]
    return [str(len(ordered)), *(f"{1000 * figure:.1f}" for figure in shown)]


if __name__ == "__main__":
    run(main)
