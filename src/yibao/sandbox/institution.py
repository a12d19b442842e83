"""What a simulated hospital and a simulated pharmacy have in common.

They reach the platform over HTTP alone, through the client that anyone has.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from yibao.client import Client
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE, scaled
from yibao.kernel.periods import local_time
from yibao.sandbox.books import Books, Kind
from yibao.sandbox.desk import Charge, Desk, Patient, PriceListEntry
from yibao.sandbox.encounters import Encounter, draw_encounter
from yibao.sandbox.line import Line, Tally, Troubles

_PRICE_PERCENT = {"prov": 100, "l3": 100, "l2": 90, "l1": 85, "grass": 80}
"""What a level charges of the tertiary price: smaller houses have lower ceilings."""


class Institution:
    """One institution with its price list, its line to the platform and its book."""

    def __init__(
        self,
        client: Client,
        price_list: Sequence[PriceListEntry],
        *,
        level: str,
        random: Random,
        troubles: Troubles,
        on_settled: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self.books = Books()
        self.level = level
        self.name = client.endpoint.name
        self.code = client.endpoint.institution
        self.seen: Counter[Kind] = Counter()
        """Patients so far, by what brought them."""
        self._desk = Desk(Line(client, random, troubles), self.books, level, random, on_settled)
        self._prices = {entry.name: entry for entry in price_list}
        self._random = random
        self._opened = f"{local_time(datetime.now(UTC)):%y%m%d%H%M%S}"

    @property
    def tally(self) -> Tally:
        """What went over the line so far."""
        return self._desk.line.tally

    def _next_number(self, kind: Kind) -> str:
        """A number of the institution's own for the patient who comes now."""
        self.seen[kind] += 1
        return f"{self._opened}{self.seen.total():06d}"

    def _reason_of(self, patient: Patient) -> Encounter:
        today = local_time(datetime.now(UTC)).date()
        return draw_encounter(self._random, patient.gender, patient.birth_date, today)

    def _charge(self, name: str, count: int) -> Charge:
        entry = self._prices[name]
        quantity = count * 10**QUANTITY_SCALE
        if self._random.random() < 0.05:
            quantity //= 2
        price = entry.price * _PRICE_PERCENT[self.level] // 100
        if self._random.random() < 0.1:  # dearer than the ceiling, now and then
            price = price * 130 // 100
        return Charge(entry, quantity, price)

    def _charges(self, names: Iterable[str]) -> list[Charge]:
        """One of each that is on the price list."""
        return [self._charge(name, 1) for name in names if name in self._prices]

    def _happens(self, share: float) -> bool:
        return self._random.random() < share


def price_list_from(items: Sequence[Mapping[str, Any]], pool: str) -> list[PriceListEntry]:
    """An institution's price list from ``items`` of the sandbox's accounts."""
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
