"""A simulated hospital: who comes, what is ordered, how the bill is cut, what is cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from yibao.sandbox.books import Kind
from yibao.sandbox.desk import Charge, Patient, now
from yibao.sandbox.encounters import (
    COMMON_SERVICES,
    CONSULTATION,
    EXAMINATIONS,
    OPERATIONS,
    WARD,
    Encounter,
)
from yibao.sandbox.institution import Institution
from yibao.sandbox.stay import Ordered, Stay
from yibao.sandbox.visit import Visit


@dataclass(frozen=True, slots=True)
class Habits:
    """How often hospitals do what, as shares of visits, stays or bills."""

    register_in_vain: float = 0.03
    """The patient leaves: 2202, 2404."""
    several_bills: float = 0.45
    """Consultation, tests and drugs are settled one by one."""
    withdraw: float = 0.04
    """Uploaded lines are withdrawn (2205) and uploaded again."""
    cancel: float = 0.05
    """A settled bill is cancelled (2208)."""
    settle_again: float = 0.5
    """Of the cancelled: settled once more, as they are."""
    change_bed: float = 0.2
    """A stay's admission is corrected (2403)."""
    give_back: float = 0.3
    """Something that was charged in a stay comes back (2301 with a negative line)."""
    settle_between: float = 0.15
    """A stay is settled in its middle too."""
    cancel_stay: float = 0.15
    """A stay's settlement is cancelled (2305)."""
    reopen: float = 0.5
    """Of these: the discharge too (2405), something was forgotten."""
    operate: float = 0.25
    """An operation in a stay."""


_HABITS = Habits()
_LONGEST = 14
"""Days of the longest stay."""


class Hospital(Institution):
    """A hospital with outpatients and inpatients."""

    async def see(self, patient: Patient) -> None:
        """One outpatient's visit from the front desk to the cashier.

        Raises:
            NotDone: the platform refused something that a correct hospital may do.
        """
        visit = await Visit.open(self._desk, patient, self._next_number(Kind.OUTPATIENT))
        if self._happens(_HABITS.register_in_vain):
            await visit.withdraw_registration()
            return
        encounter = self._reason_of(patient)
        await visit.describe(encounter)
        for charges in self._bills(encounter):
            await self._bill(visit, charges)

    async def take_in(self, patient: Patient) -> None:
        """One inpatient's stay, told from its admission some days ago to the bill of today.

        Raises:
            NotDone: the platform refused something that a correct hospital may do.
        """
        encounter = self._reason_of(patient)
        number, begin = self._next_number(Kind.STAY), admitted_at(patient, now())
        stay = await Stay.admit(self._desk, patient, number, encounter, begin)
        if self._happens(_HABITS.register_in_vain):
            await stay.cancel_admission()
            return
        if self._happens(_HABITS.change_bed):
            await stay.change_bed()
        days = max(1, (now().date() - stay.begin.date()).days)
        middle = days // 2 if self._happens(_HABITS.settle_between) else 0
        if middle:
            await self._treat(stay, encounter, range(middle))
            await stay.settle(interim=True)
        await self._treat(stay, encounter, range(middle, days))
        await stay.discharge()
        await stay.settle()
        if self._happens(_HABITS.cancel_stay):
            await stay.cancel()
            if self._happens(_HABITS.reopen):
                await stay.reopen()
                await stay.charge([Ordered(self._charge(COMMON_SERVICES[0], 1), days)])
                await stay.discharge()
            await stay.settle()

    # ----------------------------------------------------------------------------- outpatients

    async def _bill(self, visit: Visit, charges: Sequence[Charge]) -> None:
        batch = await visit.upload(charges)
        if self._happens(_HABITS.withdraw):
            await visit.withdraw(batch)
            batch = await visit.upload(charges)
        await visit.settle(batch)
        if self._happens(_HABITS.cancel):
            await visit.cancel(batch)
            if self._happens(_HABITS.settle_again):
                await visit.settle(batch)

    def _bills(self, encounter: Encounter) -> list[list[Charge]]:
        """The charges of a visit, cut into bills as they are paid."""
        draw = self._random
        consultation = [self._charge(CONSULTATION, 1)]
        extra = [draw.choice(COMMON_SERVICES)] if draw.random() < 0.3 else []
        ordered = [name for name in encounter.services if draw.random() < 0.7]
        tests = self._charges(dict.fromkeys([*ordered, *extra]))
        drugs = [
            self._charge(name, draw.randint(1, 6))
            for name in encounter.drugs
            if name in self._prices and draw.random() < 0.75
        ]
        parts = [part for part in (consultation, tests, drugs) if part]
        if draw.random() < _HABITS.several_bills:
            return parts
        return [[charge for part in parts for charge in part]]

    # ------------------------------------------------------------------------------- inpatients

    async def _treat(self, stay: Stay, encounter: Encounter, days: range) -> None:
        await stay.charge([one for day in days for one in self._orders(encounter, day)])
        if self._happens(_HABITS.give_back):
            await stay.give_back()

    def _orders(self, encounter: Encounter, day: int) -> list[Ordered]:
        """What one day of a stay costs: the ward every day, most of the tests on the first."""
        draw = self._random
        charges = self._charges(WARD)
        charges += self._charges(name for name in encounter.drugs if draw.random() < 0.8)
        charges += self._charges(name for name in COMMON_SERVICES if draw.random() < 0.4)
        if day == 0:
            charges += self._charges(encounter.services)
            charges += self._charges(name for name in EXAMINATIONS if draw.random() < 0.5)
            if self._happens(_HABITS.operate):
                charges += self._charges([draw.choice(OPERATIONS)])
        return [Ordered(charge, day) for charge in charges]


def admitted_at(patient: Patient, today: datetime) -> datetime:
    """When a stay that ends ``today`` began; not in another year, whose deductible is another.

    It is the same for one patient all day, so that a second stay does not lie around the first.
    """
    days = Random(patient.number).randint(1, _LONGEST)  # noqa: S311 - plausible, not secret
    return today - timedelta(days=min(days, today.timetuple().tm_yday - 1))
