"""The differences between every two books that tell of an institution's money."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from yibao.clearing.advances.service import advances
from yibao.clearing.differences import rules
from yibao.clearing.differences.model import Books, Difference
from yibao.clearing.payments.service import payments_of
from yibao.clearing.retention.service import assessments
from yibao.clearing.review.service import paid_on_paper, reviews
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import (
    advanced_account,
    deducted_account,
    payable_account,
    withheld_account,
)
from yibao.platform.crypto import Vault
from yibao.platform.files import service as files
from yibao.registry.institutions.model import Directory
from yibao.settlement.clearing import service as applications
from yibao.settlement.clearing.model import ApplicationState
from yibao.settlement.reconciliation import service as reconciliation
from yibao.settlement.reconciliation.model import (
    AnsweredLine,
    Booking,
    Result,
    Statement,
    StatementKind,
)

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Connection

__all__ = ["differences"]

_STANDING = (ApplicationState.APPLIED, ApplicationState.APPROVED)


async def differences(
    connection: "Connection[Any]",
    vault: Vault,
    directory: Directory,
    institution: str,
    first_day: date,
    last_day: date,
    now: "datetime",
    books: frozenset[Books] = frozenset(Books),
) -> list[Difference]:
    """Every difference of an institution's books in a span; both days belong to it.

    What the bank and the accounts differ in is told as of now. The reader must have the bureau's
    sight: a ledger has no institution.
    """
    pool = _home_pool(directory, institution)
    bookings = await reconciliation.bookings(connection, institution, first_day, last_day)
    today = business_date(now)
    found: list[Difference] = []
    if Books.LEDGER in books:
        found += await _of_ledger(connection, institution, first_day, last_day, bookings)
    if Books.FILE in books:
        found += await _of_files(
            connection, vault, directory, institution, first_day, last_day, bookings, now
        )
    if Books.CLEARING in books:
        found += await _of_clearing(connection, institution, first_day, last_day, bookings, today)
    if Books.ACCOUNTS in books:
        found += await of_accounts(connection, pool, institution, today)
    if Books.BANK in books:
        account = payable_account(institution)
        payable = (await inquiries.balances(connection, pool, [account], None))[account]
        payments = await payments_of(connection, institution)
        found += rules.compare_bank(payments, payable, institution, today)
    if Books.PAPER in books:
        doubted = await paid_on_paper(connection, institution, first_day, last_day)
        found += rules.paid_on_paper(doubted)
    return found


async def of_accounts(
    connection: "Connection[Any]", pool: Pool, institution: str, today: date
) -> list[Difference]:
    """Each of an institution's accounts against all that clearing did with it, ever.

    Reads every bill and entry of the institution: a question for a quiet hour.
    """
    acts = rules.Acts(
        await reconciliation.claimed_ever(connection, institution, pool, today),
        [review.granted for review in await reviews(connection, institution, None)],
        [advance.amount for advance in await advances(connection, institution)],
        await assessments(connection, institution),
        await payments_of(connection, institution),
    )
    names = {
        "payable": payable_account(institution),
        "withheld": withheld_account(institution),
        "advanced": advanced_account(institution),
        "deducted": deducted_account(institution),
    }
    held = await inquiries.balances(connection, pool, list(names.values()), None)
    claimed = await inquiries.claimed_balance(connection, pool, institution)
    known = {"claimed": claimed} | {purse: held[name] for purse, name in names.items()}
    return rules.compare_accounts(known, acts, institution)


async def _of_ledger(
    connection: "Connection[Any]",
    institution: str,
    first_day: date,
    last_day: date,
    bookings: list[Booking],
) -> list[Difference]:
    postings = await inquiries.institution_postings(
        connection, institution, first_day, last_day + timedelta(days=1)
    )
    booked = {booking.key for booking in bookings}
    keys = [PoolKey(one.pool, one.posting) for one in postings if one.kind is None]
    unbooked = [key for key in keys if key not in booked]
    originals = await reconciliation.originals(connection, institution, unbooked)
    return rules.compare_ledger(postings, bookings, originals)


async def _of_files(
    connection: "Connection[Any]",
    vault: Vault,
    directory: Directory,
    institution: str,
    first_day: date,
    last_day: date,
    bookings: list[Booking],
    now: "datetime",
) -> list[Difference]:
    statements = await reconciliation.statements(connection, institution, first_day, last_day)
    found: list[Difference] = []
    for statement in rules.standing_comparisons(statements):
        if statement.result is Result.EQUAL:
            continue
        answered = await _answer(connection, vault, statement, now)
        if answered is None:
            found.append(rules.totals_differ(statement))
            continue
        numbers = [line.settlement for line in answered if line.result is not Result.EQUAL]
        keys = [key for number in numbers if (key := parse_pool_key(number))]
        known = await reconciliation.lines_named(connection, directory, institution, keys)
        originals = await reconciliation.originals(connection, institution, keys)
        undone = [key.text() for key in originals if key.text() not in known]
        found += rules.compare_file(answered, known, undone, statement.span)
    return found + rules.not_compared(bookings, statements, business_date(now))


async def _answer(
    connection: "Connection[Any]", vault: Vault, statement: Statement, now: "datetime"
) -> list[AnsweredLine] | None:
    """The answer's rows; None where sums alone were compared, or the answer has expired."""
    if statement.kind is not StatementKind.LINES or statement.answer is None:
        return None
    try:
        facts = await files.find(connection, statement.answer.text(), now)
        content = await files.content_of(connection, vault, facts)
    except Refused:
        return None
    return reconciliation.read_answer(files.the_text_in(content))


async def _of_clearing(
    connection: "Connection[Any]",
    institution: str,
    first_day: date,
    last_day: date,
    bookings: list[Booking],
    today: date,
) -> list[Difference]:
    standing = [
        one
        for one in await applications.applications(connection, institution)
        if one.state in _STANDING and one.first_day <= last_day and one.last_day >= first_day
    ]
    found = []
    for one in standing:
        now = await applications.figures_of(
            connection, institution, one.clearing_class, one.first_day, one.last_day
        )
        differs = rules.compare_application(one, now)
        if differs is not None:
            found.append(differs)
    return found + rules.not_applied(bookings, standing, today)


def _home_pool(directory: Directory, institution: str) -> Pool:
    known = directory.institution(institution)
    if known is None:
        raise Refused(
            RefusalCode.INSTITUTION_UNKNOWN, f"医药机构{institution}不存在", "institution"
        )
    return known.home_pool
