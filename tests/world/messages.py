"""The messages of one bill, as an institution's software writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.world.plan import Bill, Kind
from yibao.kernel.money import FEN_SCALE, QUANTITY_SCALE, line_amount, unscaled, yuan
from yibao.sandbox.books import fen
from yibao.sandbox.desk import Charge, Patient, PriceListEntry, diagnosis, moment, sums
from yibao.sandbox.encounters import CHECKUP
from yibao.sandbox.stay import ORDINARY as STAY
from yibao.sandbox.visit import GENERAL_OUTPATIENT

Content = dict[str, Any]

SETTLES = {Kind.OUTPATIENT: "2207", Kind.STAY: "2304", Kind.PURCHASE: "2102"}
CANCELS = {Kind.OUTPATIENT: "2208", Kind.STAY: "2305", Kind.PURCHASE: "2103"}
CLEARED_AS = {Kind.OUTPATIENT: "11", Kind.STAY: "21", Kind.PURCHASE: "41"}

_STAFF = {"atddr_no": "D110000000001"}


@dataclass(frozen=True, slots=True)
class Paper:
    """Writes the messages of one bill."""

    bill: Bill
    patient: Patient
    charges: tuple[Charge, ...]
    now: datetime
    """What the institution's clock shows as the bill begins."""
    number: str
    """The institution's own number of the case."""

    @property
    def total(self) -> int:
        """In fen."""
        return sum(charge.amount for charge in self.charges)

    def registration(self) -> Content:
        """2201."""
        return {
            "data": {
                **self.patient.voucher,
                **_STAFF,
                "begntime": moment(self.now),
                "ipt_otp_no": self.number,
                "dr_name": "演示医生",
                "dept_code": "A03",
                "dept_name": "内科",
                "caty": "A03",
            }
        }

    def description(self, visit: str) -> Content:
        """2203."""
        return {
            "mdtrtinfo": {
                **self._own(visit),
                "med_type": GENERAL_OUTPATIENT,
                "begntime": moment(self.now),
                "main_cond_dscr": CHECKUP.name,
            },
            "diseinfo": [diagnosis(CHECKUP)],
        }

    def admission(self) -> Content:
        """2401."""
        return {
            "mdtrtinfo": {
                **_STAFF,
                **self.patient.voucher,
                "begntime": moment(self.now - timedelta(hours=1)),
                "med_type": STAY,
                "chfpdr_name": "演示医生",
                "adm_diag_dscr": CHECKUP.name,
                "adm_dept_codg": "A03",
                "adm_dept_name": "内科",
                "adm_bed": "01",
                "dscg_maindiag_code": CHECKUP.diagnosis,
                "dscg_maindiag_name": CHECKUP.name,
                "ipt_no": self.number,
            },
            "diseinfo": [self._main_diagnosis()],
        }

    def discharge(self, visit: str) -> Content:
        """2402."""
        return {
            "dscginfo": {
                **self._own(visit),
                "insutype": self.patient.scheme,
                "endtime": moment(self.now),
                "dscg_dept_codg": "A03",
                "dscg_dept_name": "内科",
                "dscg_bed": "01",
                "dscg_way": "1",
            },
            "diseinfo": [self._main_diagnosis()],
        }

    def lines(self, visit: str) -> Content:
        """2204 or 2301."""
        own = self._own(visit)
        stay = self.bill.kind is Kind.STAY
        kind = {"med_type": STAY} if stay else {"chrg_bchno": "B1", "rx_circ_flag": "0"}
        return {
            "feedetail": [
                {**charge.fields(f"{self.number}{n}", moment(self.now)), **own, **kind}
                for n, charge in enumerate(self.charges, 1)
            ]
        }

    def settlement(self, visit: str, results: Sequence[Mapping[str, Any]]) -> Content:
        """2207 or 2304, with the sums that the upload answered."""
        common = {
            **self._own(visit),
            **self.patient.voucher,
            **sums(results),
            "psn_setlway": "01",
            "acct_used_flag": "1" if self.bill.use_account else "0",
        }
        if self.bill.kind is Kind.STAY:
            return {"data": {**common, "mid_setl_flag": "0"}}
        return {"data": {**common, "med_type": GENERAL_OUTPATIENT, "chrg_bchno": "B1"}}

    def purchase(self) -> Content:
        """2102."""
        return {
            "druginfo": {
                **self.patient.voucher,
                "begntime": moment(self.now),
                "med_type": "41",
                "medfee_sumamt": yuan(self.total),
                "acct_used_flag": "1" if self.bill.use_account else "0",
            },
            "drugdetail": [
                {**charge.fields(f"{self.number}{n}", moment(self.now)), "rx_circ_flag": "0"}
                for n, charge in enumerate(self.charges, 1)
            ],
        }

    def cancellation(self, visit: str, settlement: str) -> Content:
        """2208, 2305 or 2103."""
        return {"data": {**self._own(visit), "setl_id": settlement}}

    def reversal(self, infno: str, message: str) -> Content:
        """2601."""
        return {"data": {"psn_no": self.patient.number, "omsgid": message, "oinfno": infno}}

    def _own(self, visit: str) -> dict[str, str]:
        return {"mdtrt_id": visit, "psn_no": self.patient.number}

    def _main_diagnosis(self) -> Content:
        main = {"psn_no": self.patient.number, "maindiag_flag": "1", "adm_cond": "1"}
        return {**diagnosis(CHECKUP), **main}


def charges_of(bill: Bill, price_list: Sequence[PriceListEntry]) -> tuple[Charge, ...]:
    """Lines that come to about what the bill shall come to."""
    drugs = [entry for entry in price_list if entry.code.startswith("X")]
    offered = drugs if bill.kind is Kind.PURCHASE and drugs else price_list
    charges = []
    for n in range(bill.lines):
        entry = offered[(bill.number * 7 + n * 13) % len(offered)]
        one = line_amount(entry.price, 10**QUANTITY_SCALE)
        quantity = max(1, round(bill.fen / bill.lines / max(1, one)))
        charges.append(Charge(entry, quantity * 10**QUANTITY_SCALE, entry.price))
    return tuple(charges)


def net(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """The sum of a column as the interface writes an amount."""
    return unscaled(sum(fen(row[name]) for row in rows), FEN_SCALE)
