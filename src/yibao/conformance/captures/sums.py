"""The four sums that a settlement hands back, as this server split the lines.

Another platform's catalogue splits lines otherwise; a hospital hands back what it was answered, and
so does a replay.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

UPLOADS = ("2204", "2301")
SETTLEMENTS = ("2206", "2207", "2303", "2304")
_WITHDRAWALS = ("2205", "2302")
_FIELDS = {
    "fulamt_ownpay_amt": "fulamt_ownpay_amt",
    "overlmt_selfpay": "overlmt_amt",
    "preselfpay_amt": "preselfpay_amt",
    "inscp_scp_amt": "inscp_scp_amt",
}

_Bill = tuple[str, str]
"""``mdtrt_id`` and ``chrg_bchno`` ("" for a stay)."""


class HandedBack:
    """The splits of the lines that were uploaded in one replay."""

    def __init__(self) -> None:
        self._lines: dict[_Bill, dict[str, Mapping[str, Decimal]]] = {}

    def put(self, number: str, content: Any) -> None:
        """Write the sums into the ``input`` of a settlement, where it has any."""
        data = content.get("data") if isinstance(content, dict) else None
        if number[:4] not in SETTLEMENTS or not isinstance(data, dict):
            return
        lines = self._lines.get(_bill(data))
        if lines is not None:
            for field in _FIELDS.keys() & data.keys():
                total = sum((line[field] for line in lines.values()), Decimal(0))
                data[field] = f"{total:.2f}"

    def learn(self, number: str, content: Any, output: Any) -> None:
        """Take note of what an upload was answered, or of what was withdrawn or settled."""
        if not isinstance(content, Mapping):
            return
        if number[:4] in UPLOADS and isinstance(output, Mapping):
            self._uploaded(content.get("feedetail"), output.get("result"))
        data = content.get("data")
        if number[:4] in _WITHDRAWALS:
            for row in data if isinstance(data, list) else [data]:
                self._withdrawn(row)
        elif (
            number[:4] == "2304" and isinstance(data, Mapping) and data.get("mid_setl_flag") == "1"
        ):
            self._lines.pop(_bill(data), None)

    def _uploaded(self, sent: Any, answered: Any) -> None:
        rows = answered if isinstance(answered, list) else [answered]
        splits = {str(row.get("feedetl_sn")): row for row in rows if isinstance(row, Mapping)}
        for line in sent if isinstance(sent, list) else [sent]:
            if not isinstance(line, Mapping):
                continue
            split = splits.get(str(line.get("feedetl_sn")))
            if split is not None:
                amounts = {field: _amount(split.get(name)) for field, name in _FIELDS.items()}
                self._lines.setdefault(_bill(line), {})[str(line["feedetl_sn"])] = amounts

    def _withdrawn(self, row: Any) -> None:
        if not isinstance(row, Mapping):
            return
        serial = row.get("feedetl_sn")
        if serial is not None and serial != "0000":
            self._lines.get(_bill(row), {}).pop(str(serial), None)
            return
        visit, batch = _bill(row)
        for bill in [b for b in self._lines if b[0] == visit and batch in ("", "0000", b[1])]:
            del self._lines[bill]


def _bill(row: Mapping[str, Any]) -> _Bill:
    return str(row.get("mdtrt_id") or ""), str(row.get("chrg_bchno") or "")


def _amount(raw: Any) -> Decimal:
    try:
        return Decimal(bytes(raw).decode() if isinstance(raw, msgspec.Raw) else str(raw))
    except InvalidOperation:
        return Decimal(0)
