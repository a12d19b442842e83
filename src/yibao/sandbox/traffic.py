"""Several hospitals at once, a number of visits, patients drawn from the sandbox's accounts."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Any

from yibao.client import Client, Endpoint, Family
from yibao.sandbox.hospital import Hospital, patient_from, price_list_from
from yibao.sandbox.line import Tally, Troubles
from yibao.sandbox.visit import Patient

_SHARES = {"l3": 6, "prov": 4, "l2": 5, "l1": 3, "grass": 5}
"""How many of the visits go to a hospital of a level."""

AT_ONCE = 24
"""Visits under way at the same time."""


@dataclass(slots=True)
class Traffic:
    """What ran, as the hospitals saw it."""

    hospitals: list[Hospital]
    seconds: float = 0.0
    first_bill_after: float | None = None
    """Seconds from the start of the run to the first settled bill."""
    broken_off: list[str] = field(default_factory=list)
    """Visits that ended because the platform refused or did not answer."""

    @property
    def visits(self) -> int:
        """Visits begun."""
        return sum(hospital.visits for hospital in self.hospitals)

    @property
    def tally(self) -> Tally:
        """What went over all lines."""
        together = Tally()
        for hospital in self.hospitals:
            together.add(hospital.tally)
        return together

    @property
    def faults(self) -> list[str]:
        """Everything that should not have happened."""
        return [
            *self.broken_off,
            *(fault for hospital in self.hospitals for fault in hospital.books.faults),
        ]


async def run_visits(
    found: Mapping[str, Any],
    visits: int,
    *,
    seed: int,
    troubles: Troubles,
    at_once: int = AT_ONCE,
    on_visit: Callable[[], None] = lambda: None,
    on_first_bill: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Traffic:
    """Run ``visits`` visits against the platform of ``found`` (the sandbox's accounts).

    Who comes where with what follows from ``seed``; the order in which the platform meets it does
    not, because visits run side by side.
    """
    draw = Random(seed)  # noqa: S311 - plausible, not secret
    started = time.perf_counter()
    traffic = Traffic([])

    def settled(settlement: Mapping[str, Any]) -> None:
        if traffic.first_bill_after is None:
            traffic.first_bill_after = time.perf_counter() - started
            on_first_bill(settlement)

    async with AsyncExitStack() as stack:
        by_pool: dict[str, list[Hospital]] = {}
        for row in found["institutions"]:
            if row["kind"] != "hospital":
                continue
            hospital = Hospital(
                await stack.enter_async_context(
                    Client(endpoint_from(row, found["base_url"]), connections=at_once)
                ),
                price_list_from(found["items"], row["pool"]),
                level=row["level"],
                random=Random(draw.random()),  # noqa: S311
                troubles=troubles,
                on_settled=settled,
            )
            traffic.hospitals.append(hospital)
            by_pool.setdefault(row["pool"], []).append(hospital)
        waiting = _WaitingRoom(found["persons"], draw)
        arrivals = iter(range(visits))

        async def keep_seeing() -> None:
            for _ in arrivals:
                pool = draw.choice(list(by_pool))
                hospitals = by_pool[pool]
                hospital = draw.choices(hospitals, [_SHARES[h.level] for h in hospitals])[0]
                patient = waiting.call(pool)
                try:
                    await hospital.see(patient)
                except Exception as error:  # noqa: BLE001 - one visit's end is told, not the run's
                    traffic.broken_off.append(f"{hospital.name}: {error!r}")
                waiting.leave(pool, patient)
                on_visit()

        await asyncio.gather(*(keep_seeing() for _ in range(at_once)))
        traffic.seconds = time.perf_counter() - started
    return traffic


def endpoint_from(row: Mapping[str, Any], base_url: str) -> Endpoint:
    """An institution's way in from its row of the sandbox's accounts."""
    auth = row["auth"]
    return Endpoint(
        base_url=base_url,
        institution=row["fixmedins_code"],
        name=row["fixmedins_name"],
        division=row["admdvs"],
        family=Family(auth["family"]),
        key_id=auth["id"],
        secret=auth["secret"],
    )


class _WaitingRoom:
    """Patients of each pool who are in no visit now: nobody is at two places at once."""

    def __init__(self, persons: Sequence[Mapping[str, Any]], draw: Random) -> None:
        self._draw = draw
        self._schemes: dict[str, list[Patient]] = {}
        self._free: dict[str, list[str]] = {}
        for (pool, number), rows in groupby(persons, lambda row: (row["pool"], row["psn_no"])):
            self._schemes[number] = [patient_from(row) for row in rows]
            self._free.setdefault(pool, []).append(number)

    def call(self, pool: str) -> Patient:
        """One of those who wait, under one of the schemes of that person."""
        free = self._free[pool]
        position = self._draw.randrange(len(free))
        free[position], free[-1] = free[-1], free[position]
        return self._draw.choice(self._schemes[free.pop()])

    def leave(self, pool: str, patient: Patient) -> None:
        """The visit is over."""
        self._free[pool].append(patient.number)
