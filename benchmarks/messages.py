"""What institutions send, by what somebody comes for: templates with marks for what differs.

A *journey* is a row of messages. Marks stand between @: who it is (``@psn@``), the sums that an
upload answered (``@total@``), a number of the journey's own (``@otp@``), the time (``@now@``), and
what an earlier answer told (``@visit@``, ``@settlement@``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yibao.kernel.money import yuan
from yibao.sandbox.books import fen

Row = Mapping[str, Any]

LINES = 20
"""Fee lines of an outpatient visit."""
BASKET = 3
"""Fee lines of a purchase."""
UPLOADS = 5
"""Messages of ``LINES`` lines each that a stay's charges come in."""

SUMS = {
    "total": "det_item_fee_sumamt",
    "own": "fulamt_ownpay_amt",
    "over": "overlmt_amt",
    "first": "preselfpay_amt",
    "scope": "inscp_scp_amt",
}
"""Marks of the sums that are handed back, and the fields of an upload's answer that they add up."""
_HANDED_BACK = {
    "medfee_sumamt": "@total@",
    "fulamt_ownpay_amt": "@own@",
    "overlmt_selfpay": "@over@",
    "preselfpay_amt": "@first@",
    "inscp_scp_amt": "@scope@",
}

_DOCTOR, _DOCTOR_NAME = "D110000000001", "演示医生"
_BILLED = {
    "bilg_dept_codg": "A03",
    "bilg_dept_name": "内科",
    "bilg_dr_codg": _DOCTOR,
    "bilg_dr_name": _DOCTOR_NAME,
}
_DISEASE, _DISEASE_NAME = "I10.x00", "特发性（原发性）高血压"
_VOUCHER = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "@certno@"}
_VISIT = {"mdtrt_id": "@visit@", "psn_no": "@psn@"}
_MEMBER = {"psn_no": "@psn@", "insutype": "@scheme@"}


@dataclass(frozen=True, slots=True)
class Message:
    """One call: a template of its ``input``, and which fields of the answer are needed later."""

    template: str
    """The transaction, and what follows a ``#`` where a journey has several of it."""
    content: Row
    takes: Mapping[str, str] = field(default_factory=dict)
    """Field of the answer by mark."""

    @property
    def number(self) -> str:
        """The transaction."""
        return self.template[:4]


@dataclass(frozen=True, slots=True)
class Journey:
    """What somebody comes for, at one institution."""

    steps: Sequence[Message]
    begin: Sequence[Message] = ()
    """Done once for a patient beforehand; the steps go over it again and again."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What an institution's messages are filled in from."""

    items: Sequence[Row]
    """Of the institution's pool, from the sandbox's accounts."""
    now: str
    """Beijing's time when the load begins."""


# ------------------------------------------------------------------------------------- outpatients


def visit(paper: Paper) -> Journey:
    """2201, 2203, 2204 with 20 lines, 2206, 2207."""
    return Journey(_visit(paper))


def trial(paper: Paper) -> Journey:
    """2206 alone, of visits that have their lines."""
    messages = _visit(paper)
    return Journey(begin=messages[:3], steps=[messages[3]])


def cancellation(paper: Paper) -> Journey:
    """A visit that is settled, and taken back by 2208."""
    back = {"data": {**_VISIT, "setl_id": "@settlement@"}}
    return Journey([*_visit(paper), Message("2208", back)])


def query(paper: Paper) -> Journey:
    """What is asked about a settled visit: 1101, 5201 to 5204, 5206; and 3201 of the day."""
    day = paper.now[:10]
    person = {**_VOUCHER, "psn_cert_type": "01", "certno": "@certno@"}
    span = {"begntime": f"{day} 00:00:00", "endtime": f"{day} 23:59:59"}
    totals = {
        "insutype": "@scheme@",
        "clr_type": "11",
        "setl_optins": "@insured@",
        "stmt_begndate": day,
        "stmt_enddate": day,
        "medfee_sumamt": "0.00",
        "fund_pay_sumamt": "0.00",
        "acct_pay": "0.00",
        "fixmedins_setl_cnt": 0,
    }
    settled = {**_VISIT, "setl_id": "@settlement@"}
    return Journey(
        begin=_visit(paper),
        steps=[
            Message("1101", {"data": person}),
            Message("5201", {"data": {"psn_no": "@psn@", "med_type": "11", **span}}),
            Message("5202", {"data": _VISIT}),
            Message("5203", {"data": settled}),
            Message("5204", {"data": settled}),
            Message("5206", {"data": {"psn_no": "@psn@"}}),
            Message("3201", {"data": totals}),
        ],
    )


def _visit(paper: Paper) -> list[Message]:
    now = paper.now
    begin = {
        "data": {
            **_MEMBER,
            "begntime": now,
            **_VOUCHER,
            "ipt_otp_no": "@otp@",
            "atddr_no": _DOCTOR,
            "dr_name": _DOCTOR_NAME,
            "dept_code": "A03",
            "dept_name": "内科",
            "caty": "A03",
        }
    }
    description = {
        "mdtrtinfo": {**_VISIT, "med_type": "11", "begntime": now, "main_cond_dscr": "高血压"},
        "diseinfo": [
            {
                "diag_type": "1",
                "diag_srt_no": 1,
                "diag_code": _DISEASE,
                "diag_name": _DISEASE_NAME,
                "diag_dept": "A03",
                "dise_dor_no": _DOCTOR,
                "dise_dor_name": _DOCTOR_NAME,
                "diag_time": now,
                "vali_flag": "1",
            }
        ],
    }
    lines = [
        {
            **_line(item, f"@otp@-{number:02d}"),
            **_VISIT,
            "chrg_bchno": "@otp@",
            "rx_circ_flag": "0",
            "fee_ocur_time": now,
        }
        for number, item in enumerate(paper.items[:LINES])
    ]
    bill = {
        "data": {
            **_VISIT,
            **_VOUCHER,
            "med_type": "11",
            **_HANDED_BACK,
            "psn_setlway": "01",
            "chrg_bchno": "@otp@",
            "insutype": "@scheme@",
            "acct_used_flag": "1",
        }
    }
    return [
        Message("2201", begin, {"visit": "mdtrt_id"}),
        Message("2203", description),
        Message("2204", {"feedetail": lines}),
        Message("2206", bill),
        Message("2207", bill, {"settlement": "setl_id"}),
    ]


def _line(item: Row, serial: str) -> dict[str, Any]:
    return {
        "feedetl_sn": serial,
        "med_list_codg": item["med_list_codg"],
        "medins_list_codg": item["med_list_codg"],
        "det_item_fee_sumamt": item["pric"],
        "cnt": "1",
        "pric": item["pric"],
        **_BILLED,
        "hosp_appr_flag": "1",
    }


# --------------------------------------------------------------------------- pharmacies and stays


def purchase(paper: Paper) -> Journey:
    """2101, then 2102 with the same basket."""
    drugs = [item for item in paper.items if item["med_list_codg"][0] in "XZ"][:BASKET]
    basket = {
        "druginfo": {
            **_MEMBER,
            **_VOUCHER,
            "begntime": paper.now,
            "med_type": "41",
            "medfee_sumamt": _total(drugs),
            "acct_used_flag": "1",
        },
        "drugdetail": [
            {
                **_line(item, f"@otp@-{number:02d}"),
                "fee_ocur_time": paper.now,
                "rx_circ_flag": "0",
            }
            for number, item in enumerate(drugs)
        ],
    }
    return Journey([Message("2101", basket), Message("2102", basket)])


def stay(paper: Paper) -> Journey:
    """2401, several 2301 of 20 lines each, 2402, 2303, 2304; the person has come and goes today."""
    items = paper.items[:LINES]
    diagnosis = {
        "psn_no": "@psn@",
        "diag_type": "1",
        "maindiag_flag": "1",
        "diag_srt_no": 1,
        "diag_code": _DISEASE,
        "diag_name": _DISEASE_NAME,
        "adm_cond": "1",
        "diag_dept": "A03",
        "dise_dor_no": _DOCTOR,
        "dise_dor_name": _DOCTOR_NAME,
        "diag_time": "@now@",
        "vali_flag": "1",
    }
    admission = {
        **_MEMBER,
        **_VOUCHER,
        "begntime": "@now@",
        "med_type": "21",
        "ipt_no": "@otp@",
        "atddr_no": _DOCTOR,
        "chfpdr_name": _DOCTOR_NAME,
        "adm_diag_dscr": _DISEASE_NAME,
        "adm_dept_codg": "A03",
        "adm_dept_name": "内科",
        "adm_bed": "12",
        "dscg_maindiag_code": _DISEASE,
        "dscg_maindiag_name": _DISEASE_NAME,
    }
    discharge = {
        **_VISIT,
        "insutype": "@scheme@",
        "endtime": "@now@",
        "dscg_dept_codg": "A03",
        "dscg_dept_name": "内科",
        "dscg_way": "1",
    }
    uploads = [
        Message(
            f"2301#{part}",
            {
                "feedetail": [
                    {
                        **_line(item, f"@otp@-{part}{number:02d}"),
                        **_VISIT,
                        "med_type": "21",
                        "fee_ocur_time": "@now@",
                    }
                    for number, item in enumerate(items)
                ]
            },
        )
        for part in range(UPLOADS)
    ]
    bill = {
        "data": {
            **_VISIT,
            **_VOUCHER,
            "insutype": "@scheme@",
            **_HANDED_BACK,
            "psn_setlway": "01",
            "acct_used_flag": "1",
        }
    }
    return Journey(
        [
            Message(
                "2401", {"mdtrtinfo": admission, "diseinfo": [diagnosis]}, {"visit": "mdtrt_id"}
            ),
            *uploads,
            Message("2402", {"dscginfo": discharge, "diseinfo": [diagnosis]}),
            Message("2303", bill),
            Message("2304", bill),
        ]
    )


def _total(items: Sequence[Row]) -> str:
    """One piece of each."""
    return yuan(sum(fen(item["pric"]) for item in items))


def taken_back() -> list[Message]:
    """A stay that is none after all: its lines go (2302), then its admission (2404)."""
    return [
        Message("2302", {"data": [{**_VISIT, "feedetl_sn": "0000"}]}),
        Message("2404", {"data": _VISIT}),
    ]


JOURNEYS: Mapping[str, Callable[[Paper], Journey]] = {
    "visit": visit,
    "trial": trial,
    "cancellation": cancellation,
    "query": query,
    "purchase": purchase,
    "stay": stay,
}
"""What somebody may come for."""

AT_PHARMACIES = frozenset({"purchase"})
