"""Make the statement of an institution and a month from settlements, clearing and ledger."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.clearing.review.service import refusals_of, reviews
from yibao.clearing.statements.model import Cleared, Line, Purse, Statement
from yibao.clearing.totals.service import totals
from yibao.kernel.areas import Pool
from yibao.kernel.periods import add_months, business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.inquiries.model import Movement
from yibao.ledger.model import (
    advanced_account,
    deducted_account,
    payable_account,
    withheld_account,
)
from yibao.registry.institutions.model import Directory
from yibao.settlement.clearing import service as applications
from yibao.settlement.clearing.model import Application, ApplicationState

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = ["month_before", "statement"]

_MONTH = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])", re.ASCII)
_STANDING = (ApplicationState.APPLIED, ApplicationState.APPROVED)
_WORDS = {
    "application": "word_review",
    "advance": "word_advance",
    "assessment": "word_assessment",
}
_PURSES = {
    "payable": payable_account,
    "withheld": withheld_account,
    "advanced": advanced_account,
    "deducted": deducted_account,
}


async def statement(
    connection: "Connection[Any]", directory: Directory, institution: str, month: str, now: datetime
) -> Statement:
    """What an institution is told of a month (``yyyy-MM``). Refused when either is unknown.

    The span is that of the month's applications; without any it is the calendar month.
    """
    known = directory.institution(institution)
    if known is None:
        raise Refused(
            RefusalCode.INSTITUTION_UNKNOWN, f"医药机构{institution}不存在", "institution"
        )
    matched = _MONTH.fullmatch(month)
    if matched is None:
        raise Refused(RefusalCode.SPAN_NOT_ALLOWED, f"月份“{month}”应为yyyy-MM", "month")
    applied = await applications.applications(connection, institution, "".join(matched.groups()))
    first_day, last_day = _span(date(int(matched[1]), int(matched[2]), 1), applied)
    term = known.term_on(last_day) or known.terms[-1]
    postings = await inquiries.institution_postings(
        connection, institution, first_day, last_day + timedelta(days=1)
    )
    of_bills = [posting for posting in postings if posting.kind is None]
    return Statement(
        institution=institution,
        name=term.name,
        bureau=directory.pools.get(known.home_pool, known.home_pool),
        month="-".join(matched.groups()),
        first_day=first_day,
        last_day=last_day,
        days=await totals(connection, institution, first_day, last_day, daily=True),
        totals=await totals(connection, institution, first_day, last_day),
        ledger_claimed=sum(posting.claimed for posting in of_bills),
        ledger_collected=sum(posting.collected for posting in of_bills),
        cleared=await _cleared(connection, institution, applied),
        purses=await _purses(connection, known.home_pool, institution, first_day, last_day),
        made_at=now,
    )


def month_before(now: datetime) -> str:
    """The month that is told when none is named: the last one that is over."""
    return f"{add_months(business_date(now).replace(day=1), -1):%Y-%m}"


def _span(first: date, applied: list[Application]) -> tuple[date, date]:
    standing = [one for one in applied if one.state in _STANDING]
    if not standing:
        return first, add_months(first, 1) - timedelta(days=1)
    return min(one.first_day for one in standing), max(one.last_day for one in standing)


async def _cleared(
    connection: "Connection[Any]", institution: str, applied: list[Application]
) -> list[Cleared]:
    told = [one for one in applied if one.state is not ApplicationState.WITHDRAWN]
    granted = {one.application: one for one in await reviews(connection, institution, None)}
    back = await refusals_of(connection, institution, [one.key for one in told])
    return [Cleared(one, granted.get(one.key), back.get(one.key)) for one in told]


async def _purses(
    connection: "Connection[Any]", pool: Pool, institution: str, first_day: date, last_day: date
) -> list[Purse]:
    accounts = {make(institution): name for name, make in _PURSES.items()}
    names = list(accounts)
    opening = await inquiries.balances(connection, pool, names, first_day)
    now = await inquiries.balances(connection, pool, names, None)
    lines: dict[str, list[Line]] = {account: [] for account in names}
    for movement in await inquiries.movements(
        connection, pool, names, first_day, last_day + timedelta(days=1)
    ):
        lines[movement.account].append(_line(movement))
    return [
        Purse(name, opening[account], tuple(lines[account]), now[account])
        for account, name in accounts.items()
    ]


def _line(movement: Movement) -> Line:
    word, reference = _told_by(movement.reference)
    return Line(movement.day, word, reference, movement.amount)


def _told_by(reference: Mapping[str, Any]) -> tuple[str, str]:
    """The word for what a posting was made for, and the number to find it by."""
    for name, word in _WORDS.items():
        if name in reference:
            return word, str(reference[name])
    if "run" in reference:
        return "word_returned" if "confirmed" in reference else "word_payment", reference["run"]
    return "word_other", ""
