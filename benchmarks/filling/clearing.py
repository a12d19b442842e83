"""What hospitals and bureaus have done about months that are over: applied for, and granted.

A month with bills that nobody cleared has to stay in the database, so it could not be put away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from yibao.clearing.review import service as review
from yibao.clearing.review.model import ReviewApplication
from yibao.kernel.areas import Pool
from yibao.platform.commands.model import Unit
from yibao.platform.database import Database
from yibao.platform.months.model import Month
from yibao.registry.institutions.model import Directory
from yibao.registry.service import ReferenceCache
from yibao.settlement.clearing import service as applications
from yibao.settlement.clearing.model import ApplyForClearing, ClearingClass

_BY_ITEM = "1"
"""The way to clear (清算方式): by item."""


async def clear(
    database: Database,
    references: ReferenceCache,
    pools: Sequence[Pool],
    months: Sequence[Month],
    now: datetime,
) -> int:
    """Clear whole months of each institution of some pools; how many applications were granted.

    They claim what the books say, and are granted all of it.
    """
    numbers = await database.numbers()
    granted = 0
    async with database.writer() as connection:
        directory = (await references.current(connection)).directory
        for pool in pools:
            for request in _requests(directory, pool, months):
                async with connection.transaction():
                    granted += await _cleared(Unit(pool, connection, now, numbers), request)
    return granted


def _requests(
    directory: Directory, pool: Pool, months: Sequence[Month]
) -> Iterator[ApplyForClearing]:
    """An application for each institution, month and class, its figures still open."""
    for institution in directory.institutions.values():
        if institution.home_pool != pool:
            continue
        for month in months:
            last = month.later().first_day - timedelta(days=1)
            for cleared_as in ClearingClass:
                yield ApplyForClearing(
                    institution.code, cleared_as, _BY_ITEM, f"{last:%Y%m}", month.first_day, last,
                    visits=None, total=0, in_scope=None, funds=None, account=0, cash=0,
                )  # fmt: skip


async def _cleared(unit: Unit, request: ApplyForClearing) -> bool:
    """Apply by the books' own figures and grant it; False where there is nothing to clear."""
    books = await applications.figures_of(
        unit.connection,
        request.institution,
        request.clearing_class,
        request.first_day,
        request.last_day,
    )
    if not books.visits:
        return False
    claim = replace(request, total=books.total, account=books.account, cash=books.cash)
    application = await applications.apply(unit, claim)
    await review.approve(unit, ReviewApplication(application.key, "filling"))
    return True
