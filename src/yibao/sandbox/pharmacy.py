"""A simulated pharmacy: who comes, what is sold, what is brought back."""

from dataclasses import dataclass

from yibao.sandbox.books import Kind
from yibao.sandbox.desk import Patient
from yibao.sandbox.encounters import drug_names
from yibao.sandbox.institution import Institution
from yibao.sandbox.purchase import Purchase


@dataclass(frozen=True, slots=True)
class Habits:
    """How often pharmacies do what, as shares of purchases."""

    take_back: float = 0.05
    """What was sold is brought back: 2103."""
    sell_again: float = 0.5
    """Of these: sold once more."""


_HABITS = Habits()


class Pharmacy(Institution):
    """A designated pharmacy (定点零售药店)."""

    async def sell(self, patient: Patient) -> None:
        """One purchase, of what goes with a complaint or of anything on the shelf.

        Raises:
            NotDone: the platform refused something that a correct pharmacy may do.
        """
        number = self._next_number(Kind.PURCHASE)
        await self._desk.identify(patient)
        draw = self._random
        shelf = [name for name in drug_names() if name in self._prices]
        wanted = [name for name in self._reason_of(patient).drugs if name in self._prices]
        wanted = wanted or draw.sample(shelf, draw.randint(1, 3))
        charges = [self._charge(name, draw.randint(1, 3)) for name in wanted]
        purchase = Purchase(self._desk, patient, number, charges)
        await purchase.sell()
        if self._happens(_HABITS.take_back):
            await purchase.take_back()
            if self._happens(_HABITS.sell_again):
                await purchase.sell()
