"""What the counter of any institution does: identify, charge, try and settle, make sure.

It behaves like careful software: it notes a message's id before it sends it, takes a lost reply for
"may have happened", and then repeats the message or reverses it (冲正) before it goes on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from yibao.client import Answer, CallOutcome, Care, Ending, NotDone
from yibao.kernel.money import (
    FEN_SCALE,
    PRICE_SCALE,
    QUANTITY_SCALE,
    Fen,
    Price,
    Quantity,
    line_amount,
    unscaled,
    yuan,
)
from yibao.kernel.periods import local_time
from yibao.sandbox.books import BillKey, Books, Kind, Label, canonical, fen
from yibao.sandbox.encounters import Encounter
from yibao.sandbox.line import Line

IDENTITY_CARD = "02"
"""Voucher type: the identity number."""

DOCTOR, DOCTOR_NAME = "D110000000001", "演示医生"
DEPARTMENT, DEPARTMENT_NAME = "A03", "内科"

_NEW_MESSAGES = 5
_REPEATING = Care(repeat=True, attempts=9, pause=0.02)
_WAYS = (
    _REPEATING,
    Care(attempts=2, pause=0.02),
    Care(query=False, attempts=9, pause=0.02),
)
"""What is done about a message whose outcome is unknown: the message again, a query and then its
reversal, or its reversal at once."""
_REVERSED = frozenset({"2102", "2207", "2304", "2401"})
"""Messages with which all these ways are gone; the others are repeated."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Who comes, as the front desk knows them."""

    number: str
    """``psn_no``."""
    certificate: str
    gender: str
    birth_date: date
    scheme: str
    division: str

    @property
    def voucher(self) -> dict[str, str]:
        """Who it is and what was shown, as most messages want it."""
        return {
            "psn_no": self.number,
            "insutype": self.scheme,
            "mdtrt_cert_type": IDENTITY_CARD,
            "mdtrt_cert_no": self.certificate,
        }


@dataclass(frozen=True, slots=True)
class PriceListEntry:
    """An item of the institution's price list."""

    code: str
    name: str
    price: Price


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of a bill before it is sent."""

    item: PriceListEntry
    quantity: Quantity
    price: Price

    @property
    def amount(self) -> Fen:
        """Price × quantity."""
        return line_amount(self.price, self.quantity)

    def fields(self, serial: str, at: str) -> dict[str, Any]:
        """What a fee line says of it in any kind of care."""
        return {
            "feedetl_sn": serial,
            "fee_ocur_time": at,
            "med_list_codg": self.item.code,
            "medins_list_codg": f"L{self.item.code}",
            "det_item_fee_sumamt": yuan(self.amount),
            "cnt": unscaled(self.quantity, QUANTITY_SCALE),
            "pric": unscaled(self.price, PRICE_SCALE),
            "bilg_dept_codg": DEPARTMENT,
            "bilg_dept_name": DEPARTMENT_NAME,
            "bilg_dr_codg": DOCTOR,
            "bilg_dr_name": DOCTOR_NAME,
            "hosp_appr_flag": "1",
        }


@dataclass(frozen=True, slots=True)
class Desk:
    """What all visits of one institution share."""

    line: Line
    books: Books
    level: str
    random: Random
    on_settled: Callable[[Mapping[str, Any]], None]
    """Told every ``setlinfo`` of a settlement."""

    async def identify(self, patient: Patient) -> None:
        """1101: the person must be in the scheme."""
        answer = await self.line.ask(
            "1101",
            {
                "data": {
                    "mdtrt_cert_type": IDENTITY_CARD,
                    "mdtrt_cert_no": patient.certificate,
                    "psn_cert_type": "01",
                    "certno": patient.certificate,
                }
            },
            None,
        )
        schemes = {str(row["insutype"]) for row in answer.done()["insuinfo"]}
        if patient.scheme not in schemes:
            self.books.faults.append(f"1101 of {patient.number} lacks {patient.scheme}")

    async def settle(
        self,
        patient: Patient,
        kind: Kind,
        numbers: tuple[str, str],
        content: Mapping[str, Any],
    ) -> BillKey:
        """Try and then settle (``numbers``) with the same message; the two must not differ."""
        trial, settlement = numbers
        tried = (await self.line.ask(trial, content, patient.division)).done()["setlinfo"]
        settled = canonical((await self.sure(settlement, content, patient))["setlinfo"])
        differing = [
            name
            for name, amount in tried.items()
            if name.endswith(("_pay", "_amt", "_sumamt", "_dedc"))
            and settled.get(name, amount) != amount  # 5203 shows fewer than the settlement
        ]
        if differing:
            self.books.faults.append(
                f"{settlement} of {settled['setl_id']} is not its trial: {differing}"
            )
        label = Label(kind, patient.scheme, self.level)
        key = self.books.settled(str(settled["mdtrt_id"]), label, settled)
        self.on_settled(settled)
        return key

    async def cancel(self, patient: Patient, number: str, key: BillKey) -> None:
        """Take a settlement back (2208, 2305, 2103)."""
        answer = await self.sure(
            number,
            {
                "data": {
                    "setl_id": key.settlement,
                    "mdtrt_id": key.visit,
                    "psn_no": patient.number,
                }
            },
            patient,
        )
        self.books.cancelled(key, canonical(answer["setlinfo"]))

    async def sure(
        self, infno: str, content: Mapping[str, Any], patient: Patient
    ) -> Mapping[str, Any]:
        """Send until the outcome is known, then answer with the output.

        What was reversed on the way is sent anew, as a new message. Raises NotDone.
        """
        for _ in range(_NEW_MESSAGES):
            care = self.random.choice(_WAYS) if infno in _REVERSED else _REPEATING
            end = await self.line.make_sure(infno, content, patient.division, care)
            if end.ending is Ending.REVERSED:
                continue
            if end.answer.outcome is CallOutcome.DONE and end.answer.infno == infno:
                await self._repeat(end.answer, content, patient)
            return end.answer.done()
        raise NotDone(end.answer)

    async def _repeat(self, answer: Answer, content: Mapping[str, Any], patient: Patient) -> None:
        """Now and then the message is sent once more, and the same must come back."""
        if not self.line.wants_repetition():
            return
        infno, message_id = answer.infno, answer.message_id
        again = await self.line.ask(infno, content, patient.division, message_id)
        if again.output != answer.output:
            self.books.faults.append(f"{infno} {message_id} repeated: another answer: {again}")

    def check_priced(
        self, what: str, charges: Iterable[Charge], results: Sequence[Mapping[str, Any]]
    ) -> None:
        """An upload answers the total that was sent."""
        if sum(charge.amount for charge in charges) != _sum(results, "det_item_fee_sumamt"):
            self.books.faults.append(f"{what} answers another total")


def diagnosis(encounter: Encounter) -> dict[str, Any]:
    """A row of ``diseinfo``."""
    return {
        "diag_type": "1",
        "diag_srt_no": 1,
        "diag_code": encounter.diagnosis,
        "diag_name": encounter.name,
        "diag_dept": encounter.department,
        "dise_dor_no": DOCTOR,
        "dise_dor_name": DOCTOR_NAME,
        "diag_time": moment(now()),
        "vali_flag": "1",
    }


def sums(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The sums that the uploads answered, as they are handed back with a bill."""
    names = {
        "medfee_sumamt": "det_item_fee_sumamt",
        "fulamt_ownpay_amt": "fulamt_ownpay_amt",
        "overlmt_selfpay": "overlmt_amt",
        "preselfpay_amt": "preselfpay_amt",
        "inscp_scp_amt": "inscp_scp_amt",
    }
    return {name: unscaled(_sum(results, of), FEN_SCALE) for name, of in names.items()}


def _sum(results: Sequence[Mapping[str, Any]], name: str) -> Fen:
    return sum(fen(line.get(name)) for line in results)


def now() -> datetime:
    """The machine's time, in Beijing."""
    return local_time(datetime.now(UTC))


def moment(at: datetime) -> str:
    """As the interface writes it."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
