"""A simulated hospital: who comes, what is ordered, how the bill is cut, what is cancelled again.

It reaches the platform over HTTP alone, through the client that anyone has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from yibao.client import Client
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE, scaled
from yibao.kernel.periods import local_time
from yibao.sandbox.books import Books
from yibao.sandbox.encounters import COMMON_SERVICES, CONSULTATION, Encounter, draw_encounter
from yibao.sandbox.line import Line, Tally, Troubles
from yibao.sandbox.visit import Charge, Desk, Patient, PriceListEntry, Visit


@dataclass(frozen=True, slots=True)
class Habits:
    """How often the hospital does what, as shares of visits or bills."""

    register_in_vain: float = 0.03
    """The patient leaves: 2202."""
    several_bills: float = 0.45
    """Consultation, tests and drugs are settled one by one."""
    withdraw: float = 0.04
    """Uploaded lines are withdrawn (2205) and uploaded again."""
    cancel: float = 0.05
    """A settled bill is cancelled (2208)."""
    settle_again: float = 0.5
    """Of the cancelled: settled once more, as they are."""


_PRICE_PERCENT = {"prov": 100, "l3": 100, "l2": 90, "l1": 85, "grass": 80}
"""What a level charges of the tertiary price: smaller houses have lower ceilings."""


class Hospital:
    """One hospital with its price list, its line to the platform and its book."""

    def __init__(
        self,
        client: Client,
        price_list: Sequence[PriceListEntry],
        *,
        level: str,
        random: Random,
        troubles: Troubles,
        habits: Habits | None = None,
        on_settled: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self.books = Books()
        self.level = level
        self.name = client.endpoint.name
        self.code = client.endpoint.institution
        self.visits = 0
        self._desk = Desk(Line(client, random, troubles), self.books, level, random, on_settled)
        self._prices = {entry.name: entry for entry in price_list}
        self._random = random
        self._habits = habits or Habits()
        self._opened = f"{local_time(datetime.now(UTC)):%y%m%d%H%M%S}"

    @property
    def tally(self) -> Tally:
        """What went over the line so far."""
        return self._desk.line.tally

    async def see(self, patient: Patient) -> None:
        """One patient's visit from the front desk to the cashier.

        Raises:
            NotDone: the platform refused something that a correct hospital may do.
        """
        self.visits += 1
        visit = await Visit.open(self._desk, patient, f"{self._opened}{self.visits:06d}")
        if self._happens(self._habits.register_in_vain):
            await visit.withdraw_registration()
            return
        encounter = draw_encounter(
            self._random, patient.gender, patient.birth_date, local_time(datetime.now(UTC)).date()
        )
        await visit.describe(encounter)
        for charges in self._bills(encounter):
            await self._bill(visit, charges)

    async def _bill(self, visit: Visit, charges: Sequence[Charge]) -> None:
        batch = await visit.upload(charges)
        if self._happens(self._habits.withdraw):
            await visit.withdraw(batch)
            batch = await visit.upload(charges)
        await visit.settle(batch)
        if self._happens(self._habits.cancel):
            await visit.cancel(batch)
            if self._happens(self._habits.settle_again):
                await visit.settle(batch)

    def _bills(self, encounter: Encounter) -> list[list[Charge]]:
        """The charges of a visit, cut into bills as they are paid."""
        draw = self._random
        consultation = [self._charge(CONSULTATION, 1)]
        extra = [draw.choice(COMMON_SERVICES)] if draw.random() < 0.3 else []
        ordered = [name for name in encounter.services if draw.random() < 0.7]
        tests = [
            self._charge(name, 1)
            for name in dict.fromkeys([*ordered, *extra])
            if name in self._prices
        ]
        drugs = [
            self._charge(name, draw.randint(1, 6))
            for name in encounter.drugs
            if name in self._prices and draw.random() < 0.75
        ]
        parts = [part for part in (consultation, tests, drugs) if part]
        if draw.random() < self._habits.several_bills:
            return parts
        return [[charge for part in parts for charge in part]]

    def _charge(self, name: str, count: int) -> Charge:
        entry = self._prices[name]
        quantity = count * 10**QUANTITY_SCALE
        if self._random.random() < 0.05:
            quantity //= 2
        price = entry.price * _PRICE_PERCENT[self.level] // 100
        if self._random.random() < 0.1:  # dearer than the ceiling, now and then
            price = price * 130 // 100
        return Charge(entry, quantity, price)

    def _happens(self, share: float) -> bool:
        return self._random.random() < share


def price_list_from(items: Sequence[Mapping[str, Any]], pool: str) -> list[PriceListEntry]:
    """A hospital's price list from ``items`` of the sandbox's accounts."""
    return [
        PriceListEntry(item["med_list_codg"], item["name"], scaled(item["pric"], PRICE_SCALE))
        for item in items
        if item["pool"] == pool
    ]


def patient_from(row: Mapping[str, Any]) -> Patient:
    """A patient from a row of ``persons`` of the sandbox's accounts."""
    return Patient(
        number=row["psn_no"],
        certificate=row["certno"],
        gender=row["gend"],
        birth_date=date.fromisoformat(row["brdy"]),
        scheme=row["insutype"],
        division=row["insuplc_admdvs"],
    )
