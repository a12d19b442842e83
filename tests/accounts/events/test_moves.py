"""An account that moves takes along what its limits counted; what nobody takes in comes back."""

import pytest

from tests.accounts.builders import balance_of, let_pay, parts_of, unit
from tests.settlement.builders import EMPLOYEE, POOL, Town
from yibao.accounts.events import arrivals
from yibao.accounts.events import service as events
from yibao.accounts.events.model import Transfer
from yibao.accounts.family import store as uses
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit, owed_account, transit_account
from yibao.platform.commands.service import Commands

CHANGSHA = Pool("430100")


async def moved(town: Town, id_: str, away: tuple[Pool, str], to: tuple[Pool, str]) -> Transfer:
    """A whole move, out of one pool and into another."""
    sent = await sent_off(town, id_, away, to)
    async with unit(town, to[0]) as u:
        return await events.move_in(u, town.vault, away[0], sent, "转移")


async def sent_off(town: Town, id_: str, away: tuple[Pool, str], to: tuple[Pool, str]) -> Transfer:
    """A balance that has left."""
    async with unit(town, away[0]) as u:
        return await events.move_out(u, away[1], id_, *to, "转移")


async def declined(town: Town, sent: Transfer) -> None:
    """The pool that a balance was sent to declines it."""
    async with unit(town, sent.other_pool) as u:
        await events.decline(u, POOL, sent)


async def by_the_job(town: Town) -> int:
    """What the server does by itself; how much of it was done."""
    handlers = arrivals.handlers(town.vault)
    commands = Commands(town.database.writer, town.clock, NumberSource(220), handlers)
    return await arrivals.finish_all(commands, town.database)


async def used(town: Town, pool: Pool, link: int) -> int:
    """What a pool counts of a link this year."""
    async with town.database.reader(None) as connection:
        return (await uses.used(connection, pool, [link], 2026)).get(link, 0)


async def owner_here_and_there(town: Town, amount: int) -> tuple[str, str]:
    """One human with a number in two pools and an account in the first."""
    here, there = await town.insure_twice()
    async with unit(town) as u:
        await ledger.credit(u, [Credit(here, EMPLOYEE, 2026, "current", amount)])
    return here, there


async def test_a_year_s_limit_goes_on_where_the_account_goes_and_comes_back_with_it(
    town: Town,
) -> None:
    here, there = await owner_here_and_there(town, 20_000)
    child = await town.insure()
    link = await let_pay(town, here, child, year_limit="50")
    assert (await town.bill(child, "30")).family == 3_000
    await moved(town, "T1", (POOL, here), (CHANGSHA, there))
    assert (await used(town, POOL, link.number), await used(town, CHANGSHA, link.number)) == (
        0,
        3_000,
    )
    async with unit(town, CHANGSHA) as u:  # what a bill took over a hold there
        await uses.use(u.connection, u.pool, {(link.number, 2026): 500})
    await moved(town, "T2", (CHANGSHA, there), (POOL, here))
    assert (await town.bill(child, "30")).family == 1_500, "35 of 50 were used"
    assert await used(town, CHANGSHA, link.number) == 0
    assert await town.faults() == []


async def test_what_is_refunded_after_a_move_is_made_up_for_when_the_account_returns(
    town: Town,
) -> None:
    here, there = await owner_here_and_there(town, 20_000)
    child = await town.insure()
    link = await let_pay(town, here, child, year_limit="50")
    bill = await town.bill(child, "30")
    await moved(town, "T1", (POOL, here), (CHANGSHA, there))
    await town.do(town.cancellation(bill))
    await moved(town, "T2", (CHANGSHA, there), (POOL, here))
    assert await used(town, POOL, link.number) == 0
    assert (await town.bill(child, "90")).family == 5_000


async def test_a_balance_that_is_declined_comes_back_as_it_left(town: Town) -> None:
    here, there = await owner_here_and_there(town, 700)
    link = await let_pay(town, here, await town.insure(), year_limit="50")
    async with unit(town) as u:
        await uses.use(u.connection, u.pool, {(link.number, 2026): 300})
    sent = await sent_off(town, "T1", (POOL, here), (CHANGSHA, there))
    assert await used(town, POOL, link.number) == 0
    for _ in range(2):  # the second time finds the first
        await declined(town, sent)
    assert await by_the_job(town) == 1
    assert await by_the_job(town) == 0
    assert await parts_of(town, here) == {"2026:current": 700}
    assert await balance_of(town, transit_account("T1")) == 0
    assert await used(town, POOL, link.number) == 300
    assert (await town.bill(here, "5")).account == 500, "the account is open again"
    assert await town.faults() == []


async def test_a_balance_arrives_or_comes_back_never_both(town: Town) -> None:
    here, there = await owner_here_and_there(town, 700)
    sent = await sent_off(town, "T1", (POOL, here), (CHANGSHA, there))
    await declined(town, sent)
    async with unit(town, CHANGSHA) as u:
        with pytest.raises(Refused, match="已退回"):
            await events.move_in(u, town.vault, POOL, sent, "转移")
    await by_the_job(town)
    again = await sent_off(town, "T2", (POOL, here), (CHANGSHA, there))
    assert await by_the_job(town) == 1
    with pytest.raises(Refused, match="已转入") as refused:
        await declined(town, again)
    assert refused.value.refusal.code is RefusalCode.ACCOUNT_STATE
    assert await balance_of(town, f"account:{there}:2026:current") == 700
    assert await town.faults() == []


async def test_only_the_pool_a_balance_was_sent_to_declines_it(town: Town) -> None:
    here, there = await owner_here_and_there(town, 700)
    sent = await sent_off(town, "T1", (POOL, here), (CHANGSHA, there))
    async with unit(town) as u:
        with pytest.raises(Refused, match="430100"):
            await events.decline(u, POOL, sent)


async def test_a_balance_that_comes_back_to_an_account_closed_since_is_owed(town: Town) -> None:
    here, there = await owner_here_and_there(town, 700)
    sent = await sent_off(town, "T1", (POOL, here), (CHANGSHA, there))
    async with unit(town) as u:  # a second balance came and the account was closed for good
        other = Transfer("T0", there, POOL, here, (("2026:current", "current", 5),))
        await events.move_in(u, town.vault, CHANGSHA, other, "转移")
    async with unit(town) as u:
        await events.close(u, here, "出国定居", pay_out=True)
    await declined(town, sent)
    assert await by_the_job(town) == 1
    assert await balance_of(town, owed_account(here)) == 705


async def test_an_account_that_was_closed_takes_nothing_in(town: Town) -> None:
    here, there = await owner_here_and_there(town, 700)
    async with unit(town) as u:
        await events.close(u, here, "出国定居", pay_out=True)
    other = Transfer("T0", there, POOL, here, (("2026:current", "current", 5),))
    async with unit(town) as u:
        with pytest.raises(Refused, match="已注销"):
            await events.move_in(u, town.vault, CHANGSHA, other, "转移")
