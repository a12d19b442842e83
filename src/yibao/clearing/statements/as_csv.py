"""The statement as one CSV table, for the hospital's own programs."""

import csv
import io
from collections.abc import Iterator

from yibao.clearing.statements.model import Cleared, Purse, Statement
from yibao.clearing.totals.model import Sums, TotalsRow
from yibao.kernel.money import yuan

COLUMNS = (
    "section", "day", "scheme", "clearing_class", "settled", "cancelled", "total", "in_scope",
    "funds", "account", "family", "cash", "hospital_part", "claimed", "item", "reference",
    "amount", "note",
)  # fmt: skip
"""``section`` is ``day``, ``total``, ``sum``, ``clearing``, ``deduction`` or ``account``."""

Row = dict[str, str]


def written(statement: Statement) -> str:
    """The CSV text, with header; amounts in yuan. A cell that a row has no use for is empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(statement))
    return buffer.getvalue()


def _rows(statement: Statement) -> Iterator[Row]:
    for day in statement.days:
        yield _bills("day", day)
    for total in statement.totals:
        yield _bills("total", total)
    yield {"section": "sum"} | sums_row(statement.sums)
    for cleared in statement.cleared:
        yield from _clearing(cleared)
    for purse in statement.purses:
        yield from _account(statement, purse)


def _clearing(cleared: Cleared) -> Iterator[Row]:
    application, back = cleared.application, cleared.given_back
    number = application.key.text()
    base = {
        "section": "clearing",
        "clearing_class": application.clearing_class,
        "reference": number,
    }
    yield base | {
        "item": application.state.value,
        "amount": yuan(application.figures.claimed),
        "note": back.reason if back else "",
    }
    if cleared.review is None:
        return
    granted = cleared.review.granted
    for item in ("deducted", "withheld", "payable", "set_off", "due"):
        yield base | {"item": item, "amount": yuan(getattr(granted, item))}
    for one in cleared.review.deductions:
        yield {
            "section": "deduction",
            "item": one.settlement.text() if one.settlement else "sum",
            "reference": number,
            "amount": yuan(one.amount),
            "note": one.reason,
        }


def _account(statement: Statement, purse: Purse) -> Iterator[Row]:
    def row(day: str, note: str, amount: int, reference: str = "") -> Row:
        return {
            "section": "account",
            "item": purse.name,
            "day": day,
            "note": note,
            "reference": reference,
            "amount": yuan(amount),
        }

    yield row(statement.first_day.isoformat(), "opening", purse.opening)
    for line in purse.lines:
        note = line.word.removeprefix("word_")
        yield row(line.day.isoformat(), note, line.amount, line.reference)
    yield row(statement.last_day.isoformat(), "closing", purse.closing)


def _bills(section: str, row: TotalsRow) -> Row:
    return {
        "section": section,
        "day": row.day.isoformat() if row.day else "",
        "scheme": row.scheme,
        "clearing_class": row.clearing_class,
    } | sums_row(row.sums)


def sums_row(sums: Sums) -> Row:
    """The sums as cells: counts, then yuan."""
    amounts = ("total", "in_scope", "funds", "account", "family", "cash", "hospital_part")
    return (
        {"settled": str(sums.settled), "cancelled": str(sums.cancelled)}
        | {name: yuan(getattr(sums, name)) for name in amounts}
        | {"claimed": yuan(sums.claimed)}
    )
