"""What the server does about the archive by itself, and what it tells of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from yibao.kernel.periods import add_months, business_date
from yibao.platform import background
from yibao.platform.archive import rules
from yibao.platform.archive.service import Archive
from yibao.platform.archive.store import hot
from yibao.platform.clock import SystemClock
from yibao.platform.settings import Settings
from yibao.platform.vitals import Vital

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.platform.jobs import Errand

log = structlog.get_logger()


def put_away(archive: Archive, settings: Settings) -> "Errand":
    """Housekeeping: what is due leaves; a month that has to stay is told with its reasons.

    Here it is only looked whether anything is due. What leaves is written by ``yibao archive
    month`` in a process of its own: nobody who waits for an answer is to notice it.
    """

    async def done(now: datetime) -> int:
        due = await archive.due(now)
        if due.stays and due.next_month is not None:
            log.info(
                "archive_waits", month=f"{due.next_month:%Y-%m}", why="; ".join(map(str, due.stays))
            )
        if due.through is None:
            return 0
        log.info("archive_begins", through=f"{due.through:%Y-%m}")
        told = await background.run(
            *("yibao", "archive", "month", "--now", now.isoformat(), "--json"),
            environment=settings.environment(),
        )
        put: int = sum(month["rows"] for month in msgspec.json.decode(told)["months"])
        return put

    return done


def send_away(archive: Archive) -> "Errand":
    """Housekeeping: what came back and was not changed leaves again."""
    return archive.send_away


def vitals(settings: Settings) -> dict[str, Vital]:
    """What is measured for /metrics."""
    return {"yibao_archive_overdue_months": _overdue_months(settings.hot_months)}


def _overdue_months(hot_months: int) -> Vital:
    """Months that are old enough to be put away, by the machine's time, and were not."""

    async def measured(connection: "Connection[Any]") -> float:
        if not hot_months:
            return 0.0
        end = add_months(rules.month_of(business_date(SystemClock().now())), -hot_months)
        return float(await hot.filled_before(connection, rules.first_number(end)))

    return measured
