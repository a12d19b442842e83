"""What happens to an account: nothing is lost, nothing is spent that may not be."""

from datetime import date

import pytest

from tests.accounts.builders import account, balance_of, let_pay, parts_of, unit, withdraw
from tests.settlement.builders import EMPLOYEE, POOL, Town
from yibao.accounts.events import service as events
from yibao.accounts.events.model import EventKind, Heir
from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import Reservation
from yibao.ledger.model import AccountState, Credit, owed_account, transit_account
from yibao.registry.family import service as links
from yibao.registry.people import service as people

CHANGSHA = Pool("430100")


async def state_of(town: Town, member: str) -> AccountState:
    """An account's state, the same on each part."""
    (state,) = {part.state for part in await account(town, member)}
    return state


async def died(town: Town, member: str) -> None:
    """The registry learns of a death."""
    async with unit(town) as u:
        found = await people.load_members(u.connection, town.vault, POOL, [member])
        human = found[member].identity.id
        await people.record_death(u.connection, human, date(2026, 7, 14), now=u.now)


async def test_a_frozen_account_is_released_as_it_was(town: Town) -> None:
    member = await town.insure(account="100")
    async with unit(town) as u:
        await events.freeze(u, member, "核查")
    assert (await town.bill(member, "30")).account == 0
    async with unit(town) as u:
        with pytest.raises(Refused, match="已冻结"):
            await events.freeze(u, member, "核查")
    async with unit(town) as u:
        await events.release(u, member, "核查完毕")
    assert (await town.bill(member, "30")).account == 3_000
    async with town.database.reader(None) as connection:
        told = await events.events(connection, POOL, member)
    assert [event.kind for event in told] == [EventKind.FROZEN, EventKind.RELEASED]


async def test_an_account_with_money_is_closed_only_when_it_is_paid_out(town: Town) -> None:
    member = await town.insure(account="100", carried="1")
    async with unit(town) as u:
        with pytest.raises(Refused, match=r"尚有余额 101\.00 元") as refused:
            await events.close(u, member, "参军")
    assert refused.value.refusal.code is RefusalCode.ACCOUNT_STATE
    async with unit(town) as u:
        assert await events.close(u, member, "参军", pay_out=True) == 10_100
    assert await balance_of(town, owed_account(member)) == 10_100
    assert await state_of(town, member) is AccountState.CLOSED
    assert (await town.bill(member, "30")).account == 0
    assert await town.faults() == []


async def test_nothing_leaves_an_account_while_a_hold_stands_on_it(town: Town) -> None:
    member = await town.insure(account="100")
    async with unit(town) as u:
        wanted = Reservation("H1", member, 100, ("2026:current",), "测试", u.now.replace(year=2027))
        await holds.reserve(u, wanted)
    async with unit(town) as u:
        with pytest.raises(Refused, match="预留"):
            await events.close(u, member, "参军", pay_out=True)


async def test_heirs_get_what_the_account_held_to_the_fen(town: Town) -> None:
    member = await town.insure(account="100", carried="0.01")
    widow, son = await town.insure(account="5"), await town.insure()
    heirs = [Heir(widow, 6_000), Heir(son, 4_001, into_account=False)]
    async with unit(town) as u:
        with pytest.raises(Refused, match="未登记死亡"):
            await events.inherit(u, town.vault, member, heirs, "继承")
    await died(town, member)
    async with unit(town) as u:
        with pytest.raises(Refused, match=r"100\.01 元"):
            await events.inherit(u, town.vault, member, heirs[:1], "继承")
    async with unit(town) as u:
        await events.inherit(u, town.vault, member, heirs, "继承")
    assert await parts_of(town, widow) == {"2025:carried": 6_000, "2026:current": 500}
    assert await balance_of(town, owed_account(son)) == 4_001
    assert await town.balance(member) == 0
    assert await town.faults() == []


async def test_a_refund_after_the_inheritance_is_owed(town: Town) -> None:
    parent = await town.insure(account="80")
    child = await town.insure()
    await let_pay(town, parent, child)
    bill = await town.bill(child, "80")
    await died(town, parent)
    async with unit(town) as u:
        await events.inherit(u, town.vault, parent, [], "继承")
    await town.do(town.cancellation(bill))
    assert await balance_of(town, owed_account(parent)) == 8_000
    assert await town.faults() == []


async def test_a_balance_moves_to_another_pool_once_and_the_links_with_it(town: Town) -> None:
    here, there = await town.insure_twice()
    child = await town.insure()
    async with unit(town) as u:
        await ledger.credit(u, [Credit(here, EMPLOYEE, 2026, "current", 700)])
    link = await let_pay(town, here, child)
    for _ in range(2):  # the second time finds the first
        async with unit(town) as u:
            sent = await events.move_out(u, here, "T1", CHANGSHA, there, "转移")
    assert await balance_of(town, transit_account("T1")) == 700
    async with town.database.reader(None) as connection:
        assert await events.under_way(connection) == [(POOL, sent)]
    for _ in range(2):
        async with unit(town, CHANGSHA) as u:
            await events.move_in(u, town.vault, POOL, sent, "转移")
    assert await balance_of(town, transit_account("T1")) == 0
    assert await balance_of(town, f"account:{there}:2026:current") == 700
    async with town.database.reader(None) as connection:
        assert await events.under_way(connection) == []
        found = await links.find(connection, link.number)
    assert found is not None
    assert (found.pool, found.member) == (CHANGSHA, there)
    visit = await town.open_visit(child)
    await town.charge(visit, "5")
    asked = await town.refused(town.settlement(visit, "5"))
    assert (asked.code, asked.facts["links"]) == (RefusalCode.HOLD_NEEDED, str(link.number)), (
        "what the account pays is held in its new pool first"
    )
    assert await town.faults() == []


async def test_a_transfer_s_number_is_not_used_twice(town: Town) -> None:
    first, other = await town.insure(account="1"), await town.insure(account="1")
    async with unit(town) as u:
        await events.move_out(u, first, "T1", CHANGSHA, "4301", "转移")
        with pytest.raises(Refused) as refused:
            await events.move_out(u, other, "T1", CHANGSHA, "4301", "转移")
    assert refused.value.refusal.code is RefusalCode.MESSAGE_REUSED


async def test_a_part_is_corrected_but_not_below_zero(town: Town) -> None:
    member = await town.insure(account="10")
    async with unit(town) as u:
        await events.correct(u, member, "2026:current", -1_000, "多划")
    async with unit(town) as u:
        with pytest.raises(Refused, match="不足更正"):
            await events.correct(u, member, "2026:current", -1, "多划")
    async with unit(town) as u:
        with pytest.raises(Refused, match="现有：2026:current"):
            await events.correct(u, member, "1999:current", 1, "少划")
    assert await town.balance(member) == 0
    assert await town.faults() == []


async def test_links_ask_for_consent_relation_and_an_open_account(town: Town) -> None:
    owner, child = await town.insure(account="10"), await town.insure()
    with pytest.raises(Refused) as refused:
        await let_pay(town, owner, child, consent_by_owner=False)
    assert refused.value.refusal.code is RefusalCode.CONSENT_MISSING
    with pytest.raises(Refused) as refused:
        await let_pay(town, owner, child, "neighbour")
    assert refused.value.refusal.code is RefusalCode.RELATION_NOT_ALLOWED
    with pytest.raises(Refused, match="本人"):
        await let_pay(town, owner, owner)
    link = await let_pay(town, owner, child)
    with pytest.raises(Refused) as refused:
        await let_pay(town, owner, child)
    assert refused.value.refusal.code is RefusalCode.LINK_EXISTS
    await withdraw(town, link)
    async with unit(town) as u:
        await events.freeze(u, owner, "核查")
    with pytest.raises(Refused) as refused:
        await let_pay(town, owner, child)
    assert refused.value.refusal.code is RefusalCode.ACCOUNT_STATE
