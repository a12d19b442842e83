"""What a ward and a pharmacy send: inputs of 24xx, 23xx and 21xx, and whole stays."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.gateway.builders import Counter, Json

ADMITTED, DISCHARGED = "2026-07-10 09:00:00", "2026-07-14 10:00:00"
FEE_TIME = "2026-07-11 08:00:00"


def admission(counter: Counter, member: str, **changes: Any) -> Json:
    """``input`` of 2401."""
    info: Json = {
        "psn_no": member,
        "insutype": "310",
        "tel": "00000000000",
        "begntime": ADMITTED,
        "mdtrt_cert_type": "02",
        "mdtrt_cert_no": counter.town.documents.get(member, "?"),
        "med_type": "21",
        "ipt_no": "ZY0001",
        "atddr_no": "D110000001",
        "chfpdr_name": "医师甲",
        "adm_diag_dscr": "感冒",
        "adm_dept_codg": "0300",
        "adm_dept_name": "内科",
        "adm_bed": "12",
        "dscg_maindiag_code": "J06.900",
        "dscg_maindiag_name": "感冒",
    }
    return {"mdtrtinfo": info | changes, "diseinfo": [diagnosis(member)]}


def diagnosis(member: str, **changes: Any) -> Json:
    """A row of ``diseinfo``."""
    row = {
        "psn_no": member,
        "diag_type": "1",
        "maindiag_flag": "1",
        "diag_srt_no": 1,
        "diag_code": "J06.900",
        "diag_name": "感冒",
        "adm_cond": "有",
        "diag_dept": "内科",
        "dise_dor_no": "D110000001",
        "dise_dor_name": "医师甲",
        "diag_time": ADMITTED,
        "vali_flag": "1",
    }
    return row | changes


@dataclass
class Stay:
    """A member's stay at the counter's hospital."""

    counter: Counter
    member: str
    visit: str
    priced: list[Json] = field(default_factory=list)

    @property
    def whose(self) -> Json:
        """The fields that name it."""
        return {"psn_no": self.member, "mdtrt_id": self.visit}

    def fee(self, serial: str, price: str, count: str = "1", **changes: Any) -> Json:
        """A row of 2301's ``feedetail``."""
        amount = (Decimal(price) * Decimal(count)).quantize(Decimal("0.01"))
        row = {
            "feedetl_sn": serial,
            **self.whose,
            "med_type": "21",
            "fee_ocur_time": FEE_TIME,
            "med_list_codg": "XA01",
            "medins_list_codg": "H-XA01",
            "det_item_fee_sumamt": str(amount),
            "cnt": count,
            "pric": price,
            "bilg_dept_codg": "0300",
            "bilg_dept_name": "内科",
            "bilg_dr_codg": "D110000001",
            "bilg_dr_name": "医师甲",
            "hosp_appr_flag": "0",
        }
        return row | changes

    async def charge(self, *rows: Json) -> list[Json]:
        """Upload lines; the priced ones."""
        output = await self.counter.done("2301", {"feedetail": list(rows)})
        self.priced += output["result"]
        priced: list[Json] = output["result"]
        return priced

    def discharge(self, **changes: Any) -> Json:
        """``input`` of 2402."""
        info = {
            **self.whose,
            "insutype": "310",
            "endtime": DISCHARGED,
            "dscg_dept_codg": "0300",
            "dscg_dept_name": "内科",
            "dscg_way": "1",
        }
        later = diagnosis(self.member, diag_name="感冒痊愈", diag_time=DISCHARGED)
        return {"dscginfo": info | changes, "diseinfo": [later]}

    def settlement(self, *, with_sums: bool = True, **changes: Any) -> Json:
        """``input`` of 2303 or 2304 over all lines that were priced."""

        def total(name: str) -> str:
            return str(sum((Decimal(row[name]) for row in self.priced), Decimal("0.00")))

        data: Json = {
            **self.whose,
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self.counter.town.documents.get(self.member, "?"),
            "medfee_sumamt": total("det_item_fee_sumamt"),
            "psn_setlway": "01",
            "insutype": "310",
            "acct_used_flag": "1",
        }
        if with_sums:
            data |= {
                "fulamt_ownpay_amt": total("fulamt_ownpay_amt"),
                "overlmt_selfpay": total("overlmt_amt"),
                "preselfpay_amt": total("preselfpay_amt"),
                "inscp_scp_amt": total("inscp_scp_amt"),
            }
        return {"data": data | changes}

    async def settled(self, **changes: Any) -> Json:
        """Discharge and settle; 2304's output."""
        await self.counter.done("2402", self.discharge())
        output: Json = await self.counter.done("2304", self.settlement(**changes))
        return output


async def admitted(counter: Counter, member: str | None = None, **changes: Any) -> Stay:
    """A person in hospital."""
    member = member or await counter.town.insure(account="500")
    output = await counter.done("2401", admission(counter, member, **changes))
    return Stay(counter, member, output["result"]["mdtrt_id"])


def purchase(counter: Counter, member: str | None, *rows: Json, **changes: Any) -> Json:
    """``input`` of 2101 or 2102."""
    bought = list(rows) or [drug("1", "12.50", "2")]
    info: Json = {
        "mdtrt_cert_type": "02",
        "mdtrt_cert_no": counter.town.documents.get(member or "", "?"),
        "begntime": "2026-07-15 11:00:00",
        "medfee_sumamt": str(sum(Decimal(row["det_item_fee_sumamt"]) for row in bought)),
        "insutype": "310",
        "acct_used_flag": "1",
        "med_type": "41",
    }
    if member is not None:
        info["psn_no"] = member
    return {"druginfo": info | changes, "drugdetail": bought}


def drug(serial: str, price: str, count: str = "1", **changes: Any) -> Json:
    """A row of ``drugdetail``."""
    amount = (Decimal(price) * Decimal(count)).quantize(Decimal("0.01"))
    row = {
        "feedetl_sn": serial,
        "fee_ocur_time": "2026-07-15 11:00:00",
        "med_list_codg": "XA01",
        "medins_list_codg": "P-XA01",
        "det_item_fee_sumamt": str(amount),
        "cnt": count,
        "pric": price,
    }
    return row | changes
