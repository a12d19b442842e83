"""SQL of what is compared, and of recorded comparisons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.policy.terms import Scheme
from yibao.settlement.clearing.model import clearing_class
from yibao.settlement.reconciliation.model import (
    Booking,
    Figures,
    OurLine,
    Result,
    Span,
    Statement,
    StatementKind,
)

if TYPE_CHECKING:
    from asyncpg import Connection, Record


@dataclass(frozen=True, slots=True)
class Booked:
    """Sums over settlements that are alike in what reconciliation and clearing tell apart."""

    scheme: Scheme
    care_kind: str
    care_division: str
    day: date
    refund: bool
    count: int
    total: Fen
    in_scope: Fen
    funds: Fen
    account: Fen
    cash: Fen
    family: Fen
    hospital_part: Fen


async def booked(
    connection: "Connection[Any]",
    institution: str,
    first_day: date,
    last_day: date,
    pool: Pool | None = None,
) -> list[Booked]:
    """An institution's settlements of a span, of one pool or over all, summed."""
    rows = await connection.fetch(
        """SELECT scheme, care_kind, care_division, day, kind = 'cancellation', count(*)::bigint,
                  sum(total)::bigint, sum(in_scope)::bigint, sum(funds)::bigint,
                  sum(account)::bigint, sum(cash)::bigint, sum(family)::bigint,
                  sum(hospital_part)::bigint
           FROM settlement.visible_booking
           WHERE institution = $1 AND settled_on >= $2 AND settled_on <= $3
             AND ($4::text IS NULL OR pool = $4)
           GROUP BY 1, 2, 3, 4, 5""",
        institution,
        first_day,
        last_day,
        pool,
    )
    return [Booked(*row) for row in rows]


async def booked_daily(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[Booked]:
    """An institution's settlements of a span over all pools, summed by the day of settling."""
    rows = await connection.fetch(
        """SELECT scheme, care_kind, '', settled_on, kind = 'cancellation', count(*)::bigint,
                  sum(total)::bigint, sum(in_scope)::bigint, sum(funds)::bigint,
                  sum(account)::bigint, sum(cash)::bigint, sum(family)::bigint,
                  sum(hospital_part)::bigint
           FROM settlement.visible_booking
           WHERE institution = $1 AND settled_on >= $2 AND settled_on <= $3
           GROUP BY 1, 2, 4, 5 ORDER BY 4, 1, 2""",
        institution,
        first_day,
        last_day,
    )
    return [Booked(*row) for row in rows]


async def originals(
    connection: "Connection[Any]", institution: str, keys: Sequence[PoolKey]
) -> dict[PoolKey, PoolKey]:
    """The bill that each of an institution's settlements is or mirrors, undone ones too."""
    rows = await connection.fetch(
        """SELECT pool, id, coalesce(mirrors, id) AS original FROM settlement.visible_settlement
           WHERE institution = $1
             AND (pool, id) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))""",
        institution,
        [key.pool for key in keys],
        [key.number for key in keys],
    )
    return {PoolKey(row["pool"], row["id"]): PoolKey(row["pool"], row["original"]) for row in rows}


async def bookings(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[Booking]:
    """An institution's settlements of a span over all pools, one by one, as clearing books them."""
    rows = await connection.fetch(
        _BOOKINGS,
        institution,
        first_day,
        last_day,
    )
    return [_booking(row) for row in rows]


async def bookings_by_key(
    connection: "Connection[Any]", institution: str, keys: Sequence[PoolKey]
) -> list[Booking]:
    """Those of an institution's settlements that have these keys."""
    rows = await connection.fetch(
        _BOOKINGS_BY_KEY,
        institution,
        [key.pool for key in keys],
        [key.number for key in keys],
    )
    return [_booking(row) for row in rows]


_BOOKING = """SELECT pool, id, kind, mirrors, member, settled_on, settled_at, scheme, care_kind,
                     total, in_scope, funds, account, family, cash, hospital_part
              FROM settlement.visible_booking """
_BOOKINGS = (
    _BOOKING + "WHERE institution = $1 AND settled_on >= $2 AND settled_on <= $3 ORDER BY id"
)
_BOOKINGS_BY_KEY = _BOOKING + (  # noqa: S608 - our own text
    "WHERE institution = $1 AND (pool, id) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))"
)


def _booking(row: "Record") -> Booking:
    pool, mirrors = row["pool"], row["mirrors"]
    return Booking(
        key=PoolKey(pool, row["id"]),
        mirrors=None if mirrors is None else PoolKey(pool, mirrors),
        refund=row["kind"] == "cancellation",
        member=row["member"],
        settled_on=row["settled_on"],
        settled_at=row["settled_at"],
        scheme=row["scheme"],
        clearing_class=clearing_class(row["care_kind"]),
        total=row["total"],
        in_scope=row["in_scope"],
        funds=row["funds"],
        account=row["account"],
        family=row["family"],
        cash=row["cash"],
        hospital_part=row["hospital_part"],
    )


OfficeOn = Callable[[date, str], str]
"""The bureau that pays for care of a day in a division (结算经办机构)."""

_LINE = """SELECT pool, id, kind, mirrors, visit, member, message_id, settled_on, scheme, care_kind,
                  care_division, day, total, funds, account
           FROM settlement.visible_booking """
_OF_SPAN = _LINE + "WHERE institution = $1 AND settled_on >= $2 AND settled_on <= $3 ORDER BY id"
_BY_KEY = _LINE + (  # noqa: S608 - our own text
    "WHERE institution = $1 AND (pool, id) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))"
)


async def lines(
    connection: "Connection[Any]",
    institution: str,
    first_day: date,
    last_day: date,
    office_on: OfficeOn,
) -> list[OurLine]:
    """An institution's settlements of a span, one by one."""
    rows = await connection.fetch(
        _OF_SPAN,
        institution,
        first_day,
        last_day,
    )
    return [_line(row, office_on) for row in rows]


async def lines_by_key(
    connection: "Connection[Any]",
    institution: str,
    keys: Sequence[PoolKey],
    office_on: OfficeOn,
) -> list[OurLine]:
    """Those of an institution's settlements that have these keys."""
    rows = await connection.fetch(
        _BY_KEY,
        institution,
        [key.pool for key in keys],
        [key.number for key in keys],
    )
    return [_line(row, office_on) for row in rows]


def _line(row: "Record", office_on: OfficeOn) -> OurLine:
    pool, mirrors = row["pool"], row["mirrors"]
    return OurLine(
        settlement=PoolKey(pool, row["id"]).text(),
        mirrors=None if mirrors is None else PoolKey(pool, mirrors).text(),
        visit=PoolKey(pool, row["visit"]).text(),
        member=row["member"],
        message_id=row["message_id"],
        settled_on=row["settled_on"],
        scheme=row["scheme"],
        clearing_class=clearing_class(row["care_kind"]),
        office=office_on(row["day"], row["care_division"]),
        refund=row["kind"] == "cancellation",
        total=row["total"],
        funds=row["funds"],
        account=row["account"],
    )


# ------------------------------------------------------------------------------------- statements


async def insert(connection: "Connection[Any]", statement: Statement) -> None:
    """Record a comparison."""
    span = statement.span
    await connection.execute(
        """INSERT INTO settlement.statement (pool, number, institution, kind, scheme,
               clearing_class, office, first_day, last_day, with_refunds, theirs, ours, result,
               description, answer, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
        *statement.key,
        statement.institution,
        statement.kind.value,
        span.scheme,
        span.clearing_class,
        span.office,
        span.first_day,
        span.last_day,
        span.with_refunds,
        statement.theirs,
        statement.ours,
        statement.result.value,
        statement.description,
        None if statement.answer is None else statement.answer.number,
        statement.recorded_at,
    )


async def find(connection: "Connection[Any]", key: PoolKey) -> Statement | None:
    """A recorded comparison, if the role sees it."""
    row = await connection.fetchrow(
        "SELECT * FROM settlement.visible_statement WHERE pool = $1 AND number = $2", *key
    )
    return None if row is None else _statement(row)


async def of_institution(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[Statement]:
    """An institution's comparisons that touch a span, oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_statement
           WHERE institution = $1 AND last_day >= $2 AND first_day <= $3 ORDER BY number""",
        institution,
        first_day,
        last_day,
    )
    return [_statement(row) for row in rows]


def _statement(row: "Record") -> Statement:
    return Statement(
        key=PoolKey(row["pool"], row["number"]),
        institution=row["institution"],
        kind=StatementKind(row["kind"]),
        span=Span(
            row["first_day"],
            row["last_day"],
            row["office"],
            row["scheme"],
            row["clearing_class"],
            row["with_refunds"],
        ),
        theirs=msgspec.convert(row["theirs"], Figures),
        ours=msgspec.convert(row["ours"], Figures),
        result=Result(row["result"]),
        description=row["description"],
        recorded_at=row["recorded_at"],
        answer=None if row["answer"] is None else PoolKey(row["pool"], row["answer"]),
    )


async def is_equal_on(
    connection: "Connection[Any]",
    institution: str,
    day: date,
    scheme: str | None,
    clearing_class: str | None,
) -> bool:
    """Whether a comparison that was made after the day had ended found it equal."""
    found: bool = await connection.fetchval(
        """SELECT EXISTS (
               SELECT FROM settlement.visible_statement
               WHERE institution = $1 AND first_day <= $2 AND last_day >= $2 AND result = $3
                 AND (recorded_at AT TIME ZONE 'Asia/Shanghai')::date > $2
                 AND ($4::text IS NULL OR scheme IS NULL OR scheme = $4)
                 AND ($5::text IS NULL OR clearing_class IS NULL OR clearing_class = $5))""",
        institution,
        day,
        Result.EQUAL.value,
        scheme,
        clearing_class,
    )
    return found
