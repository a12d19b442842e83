"""Totals of an institution by day or period, scheme and clearing class."""

from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.clearing.totals.model import Sums, TotalsRow
from yibao.policy.terms import Scheme
from yibao.settlement.clearing.model import clearing_class
from yibao.settlement.reconciliation import service as reconciliation

if TYPE_CHECKING:
    from asyncpg import Connection

_Place = tuple[date | None, Scheme, str]


async def totals(
    connection: "Connection[Any]",
    institution: str,
    first_day: date,
    last_day: date,
    *,
    daily: bool = False,
) -> list[TotalsRow]:
    """An institution's sums of a span; both days belong to it."""
    found: dict[_Place, Sums] = {}
    for row in await reconciliation.booked_daily(connection, institution, first_day, last_day):
        place = (row.day if daily else None, row.scheme, clearing_class(row.care_kind).value)
        sums = Sums(
            settled=0 if row.refund else row.count,
            cancelled=row.count if row.refund else 0,
            total=row.total,
            in_scope=row.in_scope,
            funds=row.funds,
            account=row.account,
            family=row.family,
            cash=row.cash,
            hospital_part=row.hospital_part,
        )
        found[place] = found.get(place, Sums()).plus(sums)
    return [TotalsRow(*place, sums) for place, sums in sorted(found.items(), key=_order)]


def _order(item: tuple[_Place, Sums]) -> tuple[date, str, str]:
    (day, scheme, cleared_as), _ = item
    return day or date.min, scheme, cleared_as
