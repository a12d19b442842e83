"""A relative's premium given back: to the exact parts, once, with premium and entitlement."""

from datetime import timedelta

import pytest

from tests.accounts.builders import balance_of, parts_of, unit, withdraw
from tests.accounts.family.test_premiums import linked, pay
from tests.settlement.builders import POOL, RESIDENT, Town, laws_of_beijing
from yibao.accounts.events import service as events
from yibao.accounts.family import service as family
from yibao.accounts.family.premium_refunds import give_back_premium
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.model import owed_account
from yibao.registry.premiums import service as premiums


async def give_back(town: Town, posting: int) -> tuple[tuple[str, Fen], ...]:
    """Give a premium back, as a clerk does."""
    key = PoolKey(POOL, posting)
    async with unit(town) as u:
        return await give_back_premium(u, town.vault, laws_of_beijing(), key, "测试")


async def test_the_exact_parts_get_back_what_they_paid_after_withdrawal_too(town: Town) -> None:
    owner, child, link = await linked(town, year_limit="390")
    before = await parts_of(town, owner)
    paid = await pay(town, link, child, "380")
    await withdraw(town, link)
    town.clock.set(town.clock.now() + timedelta(minutes=1))
    await give_back(town, paid.posting)
    assert await parts_of(town, owner) == before
    assert await balance_of(town, "contributions:390") == 0
    async with town.database.reader(None) as connection:
        assert await premiums.premiums(connection, POOL, child, RESIDENT) == []
        assert await family.used(connection, POOL, [link.number], 2026) == {link.number: 0}
    assert await town.faults() == []


async def test_a_premium_goes_back_once(town: Town) -> None:
    owner, child, link = await linked(town)
    paid = await pay(town, link, child, "380")
    town.clock.set(town.clock.now() + timedelta(minutes=1))
    await give_back(town, paid.posting)
    with pytest.raises(Refused, match="已退还") as refused:
        await give_back(town, paid.posting)
    assert refused.value.refusal.code is RefusalCode.FIELD_INVALID
    assert await town.balance(owner) == 40_000


async def test_another_posting_is_no_premium(town: Town) -> None:
    _, child, link = await linked(town)
    bill = await town.bill(child, "20", scheme=RESIDENT)
    assert link
    assert bill.key is not None
    with pytest.raises(Refused, match="没有编号"):
        await give_back(town, bill.key.number)


async def test_what_would_go_to_a_closed_account_is_owed_to_its_owner(town: Town) -> None:
    owner, child, link = await linked(town)
    paid = await pay(town, link, child, "400")
    async with unit(town) as u:
        await events.close(u, owner, "测试")
    town.clock.set(town.clock.now() + timedelta(minutes=1))
    assert await give_back(town, paid.posting) == ((owed_account(owner), 40_000),)
    assert await town.balance(owner) == 0
    assert await town.faults() == []
