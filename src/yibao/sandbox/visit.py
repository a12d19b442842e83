"""One outpatient visit in a hospital's hands: the messages of it, and how each is made sure of.

The visit behaves like careful software: it notes a message's id before it sends it, takes a lost
reply for "may have happened", and then repeats the message or reverses it (冲正) before it goes on.
"""

from collections.abc import Callable, Mapping, Sequence
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
from yibao.sandbox.books import BillKey, Books, Label, canonical, fen
from yibao.sandbox.encounters import Encounter
from yibao.sandbox.line import Line

IDENTITY_CARD = "02"
"""Voucher type: the identity number."""

GENERAL_OUTPATIENT = "11"

_NEW_MESSAGES = 5
_REPEATING = Care(repeat=True, attempts=9, pause=0.02)
_WAYS = (
    _REPEATING,
    Care(attempts=2, pause=0.02),
    Care(query=False, attempts=9, pause=0.02),
)
"""What is done about a settlement whose outcome is unknown: the message again, a query and then
its reversal, or its reversal at once."""
_LONG_BILL = 4
"""A bill of more lines is uploaded in two messages."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Who comes, as the hospital's front desk knows them."""

    number: str
    """``psn_no``."""
    certificate: str
    gender: str
    birth_date: date
    scheme: str
    division: str


@dataclass(frozen=True, slots=True)
class PriceListEntry:
    """An item of the hospital's price list."""

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


@dataclass(frozen=True, slots=True)
class Desk:
    """What every visit of one hospital shares."""

    line: Line
    books: Books
    level: str
    random: Random
    on_settled: Callable[[Mapping[str, Any]], None]
    """Told every ``setlinfo`` of a settlement."""


class Visit:
    """One visit in the hospital's hands. Every message that changes something goes by ``_sure``."""

    def __init__(self, desk: Desk, patient: Patient, number: str) -> None:
        self._desk = desk
        self._books = desk.books
        self._line = desk.line
        self._patient = patient
        self._number = number
        self._id = ""
        self._begin = _now()
        self._batches = 0
        self._lines = 0
        self._results: dict[str, list[Mapping[str, Any]]] = {}

    @classmethod
    async def open(cls, desk: Desk, patient: Patient, number: str) -> "Visit":
        """Identify the patient (1101) and register the visit (2201)."""
        visit = cls(desk, patient, number)
        found = (
            await desk.line.ask(
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
        ).done()
        schemes = {str(row["insutype"]) for row in found["insuinfo"]}
        if patient.scheme not in schemes:
            desk.books.faults.append(f"1101 of {patient.number} lacks {patient.scheme}")
        answer = await visit._sure(
            "2201",
            {
                "data": {
                    "psn_no": patient.number,
                    "insutype": patient.scheme,
                    "begntime": visit._begin,
                    "mdtrt_cert_type": IDENTITY_CARD,
                    "mdtrt_cert_no": patient.certificate,
                    "ipt_otp_no": number,
                    "atddr_no": "D110000000001",
                    "dr_name": "演示医生",
                    "dept_code": "A03",
                    "dept_name": "内科",
                    "caty": "A03",
                }
            },
        )
        visit._id = str(answer["data"]["mdtrt_id"])
        return visit

    async def withdraw_registration(self) -> None:
        """2202."""
        await self._sure(
            "2202",
            {
                "data": {
                    "psn_no": self._patient.number,
                    "mdtrt_id": self._id,
                    "ipt_otp_no": self._number,
                }
            },
        )

    async def describe(self, encounter: Encounter) -> None:
        """2203: kind of care and diagnosis."""
        await self._sure(
            "2203",
            {
                "mdtrtinfo": {
                    "mdtrt_id": self._id,
                    "psn_no": self._patient.number,
                    "med_type": GENERAL_OUTPATIENT,
                    "begntime": self._begin,
                    "main_cond_dscr": encounter.name,
                },
                "diseinfo": [
                    {
                        "diag_type": "1",
                        "diag_srt_no": 1,
                        "diag_code": encounter.diagnosis,
                        "diag_name": encounter.name,
                        "diag_dept": encounter.department,
                        "dise_dor_no": "D110000000001",
                        "dise_dor_name": "演示医生",
                        "diag_time": _now(),
                        "vali_flag": "1",
                    }
                ],
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
        uploaded = sum(fen(line["det_item_fee_sumamt"]) for line in results)
        if uploaded != sum(charge.amount for charge in charges):
            self._books.faults.append(f"2204 of {batch} answers another total")
        return batch

    async def withdraw(self, batch: str) -> None:
        """2205."""
        await self._sure(
            "2205",
            {"data": {"mdtrt_id": self._id, "chrg_bchno": batch, "psn_no": self._patient.number}},
        )
        del self._results[batch]

    async def settle(self, batch: str) -> None:
        """2206, then 2207 with the sums that 2204 answered; the two must not differ."""
        content = self._bill(batch)
        trial = (await self._line.ask("2206", {"data": content}, self._patient.division)).done()
        settled = canonical((await self._sure("2207", {"data": content}))["setlinfo"])
        differing = [
            name
            for name, amount in trial["setlinfo"].items()
            if name.endswith(("_pay", "_amt", "_sumamt", "_dedc"))
            and settled.get(name, amount) != amount  # 5203 shows fewer than 2207
        ]
        if differing:
            self._books.faults.append(f"2207 of {batch} is not its trial: {differing}")
        self._books.settled(
            BillKey(self._id, batch),
            Label(self._patient.scheme, self._desk.level),
            settled,
        )
        self._desk.on_settled(settled)

    async def cancel(self, batch: str) -> None:
        """2208."""
        key = BillKey(self._id, batch)
        answer = await self._sure(
            "2208",
            {
                "data": {
                    "setl_id": self._books.living[key],
                    "mdtrt_id": self._id,
                    "psn_no": self._patient.number,
                }
            },
        )
        self._books.cancelled(key, answer["setlinfo"])

    async def _sure(self, infno: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send until the outcome is known, then answer with the output.

        What was reversed on the way is sent anew, as a new message.
        """
        for _ in range(_NEW_MESSAGES):
            care = self._desk.random.choice(_WAYS) if infno == "2207" else _REPEATING
            end = await self._line.make_sure(infno, content, self._patient.division, care)
            if end.ending is Ending.REVERSED:
                continue
            if end.answer.outcome is CallOutcome.DONE and end.answer.infno == infno:
                await self._repeat(end.answer, content)
            return end.answer.done()
        raise NotDone(end.answer)

    async def _repeat(self, answer: Answer, content: Mapping[str, Any]) -> None:
        """Now and then the message is sent once more, and the same must come back."""
        if not self._line.wants_repetition():
            return
        infno, message_id = answer.infno, answer.message_id
        again = await self._line.ask(infno, content, self._patient.division, message_id)
        if again.output != answer.output:
            self._books.faults.append(f"{infno} {message_id} repeated: another answer: {again}")

    def _fee_line(self, batch: str, charge: Charge) -> dict[str, Any]:
        self._lines += 1
        return {
            "feedetl_sn": f"{self._number}{self._lines:04d}",
            "mdtrt_id": self._id,
            "psn_no": self._patient.number,
            "chrg_bchno": batch,
            "rx_circ_flag": "0",
            "fee_ocur_time": self._begin,
            "med_list_codg": charge.item.code,
            "medins_list_codg": f"L{charge.item.code}",
            "det_item_fee_sumamt": yuan(charge.amount),
            "cnt": unscaled(charge.quantity, QUANTITY_SCALE),
            "pric": unscaled(charge.price, PRICE_SCALE),
            "bilg_dept_codg": "A03",
            "bilg_dept_name": "内科",
            "bilg_dr_codg": "D110000000001",
            "bilg_dr_name": "演示医生",
            "hosp_appr_flag": "1",
        }

    def _bill(self, batch: str) -> dict[str, Any]:
        """``data`` of 2206 and 2207: the sums that 2204 answered are handed back."""
        results = self._results[batch]

        def total(name: str) -> str:
            return unscaled(sum(fen(line.get(name)) for line in results), FEN_SCALE)

        return {
            "psn_no": self._patient.number,
            "mdtrt_cert_type": IDENTITY_CARD,
            "mdtrt_cert_no": self._patient.certificate,
            "med_type": GENERAL_OUTPATIENT,
            "medfee_sumamt": total("det_item_fee_sumamt"),
            "psn_setlway": "01",
            "mdtrt_id": self._id,
            "chrg_bchno": batch,
            "insutype": self._patient.scheme,
            "acct_used_flag": "1",
            "fulamt_ownpay_amt": total("fulamt_ownpay_amt"),
            "overlmt_selfpay": total("overlmt_amt"),
            "preselfpay_amt": total("preselfpay_amt"),
            "inscp_scp_amt": total("inscp_scp_amt"),
        }


def _now() -> str:
    return f"{local_time(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}"
