"""A prescription's content in the words of 7101 and 7203, whichever form it was sent in.

The hospital interface (7101) writes snake_case, the centre (D001, D003) camelCase with a few other
names. Content is kept as texts in 7101's names, so that a pharmacy reads one form.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from msgspec import Raw

from yibao.gateway.reading import Row
from yibao.gateway.tables import Node as NodeTable
from yibao.gateway.tables import tables
from yibao.gateway.writing import moment
from yibao.kernel.money import unscaled

RENAMED = {
    "rx_drug_cnt": "rx_drug_nums",
    "rx_used_way_codg": "rx_way_codg",
    "rx_used_way_name": "rx_way_name",
    "rx_frqu_codg": "rx_freq_codg",
    "rx_frqu_name": "rx_freq_name",
    "vali_days": "valid_days",
    "vali_end_time": "valid_end_time",
    "medc_begntime": "medc_starttime",
    "patn_age": "age",
    "patn_hgt": "patn_ht",
    "ipt_otp_no": "ipt_op_no",
    "maindiag_code": "diag_code",
    "maindiag_name": "diag_name",
    "fstdiag_flag": "fstdiag",
    "diag_dr_no": "dise_dor_no",
    "diag_dr_name": "dise_dor_name",
}
"""Names of the centre in snake_case → names of 7101."""

Text = dict[str, Any]
"""Fields as texts, in 7101's names; fields that are objects stay as sent."""

_UPPER = re.compile("[A-Z]")


def spelled(number: str, node: str, row: Row) -> Text:
    """A read row as texts: numbers with the digits of their scale, dates and times as written."""
    scales = _scales(number, node)
    return {
        _official(name): _spelled(value, scales.get(name))
        for name, value in row.items()
        if not isinstance(value, list)
    }


def written(number: str, node: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """An output node from texts: its table's fields, numbers as numbers, null for what is not."""
    return {
        field.name: _written(values.get(field.name), is_number=field.kind == "N")
        for field in _node(tables().transactions[number].output, node).fields
    }


def _written(value: Any, *, is_number: bool) -> Any:
    return Raw(value) if is_number and isinstance(value, str) and value else value


def _spelled(value: Any, scale: int | None) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if scale is None else unscaled(value, scale) if scale else str(value)


def _official(name: str) -> str:
    snake = _UPPER.sub(lambda letter: "_" + letter[0].lower(), name)
    return RENAMED.get(snake, snake)


@cache
def _scales(number: str, node: str) -> dict[str, int]:
    found = _node(tables().transactions[number].input, node)
    return {
        field.name: int(field.length.partition(",")[2] or 0)
        for field in found.fields
        if field.kind == "N"
    }


def _node(nodes: tuple[NodeTable, ...], name: str) -> NodeTable:
    (found,) = (node for node in nodes if node.name == name)
    return found
