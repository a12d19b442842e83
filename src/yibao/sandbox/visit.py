"""One outpatient visit in a hospital's hands: 2201 to 2208."""

from collections.abc import Mapping, Sequence
from typing import Any

from yibao.sandbox.books import BillKey, Kind
from yibao.sandbox.desk import (
    DEPARTMENT,
    DEPARTMENT_NAME,
    DOCTOR,
    DOCTOR_NAME,
    Charge,
    Desk,
    Patient,
    diagnosis,
    moment,
    now,
    sums,
)
from yibao.sandbox.encounters import Encounter

GENERAL_OUTPATIENT = "11"

_LONG_BILL = 4
"""A bill of more lines is uploaded in two messages."""


class Visit:
    """An outpatient visit. What is settled is one charge batch of it."""

    def __init__(self, desk: Desk, patient: Patient, number: str) -> None:
        self._desk = desk
        self._patient = patient
        self._number = number
        self._id = ""
        self._begin = moment(now())
        self._batches = 0
        self._lines = 0
        self._results: dict[str, list[Mapping[str, Any]]] = {}
        self._settled: dict[str, BillKey] = {}

    @classmethod
    async def open(cls, desk: Desk, patient: Patient, number: str) -> "Visit":
        """Identify the patient (1101) and register the visit (2201)."""
        visit = cls(desk, patient, number)
        await desk.identify(patient)
        answer = await visit._sure(
            "2201",
            {
                "data": {
                    **patient.voucher,
                    "begntime": visit._begin,
                    "ipt_otp_no": number,
                    "atddr_no": DOCTOR,
                    "dr_name": DOCTOR_NAME,
                    "dept_code": DEPARTMENT,
                    "dept_name": DEPARTMENT_NAME,
                    "caty": DEPARTMENT,
                }
            },
        )
        visit._id = str(answer["data"]["mdtrt_id"])
        return visit

    async def withdraw_registration(self) -> None:
        """2202."""
        await self._sure("2202", {"data": {**self._own, "ipt_otp_no": self._number}})

    async def describe(self, encounter: Encounter) -> None:
        """2203: kind of care and diagnosis."""
        await self._sure(
            "2203",
            {
                "mdtrtinfo": {
                    **self._own,
                    "med_type": GENERAL_OUTPATIENT,
                    "begntime": self._begin,
                    "main_cond_dscr": encounter.name,
                },
                "diseinfo": [diagnosis(encounter)],
            },
        )

    async def upload(self, charges: Sequence[Charge]) -> str:
        """2204, in two messages when the bill is long; the batch's number."""
        self._batches += 1
        batch = f"{self._number}B{self._batches}"
        results: list[Mapping[str, Any]] = []
        half = (len(charges) + 1) // 2 if len(charges) > _LONG_BILL else len(charges)
        for part in (charges[:half], charges[half:]):
            if part:
                answer = await self._sure(
                    "2204", {"feedetail": [self._fee_line(batch, charge) for charge in part]}
                )
                results += answer["result"]
        self._results[batch] = results
        self._desk.check_priced(f"2204 of {batch}", charges, results)
        return batch

    async def withdraw(self, batch: str) -> None:
        """2205."""
        await self._sure("2205", {"data": {**self._own, "chrg_bchno": batch}})
        del self._results[batch]

    async def settle(self, batch: str) -> None:
        """2206, then 2207 with the sums that 2204 answered."""
        bill = {
            **self._own,
            **self._patient.voucher,
            **sums(self._results[batch]),
            "med_type": GENERAL_OUTPATIENT,
            "psn_setlway": "01",
            "chrg_bchno": batch,
            "acct_used_flag": "1",
        }
        self._settled[batch] = await self._desk.settle(
            self._patient, Kind.OUTPATIENT, ("2206", "2207"), {"data": bill}
        )

    async def cancel(self, batch: str) -> None:
        """2208."""
        await self._desk.cancel(self._patient, "2208", self._settled.pop(batch))

    @property
    def _own(self) -> dict[str, str]:
        return {"mdtrt_id": self._id, "psn_no": self._patient.number}

    async def _sure(self, infno: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._desk.sure(infno, content, self._patient)

    def _fee_line(self, batch: str, charge: Charge) -> dict[str, Any]:
        self._lines += 1
        return {
            **charge.fields(f"{self._number}{self._lines:04d}", self._begin),
            **self._own,
            "chrg_bchno": batch,
            "rx_circ_flag": "0",
        }
