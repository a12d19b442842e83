"""An example ``input`` for each transaction, made from its field table.

The values are artificial but well-formed: they keep every length, form and code table, and agree
with each other (price × quantity is the amount, the four parts sum up to it). Who reads the
reference or opens the console sees a whole message; the tests break these examples field by field.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from yibao.gateway.tables import Field, Node, tables
from yibao.registry.dictionaries.service import table as code_table

EXAMPLE_DAY = date(2026, 7, 15)

_CARE_KINDS = {"21": "41", "23": "21", "24": "21"}
"""``med_type`` by the family's first two digits: pharmacy, stay; else an outpatient's 11."""

_DISEASE = {"code": "J06.900", "name": "急性上呼吸道感染"}
_POOL = "990000"
_VISIT = f"{_POOL}{1:019d}"
_DOCTOR = "D990000001"

_KNOWN: Mapping[str, str] = {
    "psn_no": f"{_POOL}0000000001",
    "psn_name": "测试人员",
    "certno": "990101198001010001",
    "mdtrt_cert_no": "990101198001010001",
    "mdtrt_id": _VISIT,
    "mdtrtId": _VISIT,
    "setl_id": f"{_POOL}{2:019d}",
    "setlId": f"{_POOL}{2:019d}",
    "omsgid": "H99000000001202607151200000001",
    "oinfno": "2207",
    "fixmedins_code": "H99000000001",
    "fixmedinsCode": "H99000000001",
    "fixmedins_name": "测试医院",
    "med_list_codg": "XA01BDA000A001010101234",
    "medins_list_codg": "YP0001",
    "insutype": "310",
    "gend": "1",
    "psn_cert_type": "01",
    "mdtrt_cert_type": "02",
    "acct_used_flag": "1",
    "psn_setlway": "01",
    "mid_setl_flag": "0",
    "hosp_appr_flag": "0",
    "chrg_bchno": "B0001",
    "feedetl_sn": "1",
    "ipt_otp_no": "MZ0001",
    "ipt_no": "ZY0001",
    "dise_codg": "",
    "dise_name": "",
    "diag_code": _DISEASE["code"],
    "diag_name": _DISEASE["name"],
    "dscg_maindiag_code": _DISEASE["code"],
    "dscg_maindiag_name": _DISEASE["name"],
    "adm_diag_dscr": _DISEASE["name"],
    "atddr_no": _DOCTOR,
    "dise_dor_no": _DOCTOR,
    "bilg_dr_codg": _DOCTOR,
    "dr_name": "测试医师",
    "dept_code": "0300",
    "dept_name": "内科",
    "caty": "A03",
    "ip": "10.0.0.1",
    "mac": "00-00-00-00-00-01",
    "opter_no": "0001",
    "tel": "00000000000",
    "ver": "0",
    "type": "gend",
    "valiFlag": "1",
    "insu_admdvs": "990100",
    "maindiag_flag": "1",
    "vali_flag": "1",
    "in": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==",
    "filename": "example.zip",
    "file_qury_no": "F0001",
    "setlym": "202607",
    "cum_ym": "202607",
}
"""Values by field name; "" leaves a field out that only some messages may carry."""

_NUMBERS: Mapping[str, str] = {
    "pric": "10",
    "cnt": "2",
    "det_item_fee_sumamt": "20",
    "medfee_sumamt": "20",
    "fulamt_ownpay_amt": "0",
    "overlmt_selfpay": "0",
    "preselfpay_amt": "0",
    "inscp_scp_amt": "20",
    "age": "46",
}

_SENT_ANYWAY = frozenset(
    {
        "mdtrt_cert_no",
        "med_type",
        "insutype",
        "certno",
        "psn_no",
        "psn_name",
        "begntime",
        "ipt_no",
        "hosp_appr_flag",
        "mid_setl_flag",
        "fulamt_ownpay_amt",
        "overlmt_selfpay",
        "preselfpay_amt",
        "inscp_scp_amt",
        "in",
    }
)
"""Fields that real messages carry though their tables do not insist on them."""

_LEFT_OUT = frozenset({"drug_trac_info"})
"""Nodes that an example is whole without: a box is sold once, so one that names it plays once."""


def example(number: str, on: date = EXAMPLE_DAY) -> dict[str, Any]:
    """An ``input`` of a transaction, its times on day ``on``; {} for one without a table.

    A node shows its required fields and those that real messages carry anyway; where the table
    requires none, every field that it lists. Amounts are decimal text, as exact as JSON can be.
    """
    table = tables().find(number)
    nodes = () if table is None else table.input
    return _inside("", nodes, number, on)


def example_value(field: Field, number: str, on: date = EXAMPLE_DAY) -> Any:
    """A value that keeps the field's rule; "" where the example leaves the field out."""
    if field.kind == "D":
        return on.isoformat()
    if field.kind == "DT":
        return f"{on.isoformat()} 12:00:00"
    if field.kind == "N":
        return _number(field)
    if field.name == "med_type":
        return _CARE_KINDS.get(number[:2], "11")
    known = _KNOWN.get(field.name)
    if known is not None and len(known) <= _longest(field):
        return known
    return _code(field) or _text(field)


def _inside(path: str, nodes: Sequence[Node], number: str, on: date) -> dict[str, Any]:
    """The nodes that lie directly in the node of a path ("": in ``input``), by their names."""
    shown: dict[str, Any] = {}
    for node in nodes:
        above, _, name = node.name.rpartition(".")
        if above == path and name not in _LEFT_OUT:
            row = _row(node, number, on) | _inside(node.name, nodes, number, on)
            shown[name] = [row] if node.many else row
    return shown


def _row(node: Node, number: str, on: date) -> dict[str, Any]:
    chosen = node.fields
    if any(field.required == "Y" for field in chosen):
        chosen = tuple(f for f in chosen if f.required == "Y" or f.name in _SENT_ANYWAY)
    values = {field.name: example_value(field, number, on) for field in chosen}
    return {name: value for name, value in values.items() if value != ""}


def _number(field: Field) -> str | int:
    digits, _, scale = field.length.partition(",")
    places = int(scale or 0)
    value = Decimal(_NUMBERS.get(field.name, "1"))
    if value >= 10 ** (int(digits or 18) - places):
        value = Decimal(1)
    return f"{value:.{places}f}" if places else int(value)


def _longest(field: Field) -> int:
    return int(field.length) if field.length.isdigit() else 4000


def _code(field: Field) -> str:
    """The first value of a code table; "" when there is no table, or only patterns in it."""
    table = code_table(field.codes)
    values = [] if table is None else [v.value for v in table.values if not v.is_pattern]
    return next((value for value in values if len(value) <= _longest(field)), "")


def _text(field: Field) -> str:
    """Text that says what it stands for, where a name or a description is meant; else a number."""
    longest = _longest(field)
    if field.name.endswith(("_flag", "Flag")):
        return "1"
    says = field.name.endswith(("name", "Name", "dscr", "memo", "addr", "way", "info"))
    if says and field.label and longest >= 2 + len(field.label):
        return f"示例{field.label}"
    return "T0001"[:longest] if longest < 30 else "TEST0001"
