"""Lives a plan: institutions, a bad line, somebody who breaks things, the judgement at the end."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from tests.world.bureau import Bureau
from tests.world.chronicle import Chronicle
from tests.world.comparing import compared
from tests.world.disk import Disk
from tests.world.institution import Case, Institution, LeftOpen, NotServed
from tests.world.line import Fate, Line, Treatment
from tests.world.month_end import MonthEnd
from tests.world.oracle import ask_ledger, differ, judged
from tests.world.plan import Bill, Kind, Occasion, Plan, only
from tests.world.server import Pristine, Served, ServerDown, started
from tests.world.trouble import Trouble
from tests.world.verdict import Verdict
from yibao.client import NotDone
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refused
from yibao.sandbox.institution import patient_from, price_list_from
from yibao.sandbox.traffic import endpoint_from

LANES = 12
"""Occasions under way at the same time."""

_MESSAGE = b'"msgid":"'


@dataclass(slots=True)
class Lived:
    """A plan that was lived."""

    plan: Plan
    """With the occasions that were really begun."""
    verdict: Verdict
    chronicle: Chronicle
    met: Counter[Fate] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


async def live(plan: Plan, folder: Path, pristine: Pristine) -> Lived:
    """Live a plan in a folder, from a copy of the world as it was filled."""
    disk = Disk(folder / "disk")
    chronicle = Chronicle(folder / "history.jsonl")
    served = Served(disk.folder / "data", log=folder / "server.log")
    try:
        await asyncio.to_thread(pristine.copy_to, served.folder)
        await started(served)
        return await _World(plan, served, disk, chronicle).live()
    finally:
        chronicle.close()
        await asyncio.to_thread(served.stop)
        disk.close()


class _World:
    def __init__(self, plan: Plan, served: Served, disk: Disk, chronicle: Chronicle) -> None:
        self._plan = plan
        self._served = served
        self._disk = disk
        self._chronicle = chronicle
        self._sightings: Counter[str] = Counter()
        self._calm = False
        self._endings: Counter[str] = Counter()
        self._begun: list[Occasion] = []

    async def live(self) -> Lived:
        plan, served = self._plan, self._served
        found = await asyncio.to_thread(served.accounts, max(80, plan.persons))
        began_at, began = datetime.now(UTC), time.monotonic()
        async with AsyncExitStack() as stack:
            line = await stack.enter_async_context(Line(lambda: served.port, self._fate))
            town = await self._settle_town(stack, found, line.base_url)
            trouble = Trouble(served, self._disk, self._chronicle)
            breaking = asyncio.create_task(trouble.run(plan.breaks, began))
            errands = asyncio.create_task(town.bureau.work(plan.errands, began, plan.seconds))
            await self._see_everybody(town, began, breaking)
            await asyncio.gather(breaking, errands)
            # from here on nothing breaks: everybody finds out what became of everything
            self._calm = True
            await line.settled()
            await trouble.mend()
            await self._until_ready()
            await asyncio.gather(*(one.find_out() for one in town.institutions))
            await town.bureau.finish()
            self._endings.update({f"clerk: {what}": n for what, n in town.bureau.ends.items()})
            verdict = await judged(served, town.institutions, self._chronicle, began_at)
            for one in town.institutions:
                await self._compare(one, verdict)
            await differ(served, town.institutions, business_date(began_at), verdict)
            if plan.errands:
                await self._clear(town, verdict)
        seconds = time.monotonic() - began
        return Lived(
            only(plan, self._begun, plan.breaks),
            verdict,
            self._chronicle,
            line.met,
            self._endings,
            seconds,
        )

    def _fate(self, body: bytes) -> Treatment:
        if self._calm:
            return Treatment()
        _, _, rest = body.partition(_MESSAGE)
        message = rest.partition(b'"')[0].decode(errors="replace")
        self._sightings[message] += 1
        return self._plan.treatment(message, self._sightings[message])

    async def _settle_town(
        self, stack: AsyncExitStack, found: Mapping[str, Any], base_url: str
    ) -> "_Town":
        institutions = []
        for number, row in enumerate(found["institutions"]):
            institution = Institution(
                endpoint_from(row, base_url),
                price_list_from(found["items"], row["pool"]),
                self._chronicle,
                skew=self._plan.skews[number % len(self._plan.skews)],
            )
            institutions.append(await stack.enter_async_context(institution))
        return _Town(found, institutions, self._plan, self._served, self._chronicle)

    async def _see_everybody(
        self, town: "_Town", began: float, breaking: "asyncio.Task[None]"
    ) -> None:
        """Until the time is over and nothing breaks any more: breaking may take longer."""
        waiting = iter(self._plan.occasions)

        async def lane() -> None:
            for occasion in waiting:
                if breaking.done() and time.monotonic() - began > self._plan.seconds:
                    return
                self._begun.append(occasion)
                await self._see(town, occasion)

        await asyncio.gather(*(lane() for _ in range(LANES)))

    async def _see(self, town: "_Town", occasion: Occasion) -> None:
        """Prepare all bills of an occasion, settle them at the same moment, go on with each."""
        cases = [town.case(bill) for bill in occasion.bills]
        ready = await asyncio.gather(*(self._step(case, case.prepare) for case in cases))
        cases = [case for case, well in zip(cases, ready, strict=True) if well]

        async def go_on(case: Case) -> None:
            if await self._step(case, case.settle) and await self._step(case, case.follow_up):
                self._endings["to the end"] += 1
                town.bureau.cases.append(case)

        await asyncio.gather(*(go_on(case) for case in cases))

    async def _step(self, case: Case, step: Any) -> bool:
        try:
            await step()
        except LeftOpen:
            self._endings["left open"] += 1
        except NotServed as refused:
            self._endings[f"refused: {str(refused)[:24]}"] += 1
        except Exception as error:  # noqa: BLE001 - one case's end is told, not the run's
            self._chronicle.fault("world", f"{error!r} in {step.__name__}", bill=case.number)
        else:
            return True
        return False

    async def _until_ready(self) -> None:
        """Every worker is back: of the two either may take a connection."""
        in_a_row = 0
        for _ in range(600):
            in_a_row = in_a_row + 1 if await asyncio.to_thread(self._served.is_ready) else 0
            if in_a_row == 20:
                return
            await asyncio.sleep(0.02 if in_a_row else 0.5)
        raise ServerDown(f"the platform did not come back; its log ends:\n{self._served.said()}")

    async def _clear(self, town: "_Town", verdict: Verdict) -> None:
        """What cannot be cleared is a fault like any other: nothing breaks any more."""
        folder = self._served.folder.parent
        try:
            async with town.bureau.at_desks() as agreed:
                await MonthEnd(self._served, agreed, town.institutions, folder, verdict).clear()
        except (NotDone, Refused, OSError, ValueError) as error:
            verdict.find("clearing", f"the month could not be cleared: {error!r}")
        ask_ledger(self._served, verdict)

    async def _compare(self, institution: Institution, verdict: Verdict) -> None:
        offices = {str(one.info.get("clr_optins")) for one in institution.notebook.done()}
        for office in sorted(offices - {"None"})[:1]:
            try:
                for difference in await compared(institution, office):
                    verdict.find("comparison", difference)
            except NotDone as error:
                verdict.find("comparison", f"{institution.code} cannot compare: {error}")


class _Town:
    """Who lives there, and where they go."""

    def __init__(
        self,
        found: Mapping[str, Any],
        institutions: Sequence[Institution],
        plan: Plan,
        served: Served,
        chronicle: Chronicle,
    ) -> None:
        self.institutions = institutions
        rows = {row["fixmedins_code"]: row for row in found["institutions"]}
        self._places: dict[tuple[str, bool], list[Institution]] = {}
        for one in institutions:
            row = rows[one.code]
            key = (row["pool"], row["kind"] == "pharmacy")
            self._places.setdefault(key, []).append(one)
        everybody = [(row["pool"], patient_from(row)) for row in found["persons"]]
        Random(plan.seed).shuffle(everybody)
        self._people = everybody[: plan.persons]
        self.bureau = Bureau(served, found["clerks"], self._people, institutions, chronicle)

    def case(self, bill: Bill) -> Case:
        """A bill brought to its institution."""
        pool, patient = self._people[bill.person % len(self._people)]
        places = self._places[pool, bill.kind is Kind.PURCHASE]
        return Case(places[bill.place % len(places)], bill, patient)
