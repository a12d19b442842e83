"""One inpatient stay in a hospital's hands: 2401 to 2405, 2301 to 2305."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yibao.client import CallOutcome, NotDone
from yibao.kernel.money import QUANTITY_SCALE, line_amount, unscaled, yuan
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

ORDINARY = "21"
"""``med_type`` of an ordinary stay."""

LINES_A_MESSAGE = 100
_ONE = 10**QUANTITY_SCALE
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A charge and the day of the stay that it falls on; 0 is the first."""

    charge: Charge
    day: int


@dataclass(frozen=True, slots=True)
class _Sent:
    """A line that was uploaded."""

    serial: str
    charge: Charge
    at: str


class Stay:
    """A stay. What is settled is all that was uploaded since it was settled last."""

    def __init__(
        self, desk: Desk, patient: Patient, number: str, encounter: Encounter, begin: datetime
    ) -> None:
        self._desk = desk
        self._patient = patient
        self._number = number
        self._encounter = encounter
        self._id = ""
        self._bed = 1
        self._lines = 0
        self._sent: list[_Sent] = []
        self._results: list[Mapping[str, Any]] = []
        self._settled: BillKey | None = None
        self.begin = begin
        """In Beijing's time."""

    @classmethod
    async def admit(
        cls, desk: Desk, patient: Patient, number: str, encounter: Encounter, begin: datetime
    ) -> "Stay":
        """Identify the patient (1101) and admit (2401).

        Who was in hospital elsewhere at that time, or not yet insured, is admitted as of now.
        """
        await desk.identify(patient)
        stay = cls(desk, patient, number, encounter, begin)
        try:
            await stay._admit()
        except NotDone as refused:
            if refused.answer.outcome is not CallOutcome.REFUSED:
                raise
            stay.begin = now()
            await stay._admit()
        return stay

    async def _admit(self) -> None:
        answer = await self._sure(
            "2401",
            {
                "mdtrtinfo": {
                    **self._admission,
                    **self._patient.voucher,
                    "ipt_no": self._number,
                },
                "diseinfo": self._diagnoses,
            },
        )
        self._id = str(answer["result"]["mdtrt_id"])

    async def change_bed(self) -> None:
        """2403."""
        self._bed += 1
        voucher = self._patient.voucher
        await self._sure(
            "2403",
            {
                "adminfo": {
                    **self._admission,
                    **self._own,
                    "mdtrt_cert_type": voucher["mdtrt_cert_type"],
                    "ipt_otp_no": self._number,
                },
                "diseinfo": self._diagnoses,
            },
        )

    async def cancel_admission(self) -> None:
        """2404: the patient does not stay after all."""
        await self._sure("2404", {"data": self._own})

    async def charge(self, ordered: Sequence[Ordered]) -> None:
        """2301, in messages of at most a hundred lines."""
        lines = [self._line(one) for one in ordered]
        for start in range(0, len(lines), LINES_A_MESSAGE):
            await self._upload(lines[start : start + LINES_A_MESSAGE])
        self._sent += lines

    async def give_back(self) -> None:
        """2301 with a negative line: one piece of a line that is not settled yet comes back."""
        given = self._sent.pop(self._desk.random.randrange(len(self._sent)))
        quantity = min(given.charge.quantity, _ONE)
        amount = line_amount(given.charge.price, quantity)
        back = {
            "init_feedetl_sn": given.serial,
            "cnt": unscaled(-quantity, QUANTITY_SCALE),
            "det_item_fee_sumamt": yuan(-amount),
        }
        serial = self._serial()
        answer = await self._sure(
            "2301",
            {"feedetail": [{**self._fee_line(given), "feedetl_sn": serial, **back}]},
        )
        self._results += answer["result"]

    async def settle(self, *, interim: bool = False) -> None:
        """2303, then 2304 with the sums that 2301 answered."""
        bill = {
            **self._own,
            **self._patient.voucher,
            **sums(self._results),
            "psn_setlway": "01",
            "acct_used_flag": "1",
            "mid_setl_flag": "1" if interim else "0",
        }
        self._settled = await self._desk.settle(
            self._patient, Kind.STAY, ("2303", "2304"), {"data": bill}
        )
        if interim:
            self._results.clear()
            self._sent.clear()

    async def cancel(self) -> None:
        """2305 of the last settlement."""
        assert self._settled is not None, "only what is settled is cancelled"
        await self._desk.cancel(self._patient, "2305", self._settled)

    async def discharge(self) -> None:
        """2402, as of now."""
        await self._sure(
            "2402",
            {
                "dscginfo": {
                    **self._own,
                    "insutype": self._patient.scheme,
                    "endtime": moment(now()),
                    "dscg_dept_codg": DEPARTMENT,
                    "dscg_dept_name": DEPARTMENT_NAME,
                    "dscg_bed": f"{self._bed:02d}",
                    "dscg_way": "1",
                },
                "diseinfo": self._diagnoses,
            },
        )

    async def reopen(self) -> None:
        """2405: the discharge is taken back."""
        await self._sure("2405", {"data": self._own})

    # ------------------------------------------------------------------------------- messages

    @property
    def _own(self) -> dict[str, str]:
        return {"mdtrt_id": self._id, "psn_no": self._patient.number}

    @property
    def _admission(self) -> dict[str, Any]:
        return {
            "begntime": moment(self.begin),
            "med_type": ORDINARY,
            "atddr_no": DOCTOR,
            "chfpdr_name": DOCTOR_NAME,
            "adm_diag_dscr": self._encounter.name,
            "adm_dept_codg": DEPARTMENT,
            "adm_dept_name": DEPARTMENT_NAME,
            "adm_bed": f"{self._bed:02d}",
            "dscg_maindiag_code": self._encounter.diagnosis,
            "dscg_maindiag_name": self._encounter.name,
        }

    @property
    def _diagnoses(self) -> list[dict[str, Any]]:
        main = {"psn_no": self._patient.number, "maindiag_flag": "1", "adm_cond": "1"}
        return [{**diagnosis(self._encounter), **main}]

    async def _upload(self, lines: Sequence[_Sent]) -> None:
        answer = await self._sure("2301", {"feedetail": [self._fee_line(line) for line in lines]})
        charges = [line.charge for line in lines]
        self._desk.check_priced(f"2301 of {self._id}", charges, answer["result"])
        self._results += answer["result"]

    def _line(self, ordered: Ordered) -> _Sent:
        at = min(self.begin + ordered.day * _DAY, now())
        return _Sent(self._serial(), ordered.charge, moment(at))

    def _serial(self) -> str:
        self._lines += 1
        return f"{self._number}{self._lines:04d}"

    def _fee_line(self, line: _Sent) -> dict[str, Any]:
        return {**line.charge.fields(line.serial, line.at), **self._own, "med_type": ORDINARY}

    async def _sure(self, infno: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._desk.sure(infno, content, self._patient)
