"""One purchase in a pharmacy's hands: 2101 to 2103."""

from collections.abc import Sequence
from typing import Any

from yibao.kernel.money import yuan
from yibao.sandbox.books import BillKey, Kind
from yibao.sandbox.desk import Charge, Desk, Patient, moment, now

ORDINARY = "41"
"""``med_type`` of an ordinary purchase."""


class Purchase:
    """A basket of drugs. Each time it is sold the platform makes a visit of its own for it."""

    def __init__(
        self, desk: Desk, patient: Patient, number: str, charges: Sequence[Charge]
    ) -> None:
        self._desk = desk
        self._patient = patient
        self._number = number
        self._charges = charges
        self._begin = moment(now())
        self._times = 0
        self._settled: BillKey | None = None

    async def sell(self) -> None:
        """2101, then 2102 with the same message."""
        self._times += 1
        self._settled = await self._desk.settle(
            self._patient,
            Kind.PURCHASE,
            ("2101", "2102"),
            {
                "druginfo": {
                    **self._patient.voucher,
                    "begntime": self._begin,
                    "med_type": ORDINARY,
                    "medfee_sumamt": yuan(sum(charge.amount for charge in self._charges)),
                    "acct_used_flag": "1",
                },
                "drugdetail": self._lines(),
            },
        )

    async def take_back(self) -> None:
        """2103."""
        assert self._settled is not None, "only what was sold is taken back"
        await self._desk.cancel(self._patient, "2103", self._settled)

    def _lines(self) -> list[dict[str, Any]]:
        return [
            {
                **charge.fields(f"{self._number}{self._times}{place:03d}", self._begin),
                "rx_circ_flag": "0",
            }
            for place, charge in enumerate(self._charges, 1)
        ]
