"""The load of ``overload.py``: visits that arrive by themselves, at one rate after the other.

Open loop: a visit begins when its time has come, whether or not others are answered. A call that is
turned away (9001) is sent again, the same bytes, after the second that the answer asks for; a
cashier who was turned away ``PATIENCE`` times gives the visit up. Runs in a process of its own:
plan (JSON) from standard input, result (JSON) on standard output.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import uvloop

from benchmarks.generator import STEPS, Connection, Desk
from benchmarks.machine import Processes
from benchmarks.telling import tell

PATIENCE = 3
AGAIN_SECONDS = 1.0
ALIKE_CORES = 0.1
"""How much more or less the machine's host may take in an overload than in the peaks around it."""
STOLEN_CORES = 0.4
"""Beyond this, what the host takes makes the same rate another overload."""
TRIES = 3
"""So many rounds are played at most for each that is wanted."""
_TURNED_AWAY = b'"infcode":9001'
_DONE = b'"infcode":0'


class Town:
    """Hospitals whose patients come, and the connections they call over."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._host, self._port = plan["host"], plan["port"]
        desks = [(Desk(one), one["patients"]) for one in plan["desks"]]
        self._visits = itertools.cycle(
            [(desk, patient) for desk, patients in desks for patient in patients]
        )
        self._serials = itertools.count(random.Random(plan["seed"]).randrange(10**9))
        self._free: list[Connection] = []
        self._processes = Processes(Path(plan["folder"]), plan["starter"])
        self.connections = 0
        self.start()

    def start(self) -> None:
        """Forget what was measured."""
        self.accepted: list[float] = []
        self.turned_away: list[float] = []
        self.counts: Counter[str] = Counter()
        self._cpu = self._cpu_seconds()

    def _cpu_seconds(self) -> dict[str, float]:
        """Also what other machines took from this one (``steal``)."""
        stolen = getattr(psutil.cpu_times(), "steal", 0.0)
        used = self._processes.seconds()
        return {"generator": time.process_time(), **used, "stolen": stolen}

    async def visit(self, *, patience: int) -> None:
        """One visit, to its end or until the cashier gives up."""
        desk, patient = next(self._visits)
        values = {f"@{name}@".encode(): value.encode() for name, value in patient.items()}
        values[b"@otp@"] = b"V%d" % next(self._serials)
        for step in STEPS:
            answer = await self._accepted(desk.request(step, values), patience)
            if _DONE not in answer:
                self.counts["given_up" if _TURNED_AWAY in answer else "failed"] += 1
                if _TURNED_AWAY not in answer:
                    self.counts[answer[:200].decode("utf-8", "replace")] += 1
                return
            if step == "2201":
                at = answer.index(b'"mdtrt_id":"') + 12
                values[b"@visit@"] = answer[at : answer.index(b'"', at)]
        self.counts["visits"] += 1

    async def _accepted(self, request: bytes, patience: int) -> bytes:
        for attempt in itertools.count():
            self.counts["offered"] += 1
            started = time.perf_counter()
            try:
                answer = await self._ask(request)
            except OSError as lost:
                self.counts["lost"] += 1
                return repr(lost).encode()
            took = time.perf_counter() - started
            if _TURNED_AWAY not in answer:
                self.accepted.append(took)
                return answer
            self.turned_away.append(took)
            if attempt == patience:
                return answer
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError("unreachable")

    async def _ask(self, request: bytes) -> bytes:
        connection = None
        while self._free and (connection is None or not connection.is_open):
            connection = self._free.pop()  # the server may have ended one that was idle
        if connection is None or not connection.is_open:
            self.connections += 1
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, self._host, self._port)
        answer = await connection.ask(request)
        self._free.append(connection)
        return answer

    def told(self, seconds: float) -> dict[str, Any]:
        """What was measured since ``start``."""
        return {
            "seconds": seconds,
            "accepted_a_second": len(self.accepted) / seconds,
            "visits_a_second": self.counts["visits"] / seconds,
            "offered_a_second": self.counts["offered"] / seconds,
            "turned_away_a_second": len(self.turned_away) / seconds,
            "accepted_ms": _quantiles(self.accepted),
            "turned_away_ms": _quantiles(self.turned_away),
            "cores": {
                name: (used - self._cpu[name]) / seconds
                for name, used in self._cpu_seconds().items()
            },
            "counts": dict(self.counts),
            "connections": self.connections,
        }


def _quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        name: 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0))
    }


async def closed(town: Town, callers: int, warm_up: float, seconds: float) -> dict[str, Any]:
    """So many cashiers, each with one visit after the other."""
    ended = False

    async def work() -> None:
        while not ended:
            await town.visit(patience=1000)

    tasks = [asyncio.create_task(work()) for _ in range(callers)]
    await asyncio.sleep(warm_up)
    town.start()
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    result = town.told(time.perf_counter() - started)
    ended = True
    await asyncio.gather(*tasks)
    return {"callers": callers, **result}


async def open_loop(town: Town, rate: float, warm_up: float, seconds: float) -> dict[str, Any]:
    """Visits that arrive ``rate`` times a second, at random instants."""
    chance = random.Random(7)
    tasks: set[asyncio.Task[None]] = set()
    begun = due = time.perf_counter()
    measuring = False
    latest = 0.0
    while due < begun + warm_up + seconds:
        now = time.perf_counter()
        if not measuring and now >= begun + warm_up:
            town.start()
            measuring, started = True, now
        if due > now:
            await asyncio.sleep(due - now)
        latest = max(latest, time.perf_counter() - due)
        task = asyncio.create_task(town.visit(patience=PATIENCE))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due += chance.expovariate(rate)
    result = town.told(time.perf_counter() - started)
    await asyncio.gather(*tasks)
    return {"rate": rate, "generator_late_ms": 1000 * latest, **result}


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """A guess, the peak near it; then ``times`` as much and the peak again, in turn.

    Until ``rounds`` of these count, or too many do not.
    """
    town = Town(plan)
    warm_up, seconds = plan["warm_up"], plan["seconds"]
    guess = await closed(town, plan["callers"], warm_up, seconds)
    climb = [
        await open_loop(town, share * guess["visits_a_second"], warm_up, seconds)
        for share in plan["shares"]
    ]
    peak = max(climb, key=lambda one: one["accepted_a_second"])
    overs: list[dict[str, Any]] = []
    between = [peak]
    while _that_count(overs, between) < plan["rounds"] and len(overs) < TRIES * plan["rounds"]:
        overs.append(await open_loop(town, plan["times"] * peak["rate"], warm_up, seconds))
        between.append(await open_loop(town, peak["rate"], warm_up, seconds))
    return {"guess": guess, "climb": climb, "overs": overs, "between": between}


def counts(over: dict[str, Any], *around: dict[str, Any]) -> bool:
    """Whether the machine was the same in an overload as in the peaks around it."""
    stolen = over["cores"]["stolen"]
    before_and_after = sum(one["cores"]["stolen"] for one in around) / len(around)
    return bool(stolen <= STOLEN_CORES and abs(stolen - before_and_after) <= ALIKE_CORES)


def _that_count(overs: list[dict[str, Any]], between: list[dict[str, Any]]) -> int:
    return sum(
        counts(over, *around)
        for over, around in zip(overs, itertools.pairwise(between), strict=True)
    )


if __name__ == "__main__":
    tell(uvloop.run(run(json.load(sys.stdin))))
