"""Ways to be paid twice, or not at all, by clearing: each is refused or comes to the same fen."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from tests.bureau.builders import SECOND
from tests.bureau.meeting import every_book_is_right, unit, waiting
from tests.clearing.builders import Month, run_account
from tests.settlement.builders import POOL, TERTIARY, key_of
from yibao.bureau import service
from yibao.bureau.model import Proposal
from yibao.clearing import service as clearing
from yibao.clearing.differences import service as differences
from yibao.clearing.review.model import Granted
from yibao.kernel.identifiers import NumberSource, PoolKey
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Done, Outcome
from yibao.platform.commands.service import Commands
from yibao.settlement.clearing import service as applications
from yibao.settlement.clearing.model import ApplyForClearing, WithdrawApplication


@pytest.fixture
async def second(month: Month) -> AsyncIterator[Commands]:
    """The bureau's commands of another process."""
    town = month.town
    commands = Commands(
        town.database.writer, town.clock, NumberSource(200), service.handlers(month.bureau.office)
    )
    yield commands
    await commands.drain()


async def at_the_desk(
    month: Month, second: Commands, keys: list[PoolKey]
) -> tuple[list[Outcome], list[Proposal]]:
    """Two proposals approved by two processes that meet at the pool's desk."""
    async with unit(month.town) as held:
        await held.connection.execute(
            """INSERT INTO clearing.desk AS desk (pool, moves) VALUES ($1, 1)
               ON CONFLICT (pool) DO UPDATE SET moves = desk.moves + 1""",
            POOL,
        )
        one = asyncio.create_task(month.bureau.approve(keys[0]))
        two = asyncio.create_task(second.submit(service.approving(keys[1], SECOND)))
        await waiting(month.town, 2)
    outcomes = sorted(await asyncio.gather(one, two), key=lambda each: isinstance(each, Refusal))
    return outcomes, [await month.bureau.find(key) for key in keys]


async def proposed(month: Month, kind: str, **content: str) -> PoolKey:
    """A clerk's proposal in the pool."""
    return await month.bureau.propose(kind, pool=POOL, **content)


async def august_of(month: Month) -> Granted:
    """What is granted for August, with nothing kept back."""
    first, last = date(2026, 8, 1), date(2026, 8, 31)
    async with month.town.database.reader([TERTIARY]) as connection:
        ours = await applications.figures_of(connection, TERTIARY, "11", first, last)
    wanted = ApplyForClearing(
        TERTIARY, "11", None, "202608", first, last, ours.visits, ours.total, ours.in_scope,
        ours.funds, ours.account, ours.cash,
    )  # fmt: skip
    outcome = await month.send(wanted)
    assert isinstance(outcome, Done), outcome
    await month.review(outcome.result, retention_rate="0")
    async with month.town.database.reader(None) as connection:
        (review,) = await clearing.reviews(connection, TERTIARY, "202608")
    return review.granted


async def last_of_july(month: Month) -> None:
    """An hour before July ends."""
    month.town.clock.move(timedelta(days=16, hours=11))
    assert month.town.clock.now().isoformat() == "2026-07-31T15:00:00+00:00"


async def test_a_cleared_bill_is_not_reversed(month: Month) -> None:
    """A reversed bill leaves the books of its day: what was paid for it would never come back."""
    await last_of_july(month)
    bill = await month.bill("5000")
    month.town.clock.move(timedelta(hours=3))
    await month.review(await month.apply())
    refusal = await month.town.refused(month.town.reversal(bill))
    assert refusal.code is RefusalCode.BUREAU_ALONE
    cancelled = await month.bureau.carry_out("corrections.cancel", settlement=key_of(bill).text())
    assert cancelled["institution"] == TERTIARY
    await every_book_is_right(month.town)


async def test_a_cleared_cancellation_is_not_reversed(month: Month) -> None:
    await last_of_july(month)
    await month.bill("3000")
    bill = await month.bill("5000")
    mirror = await month.town.do(month.town.cancellation(bill))
    month.town.clock.move(timedelta(hours=3))
    await month.review(await month.apply())
    refusal = await month.town.refused(month.town.reversal(mirror, "2208"))
    assert refusal.code is RefusalCode.BUREAU_ALONE


async def test_a_bill_reversed_after_its_application_is_not_granted(month: Month) -> None:
    await last_of_july(month)
    bill = await month.bill("5000")
    await month.bill("3000")
    month.town.clock.move(timedelta(hours=3))
    application = await month.apply()
    await month.town.do(month.town.reversal(bill))
    with pytest.raises(Refused) as refused:
        await month.review(application)
    assert refused.value.refusal.code is RefusalCode.FIGURES_DIFFER


async def test_a_reversal_and_a_review_at_once_come_one_after_the_other(month: Month) -> None:
    await last_of_july(month)
    bill = await month.bill("5000")
    month.town.clock.move(timedelta(hours=3))
    application = await month.apply()
    key = await month.bureau.propose("clearing.review", application=application.key.text())
    async with unit(month.town) as held:
        await held.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('clearing ' || $1, 0))", TERTIARY
        )
        reversal = asyncio.create_task(month.town.send(month.town.reversal(bill)))
        await waiting(month.town, 1)
        review = asyncio.create_task(month.bureau.approve(key))
        await waiting(month.town, 2)
    assert isinstance(await reversal, Done)
    refused = await review
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.FIGURES_DIFFER
    assert (await month.balances())["payable"] == 0
    await every_book_is_right(month.town)


async def test_a_bill_cancelled_between_application_review_and_payment_is_paid_by_nobody(
    month: Month,
) -> None:
    bills = [await month.bill("5000") for _ in range(3)]
    month.end()
    application = await month.apply()
    await month.town.do(month.town.cancellation(bills[0]))  # booked in August
    await month.review(application, retention_rate="0")
    cancel = month.bureau.carry_out
    await cancel("corrections.cancel", settlement=key_of(bills[1]).text())
    await month.name_account()
    run = await month.pay()
    await cancel("corrections.cancel", settlement=key_of(bills[2]).text())
    await month.confirm(run)
    month.town.clock.move(timedelta(days=31))
    august = await august_of(month)
    assert august.claimed == -sum(bill.funds + bill.account for bill in bills)
    assert await month.balance(run_account(run)) == 0
    await every_book_is_right(month.town)


async def test_what_was_deducted_of_a_bill_comes_back_when_it_is_cancelled(month: Month) -> None:
    """Otherwise the hospital loses it twice: by the deduction and by the cancellation."""
    bill, kept = await month.bill("5000"), await month.bill("5000")
    month.end()
    rows = [{"amount": "30", "reason": "超限制范围", "settlement": key_of(bill).text()}]
    await month.review(await month.apply(), deductions=json.dumps(rows), retention_rate="0")
    await month.bureau.carry_out("corrections.cancel", settlement=key_of(bill).text())
    month.town.clock.move(timedelta(days=31))
    granted = await august_of(month)
    assert granted.deducted == -3_000
    held = await month.balances()
    assert held["deducted"] == 0
    assert held["payable"] == kept.funds + kept.account
    async with month.town.database.reader(None) as connection:
        found = await differences.of_accounts(
            connection, POOL, TERTIARY, month.town.clock.now().date()
        )
    assert found == []
    await every_book_is_right(month.town)


async def test_nothing_is_deducted_of_a_bill_that_is_cancelled_beside_it(month: Month) -> None:
    await month.bill("5000")
    bill = await month.bill("5000")
    await month.town.do(month.town.cancellation(bill))
    month.end()
    rows = [{"amount": "30", "reason": "超限制范围", "settlement": key_of(bill).text()}]
    with pytest.raises(Refused) as refused:
        await month.review(await month.apply(), deductions=json.dumps(rows))
    assert refused.value.refusal.code is RefusalCode.AMOUNT_EXCEEDS


async def test_two_reviews_of_one_application_grant_it_once(month: Month, second: Commands) -> None:
    await month.bill("5000")
    month.end()
    application = (await month.apply()).key.text()
    keys = [
        await month.bureau.propose("clearing.review", application=application) for _ in range(2)
    ]
    outcomes, _ = await at_the_desk(month, second, keys)
    assert [type(one) for one in outcomes] == [Done, Refusal]
    held = await month.balances()
    assert held["claimed"] == 0
    await every_book_is_right(month.town)


async def test_a_withdrawal_and_a_review_at_once_leave_one_of_them(month: Month) -> None:
    await month.bill("5000")
    month.end()
    application = await month.apply()
    key = await month.bureau.propose("clearing.review", application=application.key.text())
    async with unit(month.town) as held:
        await held.connection.execute(
            "SELECT FROM settlement.clearing_application WHERE number = $1 FOR UPDATE",
            application.key.number,
        )
        review = asyncio.create_task(month.bureau.approve(key))
        await waiting(month.town, 1)
        withdrawal = asyncio.create_task(month.send(WithdrawApplication(TERTIARY, application.key)))
        await waiting(month.town, 2)
    outcomes = [await review, await withdrawal]
    assert [type(one) for one in outcomes] == [Done, Refusal]
    assert isinstance(outcomes[1], Refusal)
    assert "已审核通过" in outcomes[1].message
    assert (await month.balances())["claimed"] == 0


async def test_two_runs_at_once_pay_once(month: Month, second: Commands) -> None:
    await month.granted("5000")
    due = (await month.balances())["payable"]
    await month.name_account()
    keys = [await proposed(month, "clearing.pay", bank="测试专户") for _ in range(2)]
    outcomes, _ = await at_the_desk(month, second, keys)
    assert [type(one) for one in outcomes] == [Done, Refusal]
    assert isinstance(outcomes[1], Refusal)
    assert outcomes[1].code is RefusalCode.NOTHING_TO_PAY
    assert (await month.balances())["payable"] == 0
    run = await month.run(outcomes[0].result["run"])  # type: ignore[union-attr]
    assert run.amount == due
    await every_book_is_right(month.town)


async def test_one_answer_of_the_bank_brought_by_two_clerks_is_booked_once(
    month: Month, second: Commands
) -> None:
    await month.granted("5000")
    due = (await month.balances())["payable"]
    await month.name_account()
    run = await month.pay()
    files = [
        clearing.confirmation_of(run, month.answers(run, rejected)).decode()
        for rejected in ({1: "账号户名不符"}, None)
    ]
    keys = [await proposed(month, "clearing.confirm", file=file) for file in files]
    outcomes, _ = await at_the_desk(month, second, keys)
    assert [type(one) for one in outcomes] == [Done, Refusal]
    held, paid = (await month.balances())["payable"], await month.balance("bank:测试专户")
    assert (held, paid) in {(due, 0), (0, due)}
    assert await month.balance(run_account(run)) == 0


async def test_an_advance_is_set_off_once(month: Month, second: Commands) -> None:
    await month.do("clearing.advance", institution=TERTIARY, amount="40")
    await month.bill("5000")
    await month.town.stayed(await month.town.insure(account="100"), "5000", TERTIARY)
    month.end()
    keys = []
    for cleared_as in ("11", "21"):
        application = await month.apply(cleared_as=cleared_as)
        keys.append(
            await month.bureau.propose(
                "clearing.review", application=application.key.text(), set_off="40"
            )
        )
    outcomes, _ = await at_the_desk(month, second, keys)
    assert [type(one) for one in outcomes] == [Done, Refusal]
    assert (await month.balances())["advanced"] == 0


async def test_a_years_retention_is_released_once(month: Month, second: Commands) -> None:
    await month.granted("5000", retention_rate="0.1")
    held = (await month.balances())["withheld"]
    content = {"institution": TERTIARY, "year": "2026", "forfeited": "0"}
    keys = [await proposed(month, "clearing.release_retention", **content) for _ in range(2)]
    before = (await month.balances())["payable"]
    outcomes, _ = await at_the_desk(month, second, keys)
    assert [type(one) for one in outcomes] == [Done, Refusal]
    after = await month.balances()
    assert (after["withheld"], after["payable"]) == (0, before + held)
    await every_book_is_right(month.town)
