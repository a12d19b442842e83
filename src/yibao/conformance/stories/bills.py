"""Lines of a bill, and the sums that are handed back."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from yibao.conformance.probe import Probe

FOUR_SUMS = {
    "fulamt_ownpay_amt": "fulamt_ownpay_amt",
    "overlmt_selfpay": "overlmt_amt",
    "preselfpay_amt": "preselfpay_amt",
    "inscp_scp_amt": "inscp_scp_amt",
}
"""Fields of a settlement and of the priced lines that they sum up."""


def lines(probe: Probe, visit: str, batch: str, count: int = 2) -> list[dict[str, Any]]:
    """Fee lines of the target's items, two of each."""
    return [
        {
            "feedetl_sn": probe.serial("L"),
            "mdtrt_id": visit,
            "psn_no": probe.psn_no,
            "chrg_bchno": batch,
            "rx_circ_flag": "0",
            "fee_ocur_time": probe.now(),
            "med_list_codg": item.code,
            "medins_list_codg": f"X{item.code}"[:150],
            "det_item_fee_sumamt": f"{Decimal(item.price) * count:.2f}",
            "cnt": str(count),
            "pric": item.price,
            "bilg_dept_codg": "A03",
            "bilg_dept_name": "内科",
            "bilg_dr_codg": "D990000000001",
            "bilg_dr_name": "测试医生",
            "hosp_appr_flag": "1",
        }
        for item in probe.target.items
    ]


def priced_faults(sent: Iterable[Mapping[str, Any]], priced: Iterable[Any]) -> list[str]:
    """What is wrong with the priced lines that answer uploaded ones."""
    by_serial = {str(row.get("feedetl_sn")): row for row in priced}
    faults = []
    for line in sent:
        row = by_serial.get(line["feedetl_sn"])
        if row is None:
            faults.append(f"line {line['feedetl_sn']} is not answered")
            continue
        total = Decimal(str(row["det_item_fee_sumamt"]))
        parts = sum(Decimal(str(row.get(name) or 0)) for name in FOUR_SUMS.values())
        if total != Decimal(line["det_item_fee_sumamt"]):
            faults.append(f"line {line['feedetl_sn']} came back as {total}")
        if total != parts:
            faults.append(f"line {line['feedetl_sn']}: {total} is not its four parts {parts}")
    return faults


def sums(priced: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Total and four sums of priced lines, as a settlement hands them back."""
    rows = list(priced)

    def total(name: str) -> str:
        return f"{sum(Decimal(str(row.get(name) or 0)) for row in rows):.2f}"

    return {"medfee_sumamt": total("det_item_fee_sumamt")} | {
        field: total(name) for field, name in FOUR_SUMS.items()
    }
