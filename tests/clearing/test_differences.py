"""Every difference between two books is found, with its cause and what to do."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.clearing.builders import FIRST_DAY, LAST_DAY, Month
from tests.settlement.builders import POOL, TERTIARY
from yibao.clearing.differences.model import Books, Cause, Difference
from yibao.clearing.differences.service import differences
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, MessageKey
from yibao.platform.commands.service import Commands
from yibao.platform.files import service as files
from yibao.settlement.reconciliation import service as reconciliation
from yibao.settlement.reconciliation.model import (
    CompareLines,
    CompareTotals,
    Figures,
    Span,
    StatementLine,
)

AUGUST = date(2026, 8, 31)


class Reconciler:
    """The hospital's side of reconciliation, and the list of what differs."""

    def __init__(self, month: Month) -> None:
        self.month = month
        self.commands = Commands(
            month.town.database.writer,
            month.town.clock,
            month.town.numbers,
            reconciliation.handlers(month.bureau.office.references, month.town.vault),
        )
        self.sent = 0

    async def listed(
        self, *books: Books, first: date = FIRST_DAY, last: date = LAST_DAY
    ) -> list[Difference]:
        """What differs between these books."""
        town = self.month.town
        async with town.database.reader(None) as connection:
            reference = await self.month.bureau.office.references.current(connection)
            return await differences(
                connection, town.vault, reference.directory, TERTIARY, first, last,
                town.clock.now(), frozenset(books or Books),
            )  # fmt: skip

    async def causes(self, *books: Books, **span: date) -> list[Cause]:
        """The causes alone."""
        return [one.cause for one in await self.listed(*books, **span)]

    async def compare(self, request: Any) -> Any:
        """Submit a comparison (3201 or 3202)."""
        self.sent += 1
        key = MessageKey(TERTIARY, "3202", f"r{self.sent}")
        pool: Any = "000000"
        outcome = await self.commands.submit(Command(pool, TERTIARY, key, b"", request))
        assert isinstance(outcome, Done), outcome
        return outcome.result

    async def send_lines(self, *bills: Any, changes: dict[str, int] | None = None) -> None:
        """The hospital's file of these bills; ``changes`` are added to a bill's funds."""
        lines = tuple(
            StatementLine(
                row, bill.key.text(), bill.visit.text(), bill.member, bill.sums.total,
                bill.funds + (changes or {}).get(bill.key.text(), 0), bill.account,
                bill.sums.total < 0,
            )
            for row, bill in enumerate(bills, 1)
        )  # fmt: skip
        span = Span(FIRST_DAY, LAST_DAY, POOL)
        await self.compare(CompareLines(TERTIARY, span, lines, "answer.zip"))


@pytest.fixture
async def books(month: Month) -> Reconciler:
    """Books to compare."""
    return Reconciler(month)


async def test_books_that_agree_have_no_difference(month: Month, books: Reconciler) -> None:
    await month.granted("5000", retention_rate="0.05")
    async with month.town.database.reader(None) as connection:
        rows = await reconciliation.booked(connection, TERTIARY, FIRST_DAY, LAST_DAY)
    ours = Figures(
        1, *(sum(getattr(row, name) for row in rows) for name in ("total", "funds", "account"))
    )
    await books.compare(CompareTotals(TERTIARY, Span(FIRST_DAY, LAST_DAY, POOL), ours))
    await month.name_account()
    await month.confirm(await month.pay())
    assert await books.listed() == []


# ------------------------------------------------------------------------------------------ ledger


async def test_an_entry_that_someone_changed_is_found(month: Month, books: Reconciler) -> None:
    bill = await month.bill("5000")
    for change, cause in (
        ("UPDATE ledger.entry SET amount = amount + 1 WHERE account LIKE '%:claimed'", "amount"),
        ("DELETE FROM ledger.entry WHERE account LIKE 'institution:%'", "missing-here"),
    ):
        async with month.town.database.owner() as connection:
            await connection.execute(change)
        (found,) = await books.listed(Books.LEDGER)
        assert found.cause.startswith(cause)
        assert found.subject == bill.key.text()
    async with month.town.database.owner() as connection:
        await connection.execute(
            """INSERT INTO ledger.entry (pool, posting, line, account, amount, posted_on)
               VALUES ($1, 5, 0, $2, 7, '2026-07-02')""",
            POOL, f"institution:{TERTIARY}:claimed",
        )  # fmt: skip
    assert Cause.MISSING_THERE in await books.causes(Books.LEDGER)


async def test_a_reversal_over_midnight_is_explained(month: Month, books: Reconciler) -> None:
    month.town.clock.move(timedelta(hours=11, minutes=30))
    bill = await month.bill("5000")
    month.town.clock.move(timedelta(hours=1))
    await month.town.do(month.town.reversal(bill))
    day, next_day = date(2026, 7, 15), date(2026, 7, 16)
    assert await books.causes(Books.LEDGER, first=day, last=day) == [Cause.REVERSED_OVER_MIDNIGHT]
    (other,) = await books.listed(Books.LEDGER, first=next_day, last=next_day)
    assert (other.cause, other.here) == (Cause.REVERSED_OVER_MIDNIGHT, -bill.sums.total)
    assert await books.causes(Books.LEDGER, first=day, last=next_day) == []


# ------------------------------------------------------------------------------------- their files


async def test_each_line_that_differs_has_its_cause(month: Month, books: Reconciler) -> None:
    town = month.town
    same, changed, cancelled, unsent = [await month.bill(str(5000 + n)) for n in range(4)]
    await town.do(town.cancellation(cancelled))
    month.end()
    late = await month.bill("6000")
    await books.send_lines(same, changed, cancelled, late, changes={changed.key.text(): 5})
    found = {one.subject: one for one in await books.listed(Books.FILE)}
    mirror = next(one for one in found.values() if one.cause is Cause.CANCELLED_AFTER_FILE)
    assert mirror.here is not None
    assert mirror.here < 0
    assert found[changed.key.text()].cause is Cause.AMOUNT_DIFFERS
    assert found[unsent.key.text()].cause is Cause.MISSING_THERE
    assert found[late.key.text()].cause is Cause.OTHER_DAY
    assert len(found) == 4
    assert all(one.repair for one in found.values())


async def test_what_nobody_here_knows_or_a_reversal_undid_is_told_apart(
    month: Month, books: Reconciler
) -> None:
    kept, undone = await month.bill("5000"), await month.bill("5001")
    await month.town.do(month.town.reversal(undone))
    month.end()
    await books.send_lines(kept, undone)
    (found,) = await books.listed(Books.FILE)
    assert (found.cause, found.subject) == (Cause.REVERSED, undone.key.text())


async def test_sums_alone_tell_one_difference_until_a_later_comparison_is_equal(
    month: Month, books: Reconciler
) -> None:
    bill = await month.bill("5000")
    assert await books.causes(Books.FILE) == [], "the day goes on"
    month.end()
    assert await books.causes(Books.FILE) == [Cause.NOT_COMPARED]
    span = Span(FIRST_DAY, LAST_DAY, POOL)
    wrong = Figures(1, bill.sums.total, bill.funds + 1, bill.account)
    await books.compare(CompareTotals(TERTIARY, span, wrong))
    (found,) = await books.listed(Books.FILE)
    assert (found.cause, found.here, found.there) == (
        Cause.AMOUNT_DIFFERS, bill.funds + bill.account, bill.funds + bill.account + 1,
    )  # fmt: skip
    right = Figures(1, bill.sums.total, bill.funds, bill.account)
    await books.compare(CompareTotals(TERTIARY, span, right))
    assert await books.causes(Books.FILE) == []


async def test_an_answer_that_has_expired_leaves_its_sums(month: Month, books: Reconciler) -> None:
    await month.bill("5000")
    month.end()
    await books.send_lines()
    assert await books.causes(Books.FILE) == [Cause.MISSING_THERE]
    month.town.clock.move(timedelta(days=40))
    async with month.town.database.owner() as connection:
        await files.remove_expired(connection, month.town.clock.now())
    assert await books.causes(Books.FILE) == [Cause.AMOUNT_DIFFERS]


# ------------------------------------------------------------------------------- clearing and bank


async def test_a_month_that_nobody_applied_for_is_told(month: Month, books: Reconciler) -> None:
    await month.bill("5000")
    assert await books.causes(Books.CLEARING) == [], "the month goes on"
    month.end()
    (found,) = await books.listed(Books.CLEARING)
    assert (found.cause, found.subject) == (Cause.NOT_APPLIED, "202607 11")
    await month.apply()
    assert await books.causes(Books.CLEARING) == []


async def test_money_waits_for_a_run_and_the_bank(month: Month, books: Reconciler) -> None:
    await month.granted("5000")
    assert await books.causes(Books.BANK) == [Cause.NOT_PAID]
    await month.name_account()
    run = await month.pay()
    assert await books.causes(Books.BANK) == [], "the bank has three days"
    month.town.clock.move(timedelta(days=4))
    assert await books.causes(Books.BANK) == [Cause.NOT_CONFIRMED]
    await month.confirm(run, {1: "户名不符"})
    assert await books.causes(Books.BANK) == [Cause.REJECTED]
    await month.confirm(await month.pay())
    assert await books.causes(Books.BANK) == []


async def test_an_account_that_clearing_does_not_explain_is_told(
    month: Month, books: Reconciler
) -> None:
    await month.granted("5000")
    assert await books.causes(Books.ACCOUNTS) == []
    async with month.town.database.owner() as connection:
        await connection.execute(
            "UPDATE ledger.entry SET amount = amount + 1 WHERE account LIKE '%:withheld'"
        )
    (found,) = await books.listed(Books.ACCOUNTS)
    assert found.subject == f"institution:{TERTIARY}:withheld"
    assert found.here is not None
    assert found.there == found.here - 1


async def test_an_unknown_institution_is_refused(month: Month) -> None:
    town = month.town
    async with town.database.reader(None) as connection:
        reference = await month.bureau.office.references.current(connection)
        with pytest.raises(Refused) as refused:
            await differences(
                connection, town.vault, reference.directory, "H0", AUGUST, AUGUST, town.clock.now()
            )
    assert refused.value.refusal.code is RefusalCode.INSTITUTION_UNKNOWN
