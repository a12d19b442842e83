"""Hospitals and pharmacies at once, a number of visits, patients from the sandbox's accounts."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Any

from yibao.client import Client, Endpoint, Family
from yibao.sandbox.books import Kind
from yibao.sandbox.desk import Patient
from yibao.sandbox.hospital import Hospital
from yibao.sandbox.institution import Institution, patient_from, price_list_from
from yibao.sandbox.line import Tally, Troubles
from yibao.sandbox.pharmacy import Pharmacy

_OUTPATIENTS = {"l3": 6, "prov": 4, "l2": 5, "l1": 3, "grass": 5}
"""How many of the outpatients go to a hospital of a level."""
_INPATIENTS = {"l3": 6, "prov": 4, "l2": 4, "l1": 1, "grass": 0}

MIX = {Kind.OUTPATIENT: 0.80, Kind.STAY: 0.05, Kind.PURCHASE: 0.15}
"""Shares of what brings people."""

AT_ONCE = 24
"""Visits under way at the same time."""


@dataclass(slots=True)
class Traffic:
    """What ran, as the institutions saw it."""

    institutions: list[Institution] = field(default_factory=list)
    seconds: float = 0.0
    first_bill_after: float | None = None
    """Seconds from the start of the run to the first settled bill."""
    broken_off: list[str] = field(default_factory=list)
    """Visits that ended because the platform refused or did not answer."""

    @property
    def seen(self) -> Counter[Kind]:
        """Visits begun, by what brought the patient."""
        together: Counter[Kind] = Counter()
        for institution in self.institutions:
            together.update(institution.seen)
        return together

    @property
    def tally(self) -> Tally:
        """What went over all lines."""
        together = Tally()
        for institution in self.institutions:
            together.add(institution.tally)
        return together

    @property
    def faults(self) -> list[str]:
        """Everything that should not have happened."""
        return [
            *self.broken_off,
            *(fault for institution in self.institutions for fault in institution.books.faults),
        ]


async def run_visits(
    found: Mapping[str, Any],
    visits: int,
    *,
    seed: int,
    troubles: Troubles,
    mix: Mapping[Kind, float] = MIX,
    at_once: int = AT_ONCE,
    on_visit: Callable[[], None] = lambda: None,
    on_first_bill: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Traffic:
    """Run ``visits`` visits, stays and purchases among them as ``mix`` says.

    ``found`` is what the sandbox's accounts say of the platform.
    Who comes where with what follows from ``seed``; the order in which the platform meets it does
    not, because visits run side by side.
    """
    draw = Random(seed)  # noqa: S311 - plausible, not secret
    started = time.perf_counter()
    traffic = Traffic()

    def settled(settlement: Mapping[str, Any]) -> None:
        if traffic.first_bill_after is None:
            traffic.first_bill_after = time.perf_counter() - started
            on_first_bill(settlement)

    async with AsyncExitStack() as stack:
        city = _City(draw)
        for row in found["institutions"]:
            endpoint = endpoint_from(row, found["base_url"])
            make = Pharmacy if row["kind"] == "pharmacy" else Hospital
            institution = make(
                await stack.enter_async_context(Client(endpoint, connections=at_once)),
                price_list_from(found["items"], row["pool"]),
                level=row["level"],
                random=Random(draw.random()),  # noqa: S311
                troubles=troubles,
                on_settled=settled,
            )
            traffic.institutions.append(institution)
            city.add(row["pool"], institution)
        waiting = _WaitingRoom(found["persons"], draw)
        arrivals = iter(range(visits))

        async def keep_seeing() -> None:
            for _ in arrivals:
                pool = draw.choice(city.pools)
                [kind] = draw.choices(list(mix), list(mix.values()))
                patient = waiting.call(pool)
                where, care = city.choose(pool, kind)
                try:
                    await care(patient)
                except Exception as error:  # noqa: BLE001 - one visit's end is told, not the run's
                    traffic.broken_off.append(f"{where}: {kind}: {error!r}")
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


class _City:
    """The institutions of each pool, and who takes whom."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self._hospitals: dict[str, list[Hospital]] = {}
        self._pharmacies: dict[str, list[Pharmacy]] = {}

    @property
    def pools(self) -> list[str]:
        """Pools with a hospital."""
        return list(self._hospitals)

    def add(self, pool: str, institution: Hospital | Pharmacy) -> None:
        """An institution of a pool."""
        if isinstance(institution, Hospital):
            self._hospitals.setdefault(pool, []).append(institution)
        else:
            self._pharmacies.setdefault(pool, []).append(institution)

    def choose(self, pool: str, kind: Kind) -> tuple[str, Callable[[Patient], Awaitable[None]]]:
        """Where a patient goes, and what is done there."""
        if kind is Kind.PURCHASE and pool in self._pharmacies:
            pharmacy = self._draw.choice(self._pharmacies[pool])
            return pharmacy.name, pharmacy.sell
        hospitals = self._hospitals[pool]
        shares = _INPATIENTS if kind is Kind.STAY else _OUTPATIENTS
        [hospital] = self._draw.choices(hospitals, [shares[one.level] for one in hospitals])
        return hospital.name, hospital.take_in if kind is Kind.STAY else hospital.see


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
