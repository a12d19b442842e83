"""Rows of fee lines (费用明细) as the settlement room takes them; 2204, 2301 and 2102 share it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from yibao.gateway.reading import Row
from yibao.gateway.writing import moment
from yibao.kernel.money import unscaled
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.model import ALL_BATCHES, FeeLine

_PERIOD_DAYS = "prd_days"
_PERIOD_DAYS_SCALE = 2


def fee_line(row: Row) -> FeeLine:
    """One row as a fee line; a stay's and a pharmacy's name no charge batch.

    What has a place of its own is taken out of the row; what is left are the line's details.
    """
    rest = row.copy()
    take = rest.pop
    take("mdtrt_id", None)
    take("psn_no", None)
    return FeeLine(
        serial=take("feedetl_sn"),
        batch=take("chrg_bchno", ""),
        item=take("med_list_codg"),
        institution_item=take("medins_list_codg"),
        amount=take("det_item_fee_sumamt"),
        price=take("pric"),
        quantity=take("cnt"),
        time=take("fee_ocur_time"),
        approval=take("hosp_appr_flag", ""),
        returns=take("init_feedetl_sn", None),
        details=_details(rest),
    )


def _details(rest: dict[str, Any]) -> dict[str, Any]:
    if _PERIOD_DAYS in rest:
        rest[_PERIOD_DAYS] = unscaled(rest[_PERIOD_DAYS], _PERIOD_DAYS_SCALE)
    return rest


def check_one_visit(rows: Sequence[Row], node: str) -> None:
    """Refused when there are no rows, or when they are not of one person's one visit."""
    if not rows:
        raise Refused(RefusalCode.BATCH_EMPTY, f"{node}（费用明细）至少一条", node)
    for name, label in (("psn_no", "人员编号"), ("mdtrt_id", "就诊ID")):
        check_equal(rows, node, name, label)


def check_equal(rows: Sequence[Row], node: str, name: str, label: str) -> None:
    """Refused when a row's field differs from the first row's."""
    first = rows[0].get(name)
    for place, row in enumerate(rows, 1):
        if row.get(name) != first:
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"{node}[{place}].{name}（{label}）与第1条不同，一次上传只能是同一次就诊的明细",
                f"{node}[{place}].{name}",
            )


def check_batch_names(rows: Sequence[Row], node: str) -> None:
    """Refused when a batch is called by the word that means all of them."""
    for place, row in enumerate(rows, 1):
        if row["chrg_bchno"] == ALL_BATCHES:
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"{node}[{place}].chrg_bchno（收费批次号）不得为{ALL_BATCHES}：它在2205中代表全部",
                f"{node}[{place}].chrg_bchno",
            )


def kept(row: Row, but_not: frozenset[str]) -> dict[str, Any]:
    """The other fields of a row as JSON: dates and times as they are written."""
    return {name: _plain(value) for name, value in row.items() if name not in but_not}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    return value.isoformat() if isinstance(value, date) else value
