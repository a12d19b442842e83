"""An institution's notebook: every message that moves money, and what the institution knows of it.

What stands is told from the notebook alone: a settlement that is known to be done, is not reversed,
and has no cancellation that is done and not reversed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from tests.world.messages import CLEARED_AS, SETTLES, Paper
from yibao.kernel.periods import business_date
from yibao.sandbox.books import Amounts, BillKey, amounts_of


class Knowledge(StrEnum):
    """What is known of a message."""

    OPEN = "open"
    """Nothing for certain."""
    DONE = "done"
    REFUSED = "refused"
    REVERSED = "reversed"


@dataclass(slots=True)
class Attempt:
    """One message that moves money."""

    paper: Paper
    infno: str
    content: dict[str, Any]
    message: str
    known: Knowledge = Knowledge.OPEN
    info: dict[str, Any] = field(default_factory=dict)
    """``setlinfo`` of its answer."""
    reversal: str | None = None
    """Id of the 2601 about it, once one was sent: from then on it must be undone."""

    @property
    def settles(self) -> bool:
        """Whether it makes a bill; else it takes one back."""
        return self.infno == SETTLES[self.paper.bill.kind]

    @property
    def key(self) -> BillKey:
        """The bill that was made."""
        return BillKey(str(self.info["mdtrt_id"]), str(self.info["setl_id"]))

    @property
    def amounts(self) -> Amounts:
        """What it moved."""
        return amounts_of(self.info)


@dataclass(slots=True)
class Notebook:
    """All attempts of one institution."""

    attempts: list[Attempt] = field(default_factory=list)
    cancelled_by_bureau: dict[BillKey, str] = field(default_factory=dict)
    """The bureau told that it took these bills back, each with its cancellation's id."""

    def open(self) -> list[Attempt]:
        """Of which nobody knows yet, the first first."""
        return [one for one in self.attempts if one.known is Knowledge.OPEN]

    def done(self) -> Iterator[Attempt]:
        """What is done and was not reversed."""
        return (one for one in self.attempts if one.known is Knowledge.DONE)

    def living(self) -> dict[BillKey, Amounts]:
        """The bills that stand."""
        taken_back = {_cancelled(one) for one in self.done() if not one.settles}
        taken_back |= self.cancelled_by_bureau.keys()
        return {
            one.key: one.amounts for one in self.done() if one.settles and one.key not in taken_back
        }

    def rows(self) -> list["Row"]:
        """What the institution compares with the platform, a row a settlement or cancellation."""
        rows = [_row(one) for one in self.done()]
        today = business_date(datetime.now(UTC))
        for row in list(rows):
            mirror = self.cancelled_by_bureau.get(BillKey(row.visit, row.settlement))
            if mirror is not None and not row.refund:
                amounts = -row.amounts
                undone = replace(row, day=today, settlement=mirror, amounts=amounts, refund=True)
                rows.append(undone)
        return rows


@dataclass(frozen=True, slots=True)
class Row:
    """A settlement or cancellation as 3201 and 3202 have it."""

    scheme: str
    cleared_as: str
    settlement: str
    visit: str
    person: str
    day: date
    amounts: Amounts
    refund: bool


def _row(attempt: Attempt) -> Row:
    patient = attempt.paper.patient
    key = attempt.key if attempt.settles else _cancelled(attempt)
    return Row(
        scheme=patient.scheme,
        cleared_as=CLEARED_AS[attempt.paper.bill.kind],
        settlement=str(attempt.info["setl_id"]),
        visit=key.visit,
        person=patient.number,
        day=date.fromisoformat(str(attempt.info["setl_time"])[:10]),
        amounts=attempt.amounts,
        refund=not attempt.settles,
    )


def _cancelled(attempt: Attempt) -> BillKey:
    data = attempt.content["data"]
    return BillKey(data["mdtrt_id"], data["setl_id"])
