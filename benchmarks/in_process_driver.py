"""One process of ``in_process.py``: an open house and the callers that wait for it.

Reads a plan and then what to do, a line of JSON each, from standard input, and answers each in a
line: how much was done, in how many seconds, with how much CPU.
"""

import asyncio
import hashlib
import itertools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvloop

from benchmarks.telling import tell
from yibao.house import House, open_house
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE, scaled
from yibao.platform.clock import SystemClock
from yibao.platform.commands.model import Command, Done, MessageKey
from yibao.platform.logging import set_up_logging
from yibao.platform.settings import load_settings
from yibao.policy.terms import CareKind, Scheme
from yibao.sandbox.books import fen
from yibao.settlement.model import (
    DescribeVisit,
    Diagnosis,
    FeeLine,
    Purchase,
    RegisterVisit,
    Settle,
    UploadFees,
)

LINES = 20
_OUTPATIENT, _PURCHASE = CareKind("11"), CareKind("41")
_DOCTOR = ("D110000000001", "演示医生")
_serials = itertools.count(1)

Row = Mapping[str, Any]


@dataclass(slots=True)
class Caller:
    """A cashier: patients of one pool come to one hospital, or to one pharmacy."""

    house: House
    hospital: str
    pharmacy: str
    items: Sequence[Row]
    patients: Iterator[Row]
    prepared: list[Settle] = field(default_factory=list)
    """Bills that need only be settled."""

    async def visit(self) -> None:
        """Register, describe, upload, try, settle."""
        bill = await self._charged()
        await self.house.gateway.context.trials.ask(bill.visit.pool, bill)
        await self._do("2207", bill.visit.pool, bill)

    async def prepare(self) -> None:
        """All but the settlement."""
        self.prepared.append(await self._charged())

    async def settle(self) -> None:
        """One that was prepared."""
        bill = self.prepared.pop()
        await self._do("2207", bill.visit.pool, bill)

    async def purchase(self) -> None:
        """20 lines, bought."""
        patient, now = next(self.patients), datetime.now(UTC)
        lines = self._lines("", now)
        request = Purchase(
            institution=self.pharmacy,
            member=patient["psn_no"],
            scheme=Scheme(patient["insutype"]),
            care_kind=_PURCHASE,
            begin=now,
            voucher_type="02",
            voucher_number=patient["certno"],
            total=sum(line.amount for line in lines),
            use_account=True,
            lines=lines,
            message_id=self._message(self.pharmacy),
        )
        await self._do("2102", Pool(patient["pool"]), request)

    async def _charged(self) -> Settle:
        patient, now = next(self.patients), datetime.now(UTC)
        pool, member, scheme = Pool(patient["pool"]), patient["psn_no"], Scheme(patient["insutype"])
        batch = f"B{next(_serials)}"
        whose = {"institution": self.hospital, "member": member}
        registered = RegisterVisit(
            **whose,
            scheme=scheme,
            begin=now,
            voucher_type="02",
            voucher_number=patient["certno"],
            outpatient_number=batch,
            doctor_code=_DOCTOR[0],
            doctor_name=_DOCTOR[1],
            department_code="A03",
            department_name="内科",
            speciality="A03",
        )
        visit: PoolKey = (await self._do("2201", pool, registered)).key
        diagnosis = Diagnosis("1", 1, "I10.x00", "高血压", "A03", *_DOCTOR, now)
        described = DescribeVisit(
            **whose,
            visit=visit,
            care_kind=_OUTPATIENT,
            begin=now,
            condition="高血压",
            disease_code=None,
            disease_name=None,
            diagnoses=(diagnosis,),
            maternity={},
        )
        await self._do("2203", pool, described)
        lines = self._lines(batch, now)
        await self._do("2204", pool, UploadFees(**whose, visit=visit, lines=lines))
        return Settle(
            **whose,
            visit=visit,
            batch=batch,
            scheme=scheme,
            care_kind=_OUTPATIENT,
            total=sum(line.amount for line in lines),
            use_account=True,
            way="01",
            voucher_type="02",
            message_id=self._message(self.hospital),
        )

    def _lines(self, batch: str, now: datetime) -> tuple[FeeLine, ...]:
        first = next(_serials)
        return tuple(
            FeeLine(
                serial=f"{first}-{number:02d}",
                batch=batch,
                item=item["med_list_codg"],
                institution_item=item["med_list_codg"],
                amount=fen(item["pric"]),
                price=scaled(item["pric"], PRICE_SCALE),
                quantity=10**QUANTITY_SCALE,
                time=now,
                approval="1",
                details={
                    "bilg_dept_codg": "A03",
                    "bilg_dept_name": "内科",
                    "bilg_dr_codg": _DOCTOR[0],
                    "bilg_dr_name": _DOCTOR[1],
                    "rx_circ_flag": "0",
                },
            )
            for number, item in enumerate(itertools.islice(itertools.cycle(self.items), LINES))
        )

    @staticmethod
    def _message(institution: str) -> str:
        return f"{institution}{os.getpid() % 100_000:05d}{next(_serials):013d}"

    async def _do(self, transaction: str, pool: Pool, request: Any) -> Any:
        message = getattr(request, "message_id", None) or self._message(request.institution)
        key = MessageKey(request.institution, transaction, message)
        digest = hashlib.sha256(message.encode()).digest()
        outcome = await self.house.commands.submit(
            Command(pool, request.member, key, digest, request)
        )
        assert isinstance(outcome, Done), outcome
        return outcome.result


async def _for(seconds: float, callers: Sequence[Caller], work: "_Work") -> int:
    """So long, from all callers; how often."""
    end, done = time.perf_counter() + seconds, 0

    async def go_on(caller: Caller) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await work(caller)
            done += 1

    await asyncio.gather(*map(go_on, callers))
    return done


async def _times(each: int, callers: Sequence[Caller], work: "_Work") -> int:
    """So often by every caller."""

    async def go_on(caller: Caller) -> None:
        for _ in range(each):
            await work(caller)

    await asyncio.gather(*map(go_on, callers))
    return each * len(callers)


_Work = Callable[[Caller], Awaitable[None]]


async def run(told: Callable[[], Awaitable[str]]) -> None:
    """Do what is said until nothing more is."""
    plan = json.loads(await told())
    os.environ.update(plan["environment"])
    settings = load_settings()
    set_up_logging(settings.log_level, settings.log_format)
    house = await open_house(settings, SystemClock())
    callers = _callers(house, plan)
    while line := await told():
        what = json.loads(line)
        cpu, begun = time.process_time(), time.perf_counter()
        match what["phase"]:
            case "visits":
                done = await _for(what["seconds"], callers, Caller.visit)
            case "purchases":
                done = await _for(what["seconds"], callers, Caller.purchase)
            case "prepare":
                done = await _times(what["each"], callers, Caller.prepare)
            case "settle":
                done = await _times(len(callers[0].prepared), callers, Caller.settle)
        answer = {
            "done": done,
            "elapsed": time.perf_counter() - begun,
            "cpu": time.process_time() - cpu,
        }
        tell(answer)
    await house.close()


def _callers(house: House, plan: Mapping[str, Any]) -> list[Caller]:
    """Spread over the pools; nobody is a patient of two."""
    pools = sorted({row["pool"] for row in plan["institutions"]})
    made = []
    for number in range(plan["callers"]):
        pool, place = pools[number % len(pools)], number // len(pools)
        beside = -(-(plan["callers"] - number % len(pools)) // len(pools))
        there = [row for row in plan["institutions"] if row["pool"] == pool]
        hospitals = [row["fixmedins_code"] for row in there if row["kind"] == "hospital"]
        pharmacies = [row["fixmedins_code"] for row in there if row["kind"] == "pharmacy"]
        persons: dict[str, Row] = {}
        for row in plan["persons"]:
            if row["pool"] == pool:
                persons.setdefault(row["psn_no"], row)
        made.append(
            Caller(
                house,
                hospitals[place % len(hospitals)],
                pharmacies[place % len(pharmacies)],
                [item for item in plan["items"] if item["pool"] == pool],
                itertools.cycle(list(persons.values())[place::beside]),
            )
        )
    return made


def _line() -> Awaitable[str]:
    return asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    uvloop.run(run(_line))
