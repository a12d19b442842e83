"""Grant an application or give it back: the claim turns into what is payable, kept or deducted."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.clearing.desk import take_desk
from yibao.clearing.review import rules, store
from yibao.clearing.review.model import GivenBack, Review, ReviewApplication
from yibao.clearing.terms import retention_rate
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import Occasion, OccasionKind, Posting, advanced_account
from yibao.platform.commands.model import Unit
from yibao.settlement.clearing import service as applications
from yibao.settlement.clearing.model import Application, ApplicationState
from yibao.settlement.manual_claims import service as manual_claims
from yibao.settlement.manual_claims.model import PaidTwice
from yibao.settlement.reconciliation import service as reconciliation
from yibao.settlement.reconciliation.model import Booking

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = [
    "approve",
    "paid_on_paper",
    "paid_on_paper_of",
    "refusals_of",
    "refuse",
    "reviews",
    "withheld_of_year",
]

reviews = store.of_institution
"""An institution's reviews, of one month or all."""
refusals_of = store.refusals_of
"""Why applications of an institution were given back."""
withheld_of_year = store.withheld_of_year
"""What was kept back of a year's months."""


async def approve(unit: Unit, request: ReviewApplication) -> Review:
    """Grant an application (清算审核): the month is closed and what is granted becomes payable.

    What was deducted of a bill that is cancelled now is given back with it. Refused when the books
    have changed since, or when more is deducted or set off than there is.
    """
    await take_desk(unit)
    application = await applications.locked(unit, request.application)
    await applications.keep_months(unit, application.institution)
    figures = await applications.figures_of(
        unit.connection,
        application.institution,
        application.clearing_class,
        application.first_day,
        application.last_day,
    )
    rules.check_unchanged(application, figures)
    await _check_own_pool(unit, application)
    bills = await _bills(unit.connection, application)
    if any(deduction.settlement for deduction in request.deductions):
        rules.check_deductions(request.deductions, rules.claims(bills))
    undone = [bill.mirrors for bill in bills if bill.refund and bill.mirrors is not None]
    deducted = await store.deducted_of(unit.connection, application.institution, undone)
    request = replace(request, deductions=(*request.deductions, *rules.given_back(bills, deducted)))
    granted = rules.granted(
        request,
        figures,
        request.retention_rate or retention_rate(unit.pool, application.last_day),
        await outstanding_advance(unit, application.institution),
    )
    review = Review(
        application.key,
        application.institution,
        application.month,
        application.clearing_class,
        granted,
        request.reviewed_by,
        unit.now,
        unit.numbers.next(unit.now),
        request.deductions,
    )
    await store.insert(unit.connection, review)
    await applications.decide(unit, application, ApplicationState.APPROVED)
    entries = rules.entries(application.institution, granted)
    if entries:
        occasion = Occasion(OccasionKind.CLEARING, {"application": application.key.text()})
        await ledger.post(unit, [Posting(review.posting, unit.day, entries, occasion)])
    return review


async def refuse(unit: Unit, application: PoolKey, reason: str, clerk: str) -> GivenBack:
    """Give an application back (审核不通过): the institution may apply anew."""
    found = await applications.locked(unit, application)
    given_back = GivenBack(found.key, found.institution, reason, clerk, unit.now)
    await store.insert_refusal(unit.connection, given_back)
    await applications.decide(unit, found, ApplicationState.REFUSED)
    return given_back


async def paid_on_paper(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[PaidTwice]:
    """Bills of a span that a paper bill was paid for as well, and of which nothing was deducted."""
    found = await manual_claims.paid_twice(connection, institution, first_day, last_day)
    keys = [one.bill.settlement for one in found]
    deducted = await store.deducted_of(connection, institution, keys)
    return [one for one in found if deducted.get(one.bill.settlement, 0) <= 0]


async def paid_on_paper_of(connection: "Connection[Any]", review: Review) -> list[PaidTwice]:
    """Bills that a review granted although a paper bill was paid for them."""
    application = await applications.find(connection, review.application)
    assert application is not None, "an application is never deleted"
    found = await paid_on_paper(
        connection, application.institution, application.first_day, application.last_day
    )
    return [one for one in found if one.cleared_as == application.clearing_class]


async def outstanding_advance(unit: Unit, institution: str) -> Fen:
    """What an institution was paid ahead and has not given back; the desk is taken."""
    account = advanced_account(institution)
    return -(await inquiries.balances(unit.connection, unit.pool, [account], None))[account]


async def _check_own_pool(unit: Unit, application: Application) -> None:
    """Bills of other pools are cleared between the pools, which is not open yet."""
    own = await applications.figures_of(
        unit.connection,
        application.institution,
        application.clearing_class,
        application.first_day,
        application.last_day,
        unit.pool,
    )
    if own != application.figures:
        raise Refused(
            RefusalCode.AREA_DIFFERS, "申请含其他统筹区的结算，暂未开通异地清算", "application"
        )


async def _bills(connection: "Connection[Any]", application: Application) -> list[Booking]:
    bills = await reconciliation.bookings(
        connection, application.institution, application.first_day, application.last_day
    )
    return [bill for bill in bills if bill.clearing_class == application.clearing_class]
