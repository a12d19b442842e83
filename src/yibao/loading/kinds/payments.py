"""Payments (缴费): premiums for a span of months."""

from collections.abc import Iterable, Sequence

from yibao.kernel.periods import Period, add_months
from yibao.loading import cells
from yibao.loading.cells import BadCell
from yibao.loading.kinds.enrolments import SCHEME
from yibao.loading.kinds.persons import take_back
from yibao.loading.model import Cells, Column, Desk, Fault, Kind, Made, Row
from yibao.policy.model import Law
from yibao.policy.terms import Scheme
from yibao.registry.premiums import bulk
from yibao.registry.premiums.bulk import Payment
from yibao.registry.premiums.model import Premium


def _read(values: Cells) -> Payment:
    first, last = values["from"], values["until"] or values["from"]
    if last < first:
        raise BadCell("止月早于起月", "the last month lies before the first", "until")
    period = Period(first, add_months(last, 1))
    premium = Premium(Scheme(values["scheme"]), period, values["paid_on"], values["amount"])
    return Payment("", premium, values["base"])


def _payments(rows: Sequence[Row]) -> list[Payment]:
    return [Payment(row.member, row.content.premium, row.content.base) for row in rows]


def _law_of(desk: Desk) -> bulk.LawOf:
    def law_of(division: str, scheme: Scheme) -> Law:
        return desk.reference.laws.law_on(division, scheme, desk.unit.day)

    return law_of


async def _check(desk: Desk, rows: Sequence[Row]) -> list[Fault]:
    found = await bulk.objections(
        desk.connection, desk.vault, desk.pool, _payments(rows), _law_of(desk)
    )
    columns = {"period": "from", "amount": "amount"}
    return [
        Fault(
            row.number,
            columns.get(refusal.field or "", "scheme"),
            refusal.message,
            "the months are paid already, or no law is at hand",
        )
        for row, refusal in zip(rows, found, strict=True)
        if refusal is not None
    ]


async def _write(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    await bulk.book(
        desk.connection, desk.vault, desk.pool, _payments(rows), _law_of(desk), now=desk.now
    )
    return [Made(row.member, row.content.premium.period) for row in rows]


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    premium: Premium = row.content.premium
    yield (row.pool, row.person or "", premium.scheme, premium.period.start.isoformat())


PAYMENTS = Kind(
    name="payments",
    title="缴费",
    about=(
        "A premium for a span of months. Where the law says so, entitlement follows from what was"
        " paid. A payment that was booked wrongly is taken back by a clerk."
    ),
    columns=(
        SCHEME,
        Column("from", "起始月", cells.MONTH, "2026-01"),
        Column("until", "终止月", cells.MONTH, "2026-04", required=False, note="empty: one month"),
        Column("paid_on", "到账日期", cells.DATE, "2026-04-28"),
        Column("amount", "金额", cells.YUAN, "1520.00"),
        Column(
            "base", "缴费基数", cells.YUAN, "4750.00", required=False, note="a month's",
        ),
    ),
    read=_read,
    check=_check,
    write=_write,
    alike=_alike,
    changes=False,
    take_back=take_back,
)  # fmt: skip
