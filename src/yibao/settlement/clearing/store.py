"""SQL of clearing applications."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.settlement.clearing.model import Application, ApplicationState, ClaimedFigures

if TYPE_CHECKING:
    from asyncpg import Connection, Record


async def insert(connection: "Connection[Any]", application: Application) -> None:
    """Write a new application."""
    figures = application.figures
    await connection.execute(
        """INSERT INTO settlement.clearing_application (pool, number, institution, clearing_class,
               way, month, first_day, last_day, visits, total, in_scope, funds, account, cash,
               family, state, applied_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""",
        *application.key,
        application.institution,
        application.clearing_class,
        application.way,
        application.month,
        application.first_day,
        application.last_day,
        figures.visits,
        figures.total,
        figures.in_scope,
        figures.funds,
        figures.account,
        figures.cash,
        figures.family,
        application.state.value,
        application.applied_at,
    )


async def standing(
    connection: "Connection[Any]", pool: Pool, institution: str, clearing_class: str, month: str
) -> Application | None:
    """The application of a month that is neither withdrawn nor refused."""
    row = await connection.fetchrow(
        """SELECT * FROM settlement.visible_clearing_application
           WHERE pool = $1 AND institution = $2 AND clearing_class = $3 AND month = $4
             AND state IN ('applied', 'approved')""",
        pool,
        institution,
        clearing_class,
        month,
    )
    return None if row is None else _application(row)


async def meeting(
    connection: "Connection[Any]",
    institution: str,
    clearing_class: str,
    first_day: date,
    last_day: date,
) -> Application | None:
    """An application, neither withdrawn nor refused, that shares a day with a span."""
    row = await connection.fetchrow(
        """SELECT * FROM settlement.visible_clearing_application
           WHERE institution = $1 AND clearing_class = $2 AND first_day <= $4 AND last_day >= $3
             AND state IN ('applied', 'approved') ORDER BY number LIMIT 1""",
        institution,
        clearing_class,
        first_day,
        last_day,
    )
    return None if row is None else _application(row)


async def lock_institution(connection: "Connection[Any]", institution: str) -> None:
    """Let nobody else apply for an institution until this transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('clearing ' || $1, 0))", institution
    )


async def lock(connection: "Connection[Any]", key: PoolKey) -> Application | None:
    """An application, held until this transaction ends; a writer's alone."""
    row = await connection.fetchrow(
        """SELECT * FROM settlement.clearing_application
           WHERE pool = $1 AND number = $2 FOR UPDATE""",
        *key,
    )
    return None if row is None else _application(row)


async def find(connection: "Connection[Any]", key: PoolKey) -> Application | None:
    """An application, if the role sees it."""
    row = await connection.fetchrow(
        "SELECT * FROM settlement.visible_clearing_application WHERE pool = $1 AND number = $2",
        *key,
    )
    return None if row is None else _application(row)


async def of_institution(
    connection: "Connection[Any]", institution: str, month: str | None = None
) -> list[Application]:
    """An institution's applications, of one month or all, oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_clearing_application
           WHERE institution = $1 AND ($2::text IS NULL OR month = $2) ORDER BY number""",
        institution,
        month,
    )
    return [_application(row) for row in rows]


async def withdraw(connection: "Connection[Any]", key: PoolKey, now: datetime) -> bool:
    """Withdraw an application that is not decided; whether it was there to be withdrawn."""
    status = await connection.execute(
        """UPDATE settlement.clearing_application SET state = 'withdrawn', withdrawn_at = $3
           WHERE pool = $1 AND number = $2 AND state = 'applied'""",
        *key,
        now,
    )
    return status == "UPDATE 1"


async def decide(connection: "Connection[Any]", key: PoolKey, state: ApplicationState) -> None:
    """Write what a review came to; the application is locked."""
    status = await connection.execute(
        """UPDATE settlement.clearing_application SET state = $3
           WHERE pool = $1 AND number = $2 AND state = 'applied'""",
        *key,
        state.value,
    )
    assert status == "UPDATE 1", status


async def of_month(
    connection: "Connection[Any]", pool: Pool | None, month: str | None
) -> list[Application]:
    """Applications of a pool or all, of a month or all, oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_clearing_application
           WHERE ($1::text IS NULL OR pool = $1) AND ($2::text IS NULL OR month = $2)
           ORDER BY number""",
        pool,
        month,
    )
    return [_application(row) for row in rows]


async def is_cleared(
    connection: "Connection[Any]", institution: str, day: date, clearing_class: str | None
) -> bool:
    """Whether an approved application holds a day."""
    found: bool = await connection.fetchval(
        """SELECT EXISTS (
               SELECT FROM settlement.visible_clearing_application
               WHERE institution = $1 AND first_day <= $2 AND last_day >= $2
                 AND state = 'approved' AND ($3::text IS NULL OR clearing_class = $3))""",
        institution,
        day,
        clearing_class,
    )
    return found


def _application(row: "Record") -> Application:
    return Application(
        key=PoolKey(row["pool"], row["number"]),
        institution=row["institution"],
        clearing_class=row["clearing_class"],
        way=row["way"],
        month=row["month"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        figures=ClaimedFigures(
            row["visits"],
            row["total"],
            row["in_scope"],
            row["funds"],
            row["account"],
            row["cash"],
            row["family"],
        ),
        state=ApplicationState(row["state"]),
        applied_at=row["applied_at"],
        withdrawn_at=row["withdrawn_at"],
    )
