"""SQL of clearing applications."""

from datetime import datetime
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
               state, applied_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
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
        ),
        state=ApplicationState(row["state"]),
        applied_at=row["applied_at"],
        withdrawn_at=row["withdrawn_at"],
    )
